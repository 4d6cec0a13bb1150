"""From the state of a round to what there is to draw: figures, things and smokes, with the colours of who looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from understudy.envs.skirmish.abilities import CENTRE
from understudy.envs.skirmish.rules import DROPPED, PLANTED, WEAPON_TABLE, Record, Rules
from understudy.envs.skirmish.viewer.poses import ENEMY, FRIEND, Color, Figure

AGENTS = range(4)
FLASH_S = 0.05
"""How long a muzzle flashes."""
_STRIDE_METRES = 1.6
_BLINK_S = 0.5
_JUMP_METRES = 2.0
"""Who is further away than this from one picture to the next was put there, and did not walk."""


@dataclass
class Strides:
    """How far each agent has walked, so that its legs move with the floor."""

    turns: np.ndarray
    position: np.ndarray | None = None

    @classmethod
    def still(cls) -> Strides:
        """Return strides of agents that have not walked yet."""
        return cls(np.zeros(4))

    def follow(self, state: Record) -> None:
        """Take in where the agents are now."""
        position = np.array(state["position"])
        if self.position is not None:
            moved = np.hypot(*(position - self.position).T)
            self.turns += np.where(moved < _JUMP_METRES, moved / _STRIDE_METRES / 2, 0)
        self.position = position


def side_of(agent: int) -> int:
    """Return 0 for an attacker and 1 for a defender."""
    return agent // 2


def color_of(agent: int, side: int) -> Color:
    """Return the colour of an agent for somebody of `side`."""
    return FRIEND if side_of(agent) == side else ENEMY


def is_firing(state: Record, agent: int) -> bool:
    """Return whether an agent has just shot."""
    left, interval = float(state["fire_left"][agent]), float(WEAPON_TABLE["interval"][state["weapon"][agent]])
    return bool(state["alive"][agent]) and left > interval - FLASH_S


def figures(state: Record, side: int, strides: Strides, hidden: int = -1) -> list[Figure]:
    """Return everybody who is in the level, the fallen included.

    Args:
        state: Of the round, a record of `world.ROUND`.
        side: For whom: its own are friends.
        strides: Of the agents.
        hidden: The agent whose eyes these are, who is not drawn; -1 for nobody.
    """
    return [_figure(state, agent, side, strides) for agent in AGENTS if state["present"][agent] and agent != hidden]


def _figure(state: Record, agent: int, side: int, strides: Strides) -> Figure:
    x, y = (float(each) for each in state["position"][agent])
    return Figure(
        x,
        y,
        float(state["heading"][agent]),
        float(state["pitch"][agent]),
        color_of(agent, side),
        crouched=bool(state["crouched"][agent]),
        alive=bool(state["alive"][agent]),
        stride=float(strides.turns[agent]),
        speed=math.hypot(*state["velocity"][agent]),
        weapon=int(state["weapon"][agent]),
        firing=is_firing(state, agent),
    )


def smokes(state: Record) -> np.ndarray:
    """Return the smokes as capsules of no length, for `smoke.draw_smokes`: float64, shape (smokes, 7)."""
    rows = [
        (x, y, CENTRE, x, y, CENTRE, radius)
        for x, y, left, radius in state["smokes"].tolist()
        if left > 0 and radius > 0.05
    ]
    return np.array(rows, np.float64).reshape(-1, 7)


def devices(state: Record) -> list[tuple[float, float, float]]:
    """Return x and y of each scan's device, and how far it reaches."""
    return [(x, y, radius) for x, y, left, radius in state["devices"].tolist() if left > 0]


def bomb_on_floor(state: Record) -> tuple[float, float, bool, bool] | None:
    """Return x and y of the bomb, whether it is planted and whether its lamp is lit; None if somebody carries it."""
    if state["bomb_state"] not in (DROPPED, PLANTED):
        return None
    planted = bool(state["bomb_state"] == PLANTED)
    # The nearer the end, the faster it blinks.
    beat = _BLINK_S * (0.25 + 0.75 * min(1.0, float(state["bomb_left"]) / 20)) if planted else 1.0
    clock = float(state["bomb_left"]) if planted else float(state["clock"])
    x, y = (float(each) for each in state["bomb_position"])
    return x, y, planted, clock % beat < beat / 2


def aim(state: Record, agent: int, rules: Rules) -> tuple[float, float, float]:
    """Return eye height, heading and pitch towards which an agent's next shot goes, but for its spread.

    Recoil moves the whole view, so that the middle of the screen is where shots go.
    """
    eye = rules.eye_crouched if state["crouched"][agent] else rules.eye
    rise, kick = float(state["recoil"][agent]), float(WEAPON_TABLE["kick"][state["weapon"][agent]])
    sway = 0.35 * rise * math.sin(1.1 * rise / kick)
    return eye, float(state["heading"][agent]) - sway, float(state["pitch"][agent]) + rise
