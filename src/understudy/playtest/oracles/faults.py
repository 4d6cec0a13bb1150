"""The oracle of numbers that are none."""

from __future__ import annotations

from typing import ClassVar, Literal

from understudy.playtest.oracles.oracle import OracleOptions, Quiet
from understudy.playtest.run.moment import Moment, Sighting
from understudy.spec import BehaviorSpec


class NanSpec(OracleOptions):
    """A sensor or a number of `info` is NaN or infinite.

    Attributes:
        ignore: Names that may be.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"faults"})

    kind: Literal["nan"] = "nan"
    ignore: tuple[str, ...] = ()


class Nan(Quiet):
    """A sensor or a number of `info` is NaN or infinite. Each name is one finding."""

    kind = "nan"
    Options = NanSpec

    def __init__(self, options: NanSpec | None = None) -> None:
        self.options = options or NanSpec()
        self._known = set(self.options.ignore)

    def reset(self, behavior: BehaviorSpec) -> None:  # noqa: ARG002
        """Forget the last run."""
        self._known = set(self.options.ignore)

    def observe(self, moment: Moment) -> Sighting | None:
        """Report a name the first time that it is no number; several at once come one after the other."""
        fresh = [name for name in moment.faults if name not in self._known]
        if not fresh:
            return None
        self._known.add(fresh[0])
        message = f"'{fresh[0]}' is NaN or infinite."
        return Sighting(self.kind, message, moment.tick, moment.position, key=fresh[0])
