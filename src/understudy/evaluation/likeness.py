"""How much play looks like other play: divergences between distributions of actions and of how long they are held.

Only actions are compared, so people's logs and bots' runs need share nothing but the game's controls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from understudy.evaluation.statistics import bootstrap_interval, js_divergence
from understudy.recordings import Episode
from understudy.spec import ActionSpec, BehaviorSpec

# Upper ends of the hold-length bins, in decisions: about even in the logarithm.
HOLD_EDGES = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128])


@dataclass(frozen=True)
class Play:
    """The actions of one stretch of play.

    Attributes:
        behavior: Says what the numbers mean.
        actions: By part name, shape (steps, *part shape).
    """

    behavior: BehaviorSpec
    actions: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, episode: Episode, rows: slice = slice(None)) -> Play:
        """Take (some of) the steps of an episode."""
        return cls(episode.behavior, {name: episode.action(name, rows) for name in episode.behavior.action_names})


@dataclass(frozen=True)
class Measure:
    """One thing compared.

    Attributes:
        name: In tables.
        parts: The action parts whose joint choice is compared.
        edges: For a `Box` part, the inner edges of its bins, rising.
        holds: Compare how long choices are held, not which they are.
    """

    name: str
    parts: tuple[str, ...]
    edges: tuple[float, ...] = ()
    holds: bool = False

    def choices(self, play: Play) -> np.ndarray:
        """Return the joint choice at each step as one number, int64, shape (steps,)."""
        joint = np.zeros(len(play.actions[self.parts[0]]), np.int64)
        for name in self.parts:
            part = play.behavior.action(name)
            joint = joint * self._classes(part) + self._class_of(part, play.actions[name])
        return joint

    def histogram(self, play: Play) -> np.ndarray:
        """Return this measure's counts in one stretch of play."""
        choices = self.choices(play)
        if not self.holds:
            sizes = [self._classes(play.behavior.action(name)) for name in self.parts]
            return np.bincount(choices, minlength=int(np.prod(sizes)))
        return np.bincount(np.searchsorted(HOLD_EDGES, hold_lengths(choices)), minlength=len(HOLD_EDGES) + 1)

    def _classes(self, part: ActionSpec) -> int:
        return len(self.edges) + 1 if isinstance(part.space, spaces.Box) else part.num_labels

    def _class_of(self, part: ActionSpec, values: np.ndarray) -> np.ndarray:
        if isinstance(part.space, spaces.Box):
            return np.searchsorted(np.array(self.edges), values.reshape(len(values)))
        return values.astype(np.int64)


def hold_lengths(choices: np.ndarray) -> np.ndarray:
    """Return how many steps each run of equal choices lasts; the first and last run, cut by the ends, count too."""
    changes = np.flatnonzero(np.diff(choices)) + 1
    return np.diff(np.concatenate([[0], changes, [len(choices)]]))


@dataclass(frozen=True)
class Likeness:
    """A measure's divergence between a player and the people compared with, in bits, with a 95 % interval."""

    divergence: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.divergence:.3f} [{self.low:.3f}, {self.high:.3f}]"


def compare_play(runs: Sequence[Play], people: Sequence[np.ndarray], measure: Sequence[Measure]) -> Likeness:
    """Compare runs with people's histograms.

    Args:
        runs: Independent runs of one player; the bootstrap draws whole runs.
        people: One histogram per measure, as `people_histograms` gives them.
        measure: Measures whose divergences are averaged, such as the holds of several parts.
    """
    tables = [np.stack([each.histogram(run) for run in runs]) for each in measure]

    def divergence(rows: Sequence[int]) -> float:
        pairs = zip(tables, people, strict=True)
        return float(np.mean([js_divergence(table[list(rows)].sum(0), target) for table, target in pairs]))

    return Likeness(divergence(range(len(runs))), *bootstrap_interval(range(len(runs)), divergence))


def people_histograms(people: Sequence[Play], measure: Sequence[Measure]) -> list[np.ndarray]:
    """Return each measure's counts over all stretches of play together."""
    return [np.sum([each.histogram(play) for play in people], axis=0) for each in measure]


def panel(
    players: Mapping[str, Sequence[Play]],
    people: Sequence[Play],
    measures: Mapping[str, Sequence[Measure]],
) -> dict[str, dict[str, Likeness]]:
    """Compare each player with the same people on each measure; by player, then by measure."""
    targets = {name: people_histograms(people, group) for name, group in measures.items()}
    return {
        player: {name: compare_play(runs, targets[name], group) for name, group in measures.items()}
        for player, runs in players.items()
    }
