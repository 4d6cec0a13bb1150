"""The oracle of what a user says must always hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from understudy.errors import suggest
from understudy.playtest.coverage.measures import load_function
from understudy.playtest.options import function_beside
from understudy.playtest.oracles.oracle import OracleOptions, Quiet
from understudy.playtest.run.moment import Moment, Sighting
from understudy.spec import BehaviorSpec

Check: TypeAlias = "Callable[[View], object]"
_OWN = ("tick", "position", "action", "reward", "step_seconds", "memory_mb", "faults", "log")


class View(Mapping[str, object]):
    """A moment as a user's function reads it: the numbers of `info` by name, and what else is known of it.

    `moment["health"]` is a number of `info`; `tick`, `position`, `action`, `reward`, `step_seconds`, `memory_mb`,
    `faults` and `log` are the `Moment`'s, unless `info` has a number of that name.
    """

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def __getitem__(self, name: str) -> object:
        if name in self._moment.info:
            return self._moment.info[name]
        if name in _OWN:
            return getattr(self._moment, name)
        raise KeyError(f"The game tells no '{name}'.{suggest(name, self)}")

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._moment.info, *_OWN)))

    def __len__(self) -> int:
        return len(list(iter(self)))


class InvariantSpec(OracleOptions):
    """Something that must hold at every moment does not.

    Attributes:
        functions: Of the user, as `module:function`, looked for beside the spec too. Each takes a moment and returns
            None or True if all is well, else False or a sentence.
    """

    kind: Literal["invariant"] = "invariant"
    functions: Annotated[tuple[str, ...], Field(min_length=1)]

    def anchored(self, folder: Path) -> InvariantSpec:
        """Return the same with each module that is a file of `folder` named by its path."""
        return self.model_copy(update={"functions": tuple(function_beside(folder, each) for each in self.functions)})

    @field_validator("functions")
    @classmethod
    def _name_functions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = next((each for each in value if not re.fullmatch(r".+:\w+", each)), None)
        if wrong is not None:
            raise PydanticCustomError("lacks", "holds '{name}'; write module:function", {"name": wrong})
        return value


class Invariant(Quiet):
    """One of the user's functions said that something does not hold. Each function is one finding.

    Raises:
        PlaytestError: If a function cannot be imported.
    """

    kind = "invariant"
    Options = InvariantSpec

    def __init__(self, options: InvariantSpec) -> None:
        self._checks = {each: load_function(each) for each in options.functions}
        self._seen: set[str] = set()

    def reset(self, behavior: BehaviorSpec) -> None:  # noqa: ARG002
        """Forget the last run."""
        self._seen = set()

    def observe(self, moment: Moment) -> Sighting | None:
        """Ask every function that has not said no in this run; report the first that does."""
        view = View(moment)
        for name, check in self._checks.items():
            answer = True if name in self._seen else check(view)
            if answer is None or answer is True:
                continue
            self._seen.add(name)
            message = answer if isinstance(answer, str) else f"'{name}' does not hold."
            return Sighting(self.kind, message, moment.tick, moment.position, key=name)
        return None
