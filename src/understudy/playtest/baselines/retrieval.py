"""Retrieval replay: find the most alike demonstrated moment, do what was done from there on, look again when lost.

Source: the retrieval half of MT3 (Dreczkowski et al. 2025, arXiv:2511.10110), which beats cloning below ten
demonstrations; deciding by the nearest embedding alone is Pari et al. 2022, "VINN", arXiv:2112.01511.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.errors import PlaytestError
from understudy.playtest.baselines.embedding import Embed
from understudy.spec import Action, BehaviorSpec, Observation


@dataclass(frozen=True)
class Shown:
    """One demonstration.

    Attributes:
        observations: By sensor name, (steps, *sensor shape).
        actions: By part name, (steps, *part shape).
    """

    observations: Mapping[str, np.ndarray]
    actions: Mapping[str, np.ndarray]


class RetrievalReplay:
    """Follows one demonstration as long as it sees what was seen there, else looks for the nearest moment of all.

    Args:
        behavior: That is played.
        demonstrations: To follow, of at least two steps each.
        embed: What is alike.
        tolerance: How far from what was seen it may be before it looks again, in typical distances between consecutive
            demonstrated moments.

    Raises:
        PlaytestError: If nothing is shown.
    """

    def __init__(
        self, behavior: BehaviorSpec, demonstrations: Sequence[Shown], embed: Embed, tolerance: float = 2.0
    ) -> None:
        self.behavior = behavior
        self._shown = [each for each in demonstrations if len(next(iter(each.actions.values()))) > 1]
        if not self._shown:
            raise PlaytestError("Retrieval replay has no demonstration of two decisions or more; record one.")
        self._embed = embed
        self._embeddings = [embed(each.observations) for each in self._shown]
        strides = np.concatenate([np.linalg.norm(np.diff(each, axis=0), axis=1) for each in self._embeddings])
        moving = strides[strides > 0]
        self._reach = tolerance * float(np.median(moving)) if len(moving) else 0.0
        self._moments = np.concatenate(self._embeddings)
        self._places = [(at, step) for at, each in enumerate(self._embeddings) for step in range(len(each))]
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget which demonstration is followed; the seed decides between equally fitting ones."""
        self._rng = np.random.default_rng(seed)
        self._place: tuple[int, int] | None = None

    def act(self, observation: Observation) -> Action:
        """Do what was done at the moment that is followed."""
        self.behavior.check_observation(observation)
        seen = self._embed({name: observation[name][None] for name in self.behavior.sensor_names})[0]
        if self._place is None or self._is_lost(seen):
            self._place = self._look(seen)
        which, step = self._place
        # At a demonstration's end, look again.
        self._place = (which, step + 1) if step + 1 < len(self._embeddings[which]) else None
        actions = self._shown[which].actions
        return {part.name: np.asarray(actions[part.name][step], part.dtype) for part in self.behavior.actions}

    def close(self) -> None:
        """Nothing to release."""

    def _is_lost(self, seen: np.ndarray) -> bool:
        assert self._place is not None
        which, step = self._place
        return bool(np.linalg.norm(self._embeddings[which][step] - seen) > self._reach)

    def _look(self, seen: np.ndarray) -> tuple[int, int]:
        """Return the nearest moment; among equally near ones, any."""
        apart = np.linalg.norm(self._moments - seen, axis=1)
        near = np.flatnonzero(apart <= apart.min() + 1e-6)
        return self._places[int(self._rng.choice(near))]
