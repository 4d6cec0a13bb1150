"""Oracles of how a run ended: it crashed, or it had to be killed."""

from __future__ import annotations

from typing import Literal

from understudy.playtest.options import Positive
from understudy.playtest.oracles.oracle import OracleOptions, Quiet
from understudy.playtest.run.moment import Ended, Ending, Sighting


class CrashSpec(OracleOptions):
    """The game raised an error, or its process died.

    Attributes:
        same: What makes two crashes one bug: that they happened at one `place`, or by one `error` in one line of code.
    """

    kind: Literal["crash"] = "crash"
    same: Literal["place", "error"] = "place"


class Crash(Quiet):
    """The game raised an error, or its process died."""

    kind = "crash"
    Options = CrashSpec

    def __init__(self, options: CrashSpec | None = None) -> None:
        self.options = options or CrashSpec()

    def end(self, ending: Ending) -> Sighting | None:
        """Report an error or a death."""
        if ending.how not in (Ended.RAISED, Ended.DIED):
            return None
        key = ending.message if self.options.same == "error" else ""
        return Sighting(self.kind, ending.message, ending.tick, ending.position, ending.detail, key)


class TimeoutSpec(OracleOptions):
    """The game hung.

    Attributes:
        step_seconds: Wall-clock seconds that one step may take.
        run_seconds: Wall-clock seconds that one run may take.
        start_seconds: Wall-clock seconds until the first observation.
    """

    kind: Literal["timeout"] = "timeout"
    step_seconds: Positive = 20.0
    run_seconds: Positive = 900.0
    start_seconds: Positive = 120.0


class Timeout(Quiet):
    """A step or the whole run took longer than its limit, so the game was killed."""

    kind = "timeout"
    Options = TimeoutSpec

    def __init__(self, options: TimeoutSpec | None = None) -> None:
        self.options = options or TimeoutSpec()

    def end(self, ending: Ending) -> Sighting | None:
        """Report a game that had to be killed."""
        if ending.how not in (Ended.HUNG, Ended.OVERTIME):
            return None
        return Sighting(self.kind, ending.message, ending.tick, ending.position, ending.detail)
