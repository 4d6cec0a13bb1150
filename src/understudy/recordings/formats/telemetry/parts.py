"""Cuts an episode's rows where it ended, and fills what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats.telemetry.chunk import Chunk
from understudy.recordings.formats.telemetry.mapping import Mapping
from understudy.recordings.formats.telemetry.tally import Tally


@dataclass
class Cutter:
    """Numbers the parts of an episode: a done flag, a long gap or a clock set back ends one and begins the next.

    Rows whose flag is still on after the one that ended an episode are dropped: the game showed that it was over.
    A row a little earlier than the one before it is dropped where decisions are made by the clock, and kept (but told)
    where every row is a decision.
    """

    mapping: Mapping
    tally: Tally
    part: int = 0
    _last: int | None = None
    _ended: bool = False
    _flagged: bool = False

    def __call__(self, chunk: Chunk) -> Iterator[tuple[int, Chunk]]:
        """Yield (number of the part, its rows)."""
        chunk = self._without_aftermath(self._forward(chunk))
        if not len(chunk):
            return
        begins = self._jumps(chunk) | self._after_end(chunk)
        if self._last is None and self.part == 0:
            begins[0] = False
        cuts = np.flatnonzero(begins)
        for start, stop in zip([0, *cuts], [*cuts, len(chunk)], strict=True):
            self.part += bool(begins[start])
            if stop > start:
                yield self.part, chunk[start:stop]
        self._last = int(chunk.time[-1])
        self._ended = bool(chunk.final[-1] | ((chunk.terminated | chunk.truncated)[-1]))

    def _forward(self, chunk: Chunk) -> Chunk:
        """Tell rows that are a little back in time; drop them where the clock decides."""
        if self.mapping.clock is None or self.mapping.max_gap_s is None or not len(chunk):
            return chunk
        limit = round(self.mapping.max_gap_s * 1e9)
        keep, newest = np.ones(len(chunk), bool), self._last
        if (newest is None or chunk.time[0] >= newest) and (np.diff(chunk.time) >= 0).all():
            return chunk
        for row, time in enumerate(chunk.time.tolist()):
            keep[row] = newest is None or time >= newest or newest - time > limit
            newest = time if keep[row] else newest
        late = np.flatnonzero(~keep)
        drops = self.mapping.steps == "clock"
        if len(late):
            what = f"the clock goes back by less than {self.mapping.max_gap_s:g} s"
            self.tally.add(f"{what}; the row is {'dropped' if drops else 'kept'}", int(chunk.row[late[0]]), len(late))
        return chunk[keep] if drops else chunk

    def _without_aftermath(self, chunk: Chunk) -> Chunk:
        flagged = (chunk.terminated | chunk.truncated) & ~chunk.final
        if not len(chunk):
            return chunk
        after = flagged & np.concatenate([[self._flagged], flagged[:-1]])
        self._flagged = bool(flagged[-1])
        if after.any():
            what = "the episode is over already, and its flag still on; the row is dropped"
            self.tally.add(what, int(chunk.row[after][0]), int(after.sum()))
        return chunk[~after]

    def _jumps(self, chunk: Chunk) -> np.ndarray:
        if self.mapping.clock is None or self.mapping.max_gap_s is None:
            return np.zeros(len(chunk), bool)
        first = chunk.time[0] if self._last is None else self._last
        ways = np.diff(chunk.time.astype(np.float64), prepend=float(first)) / 1e9
        jumps = np.abs(ways) > self.mapping.max_gap_s
        for row in np.flatnonzero(jumps)[:100]:
            back = f"the clock goes back by {-ways[row]:.3g} s" if ways[row] < 0 else f"{ways[row]:.3g} s without a row"
            self.tally.add(f"{back}; a new episode begins there", int(chunk.row[row]))
        return jumps

    def _after_end(self, chunk: Chunk) -> np.ndarray:
        ended = chunk.terminated | chunk.truncated | chunk.final
        before = np.concatenate([[self._ended], ended[:-1]])
        # The row that holds what was seen last belongs to what has just ended.
        return before & ~chunk.final


class Filler:
    """Fills the missing values of one part, carrying the last known ones on."""

    def __init__(self, mapping: Mapping, tally: Tally) -> None:
        self._tally = tally
        fields = (*mapping.sensors, *mapping.actions)
        self._rules = {
            each.key: each.missing or (each.empty if each.empty != "hold" else mapping.missing) for each in fields
        }
        self._actions = {each.key for each in mapping.actions}
        self._names = {each.key: each.name for each in fields}
        self._held: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the rows with every value known; rows for which there is none are dropped and noted."""
        keep = np.ones(len(chunk), bool)
        values = dict(chunk.values)
        for key, rule in self._rules.items():
            known = chunk.known[key]
            # The row of the last observation has no action.
            needed = known | chunk.final[:, None] if key in self._actions else known
            if needed.all() and rule != "hold":
                continue
            values[key], fine = self._fill(key, rule, chunk, needed)
            keep &= fine
        return replace(chunk, values=values)[keep]

    def _fill(self, key: str, rule: str, chunk: Chunk, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        name, values, rows = self._names[key], chunk.values[key], chunk.row[~known.all(axis=1)]
        if rule == "hold":
            return self._hold(key, chunk, known)
        if rule == "error":
            raise RecordingError(f"{self._tally.where}, row {rows[0] + 1}: '{name}' is missing.")
        if rule == "zero":
            return values, np.ones(len(values), bool)
        self._tally.add(f"'{name}' is missing; the row is dropped", int(rows[0]), len(rows))
        return values, np.asarray(known.all(axis=1))

    def _hold(self, key: str, chunk: Chunk, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = chunk.values[key]
        held, held_known = self._held.get(key, (np.zeros_like(values[0]), np.zeros(values.shape[1], bool)))
        place = np.where(known, np.arange(1, len(values) + 1)[:, None], 0)
        place = np.maximum.accumulate(place, axis=0)
        # Numpy takes the wider dtype: a block of whole numbers must not cut what is held from the block before.
        full = np.concatenate([held[None], values])
        filled = np.take_along_axis(full, place, axis=0)
        fine: np.ndarray = np.asarray((place > 0) | held_known)
        self._held[key] = (filled[-1], fine[-1])
        whole = np.asarray(fine.all(axis=1))
        if not whole.all():
            first = int(chunk.row[np.flatnonzero(~whole)[0]])
            self._tally.add(f"'{self._names[key]}' is not known yet; the row is dropped", first, int((~whole).sum()))
        return filled, whole
