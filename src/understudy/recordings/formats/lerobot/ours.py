"""`meta/understudy.parquet`: what a recording says that the format has no place for, a row for each episode.

LeRobot itself never opens it; a data set without it, or edited since, is read without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from understudy.errors import RecordingError
from understudy.recordings.formats.guards import decode_picture, inside
from understudy.recordings.formats.lerobot.info import is_safe_name
from understudy.recordings.formats.protocol import Loss
from understudy.recordings.layout import Column, encode_png, sensor_column
from understudy.recordings.provenance import Provenance
from understudy.recordings.reader import Episode
from understudy.spec import BehaviorSpec

KEPT = "meta/understudy.parquet"
_FINAL = "final."
_TEXTS = ("game", "build", "map", "player", "source", "started", "recorder_version")
_EPISODES_AT_ONCE = 64


@dataclass(frozen=True)
class Kept:
    """What was kept of a recording: its name, provenance, and what was seen after the last action."""

    name: str = ""
    provenance: Provenance | None = None
    final_observation: Mapping[str, np.ndarray] | None = field(default=None)


def kept_schema(behavior: BehaviorSpec) -> pa.Schema:
    """The columns: `final.<sensor>` is a PNG for pictures, else the array's bytes, little-endian."""
    fields = [pa.field("episode_index", pa.int64()), pa.field("length", pa.int64())]
    fields += [pa.field("name", pa.string()), pa.field("provenance", pa.string())]
    return pa.schema([*fields, *(pa.field(f"{_FINAL}{name}", pa.binary()) for name in behavior.sensor_names)])


def kept_row(index: int, episode: Episode) -> dict[str, Any]:
    """The row of an episode."""
    final = episode.final_observation()
    row: dict[str, Any] = {"episode_index": index, "length": episode.num_steps, "name": episode.name}
    row["provenance"] = episode.provenance.to_json()
    for each in episode.behavior.sensors:
        value = None if final is None else np.asarray(final[each.name])
        if value is not None:
            column = sensor_column(each)
            row[f"{_FINAL}{each.name}"] = encode_png(value) if column.picture else _little(column, value).tobytes()
    return row


class KeptRows:
    """Reads the rows in the order of the episodes; empty where there is no such file.

    Args:
        root: Of the data set.
        behavior: Of its recordings.
        salvage: Do without a file that is damaged, instead of raising `RecordingError`.

    Attributes:
        losses: The damage, once it was met.
    """

    def __init__(self, root: Path, behavior: BehaviorSpec, *, salvage: bool) -> None:
        self.losses: list[Loss] = []
        self._columns = {each.name: sensor_column(each) for each in behavior.sensors}
        self._rows = self._read(inside(root, KEPT), salvage)
        self._next = next(self._rows, None)

    def find(self, index: int, length: int) -> Kept:
        """What was kept of an episode: nothing, if it has another length than when it was exported."""
        while self._next is not None and _index(self._next) < index:
            self._next = next(self._rows, None)
        row = self._next
        if row is None or (_index(row), row.get("length")) != (index, length):
            return Kept()
        name = row.get("name")
        return Kept(str(name) if is_safe_name(name) else "", _provenance(row.get("provenance")), self._final(row))

    def _read(self, path: Path, salvage: bool) -> Iterator[dict[str, Any]]:
        try:
            for batch in pq.ParquetFile(path).iter_batches(_EPISODES_AT_ONCE):
                yield from batch.to_pylist()
        except FileNotFoundError:
            return
        except (pa.ArrowException, OSError, ValueError) as error:
            what = "it is damaged, so names, players and last observations are not those of the recordings exported"
            if not salvage:
                raise RecordingError(f"{path}: {what}; restore it, or remove it.") from error
            self.losses.append(Loss(str(path), what))

    def _final(self, row: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
        try:
            return {name: _decode(column, row[f"{_FINAL}{name}"]) for name, column in self._columns.items()}
        except (KeyError, TypeError, ValueError, RecordingError):
            return None


def _index(row: Mapping[str, Any]) -> int:
    value = row.get("episode_index")
    return value if isinstance(value, int) else -1


def _little(column: Column, value: np.ndarray) -> np.ndarray:
    return value.astype(column.dtype.newbyteorder("<"))


def _decode(column: Column, data: bytes) -> np.ndarray:
    if column.picture:
        value = decode_picture(data, "the last picture")
    else:
        value = np.frombuffer(data, column.dtype.newbyteorder("<")).astype(column.dtype)
    value = value.reshape(column.shape)
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ValueError("not finite")
    return value


def _provenance(text: Any) -> Provenance | None:
    try:
        found = Provenance.from_dict(json.loads(text))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    texts = all(isinstance(getattr(found, name), str) for name in _TEXTS)
    seed = found.seed is None or isinstance(found.seed, int)
    return found if texts and seed and isinstance(found.notes, Mapping) else None
