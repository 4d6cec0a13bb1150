"""What the doctor says: findings, each with where, how bad, the evidence, and a fix that can be applied by name."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator

from understudy.recordings.surgery.operations import AnyOperation


class Severity(IntEnum):
    """How much a finding matters to a bot trained on the recordings."""

    NOTE = 0
    WARNING = 1
    PROBLEM = 2

    @property
    def word(self) -> str:
        """The name as people write it."""
        return self.name.lower()


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Plot(_Part):
    """A small line or bar plot.

    Attributes:
        x: The positions: steps, lags, seconds.
        y: The values, as many.
        x_label: What `x` counts.
        y_label: What `y` is.
        marked: A range of `x` to shade: what the finding is about.
        bars: Draw bars instead of a line.
        labels: Words below the bars instead of `x`.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    x_label: str = "step"
    y_label: str = ""
    marked: tuple[float, float] | None = None
    bars: bool = False
    labels: tuple[str, ...] = ()


class Evidence(_Part):
    """The number a finding rests on, and a plot of it."""

    value: float
    unit: str = ""
    plot: Plot | None = None


class Fix(_Part):
    """What would mend it.

    Attributes:
        name: As in `understudy logs fix --apply NAME`.
        sentence: What it does.
        operations: Of surgery; their steps are numbered as in the recording examined.
    """

    name: str
    sentence: str
    operations: tuple[AnyOperation, ...]

    @field_serializer("operations")
    def _write_operations(self, operations: tuple[AnyOperation, ...]) -> list[dict[str, Any]]:
        return [each.to_dict() for each in operations]


class Finding(_Part):
    """One thing that is wrong, or worth knowing.

    Attributes:
        check: Name of the check that found it.
        recording: Name of the recording; empty if it is about all of them.
        steps: Half-open range of steps; None if it is about the whole recording.
        severity: How much it matters.
        sentence: What was found.
        why: Why it matters for a bot trained on it.
        evidence: The number it rests on.
        fix: What would mend it, if anything that can be done to recordings would.
        others: Other recordings it is about, such as the copy's original.
    """

    check: str
    recording: str = ""
    steps: tuple[int, int] | None = None
    severity: Severity
    sentence: str
    why: str = ""
    evidence: Evidence | None = None
    fix: Fix | None = None
    others: tuple[str, ...] = Field(default=())

    @field_serializer("severity")
    def _write_severity(self, severity: Severity) -> str:
        return severity.word

    @field_validator("severity", mode="before")
    @classmethod
    def _read_severity(cls, value: Any) -> Any:
        return Severity[value.upper()] if isinstance(value, str) and value.upper() in Severity.__members__ else value
