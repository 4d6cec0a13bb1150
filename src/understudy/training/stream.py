"""The order in which training reads: sequences in step, memory carried from window to window.

Which rows an update reads is a pure function of the seed and the update's number, so a resumed run reads on exactly
where the killed one stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from understudy.errors import RecipeError
from understudy.recordings.cache import Span
from understudy.training.recipe import LoopRecipe


@dataclass(frozen=True)
class WindowBatch:
    """Which rows one update reads.

    Attributes:
        rows: int64, shape (batch, window).
        past: Row of the action before each step, -1 where there is none, int64, shape (batch, window).
        valid: Whether a step counts: not where a short span was padded, nor while a memory warms up, bool, shape
            (batch, window).
        first: Whether the memory starts anew with this window.
        group: Number of the group of segments; all its windows share their augmentation and their styles.
        whole: Sequences in the batch, of which these may be a part.
        places: Which of them these are, int64, (batch,).
        num_valid: Steps that count in the whole batch.
    """

    rows: np.ndarray
    past: np.ndarray
    valid: np.ndarray
    first: bool
    group: int
    whole: int
    places: np.ndarray
    num_valid: int

    @classmethod
    def of(cls, rows: np.ndarray, past: np.ndarray, valid: np.ndarray, *, first: bool, group: int = 0) -> WindowBatch:
        """Return a whole batch."""
        return cls(rows, past, valid, first, group, len(rows), np.arange(len(rows)), int(valid.sum()))

    def part(self, places: slice) -> WindowBatch:
        """Return some of a whole batch's sequences, as one of several processes reads them."""
        cut = {name: getattr(self, name)[places] for name in ("rows", "past", "valid", "places")}
        return replace(self, **cut)


class WindowStream:
    """Cuts spans into segments of equal length, and plays `batch` of them at a time, window by window.

    A segment's memory starts at zero. The first of a span starts where the span does, as a bot's life does, and the
    last ends where it ends. The others would begin without the memory that a bot has by then, so that their first
    window only warms it up: it overlaps the segment before, each epoch at another place. A span shorter than a segment
    is padded.

    Source: burn-in, Kapturowski et al. 2019, "Recurrent experience replay in distributed reinforcement learning".

    Args:
        spans: To learn from.
        loop: Batch, window, segment and seed.
    """

    def __init__(self, spans: Sequence[Span], loop: LoopRecipe) -> None:
        if loop.segment % loop.window:
            raise RecipeError(f"loop.segment ({loop.segment}) must be a multiple of loop.window ({loop.window}).")
        self._spans = spans
        self._loop = loop
        # Where every span is shorter than a segment, its last windows would hold nothing.
        longest = min(loop.segment, max(len(span) for span in spans))
        self.windows_per_group = -(-longest // loop.window)
        per_epoch = sum(_num_segments(len(span), loop) for span in spans)
        self.groups_per_epoch = max(1, per_epoch // loop.batch)
        self._epoch = -1
        self._segments = np.empty((0, 3), np.int64)

    @property
    def updates_per_epoch(self) -> int:
        """Updates until (nearly) all spans were read once."""
        return self.groups_per_epoch * self.windows_per_group

    def batch(self, update: int) -> WindowBatch:
        """Return what update number `update` (from 0) reads."""
        group, window = divmod(update, self.windows_per_group)
        epoch, place = divmod(group, self.groups_per_epoch)
        if epoch != self._epoch:
            self._segments, self._epoch = self._cut(epoch), epoch
        size = self._loop.batch
        chosen = self._segments[np.arange(place * size, (place + 1) * size) % len(self._segments)]
        offsets = np.arange(window * self._loop.window, (window + 1) * self._loop.window)
        rows = chosen[:, :1] + offsets
        warms_up = (chosen[:, :1] > chosen[:, 2:]) & (window == 0 and _warm_up(self._loop) > 0)
        valid = (rows < chosen[:, 1:2]) & ~warms_up
        rows = np.minimum(rows, chosen[:, 1:2] - 1)
        past = np.where(rows > chosen[:, 2:], rows - 1, -1)
        return WindowBatch.of(rows, past, valid, first=window == 0, group=group)

    def _cut(self, epoch: int) -> np.ndarray:
        """Rows (start, stop, first row of the span) of one epoch's segments, shuffled."""
        rng = np.random.default_rng((self._loop.seed, epoch))
        length = self._loop.segment
        table = np.array(
            [
                (first, min(first + length, span.stop), span.start)
                for span in self._spans
                for first in span.start + _firsts(len(span), self._loop, rng)
            ],
            np.int64,
        )
        return table[rng.permutation(len(table))]


def _num_segments(rows: int, loop: LoopRecipe) -> int:
    """How many segments cover a span of so many rows, with what warms up."""
    new = loop.segment - _warm_up(loop)
    return 1 + max(0, -(-(rows - loop.segment) // new))


def _warm_up(loop: LoopRecipe) -> int:
    return loop.window if loop.segment > loop.window else 0


def _firsts(rows: int, loop: LoopRecipe, rng: np.random.Generator) -> np.ndarray:
    """Where segments start that cover a span from its first row to its last; what they overlap too much is random."""
    count = _num_segments(rows, loop)
    if count == 1:
        return np.zeros(1, np.int64)
    length, new = loop.segment, loop.segment - _warm_up(loop)
    spare = length + (count - 1) * new - rows
    given = np.diff(np.sort(rng.integers(0, spare + 1, count - 2)), prepend=0)
    return np.concatenate([[0], np.cumsum(new - given), [rows - length]]).astype(np.int64)
