"""The oracle of what the game prints."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from understudy.playtest.oracles.oracle import OracleOptions, Quiet
from understudy.playtest.run.moment import Moment, Sighting
from understudy.spec import BehaviorSpec

_CHANGING = re.compile(r"0x[0-9a-fA-F]+|-?\d+(\.\d+)?")
_LONGEST = 300


class LogSpec(OracleOptions):
    """The game printed something that it should not.

    Attributes:
        patterns: Regular expressions, looked for in each line.
        ignore: Lines in which one of these is found do not count.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"log"})

    kind: Literal["log"] = "log"
    patterns: Annotated[tuple[str, ...], Field(min_length=1)] = (r"(?i)\b(error|exception|assertion failed)\b",)
    ignore: tuple[str, ...] = ()

    @field_validator("patterns", "ignore")
    @classmethod
    def _are_expressions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                re.compile(each)
            except re.error as error:
                context = {"pattern": each, "reason": str(error)}
                raise PydanticCustomError(
                    "lacks", "holds '{pattern}', no regular expression: {reason}", context
                ) from error
        return value


class LogPattern(Quiet):
    """The game printed a line that it should not. Lines that differ in numbers alone are one bug."""

    kind = "log"
    Options = LogSpec

    def __init__(self, options: LogSpec | None = None) -> None:
        self.options = options or LogSpec()
        self._patterns = [re.compile(each) for each in self.options.patterns]
        self._ignored = [re.compile(each) for each in self.options.ignore]
        self._known: set[str] = set()
        self._waiting: list[tuple[str, str]] = []

    def reset(self, behavior: BehaviorSpec) -> None:  # noqa: ARG002
        """Forget the last run."""
        self._known, self._waiting = set(), []

    def observe(self, moment: Moment) -> Sighting | None:
        """Report a line the first time that it is printed; several at once come one after the other."""
        for line in moment.log:
            key = _CHANGING.sub("#", line.strip())[:_LONGEST]
            if self._matches(line) and key not in self._known:
                self._known.add(key)
                self._waiting.append((key, line.strip()[:_LONGEST]))
        if not self._waiting:
            return None
        key, line = self._waiting.pop(0)
        return Sighting(self.kind, f"The game printed: {line}", moment.tick, moment.position, key=key)

    def _matches(self, line: str) -> bool:
        found = any(each.search(line) for each in self._patterns)
        return found and not any(each.search(line) for each in self._ignored)
