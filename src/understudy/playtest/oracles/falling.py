"""The oracle of falling without end."""

from __future__ import annotations

from typing import Literal

from understudy.playtest.options import Positive
from understudy.playtest.oracles.oracle import OracleOptions, Quiet
from understudy.playtest.run.moment import Moment, Position, Sighting
from understudy.spec import BehaviorSpec


class FallingSpec(OracleOptions):
    """The player falls and falls.

    Attributes:
        seconds: Of game time without ground.
        speed: How fast at least, in the game's units a second.
    """

    kind: Literal["falling"] = "falling"
    seconds: Positive = 3.0
    speed: Positive = 2.0


class Falling(Quiet):
    """The player falls for longer than any drop of the level takes. One fall is one sighting, placed where it began."""

    kind = "falling"
    Options = FallingSpec

    def __init__(self, options: FallingSpec | None = None) -> None:
        self.options = options or FallingSpec()
        self._least_drop, self._patience = 0.0, 0.0
        self._last: Position | None = None
        self._edge: Position | None = None
        self._falls, self._told = 0, False

    def reset(self, behavior: BehaviorSpec) -> None:
        """Stand on the ground."""
        self._least_drop = self.options.speed / behavior.decision_hz
        self._patience = self.options.seconds * behavior.decision_hz
        self._last = None
        self._land()

    def observe(self, moment: Moment) -> Sighting | None:
        """Report the moment a fall has lasted long enough."""
        here, last = moment.position, self._last
        self._last = here
        if here is None or last is None or moment.info.get("grounded") or not self._drops(last, here):
            self._land()
            return None
        self._edge = self._edge or last
        self._falls += 1
        if self._falls < self._patience or self._told:
            return None
        self._told = True
        message = (
            f"The player has been falling for {self.options.seconds:g} s, {self._edge[2] - here[2]:.0f} units deep."
        )
        return Sighting(self.kind, message, moment.tick, self._edge)

    def _drops(self, last: Position, here: Position) -> bool:
        return len(here) >= 3 and last[2] - here[2] >= self._least_drop

    def _land(self) -> None:
        self._falls, self._told = 0, False
        self._edge = None
