"""Go-Explore: return to a known place by restoring the engine's state, then explore from there.

Sources: Ecoffet et al. 2021, "First return, then explore", arXiv:2004.12919; for game testing arXiv:2209.00570.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from understudy.errors import PlaytestError
from understudy.playtest.baselines.sticky import StickyRandom
from understudy.spec import Action, BehaviorSpec, Observation

CellOf = Callable[[Mapping[str, Any]], Hashable]


class RestorableGame(Protocol):
    """A gymnasium environment whose whole state can be taken and set."""

    behavior: BehaviorSpec

    def reset(self, *, seed: int | None = None) -> tuple[Observation, dict[str, Any]]:
        """Start an episode."""
        ...

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Do one decision."""
        ...

    def get_state(self) -> Any:
        """Return the whole state."""
        ...

    def set_state(self, state: Any) -> Any:
        """Go on from a state."""
        ...


@dataclass(frozen=True)
class _Way:
    """How a place was reached: the way to where the excursion began, and what was done since."""

    before: _Way | None
    actions: tuple[Action, ...]

    @property
    def length(self) -> int:
        return len(self.actions) + (self.before.length if self.before else 0)


@dataclass
class _Place:
    state: Any
    observation: Observation
    way: _Way
    length: int
    visits: int = 0


class GoExplore:
    """Explores by excursions of sticky random actions from rarely chosen places.

    Args:
        game: To explore; marked, since it uses the engine's state.
        cell_of: From `info` to the cell it is in, such as a rounded position; what cannot be hashed is refused.
        seed: Of the game and of the draws.
        excursion: Decisions from each place it returns to.
        keep: Chance that the random actions stay the same.

    Attributes:
        uses_engine_state: True: no tester from outside could do this.
        growth: Cells known after each decision.

    Raises:
        PlaytestError: If the game's state cannot be taken.
    """

    uses_engine_state = True

    def __init__(
        self, game: RestorableGame, cell_of: CellOf, seed: int = 0, excursion: int = 32, keep: float = 0.9
    ) -> None:
        if not (hasattr(game, "get_state") and hasattr(game, "set_state")):
            raise PlaytestError(
                f"Go-Explore restores the engine's state, and the game '{game.behavior.name}' has no get_state and "
                "set_state; compare with another tester."
            )
        self._game, self._cell_of, self._excursion = game, cell_of, excursion
        self._rng = np.random.default_rng(seed)
        self._dice = StickyRandom(game.behavior, keep)
        observation, info = game.reset(seed=seed)
        start = _Place(game.get_state(), observation, _Way(None, ()), 0)
        self._places: dict[Hashable, _Place] = {cell_of(info): start}
        self.growth: list[int] = []
        self._origin, self._done = start.way, list[Action]()

    @property
    def cells(self) -> set[Hashable]:
        """All cells it has been in."""
        return set(self._places)

    @property
    def farthest(self) -> Hashable:
        """Of the cells that it returned to least often, the one that takes the most decisions to get to."""
        return min(self._places, key=lambda cell: (self._places[cell].visits, -self._places[cell].length))

    def explore(self, decisions: int) -> None:
        """Explore for so many decisions more."""
        end = len(self.growth) + decisions
        while len(self.growth) < end:
            self._go(min(self._excursion, end - len(self.growth)))

    def inputs(self, cell: Hashable) -> list[Action]:
        """Return what was done from the start to a cell, so that a deterministic game gets there without its state."""
        return _spell(self._places[cell].way)

    @property
    def last_inputs(self) -> list[Action]:
        """What was done from the start to the last decision, also if the game did not survive it."""
        return [*_spell(self._origin), *self._done]

    def _go(self, decisions: int) -> None:
        place = self._choose()
        place.visits += 1
        self._game.set_state(place.state)
        self._dice.reset(int(self._rng.integers(1 << 31)))
        observation, origin, done = place.observation, place.way, list[Action]()
        self._origin, self._done = origin, done
        for _ in range(decisions):
            action = self._dice.act(observation)
            done.append(action)
            observation, _, terminated, truncated, info = self._game.step(action)
            if not terminated:
                self._remember(self._cell_of(info), observation, origin, done)
            self.growth.append(len(self._places))
            if terminated or truncated:
                return

    def _choose(self) -> _Place:
        """Draw a place by 1 / sqrt(visits + 1)."""
        places = list(self._places.values())
        weights = np.array([1 / np.sqrt(each.visits + 1) for each in places])
        return places[int(self._rng.choice(len(places), p=weights / weights.sum()))]

    def _remember(self, cell: Hashable, observation: Observation, origin: _Way, done: list[Action]) -> None:
        """Keep a place that is new, or reached in fewer decisions than before."""
        known = self._places.get(cell)
        length = origin.length + len(done)
        if known is None or length < known.length:
            place = _Place(self._game.get_state(), observation, _Way(origin, tuple(done)), length)
            place.visits = known.visits if known else 0
            self._places[cell] = place


def _spell(way: _Way | None) -> list[Action]:
    """The actions of a way, from the start."""
    parts = []
    while way is not None:
        parts.append(way.actions)
        way = way.before
    return [action for actions in reversed(parts) for action in actions]
