"""Many rounds at once, arrays in and arrays out: for corpora, evaluation and training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from understudy.envs.skirmish import chance
from understudy.envs.skirmish.behavior import skirmish_behavior
from understudy.envs.skirmish.level import Level, load_level
from understudy.envs.skirmish.measures import read_extras, read_rewards
from understudy.envs.skirmish.observe import Observer
from understudy.envs.skirmish.rules import RIFLE, Rules
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.world import World, new_world, step
from understudy.errors import GameError

Levels: TypeAlias = "str | Level | Sequence[str | Level]"


class SkirmishVector:
    """B rounds that are stepped together; agents are indexed as in `rules.AGENTS`.

    The seed of the k-th round that begins is drawn from `(seed, k)`, and it is played on level `k % len(levels)`. So
    the same seed and the same actions give the same rounds.

    Args:
        levels: Names (see `level.load_level`) or levels, one or several.
        num_rounds: B.
        seed: At least 0.
        sensors: Of `behavior.skirmish_behavior`.
        rules: By default `Rules()`.
        weapons: Of each agent, an index into `rules.WEAPONS`, shape (4,) or (B, 4).
        team_sizes: How many attack and how many defend, 1 or 2 each.
        auto_reset: Whether `step` begins a round anew, instead of playing it, once it was over.
        before_round: Called as `before_round(world, index)` whenever round `index` has just begun: to hand out weapons,
            say, by calling `world.begin` again.

    Attributes:
        behavior: What is sensed and done.
        world: The rounds themselves.
        rewards: Of the last decision, float32, shape (B, 4).
        ended: Which rounds the last decision ended, bool, shape (B,).
        started: Which rounds have begun with the readings last returned, bool, shape (B,).
        round_number: k, counted over all rounds that began, int64, shape (B,).

    Raises:
        GameError: If there is no such level, weapon or team, no round, or the seed is negative.
        SpecError: If there is no such sensor.
    """

    def __init__(
        self,
        levels: Levels,
        num_rounds: int,
        seed: int = 0,
        *,
        sensors: Sequence[str] | None = None,
        rules: Rules | None = None,
        weapons: Sequence[int] | np.ndarray = (RIFLE,) * NUM_AGENTS,
        team_sizes: tuple[int, int] = (2, 2),
        auto_reset: bool = False,
        before_round: Callable[[World, int], None] | None = None,
    ) -> None:
        if num_rounds < 1:
            raise GameError(f"{num_rounds} rounds cannot be played; num_rounds must be at least 1.")
        self.behavior = skirmish_behavior(sensors)
        found = find_levels(levels)
        self.world = new_world(found, num_rounds, np.zeros(num_rounds, int), rules, team_sizes=team_sizes)
        self.auto_reset, self._before_round = auto_reset, before_round
        self._weapons = np.broadcast_to(np.asarray(weapons), (num_rounds, NUM_AGENTS))
        self._team_sizes = team_sizes
        self._observer = Observer(self.world, self.behavior)
        self.round_number = np.zeros(num_rounds, np.int64)
        self.rewards = np.zeros((num_rounds, NUM_AGENTS), np.float32)
        self.ended, self.started = np.zeros(num_rounds, bool), np.zeros(num_rounds, bool)
        self.reset(seed)

    def __len__(self) -> int:
        return len(self.world)

    @property
    def over(self) -> np.ndarray:
        """Which rounds have a winner, bool, shape (B,)."""
        return self.world.winner >= 0

    def reset(self, seed: int) -> dict[str, np.ndarray]:
        """Begin all rounds anew, and return what `step` returns."""
        self._seed, self._num_begun = chance.require_seed(seed), 0
        for index in range(len(self)):
            self._begin(index)
        self.rewards[:] = 0
        self.ended[:], self.started[:] = False, True
        return self._observer.read()

    def step(self, actions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Play one decision of each round that is not over; begin those anew that were, if `auto_reset`.

        Args:
            actions: By part name, shape (B, 4); of the dead, and of rounds that are over, they do not matter.

        Returns:
            Readings by sensor name, shape (B, 4, *sensor shape), overwritten by the next call. Whoever was dead before
            this decision reads 0.

        Raises:
            ObservationError: If a part lacks, or has another shape, or values out of its range.
        """
        was_over = self.over.copy()
        step(self.world, actions)
        self.ended[:] = self.over & ~was_over
        self.rewards[:] = read_rewards(self.world, self.ended)
        self.started[:] = was_over & self.auto_reset
        for index in np.flatnonzero(self.started):
            self._begin(int(index))
        return self._observer.read()

    def extras(self) -> dict[str, np.ndarray]:
        """Return `measures.EXTRAS` of everybody now, float32, shape (B, 4, *shape)."""
        return read_extras(self.world)

    def _begin(self, index: int) -> None:
        number = self._num_begun
        self._num_begun += 1
        self.round_number[index] = number
        self.world.begin(
            index,
            chance.round_seed(self._seed, number),
            level=number % len(self.world.levels),
            weapons=self._weapons[index].tolist(),
            team_sizes=self._team_sizes,
        )
        if self._before_round is not None:
            self._before_round(self.world, index)


def find_levels(levels: Levels) -> tuple[Level, ...]:
    """Return levels, loading those that are given by name; raises `GameError` if there is none."""
    several = tuple(levels) if isinstance(levels, Sequence) and not isinstance(levels, str) else (levels,)
    if not several or not all(isinstance(each, (str, Level)) for each in several):
        raise GameError(f"A skirmish needs at least one level, such as 'foundry', not {levels!r}.")
    return tuple(load_level(each) if isinstance(each, str) else each for each in several)
