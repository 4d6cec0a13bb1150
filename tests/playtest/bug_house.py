"""A small game to test oracles with: a plane to walk on, and one bug that shows from the fifth unit eastwards on.

It registers the gymnasium id `playtest/House-v0`.
"""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from understudy.spec import Action, ActionSpec, BehaviorSpec, SensorSpec

BUGS = ("hole", "pen", "slow", "leak", "nan", "inf", "black", "frozen", "magenta", "print", "debt")
EDGE = 5
SIDE = 40
_MOVES = [(0, 0), (0, 1), (0, -1), (-1, 0), (1, 0)]
_LEAK = 1 << 20


class BugHouse(gymnasium.Env[dict[str, np.ndarray], Action]):
    """The plane; with no bug it is endless, flat and sound."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, bug: str = "") -> None:
        self.bug = bug
        sensors = (
            SensorSpec("frame", spaces.Box(0, 255, (SIDE, SIDE, 3), np.uint8)),
            SensorSpec("speed", spaces.Box(-np.inf, np.inf, (), np.float32)),
        )
        move = ActionSpec("move", spaces.Discrete(5), labels=("none", "north", "south", "west", "east"))
        self.behavior = BehaviorSpec("house", sensors, (move,), decision_hz=10.0)
        self.observation_space, self.action_space = self.behavior.observation_space, self.behavior.action_space

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Stand at the origin."""
        super().reset(seed=seed, options=options)
        self.at = np.zeros(3)
        self.leaked: list[np.ndarray] = []
        return self._see()

    def step(self, action: Action) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Walk one unit."""
        across, along = _MOVES[int(action["move"])]
        if not (self._shows("pen") and self.at[0] + across < EDGE):
            self.at[:2] += across, along
        if self._shows("hole"):
            self.at[2] -= 1
        if self._shows("slow"):
            time.sleep(0.02)
        if self._shows("leak"):
            self.leaked.append(np.ones(_LEAK, np.uint8))
        if self._shows("print"):
            print(f"ERROR 0x{int(self.at[0]):x}: no texture {int(self.at[1])}")
        seen, info = self._see()
        return seen, 0.0, False, False, info

    def _shows(self, bug: str) -> bool:
        return self.bug == bug and self.at[0] >= EDGE

    def _see(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        frame = np.add.outer(np.arange(SIDE), 4 * np.arange(SIDE))[..., None] + 10 * np.arange(3) + self.at.sum()
        frame = np.clip(frame, 0, 255).astype(np.uint8)
        if self._shows("black"):
            frame[:] = 1
        if self._shows("frozen"):
            frame[:] = np.arange(SIDE, dtype=np.uint8)[:, None]
        if self._shows("magenta"):
            frame[: max(2, SIDE - 4 * abs(int(self.at[0]) - 8))] = 250, 5, 250
        speed = np.nan if self._shows("nan") else 1.0
        info = {
            "position": self.at.copy(),
            "gold": -3 if self._shows("debt") else 3,
            "quest": [min(self.at[0] // 3, 1.0), self.at[0] // 3],
            "heat": np.inf if self._shows("inf") else 20.0,
        }
        return {"frame": frame, "speed": np.array(speed, np.float32)}, info


gymnasium.register("playtest/House-v0", entry_point=BugHouse)
