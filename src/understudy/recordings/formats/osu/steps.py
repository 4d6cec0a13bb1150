"""From frames at uneven times to decisions at a steady rate.

The cursor of a decision lies on the straight line between the frames around it, as the game draws it; the movement is
the way to the next decision's cursor, so that movements add up to what was moved. A key counts as held in a decision
if it was held at any time of it, so that no tap is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from understudy.recordings.formats.osu.frames import KEYS, Frames
from understudy.recordings.formats.protocol import Ending, Rows

LONGEST_MEMORY_S = 10.0
_ROWS = 512


def split_at_gaps(frames: Frames, max_gap_ms: float) -> list[tuple[Frames, float]]:
    """Cut where the game noted nothing for long; with each piece come the seconds of song to the next."""
    gaps = np.diff(frames.times_ms)
    cuts = np.flatnonzero(gaps > max_gap_ms) + 1
    ends = [0, *cuts.tolist(), len(frames.times_ms)]
    pieces = []
    for first, stop in pairwise(ends):
        piece = Frames(frames.times_ms[first:stop], frames.cursor[first:stop], frames.keys[first:stop], frames.seed)
        pieces.append((piece, gaps[stop - 1] / 1000 if stop <= len(gaps) else 0.0))
    return pieces


class Steps:
    """The decisions of a piece of play.

    Args:
        frames: Without long gaps.
        rate_hz: Decisions a second of the player's time.
        speed: Seconds of song in a second of the player's.
    """

    def __init__(self, frames: Frames, rate_hz: float, speed: float) -> None:
        self._frames = frames
        self._period_ms = 1000 * speed / rate_hz
        self._period_s = 1 / rate_hz
        self._speed = speed
        span = float(frames.times_ms[-1] - frames.times_ms[0])
        self.num_steps = math.floor(span / self._period_ms + 1e-9)
        self._presses = [_press_times(frames, key) for key in range(len(KEYS))]

    def rows(self, *, terminated: bool) -> Iterator[Rows]:
        """Yield the decisions; the last rows say how the play ended."""
        for first in range(0, self.num_steps, _ROWS):
            stop = min(first + _ROWS, self.num_steps)
            times = self._times(first, stop + 1)
            seen = self._observe(times)
            last = {name: values[-1] for name, values in seen.items()}
            ending = Ending(terminated, not terminated, last) if stop == self.num_steps else None
            moved = np.diff(self._cursor(times), axis=0)
            yield Rows(
                {name: values[:-1] for name, values in seen.items()},
                {"move": moved.astype(np.float32), "keys": self._held(times)},
                times_ns=np.rint(np.arange(first, stop) * self._period_s * 1e9).astype(np.int64),
                ending=ending,
            )

    def _times(self, first: int, stop: int) -> np.ndarray:
        return self._frames.times_ms[0] + np.arange(first, stop) * self._period_ms

    def _observe(self, times: np.ndarray) -> dict[str, np.ndarray]:
        since = np.stack([self._since(presses, times) for presses in self._presses], axis=1)
        return {
            "cursor": self._cursor(times).astype(np.float32),
            "since_press": since.astype(np.float32),
            "song_time": (times[:, None] / 1000).astype(np.float32),
        }

    def _cursor(self, times: np.ndarray) -> np.ndarray:
        frames = self._frames
        return np.stack([np.interp(times, frames.times_ms, frames.cursor[:, axis]) for axis in (0, 1)], axis=1)

    def _since(self, presses: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Seconds of the player's time since the last press at or before each time."""
        before = np.concatenate([[-np.inf], presses])[np.searchsorted(presses, times, "right")]
        return np.minimum((times - before) / 1000 / self._speed, LONGEST_MEMORY_S)

    def _held(self, times: np.ndarray) -> np.ndarray:
        """Whether each key was held between consecutive times, int8, shape (n, keys)."""
        frames = self._frames
        first = np.searchsorted(frames.times_ms, times[:-1], "right") - 1
        # A frame counts from its own time on, so one at the very end of a decision is the next one's.
        stop = np.maximum(np.searchsorted(frames.times_ms, times[1:], "left"), first + 1)
        sums = np.concatenate([np.zeros((1, len(KEYS)), np.int64), np.cumsum(frames.keys, axis=0, dtype=np.int64)])
        return (sums[stop] > sums[first]).astype(np.int8)


def _press_times(frames: Frames, key: int) -> np.ndarray:
    held = frames.keys[:, key].astype(np.int8)
    return frames.times_ms[np.flatnonzero(np.diff(held, prepend=np.int8(0)) > 0)]
