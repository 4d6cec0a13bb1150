"""Counts what is wrong with rows, so that a million bad cells are one sentence and not a million."""

from __future__ import annotations

from dataclasses import dataclass, field

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import Loss


@dataclass
class Tally:
    """What is wrong with a table, kind by kind.

    Attributes:
        where: The file.
        salvage: Count it; otherwise the first trouble raises `RecordingError`.
        broken: Whether the table could not be read to its end.
    """

    where: str
    salvage: bool = True
    broken: bool = False
    _found: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, what: str, row: int, count: int = 1) -> None:
        """Note that `count` rows, the first of them `row` (from 0, without the header), have this trouble."""
        if not count:
            return
        if not self.salvage:
            raise RecordingError(f"{self.where}, row {row + 1}: {what}.")
        before, first = self._found.get(what, (0, row))
        self._found[what] = (before + count, first)

    def break_off(self, what: str, row: int) -> None:
        """Note that nothing can be read from `row` on."""
        self.broken = True
        self.add(f"it cannot be read from there on ({what})", row)

    def drain(self) -> list[Loss]:
        """Return what was noted since the last call."""
        found, self._found = self._found, {}
        return [
            Loss(f"{self.where}, row {first + 1}", what if count == 1 else f"{what} ({count:,} rows)", count)
            for what, (count, first) in found.items()
        ]
