"""An episode as an operation sees it: known by name and length, read a few steps at a time, perhaps never written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from understudy.recordings.formats.protocol import Ending, Rows
from understudy.recordings.layout import Layout
from understudy.recordings.provenance import Provenance
from understudy.recordings.reader import Episode
from understudy.spec import BehaviorSpec, Json

Arrays = dict[str, np.ndarray]
HISTORY = "history"
_BYTES_AT_ONCE = 32 * 1024 * 1024
_MAX_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Take:
    """A recording, or what operations have made of recordings, read only where it is needed.

    Attributes:
        name: It will have.
        origin: The name of the recording on disk that it begins with.
        home: The folder of that, relative to where all recordings lie.
        layout: The behaviour, the provenance and the extras.
        num_steps: At least one.
        see: From sensor names and rising step numbers, int64, to arrays of shape (steps, *sensor shape).
        act: From `start` and `stop` to everything but the observations; rewards, ticks and times are never None.
        ending: How it ends.
        sources: Name and digest of each recording on disk it is made of.
        complete: False if its recorder was killed.
        piece: For the history: of what whole the operation has just cut this.
        seamless: For the history: that the operation has just joined this without a seam.
    """

    name: str
    origin: str
    home: str
    layout: Layout
    num_steps: int
    see: Callable[[Sequence[str], np.ndarray], Arrays]
    act: Callable[[int, int], Rows]
    ending: Callable[[], Ending]
    sources: tuple[tuple[str, str], ...]
    complete: bool = True
    piece: Mapping[str, Json] | None = None
    seamless: bool = False

    @property
    def behavior(self) -> BehaviorSpec:
        """What was recorded."""
        return self.layout.behavior

    @property
    def provenance(self) -> Provenance:
        """Where it comes from."""
        return self.layout.provenance

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was done to it so far, oldest first."""
        entries: Any = self.provenance.notes.get(HISTORY, [])
        return list(entries)

    def rows(self, start: int, stop: int) -> Rows:
        """Read whole steps."""
        seen = self.see(self.behavior.sensor_names, np.arange(start, stop))
        return replace(self.act(start, stop), observations=seen)

    def with_behavior(self, behavior: BehaviorSpec) -> Take:
        """Return the same of another behaviour."""
        return replace(self, layout=replace(self.layout, behavior=behavior))

    def with_provenance(self, provenance: Provenance) -> Take:
        """Return the same with another provenance."""
        return replace(self, layout=replace(self.layout, provenance=provenance))

    def with_notes(self, **notes: Json) -> Take:
        """Return the same with some notes set, or, where they are None, taken away."""
        merged = {**self.provenance.notes, **notes}
        kept = {key: value for key, value in merged.items() if value is not None}
        return self.with_provenance(replace(self.provenance, notes=kept))


def take_from(episode: Episode, home: str = "") -> Take:
    """Take a recording from disk. Its bytes are checked when the first step is read.

    Raises:
        RecordingError: While it is read, if it is damaged inside.
    """
    reader = _Reader(episode)
    return Take(
        episode.name,
        episode.name,
        home,
        episode.layout,
        episode.num_steps,
        reader.see,
        reader.act,
        reader.ending,
        ((episode.name, episode.digest),),
        episode.complete,
    )


def rows_at_once(behavior: BehaviorSpec) -> int:
    """How many steps to have in memory at once: pictures are large."""
    size = sum(math.prod(each.space.shape) * np.dtype(each.space.dtype).itemsize for each in behavior.sensors)
    return max(1, min(_MAX_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(size, 1)))


class _Reader:
    """Reads an episode, having checked its bytes once."""

    def __init__(self, episode: Episode) -> None:
        self._episode = episode

    def see(self, names: Sequence[str], steps: np.ndarray) -> Arrays:
        # Each run of neighbours is one read; pictures between the runs are not decoded.
        runs = [
            slice(int(run[0]), int(run[-1]) + 1) for run in np.split(steps, np.flatnonzero(np.diff(steps) != 1) + 1)
        ]
        return {name: np.concatenate([self._sound.observation(name, run) for run in runs]) for name in names}

    def act(self, start: int, stop: int) -> Rows:
        rows, of = slice(start, stop), self._sound
        actions = {name: of.action(name, rows) for name in of.behavior.action_names}
        extras = {name: of.extra(name, rows) for name in of.layout.extras}
        return Rows({}, actions, of.rewards(rows), of.events_in(rows), of.ticks(rows), of.times_ns(rows), extras)

    def ending(self) -> Ending:
        # A recorder that was killed was stopped from outside.
        truncated = self._sound.truncated or not self._sound.complete
        return Ending(self._sound.terminated, truncated, self._sound.final_observation())

    @cached_property
    def _sound(self) -> Episode:
        self._episode.verify()
        return self._episode
