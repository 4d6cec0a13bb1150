"""The hands of a scripted tester: from where it wants to go and look, to an action, as unevenly as a person's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.envs.parkland.behavior import GAITS, MAX_PITCH_DEGREES, MAX_TURN_DEGREES, MOVES
from understudy.spec import Action

_SWAY_MEMORY = 0.85
_STRAFE_FROM = 30.0
"""From which angle between look and way one walks sideways, degrees."""


@dataclass(frozen=True)
class Temper:
    """What differs from tester to tester.

    Attributes:
        eagerness: The share of an angle that is turned in one decision.
        sway: How much the view sways, degrees.
        glances: How often one looks aside, a decision.
        hops: How often one jumps for fun, a decision.
        gaze: Where one looks while walking, degrees over the level.
        ahead: How far ahead on its way one steers, metres.
    """

    eagerness: float
    sway: float
    glances: float
    hops: float
    gaze: float
    ahead: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Temper:
        """Draw one."""
        return cls(
            float(rng.uniform(0.35, 0.6)),
            float(rng.uniform(0.3, 1.2)),
            float(rng.uniform(0.005, 0.025)),
            float(rng.uniform(0.0, 0.004)),
            float(rng.uniform(-9.0, 1.0)),
            float(rng.uniform(1.8, 2.8)),
        )


class Hands:
    """Turns wishes into actions."""

    def __init__(self, rng: np.random.Generator, temper: Temper) -> None:
        self._rng, self._temper = rng, temper
        self._sway = np.zeros(2)

    def act(
        self,
        heading_error: float,
        pitch_error: float,
        way: float | None = None,
        gait: str = "walk",
        *,
        jump: bool = False,
        interact: bool = False,
    ) -> Action:
        """Return an action.

        Args:
            heading_error: How far to the left of the look one wants to look, degrees.
            pitch_error: How far over it.
            way: How far to the left of the look one wants to walk, degrees; None to stand.
            gait: One of `GAITS`.
            jump: Whether to jump.
            interact: Whether to interact.
        """
        noise = self._rng.normal(size=2) * self._temper.sway * np.sqrt(1 - _SWAY_MEMORY**2)
        self._sway = self._sway * _SWAY_MEMORY + noise
        left = np.clip(heading_error * self._temper.eagerness + self._sway[0], -MAX_TURN_DEGREES, MAX_TURN_DEGREES)
        up = pitch_error * self._temper.eagerness + self._sway[1]
        up = np.clip(up, -MAX_PITCH_DEGREES, MAX_PITCH_DEGREES)
        return {
            "move": np.asarray(0 if way is None else _move(way - left / 2), np.int64),
            "gait": np.asarray(GAITS.index(gait), np.int64),
            "turn": np.asarray(-left, np.float32),
            "pitch": np.asarray(up, np.float32),
            "jump": np.asarray(int(jump), np.int64),
            "interact": np.asarray(int(interact), np.int64),
        }


def wrap(angle: float) -> float:
    """Return an angle within -180 to 180 degrees."""
    return (angle + 180.0) % 360.0 - 180.0


def _move(left: float) -> int:
    """The direction of `MOVES` nearest to a way that leads `left` of the look, degrees; forward if it nearly does."""
    if abs(wrap(left)) < _STRAFE_FROM:
        return MOVES.index("forward")
    return 1 + round(-wrap(left) / 45.0) % 8
