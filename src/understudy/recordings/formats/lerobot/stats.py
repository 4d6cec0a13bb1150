"""What LeRobot's policies are normalised by: least, greatest, mean, spread and quantiles of each number."""

from __future__ import annotations

from typing import Any

import numpy as np

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
_SAMPLES = 1024  # rows an episode that the quantiles are taken of
_PICTURES = 100  # pictures an episode, as LeRobot takes

Stats = dict[str, list[Any]]


class NumberStats:
    """Statistics of the rows of one episode, given block by block; quantiles are those of evenly spread rows.

    Args:
        num_rows: How many rows will come.
    """

    def __init__(self, num_rows: int) -> None:
        self._every = max(1, num_rows // _SAMPLES)
        self._count = 0
        self._sample: list[np.ndarray] = []
        self._sums: list[np.ndarray] = []

    def update(self, rows: np.ndarray) -> None:
        """Add rows of shape (n, numbers); those that hold a NaN (an unknown reward) are left out."""
        rows = rows.astype(np.float64)
        known = rows[~np.isnan(rows).any(axis=1)]
        self._sample.append(rows[-self._count % self._every :: self._every])
        self._count += len(rows)
        if len(known):
            parts = (known.min(axis=0), known.max(axis=0), known.sum(axis=0), (known**2).sum(axis=0))
            self._sums.append(np.stack([*parts, np.full(known.shape[1], len(known))]))

    def result(self) -> Stats | None:
        """The statistics, a list of numbers each; None if every row held a NaN."""
        if not self._sums:
            return None
        low, high, total, squares, count = np.stack(self._sums, axis=1)
        number = count.sum(axis=0)[0]
        mean = total.sum(axis=0) / number
        spread = np.sqrt(np.maximum(squares.sum(axis=0) / number - mean**2, 0))
        sample = np.concatenate(self._sample)
        sample = sample[~np.isnan(sample).any(axis=1)]
        quantiles = np.quantile(sample, list(QUANTILES.values()), axis=0) if len(sample) else np.stack([mean] * 5)
        found = {"min": low.min(axis=0), "max": high.max(axis=0), "mean": mean, "std": spread}
        found |= dict(zip(QUANTILES, quantiles, strict=True))
        return {**{name: values.tolist() for name, values in found.items()}, "count": [int(number)]}


class PictureStats:
    """Statistics of each channel of an episode's pictures, in [0, 1], from some of them.

    Args:
        num_rows: How many pictures will come.
    """

    def __init__(self, num_rows: int) -> None:
        self._every = max(1, num_rows // _PICTURES)
        self._count = self._used = 0
        self._counts: np.ndarray | None = None

    def update(self, frames: np.ndarray) -> None:
        """Add pictures, uint8, shape (n, height, width, channels)."""
        chosen = frames[-self._count % self._every :: self._every]
        self._count += len(frames)
        self._used += len(chosen)
        found = np.stack([np.bincount(chosen[..., at].reshape(-1), minlength=256) for at in range(frames.shape[3])])
        self._counts = found if self._counts is None else self._counts + found

    def result(self) -> Stats | None:
        """The statistics, shape (channels, 1, 1) each, from the exact count of each of the 256 values."""
        if self._counts is None:
            return None
        values, shares = np.arange(256) / 255, self._counts / self._counts.sum(axis=1, keepdims=True)
        mean = shares @ values
        below = np.cumsum(shares, axis=1)
        seen = [np.flatnonzero(each) for each in self._counts]
        found = {
            "min": np.array([values[each[0]] for each in seen]),
            "max": np.array([values[each[-1]] for each in seen]),
            "mean": mean,
            "std": np.sqrt(np.maximum(shares @ values**2 - mean**2, 0)),
        }
        found |= {name: values[(below >= share - 1e-12).argmax(axis=1)] for name, share in QUANTILES.items()}
        return {**{name: each.reshape(-1, 1, 1).tolist() for name, each in found.items()}, "count": [self._used]}


class TotalStats:
    """Statistics over all episodes from those of each; the quantiles are means of theirs, as LeRobot's are."""

    def __init__(self) -> None:
        self._parts: dict[str, np.ndarray] = {}
        self._count = 0

    def add(self, stats: Stats) -> None:
        """Add an episode's."""
        count = stats["count"][0]
        mean, spread = np.array(stats["mean"]), np.array(stats["std"])
        new = {name: np.array(stats[name]) * count for name in ("mean", *QUANTILES)}
        new["squares"] = (spread**2 + mean**2) * count
        for name, values in new.items():
            self._parts[name] = self._parts.get(name, 0) + values
        for name, better in (("min", np.minimum), ("max", np.maximum)):
            values = np.array(stats[name])
            self._parts[name] = better(self._parts[name], values) if name in self._parts else values
        self._count += count

    def result(self) -> Stats:
        """The statistics of all."""
        means = {name: self._parts[name] / self._count for name in ("mean", *QUANTILES)}
        spread = np.sqrt(np.maximum(self._parts["squares"] / self._count - means["mean"] ** 2, 0))
        found = {"min": self._parts["min"], "max": self._parts["max"], "std": spread, **means}
        return {**{name: values.tolist() for name, values in found.items()}, "count": [self._count]}
