"""The oracle of what a user says must always hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from understudy.errors import suggest
from understudy.playtest.coverage.measures import load_function
from understudy.playtest.oracles.options import InvariantSpec
from understudy.playtest.oracles.oracle import Quiet
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


class Invariant(Quiet):
    """One of the user's functions said that something does not hold. Each function is one finding.

    Raises:
        PlaytestError: If a function cannot be imported.
    """

    kind = "invariant"

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
