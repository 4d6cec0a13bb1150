"""A small game to test playtests with: a room seen from above, with bugs planted where the test wants them.

It registers the gymnasium id `playtest/Grid-v0`. The room is a list of rows: `#` is wall, `.` floor, `S` the start, `T`
a trap that lets nobody out, `X` a tile that crashes the game, `H` one that hangs it, `G` the goal.
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from understudy.spec import Action, ActionSpec, BehaviorSpec, SensorSpec

TILE = 10.0
PIXELS = 8
CLEAN = ["##########", "#S.......#", "#........#", "#........#", "#......###", "#......#G#", "##########"]
_COLOURS = {"#": 60, ".": 200, "S": 200, "T": 150, "X": 150, "H": 150, "G": 250}
_MOVES = [(0, 0), (0, -1), (0, 1), (-1, 0), (1, 0)]


def planted(tile: str, column: int, row: int) -> list[str]:
    """Return the clean room with one tile replaced."""
    rows = [list(line) for line in CLEAN]
    rows[row][column] = tile
    return ["".join(line) for line in rows]


def centre(column: int, row: int) -> tuple[float, float]:
    """Return the position of a tile's centre."""
    return (column + 0.5) * TILE, (row + 0.5) * TILE


class GridWorld(gymnasium.Env[dict[str, np.ndarray], Action]):
    """The room.

    Args:
        room: Its rows.
        crash: What an `X` does: `raise`, `exit` (leaves with status 3) or `segv`.
        slippery: The chance that a move goes nowhere, drawn from the environment's own generator.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, room: list[str] | None = None, crash: str = "raise", slippery: float = 0.0) -> None:
        self.room = room or CLEAN
        self.crash = crash
        self.slippery = slippery
        shape = (len(self.room) * PIXELS, len(self.room[0]) * PIXELS, 3)
        sensors = (
            SensorSpec("view", spaces.Box(0, 255, shape, np.uint8)),
            SensorSpec("place", spaces.Box(0, np.inf, (2,), np.float32), units="units"),
        )
        move = ActionSpec("move", spaces.Discrete(5), labels=("none", "north", "south", "west", "east"))
        self.behavior = BehaviorSpec("grid", sensors, (move,), decision_hz=10.0)
        self.observation_space, self.action_space = self.behavior.observation_space, self.behavior.action_space

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Put the player on the start."""
        super().reset(seed=seed, options=options)
        row = next(index for index, line in enumerate(self.room) if "S" in line)
        self.column, self.row = self.room[row].index("S"), row
        return self._see()

    def step(self, action: Action) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Move one tile, unless a wall or a trap is against it."""
        across, down = _MOVES[int(action["move"])]
        tile = self.room[self.row + down][self.column + across]
        if tile != "#" and self._here() != "T" and self.np_random.random() >= self.slippery:
            self.column, self.row = self.column + across, self.row + down
        if self._here() == "X":
            self._crash()
        if self._here() == "H":
            time.sleep(3600)
        seen, info = self._see()
        return seen, float(self._here() == "G"), self._here() == "G", False, info

    def level_lines(self) -> list[list[float]]:
        """Return the four sides of every wall tile."""
        lines = []
        for row, line in enumerate(self.room):
            for column, tile in enumerate(line):
                if tile == "#":
                    left, top, right, bottom = column * TILE, row * TILE, (column + 1) * TILE, (row + 1) * TILE
                    lines += [[left, top, right, top], [left, bottom, right, bottom]]
                    lines += [[left, top, left, bottom], [right, top, right, bottom]]
        return lines

    def _here(self) -> str:
        return self.room[self.row][self.column]

    def _crash(self) -> None:
        if self.crash == "raise":
            raise IndexError("no such tile")
        if self.crash == "exit":
            os._exit(3)
        ctypes.string_at(0)

    def _see(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        grey = np.array([[_COLOURS[tile] for tile in line] for line in self.room], np.uint8)
        view = np.repeat(grey.repeat(PIXELS, 0).repeat(PIXELS, 1)[..., None], 3, axis=2)
        top, left = self.row * PIXELS, self.column * PIXELS
        view[top : top + PIXELS, left : left + PIXELS] = (220, 40, 40)
        position = centre(self.column, self.row)
        info = {"position": position, "kills": 0, "health": 100.0, "room": "test"}
        return {"view": view, "place": np.array(position, np.float32)}, info


gymnasium.register("playtest/Grid-v0", entry_point=GridWorld)
