"""Oracles of how a run ended: it crashed, or it had to be killed."""

from __future__ import annotations

from understudy.playtest.oracles.options import CrashSpec, TimeoutSpec
from understudy.playtest.oracles.oracle import Quiet
from understudy.playtest.run.moment import Ended, Ending, Sighting


class Crash(Quiet):
    """The game raised an error, or its process died."""

    kind = "crash"

    def __init__(self, options: CrashSpec | None = None) -> None:
        self.options = options or CrashSpec()

    def end(self, ending: Ending) -> Sighting | None:
        """Report an error or a death."""
        if ending.how not in (Ended.RAISED, Ended.DIED):
            return None
        key = ending.message if self.options.same == "error" else ""
        return Sighting(self.kind, ending.message, ending.tick, ending.position, ending.detail, key)


class Timeout(Quiet):
    """A step or the whole run took longer than its limit, so the game was killed."""

    kind = "timeout"

    def __init__(self, options: TimeoutSpec | None = None) -> None:
        self.options = options or TimeoutSpec()

    def end(self, ending: Ending) -> Sighting | None:
        """Report a game that had to be killed."""
        if ending.how not in (Ended.HUNG, Ended.OVERTIME):
            return None
        return Sighting(self.kind, ending.message, ending.tick, ending.position, ending.detail)
