"""All oracles of a run, each kept from harming the others."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from understudy.errors import UnderstudyError
from understudy.playtest.oracles.oracle import Note, Oracle, OverRuns
from understudy.playtest.run.moment import Ending, Moment, Sighting
from understudy.spec import BehaviorSpec

T = TypeVar("T")


class Panel:
    """The oracles of one run. One that throws is named, and not asked again in this run.

    Attributes:
        oracles: Those that are still asked.
        failures: What went wrong with the others, in a sentence, by kind.
    """

    def __init__(self, oracles: Sequence[Oracle]) -> None:
        self.oracles = list(oracles)
        self.failures: dict[str, str] = {}

    def reset(self, behavior: BehaviorSpec) -> None:
        """Start watching a run.

        Raises:
            UnderstudyError: If an oracle's options do not fit the game.
        """
        self._ask(lambda each: each.reset(behavior))

    def observe(self, moment: Moment) -> list[Sighting]:
        """Show every oracle a moment and return what they see."""
        seen = []
        for each in self.oracles:
            try:
                found = each.observe(moment)
            except Exception as error:
                self._disable(each, error, moment.tick)
            else:
                if found is not None:
                    seen.append(found)
        return seen

    def end(self, ending: Ending) -> list[Sighting]:
        """Tell every oracle how the run ended and return what they see."""
        return [each for each in self._ask(lambda oracle: oracle.end(ending), ending.tick) if each is not None]

    def notes(self) -> dict[str, Note]:
        """Return what the oracles that decide over all runs noted of this one, by kind."""
        noted = self._ask(lambda each: (each.kind, each.note()) if isinstance(each, OverRuns) else None)
        return dict(each for each in noted if each is not None)

    def _ask(self, question: Callable[[Oracle], T], tick: int = 0) -> list[T]:
        answers = []
        for each in tuple(self.oracles):
            try:
                answers.append(question(each))
            except UnderstudyError:
                raise
            except Exception as error:
                self._disable(each, error, tick)
        return answers

    def _disable(self, oracle: Oracle, error: Exception, tick: int) -> None:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        self.oracles = [each for each in self.oracles if each is not oracle]
        self.failures[oracle.kind] = (
            f"The oracle '{oracle.kind}' failed at decision {tick} and was not asked again in that run: "
            f"{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})."
        )
