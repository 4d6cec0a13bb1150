"""A session in memory, as columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from understudy.recordings.provenance import Provenance
from understudy.recordings.writer import EpisodeWriter
from understudy.spec import BehaviorSpec

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Play:
    """A session of n steps.

    Attributes:
        behavior: What is recorded.
        observations: By sensor, shape (n, *sensor shape).
        actions: By part, shape (n, *part shape).
        ticks: Shape (n,), int64.
        times_ns: Shape (n,), int64.
        player: Who played.
    """

    behavior: BehaviorSpec
    observations: Columns
    actions: Columns
    ticks: np.ndarray
    times_ns: np.ndarray
    player: str = ""

    def __len__(self) -> int:
        return len(self.ticks)

    def take(self, rows: np.ndarray) -> Play:
        """Return these rows, clocks and all."""
        return self.map(lambda values: values[rows], clocks=True)

    def clocked(self) -> Play:
        """Return the play with clocks that go evenly."""
        steps = np.arange(len(self))
        ticks = steps * int(self.ticks[1] - self.ticks[0])
        return replace(self, ticks=ticks, times_ns=np.round(steps * 1e9 / self.behavior.decision_hz).astype(np.int64))

    def map(self, change: Callable[[np.ndarray], np.ndarray], *, clocks: bool = False) -> Play:
        """Return the play with each column changed, the clocks only if asked for."""
        changed = replace(
            self,
            observations={name: change(values) for name, values in self.observations.items()},
            actions={name: change(values) for name, values in self.actions.items()},
        )
        return replace(changed, ticks=change(self.ticks), times_ns=change(self.times_ns)) if clocks else changed


def save(play: Play, folder: Path, name: str) -> Path:
    """Write a play as the recording `name` in `folder`."""
    provenance = Provenance("specimens", player=play.player, started="2024-01-01T00:00:00+00:00")
    with EpisodeWriter(folder, play.behavior, provenance, name=name, reveal_player=True) as writer:
        writer.extend(play.observations, play.actions, ticks=play.ticks, times_ns=play.times_ns)
        writer.finish(truncated=True)
        return writer.path
