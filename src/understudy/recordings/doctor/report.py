"""What an examination gives: a card of each session, and the findings."""

from __future__ import annotations

import json
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from understudy.errors import RecordingError
from understudy.recordings.doctor.finding import Finding, Severity
from understudy.recordings.formats.guards import read_text


class SessionCard(BaseModel):
    """One session, in numbers.

    Attributes:
        name: Of the recording.
        behavior: Its behaviour's name.
        player: Who played, as the recording has it.
        steps: Decisions.
        seconds: Of game time.
        active: Share of steps with an input.
        measures: What checks measured of it, by name.
        digest: Of what it holds; empty if unknown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    behavior: str
    player: str
    steps: int
    seconds: float
    active: float
    measures: dict[str, float] = {}
    digest: str = ""


class Report(BaseModel):
    """The result of an examination.

    Attributes:
        recordings: A card for each.
        findings: The gravest first.
        checks: What was looked for: titles by name.
        format: Of the JSON form.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))

    recordings: tuple[SessionCard, ...]
    findings: tuple[Finding, ...]
    checks: dict[str, str]
    format: Literal[1] = 1

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of at least a severity."""
        return tuple(each for each in self.findings if each.severity >= severity)

    @property
    def counts(self) -> Counter[Severity]:
        """How many findings there are of each severity."""
        return Counter(each.severity for each in self.findings)

    @property
    def fixes(self) -> Counter[str]:
        """How many findings each fix would mend, by its name."""
        return Counter(each.fix.name for each in self.findings if each.fix)

    @property
    def lengths(self) -> dict[str, int]:
        """Steps of each recording, by name."""
        return {each.name: each.steps for each in self.recordings}

    def save(self, path: Path) -> None:
        """Write the JSON form."""
        path.write_text(json.dumps(self.model_dump(mode="json", exclude_defaults=True), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Report:
        """Read the JSON form; raises `RecordingError` if it is none."""
        if not path.is_file():
            raise RecordingError(
                f"There is no report {path}. Write one first: understudy logs doctor LOGS --out REPORT"
            )
        try:
            return cls.model_validate_json(read_text(path))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(each) for each in first["loc"])
            raise RecordingError(
                f"{path} is not a doctor's report ({where or 'the whole'}: {first['msg']}); give the JSON one."
            ) from error
