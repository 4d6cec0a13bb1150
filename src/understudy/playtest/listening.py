"""Who wants to know how a playtest goes on."""

from __future__ import annotations

from typing import Protocol

from understudy.playtest.run.trace import Run


class Listener(Protocol):
    """Hears how a playtest goes on; all but `progress` is called from threads that follow the runs and replays."""

    def step(self) -> None:
        """One decision was made."""
        ...

    def progress(self, done: int, planned: int, findings: int) -> None:
        """So many of the planned runs are over, and so many different bugs were seen."""
        ...

    def lost(self, run: Run, message: str) -> None:
        """A run's worker failed, by no fault of the game; the run is played again."""
        ...

    def replays(self, what: str, done: int, planned: int) -> None:
        """A finding is replayed: what for, and how many of at most `planned` replays are over."""
        ...


class Silence:
    """A listener that does nothing."""

    def step(self) -> None:
        """Say nothing."""

    def progress(self, done: int, planned: int, findings: int) -> None:
        """Say nothing."""

    def lost(self, run: Run, message: str) -> None:
        """Say nothing."""

    def replays(self, what: str, done: int, planned: int) -> None:
        """Say nothing."""
