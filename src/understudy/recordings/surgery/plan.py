"""A plan: operations in order, as a JSON file that people, the doctor and the command line write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from understudy.errors import RecordingError
from understudy.recordings.formats.guards import read_text
from understudy.recordings.surgery.operations import AnyOperation


class Plan(BaseModel):
    """Operations, applied one after the other.

    Attributes:
        operations: In order; each is applied to what the one before it left.
        format: Of the JSON form.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    operations: tuple[AnyOperation, ...]
    format: Literal[1] = 1

    def to_json(self) -> str:
        """Return the JSON text, a line for each operation, without what is at its default."""
        lines = ",\n".join(f"    {json.dumps(each.to_dict())}" for each in self.operations)
        return f'{{\n  "format": {self.format},\n  "operations": [\n{lines}\n  ]\n}}\n'

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "The plan") -> Plan:
        """Rebuild from JSON text.

        Args:
            text: As `to_json` gives it.
            where: What it is called in an error.

        Raises:
            RecordingError: If it is not a plan; the message names the first thing that is wrong.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise RecordingError(f"{where}: {explain(error)}") from error

    @classmethod
    def from_form(cls, form: Mapping[str, Any], where: str) -> Plan:
        """Rebuild from the JSON form as Python objects; raises `RecordingError` as `from_json` does."""
        return cls.from_json(json.dumps(form), where)

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Read a plan's file; raises `RecordingError` if it is not there or is not a plan."""
        if not path.is_file():
            raise RecordingError(f"There is no plan {path}; understudy logs trim … --show-plan prints one.")
        return cls.from_json(read_text(path), str(path))


def explain(error: ValidationError) -> str:
    """Put pydantic's first complaint in one sentence: where, and what."""
    first = error.errors()[0]
    where, what = [str(each) for each in first["loc"]], first["msg"].removeprefix("Value error, ")
    if where[:1] == ["operations"] and len(where) > 1:
        where = [f"operation {int(where[1]) + 1}", *where[2:]]
    return f"{', '.join(where)}: {what}." if where else f"{what}."
