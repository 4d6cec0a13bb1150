"""A privileged tester: it knows the level and where it stands, and walks to the nearest place it has not been to."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import PlaytestError
from understudy.spec import Action, ActionSpec, BehaviorSpec

Cell = tuple[int, int]
Steer = Callable[[Mapping[str, Any], tuple[float, float]], Action]
"""From `info` and a point (x, y) to walk to, to the action that leads there."""

_STEPS = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)]


@dataclass(frozen=True)
class WalkGrid:
    """Where one can walk.

    Attributes:
        walkable: bool, (rows, columns); row is y, column is x.
        side: Of a cell, in the game's units.
        origin: (x, y) of the outer corner of cell (0, 0).
    """

    walkable: np.ndarray
    side: float = 1.0
    origin: tuple[float, float] = (0.0, 0.0)

    def cell(self, x: float, y: float) -> Cell:
        """Return the (row, column) that a point is in."""
        return math.floor((y - self.origin[1]) / self.side), math.floor((x - self.origin[0]) / self.side)

    def centre(self, cell: Cell) -> tuple[float, float]:
        """Return the (x, y) of a cell's centre."""
        return self.origin[0] + (cell[1] + 0.5) * self.side, self.origin[1] + (cell[0] + 0.5) * self.side

    def open(self, cell: Cell) -> bool:
        """Whether a cell is walkable."""
        rows, columns = self.walkable.shape
        return 0 <= cell[0] < rows and 0 <= cell[1] < columns and bool(self.walkable[cell])

    def around(self, cell: Cell) -> list[Cell]:
        """Return the walkable neighbours, without cutting corners."""
        row, column = cell
        return [
            (row + down, column + across)
            for down, across in _STEPS
            if self.open((row + down, column + across))
            and self.open((row + down, column))
            and self.open((row, column + across))
        ]


class NavmeshWalker:
    """Visits every walkable cell, the nearest first.

    Args:
        grid: Where one can walk (privileged).
        steer: How to walk to a point.
        patience: Decisions without reaching the next cell after which that step is never tried again.

    Attributes:
        privileged: True: it reads `info`.
    """

    privileged = True

    def __init__(self, grid: WalkGrid, steer: Steer, patience: int = 20) -> None:
        self._grid, self._steer, self._patience = grid, steer, patience
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget where it has been; the seed decides between equally near places."""
        self._rng = np.random.default_rng(seed)
        self.visited: set[Cell] = set()
        self._given_up: set[tuple[Cell, Cell]] = set()
        self._way: deque[Cell] = deque()
        self._left: Cell = (-1, -1)
        self._waited = 0

    def act(self, info: Mapping[str, Any]) -> Action:
        """Decide from `info["position"]` and whatever `steer` reads."""
        x, y = float(info["position"][0]), float(info["position"][1])
        here = self._grid.cell(x, y)
        self.visited.add(here)
        if self._way and here == self._way[0]:
            self._left, self._waited = self._way.popleft(), 0
        self._waited += 1
        if self._waited > self._patience and self._way:
            self._given_up.add((self._left, self._way[0]))
            self._way.clear()
        if not self._way:
            self._way, self._left, self._waited = self._plan(here), here, 0
        return self._steer(info, self._grid.centre(self._way[0]) if self._way else (x, y))

    def _plan(self, here: Cell) -> deque[Cell]:
        """Return the way to the nearest cell where it has not been, without `here`; empty if there is none."""
        came: dict[Cell, Cell | None] = {here: None}
        line = deque([here])
        while line:
            cell = line.popleft()
            if cell not in self.visited:
                return _back(came, cell)
            around = [each for each in self._grid.around(cell) if each not in came]
            around = [each for each in around if (cell, each) not in self._given_up]
            for index in self._rng.permutation(len(around)):
                came[around[index]] = cell
                line.append(around[index])
        return deque()


def _back(came: Mapping[Cell, Cell | None], cell: Cell) -> deque[Cell]:
    way: deque[Cell] = deque()
    at: Cell | None = cell
    while at is not None and came[at] is not None:
        way.appendleft(at)
        at = came[at]
    return way


class TurnAndWalk:
    """Steers a first-person game: turns to the point, and walks once it is ahead.

    It reads `info["position"]` and `info["heading"]` (degrees, counter-clockwise from +x).

    Args:
        behavior: With a `turn` in degrees to the right, and a `move` with the label `forward`.
        ahead: Degrees off the point within which it walks.

    Raises:
        PlaytestError: If the behaviour has no such parts.
    """

    def __init__(self, behavior: BehaviorSpec, ahead: float = 30.0) -> None:
        parts = {part.name: part for part in behavior.actions}
        turn = parts.get("turn")
        if turn is None or not isinstance(turn.space, spaces.Box) or "forward" not in _labels(parts.get("move")):
            raise PlaytestError(
                f"The behaviour '{behavior.name}' has no 'turn' in degrees and 'move' with 'forward' to steer by."
            )
        self._parts, self._ahead = parts, ahead
        self._limits = float(turn.space.low.min()), float(turn.space.high.max())

    def __call__(self, info: Mapping[str, Any], target: tuple[float, float]) -> Action:
        """Return the action."""
        x, y = (float(each) for each in info["position"][:2])
        bearing = math.degrees(math.atan2(target[1] - y, target[0] - x))
        left = (bearing - float(np.asarray(info["heading"]).reshape(-1)[0]) + 180) % 360 - 180
        near = math.hypot(target[0] - x, target[1] - y) < 1e-6
        return {name: self._value(part, 0.0 if near else left, near=near) for name, part in self._parts.items()}

    def _value(self, part: ActionSpec, left: float, *, near: bool) -> np.ndarray:
        if part.name == "turn":
            return np.full(part.shape, np.clip(-left, *self._limits), part.dtype)
        if part.name == "move" and abs(left) <= self._ahead and not near:
            return np.asarray(part.labels.index("forward"), part.dtype)
        rest = part.labels.index("none") if "none" in part.labels else 0
        return np.full(part.shape, rest if isinstance(part.space, spaces.Discrete) else 0, part.dtype)


def _labels(part: ActionSpec | None) -> tuple[str, ...]:
    return part.labels if part else ()
