"""How far the numbers of an action reach: read off the data, for what a data set says of itself can be stale."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from understudy.errors import RecordingError
from understudy.recordings.formats.guards import inside
from understudy.recordings.formats.lerobot.info import Info
from understudy.recordings.formats.lerobot.mapping import action_features
from understudy.recordings.formats.lerobot.steps import numbers

_ROWS_AT_ONCE = 8192
_LARGEST = float(np.finfo(np.float32).max)


def action_bounds(
    info: Info, low: float | None = None, high: float | None = None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By action feature, the least and greatest of each number, float64, shape (numbers,).

    A file that cannot be read, or a number that is not finite, is told where its steps are read, not here. Nothing is
    read where the data set holds our own behaviour, which has the ranges.

    Args:
        info: What the data set says of itself.
        low: For every number that is not whole, instead of the least in the data.
        high: Likewise, instead of the greatest.

    Raises:
        RecordingError: If `low` is not below `high`.
    """
    if low is not None and high is not None and not -_LARGEST <= low < high <= _LARGEST:
        raise RecordingError(f"The settings say that actions reach from {low:g} to {high:g}; low must be below high.")
    bounds: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    features = action_features(info) if info.behavior is None else {}
    for file in sorted(info.root.glob("data/*/*.parquet")) if features else ():
        try:
            inside(info.root, str(file.relative_to(info.root)))
            for batch in pq.ParquetFile(file).iter_batches(_ROWS_AT_ONCE, columns=list(features)):
                for key, feature in features.items():
                    _widen(bounds, key, numbers(batch, feature, np.dtype(np.float64)).reshape(len(batch), -1))
        except (pa.ArrowException, OSError, ValueError, RecordingError):
            continue
    for key in [key for key in bounds if info.features[key].dtype.startswith("float")]:
        ends = zip((low, high), bounds[key], strict=True)
        least, greatest = (found if given is None else np.full_like(found, given) for given, found in ends)
        bounds[key] = (least, np.maximum(least, greatest))
    return bounds


def _widen(bounds: dict[str, tuple[np.ndarray, np.ndarray]], key: str, rows: np.ndarray) -> None:
    rows = np.clip(rows[np.isfinite(rows).all(axis=1)], -_LARGEST, _LARGEST)
    if len(rows):
        low, high = rows.min(axis=0), rows.max(axis=0)
        if key in bounds:
            low, high = np.minimum(low, bounds[key][0]), np.maximum(high, bounds[key][1])
        bounds[key] = (low, high)
