"""What decides that something is a bug.

An oracle watches one run: `reset` at its start, `observe` once per decision, `end` when it is over. It runs beside the
game's process, not in it, so that it outlives a crash. Each bug is reported once, when it becomes certain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from understudy.playtest.options import Part
from understudy.playtest.run.moment import Ending, Moment, Sighting
from understudy.spec import BehaviorSpec, Json

Note = Mapping[str, Json]


class OracleOptions(Part):
    """The options of an oracle.

    Attributes:
        kind: Names the sort of bug that it finds.
        needs: What the game's process must measure for it: `"memory"`, `"picture"`, `"log"`, `"faults"`.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    kind: str

    def anchored(self, folder: Path) -> OracleOptions:  # noqa: ARG002
        """Return the same with every path and module that lies beside the spec taken from its folder."""
        return self

    def alone(self) -> OracleOptions:
        """Return the options for judging a single run, such as a replay."""
        return self


class Oracle(Protocol):
    """Decides that something in a run is a bug; `kind` names the sort of bug."""

    kind: str

    def reset(self, behavior: BehaviorSpec) -> None:
        """Start watching a run of a game with this behaviour."""
        ...

    def observe(self, moment: Moment) -> Sighting | None:
        """Watch one decision; return a sighting when a bug becomes certain."""
        ...

    def end(self, ending: Ending) -> Sighting | None:
        """Hear how the run ended; return a sighting if that is a bug."""
        ...


@runtime_checkable
class OverRuns(Protocol):
    """An oracle that also decides when all runs are over, from what it noted of each."""

    def note(self) -> Note:
        """Return what is worth knowing of the run that is over, in JSON."""
        ...

    def conclude(self, notes: Sequence[Note]) -> list[tuple[int, Sighting]]:
        """Return the bugs that all runs together show, each with the index of the run that shows it best."""
        ...


class Quiet:
    """An oracle that keeps nothing and sees nothing: what others override where they have something to do."""

    def reset(self, behavior: BehaviorSpec) -> None:
        """Nothing to keep."""

    def observe(self, moment: Moment) -> Sighting | None:  # noqa: ARG002
        """Nothing to see in a moment."""
        return None

    def end(self, ending: Ending) -> Sighting | None:  # noqa: ARG002
        """The end of a run is no bug."""
        return None
