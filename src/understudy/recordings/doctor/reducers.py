"""Sensors reduced to what the checks need, once: small pictures, their motion, and a few numbers of each vector."""

from __future__ import annotations

import hashlib
import math
from typing import Any, Protocol

import cv2
import numpy as np
from gymnasium import spaces

SMALL = (12, 16)
_VIEW = (48, 80)
_MAX_NUMBERS = 32
_PICTURE_SIDE = 8
# Such as the largest float for "nothing there"; squares of larger ones do not fit into float32.
_MOST = 1e12

Columns = dict[str, np.ndarray]


class Reducer(Protocol):
    """Turns a sensor's values into columns, chunk after chunk, and sums up at the end."""

    def columns(self, values: np.ndarray) -> Columns:
        """Reduce the next values, shape (rows, *sensor shape), to columns of as many rows."""
        ...

    def summary(self) -> Columns:
        """What is known after the last chunk, in arrays of any shape."""
        ...


def reducer_of(space: spaces.Box) -> Reducer:
    """The reducer of a sensor."""
    return PictureReducer(space) if is_picture(space) else VectorReducer(space)


def is_picture(space: spaces.Box) -> bool:
    """Whether a sensor is a picture: uint8, of two sides and at most four channels, last or first."""
    if space.dtype != np.uint8 or len(space.shape) != 3:
        return False
    sides = sorted(space.shape)[1:]
    return min(space.shape[0], space.shape[-1]) <= 4 and min(sides) >= _PICTURE_SIDE


class PictureReducer:
    """Columns of pictures.

    `small`: grey, uint8, shape (rows, 12, 16). `motion`: mean absolute change of grey since the picture before, in grey
    levels, float32. `shift`: how far the picture moved right and down, in widths and heights, by phase correlation
    (Kuglin and Hines 1975). `trust`: the height of that correlation's peak. `hash`: int64, alike for equal pictures.
    """

    def __init__(self, space: spaces.Box) -> None:
        self._channels_first = space.shape[0] <= 4 < space.shape[-1]
        self._before: np.ndarray | None = None
        self._window = cv2.createHanningWindow(_VIEW[::-1], cv2.CV_32F)

    def columns(self, values: np.ndarray) -> Columns:
        """Reduce pictures, uint8, shape (rows, height, width, channels)."""
        if self._channels_first:
            values = np.moveaxis(values, 1, -1)
        small = np.empty((len(values), *SMALL), np.uint8)
        moves = np.zeros((len(values), 4), np.float32)
        hashes = np.empty(len(values), np.int64)
        for row, picture in enumerate(values):
            grey = _grey(picture)
            small[row] = cv2.resize(grey, SMALL[::-1], interpolation=cv2.INTER_AREA)
            moves[row] = self._move(cv2.resize(grey, _VIEW[::-1], interpolation=cv2.INTER_AREA).astype(np.float32))
            hashes[row] = _hash(picture)
        return {"small": small, "motion": moves[:, 0], "shift": moves[:, 1:3], "trust": moves[:, 3], "hash": hashes}

    def summary(self) -> Columns:
        """Nothing more."""
        return {}

    def _move(self, view: np.ndarray) -> tuple[float, float, float, float]:
        before, self._before = self._before, view
        if before is None:
            return 0.0, 0.0, 0.0, 0.0
        motion = float(np.abs(view - before).mean())
        if motion == 0:
            return 0.0, 0.0, 0.0, 1.0
        # phaseCorrelate multiplies the window into what it is given.
        (right, down), trust = cv2.phaseCorrelate(before.copy(), view.copy(), self._window)
        return motion, right / _VIEW[1], down / _VIEW[0], trust


def _grey(picture: np.ndarray) -> np.ndarray:
    picture = np.ascontiguousarray(picture)
    if picture.shape[-1] == 3:
        return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return picture[..., 0] if picture.shape[-1] == 1 else picture.mean(axis=-1).astype(np.uint8)


def _hash(picture: np.ndarray) -> int:
    return int.from_bytes(hashlib.blake2b(picture.tobytes(), digest_size=8).digest(), "little", signed=True)


class VectorReducer:
    """Columns of numbers: `values`, float32, shape (rows, at most 32); more are projected at random, with a fixed seed.

    The summary, by number, shape (numbers,): `low`, `high`: the share of steps at the ends of the sensor's range;
    `minimum`, `maximum`; `run`: start and stop of the longest stretch without a change; `bad`: values that are not
    finite; `out`: values out of range; `first_bad`, `first_out`: the first step with one, or -1.
    """

    def __init__(self, space: spaces.Box) -> None:
        size = math.prod(space.shape)
        self._low, self._high = space.low.reshape(-1).astype(np.float64), space.high.reshape(-1).astype(np.float64)
        self._projection = _projection(size) if size > _MAX_NUMBERS else None
        self._steps = 0
        self._last: np.ndarray | None = None
        self._since = np.zeros(size, np.int64)
        self._run = np.zeros((size, 2), np.int64)
        self._counts = {name: np.zeros(size, np.int64) for name in ("low", "high", "bad", "out")}
        self._first = {name: np.full(size, -1, np.int64) for name in ("bad", "out")}
        self._minimum, self._maximum = np.full(size, np.inf), np.full(size, -np.inf)

    def columns(self, values: np.ndarray) -> Columns:
        """Reduce numbers of shape (rows, *sensor shape)."""
        flat = values.reshape(len(values), -1).astype(np.float64)
        finite = np.isfinite(flat)
        self._count("bad", ~finite)
        self._count("out", finite & ((flat < self._low) | (flat > self._high)))
        self._counts["low"] += (flat <= self._low).sum(axis=0)
        self._counts["high"] += (flat >= self._high).sum(axis=0)
        flat = np.where(finite, flat, 0.0)
        self._minimum = np.minimum(self._minimum, flat.min(axis=0, initial=np.inf))
        self._maximum = np.maximum(self._maximum, flat.max(axis=0, initial=-np.inf))
        self._track_runs(flat)
        self._steps += len(flat)
        return {"values": self._few(flat)}

    def summary(self) -> Columns:
        """Sum up all values seen."""
        self._close_runs(np.ones(len(self._since), bool), self._steps)
        share = {name: self._counts[name] / max(1, self._steps) for name in ("low", "high")}
        seen = {"minimum": self._minimum, "maximum": self._maximum, "run": self._run}
        counts = {name: self._counts[name] for name in ("bad", "out")}
        return {**share, **seen, **counts, "first_bad": self._first["bad"], "first_out": self._first["out"]}

    def _count(self, name: str, found: np.ndarray) -> None:
        self._counts[name] += found.sum(axis=0)
        fresh = (self._first[name] < 0) & found.any(axis=0)
        self._first[name][fresh] = self._steps + found.argmax(axis=0)[fresh]

    def _track_runs(self, flat: np.ndarray) -> None:
        before = flat[:1] if self._last is None else self._last
        changed = np.diff(np.concatenate([before, flat]), axis=0) != 0
        for row in np.flatnonzero(changed.any(axis=1)):
            self._close_runs(changed[row], self._steps + int(row))
        self._last = flat[-1:]

    def _close_runs(self, which: np.ndarray, step: int) -> None:
        longer = which & (step - self._since > self._run[:, 1] - self._run[:, 0])
        self._run[longer, 0], self._run[longer, 1] = self._since[longer], step
        self._since[which] = step

    def _few(self, flat: np.ndarray) -> np.ndarray:
        if self._projection is None:
            return np.clip(flat, -_MOST, _MOST).astype(np.float32)
        # Values of unlike ranges are brought to like ones first, the same way in every recording.
        with np.errstate(invalid="ignore", over="ignore"):
            span = self._high - self._low
        bounded = np.isfinite(span) & (span > 0)
        low, span = np.where(bounded, self._low, 0.0), np.where(bounded, span, 1.0)
        scaled: np.ndarray[Any, Any] = np.where(bounded, (flat - low) / span, np.arcsinh(flat))
        return (scaled @ self._projection).astype(np.float32)


def _projection(size: int) -> np.ndarray:
    return np.random.default_rng(size).normal(size=(size, _MAX_NUMBERS)) / math.sqrt(size)
