"""The oracle of being stuck."""

from __future__ import annotations

import math
from collections import deque
from typing import Literal

import numpy as np

from understudy.playtest.options import Positive, Share
from understudy.playtest.oracles.asking import asks_to_move
from understudy.playtest.oracles.oracle import OracleOptions, Quiet
from understudy.playtest.run.moment import Moment, Position, Sighting
from understudy.spec import ActionSpec, BehaviorSpec

MOVING_PARTS = ("move", "strafe")


class StuckSpec(OracleOptions):
    """The player asked to move and did not get away.

    Attributes:
        distance: In the game's units: staying inside a box with a shorter diagonal is being stuck.
        seconds: Of game time that it must last.
        share: Of the decisions in that time, how many must ask to move.
        parts: The action parts that move the player; by default `move` and `strafe`, or all if there is neither.
    """

    kind: Literal["stuck"] = "stuck"
    distance: Positive = 32.0
    seconds: Positive = 5.0
    share: Share = 0.8
    parts: tuple[str, ...] = ()


class Stuck(Quiet):
    """The player asked to move for some time and did not get away.

    One spell of being stuck is one sighting: the next needs the player to have got `distance` away from the last.

    Attributes:
        is_stuck: Whether the player is stuck at this decision.
        num_decisions: For how many decisions of the run the player was stuck, with those before it became certain.
    """

    kind = "stuck"
    Options = StuckSpec

    def __init__(self, options: StuckSpec) -> None:
        self.options = options
        self.is_stuck = False
        self.num_decisions = 0
        self._moving: tuple[ActionSpec, ...] = ()
        self._window: deque[tuple[Position, bool]] = deque()
        self._spot: Position | None = None

    def reset(self, behavior: BehaviorSpec) -> None:
        """Forget the last run; raises `SpecError` if a part that should move the player is unknown."""
        names = self.options.parts or [name for name in behavior.action_names if name in MOVING_PARTS]
        self._moving = tuple(behavior.action(name) for name in names) or behavior.actions
        self._window = deque(maxlen=max(2, math.ceil(self.options.seconds * behavior.decision_hz) + 1))
        self._spot, self.is_stuck, self.num_decisions = None, False, 0

    def observe(self, moment: Moment) -> Sighting | None:
        """Report the moment the player has been stuck long enough."""
        if moment.position is None or moment.action is None:
            return None
        if moment.info.get("dead"):
            self._window.clear()
        self._window.append((moment.position, asks_to_move(moment.action, self._moving)))
        was_stuck, self.is_stuck = self.is_stuck, self._stays() and self._asks()
        if self.is_stuck:
            self.num_decisions += 1 if was_stuck else len(self._window)
        if self._spot and math.dist(moment.position, self._spot) >= self.options.distance:
            self._spot = None
        if not self.is_stuck or self._spot:
            return None
        self._spot = moment.position
        message = f"Asked to move for {self.options.seconds:g} s and moved less than {self.options.distance:g} units."
        return Sighting(self.kind, message, moment.tick, moment.position)

    def _stays(self) -> bool:
        if len(self._window) < (self._window.maxlen or 0):
            return False
        # Who walks is far from where the window began; that alone settles most moments.
        if math.dist(self._window[0][0], self._window[-1][0]) >= self.options.distance:
            return False
        extent = np.ptp(np.array([position for position, _ in self._window]), axis=0)
        return float(np.linalg.norm(extent)) < self.options.distance

    def _asks(self) -> bool:
        return sum(asks for _, asks in self._window) >= self.options.share * len(self._window)
