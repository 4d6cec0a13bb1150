"""Testers that look behind the game, as personas: only to compare with, and marked so in reports."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from understudy.agents.agent import Agent
from understudy.errors import PlaytestError
from understudy.playtest.baselines import GoExplore, NavmeshWalker, StickyRandom, TurnAndWalk, WalkGrid
from understudy.playtest.persona import PersonaSpec
from understudy.playtest.run.game import Game, GameFaultError
from understudy.spec import Action, BehaviorSpec, Observation


def open_privileged(persona: PersonaSpec, game: Game, cell: float, decisions: int) -> Agent:
    """Return the agent of a privileged persona.

    Args:
        persona: Of the agent `go_explore` or `navmesh`.
        game: It plays, and looks behind.
        cell: Side of a coverage cell, in the game's units.
        decisions: Of the run.

    Raises:
        PlaytestError: If the game does not offer what the agent needs.
    """
    return Returner(game, cell, decisions) if persona.agent == "go_explore" else LevelWalker(game, cell)


class Returner:
    """Go-Explore in one run that replays: explores by restoring states before the run, then goes where that led.

    A run is one episode whose inputs lead to the same bugs without the engine's state. So the exploration, as long as
    the run, is done on the side; the run walks to the place that was hardest to get to, and is random from there. What
    made the game raise an error on the side is what the run does.

    Args:
        game: That can be restored.
        cell: Side of a cell, in the game's units.
        decisions: Of the exploration.

    Raises:
        PlaytestError: If the game's state cannot be taken.
    """

    def __init__(self, game: Game, cell: float, decisions: int) -> None:
        self.behavior = game.behavior
        self._side = _Side(game)
        self._cell, self._decisions = cell, decisions
        self._dice = StickyRandom(game.behavior)
        self._way: list[Action] = []

    def reset(self, seed: int) -> None:
        """Explore on the side, in the level of this seed."""
        self._dice.reset(seed)
        explorer = GoExplore(self._side, self._cell_of, seed)
        try:
            explorer.explore(self._decisions)
            self._way = explorer.inputs(explorer.farthest)
        except GameFaultError:
            self._way = explorer.last_inputs
        self._next = 0

    def act(self, observation: Observation) -> Action:
        """Go on to the chosen place; at random once there."""
        if self._next == len(self._way):
            return self._dice.act(observation)
        self._next += 1
        return self._way[self._next - 1]

    def close(self) -> None:
        """Nothing to release."""

    def _cell_of(self, info: Mapping[str, Any]) -> Hashable:
        return tuple(math.floor(each / self._cell) for each in _position(info, "go_explore"))


class _Side:
    """A playtest's game as Go-Explore reads it."""

    def __init__(self, game: Game) -> None:
        for name in ("get_state", "set_state"):
            if not game.env.has_wrapper_attr(name):
                raise PlaytestError(
                    f"The agent 'go_explore' is privileged: it restores the engine's state, and the game "
                    f"'{game.behavior.name}' has no {name}(); compare with another agent."
                )
        self.behavior: BehaviorSpec = game.behavior
        self._game = game
        self.get_state = game.env.get_wrapper_attr("get_state")
        self.set_state = game.env.get_wrapper_attr("set_state")

    def reset(self, *, seed: int | None = None) -> tuple[Observation, dict[str, Any]]:
        """Start the level of a seed."""
        return self._game.reset(seed or 0)

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Do one decision."""
        return self._game.step(action)


class LevelWalker:
    """Walks to every place that the game says can be reached, the nearest first.

    Args:
        game: That says what can be reached, and where the player is.
        cell: Side of a coverage cell; the walk's are half of it, which is how finely games answer.

    Raises:
        PlaytestError: If the game does not say so, or cannot be steered.
    """

    def __init__(self, game: Game, cell: float) -> None:
        if not game.env.has_wrapper_attr("reachable_cells"):
            raise PlaytestError(
                f"The agent 'navmesh' is privileged: it walks what can be reached, and the game '{game.behavior.name}' "
                "has no reachable_cells(); compare with another agent."
            )
        self.behavior, self._game, self._side = game.behavior, game, cell / 2
        self._steer = TurnAndWalk(game.behavior)

    def reset(self, seed: int) -> None:
        """Forget where it has been; the level is asked for at the first decision, once it is there."""
        self._seed = seed
        self._walker: NavmeshWalker | None = None

    def act(self, observation: Observation) -> Action:
        """Walk on; the observation is checked, as by any agent, and has no say in it."""
        self.behavior.check_observation(observation)
        told = self._game.told
        _position(told, "navmesh")
        if "heading" not in told:
            raise PlaytestError("The agent 'navmesh' is privileged: it needs info['heading'], which the game lacks.")
        if self._walker is None:
            self._walker = NavmeshWalker(self._grid(), self._steer)
            self._walker.reset(self._seed)
        return self._walker.act(told)

    def close(self) -> None:
        """Nothing to release."""

    def _grid(self) -> WalkGrid:
        points = np.asarray(self._game.env.get_wrapper_attr("reachable_cells")(), float)
        if points.ndim != 2 or not len(points) or points.shape[1] < 2:
            raise PlaytestError(f"The game's reachable_cells() gave nowhere to walk to (shape {points.shape}).")
        cells = np.floor(points[:, :2] / self._side).astype(int)
        low = cells.min(0)
        columns, rows = cells.max(0) - low + 1
        walkable = np.zeros((rows, columns), bool)
        walkable[cells[:, 1] - low[1], cells[:, 0] - low[0]] = True
        origin = low * self._side
        return WalkGrid(walkable, self._side, (float(origin[0]), float(origin[1])))


def _position(info: Mapping[str, Any], agent: str) -> list[float]:
    place = info.get("position")
    if not isinstance(place, list) or len(place) < 2:
        raise PlaytestError(f"The agent '{agent}' is privileged: it needs info['position'], which the game lacks.")
    return place
