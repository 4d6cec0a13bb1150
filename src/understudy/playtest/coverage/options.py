"""What a spec says of coverage: what is counted, and the paths that a tester preferred."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from understudy.playtest.options import Part, Positive, function_beside

CoverageKind: TypeAlias = Literal["cells", "navmesh", "state"]


class CoverageSpec(Part):
    """How coverage is counted.

    Attributes:
        kind: `cells` of the level, polygons of the game's `navmesh`, or values of a `state` key. It is `state` by
            itself where a `key` is given.
        cell: Side of a cell in the game's units; also how near two sightings of one bug are.
        dimensions: 2 for squares of the plan, 3 for cubes, so that floors above each other count apart.
        key: Of a state: `module:function`, which takes the numbers of `info` by name and returns what tells states
            apart; or names of such numbers, each with the size of its bins.
        preferences: Recordings of a preference's demonstrations by its name; folders or files, beside the spec.
        within: How far from a preference's path a cell may lie and still be on it, in the game's units; by default
            `cell`.
    """

    kind: CoverageKind = "cells"
    cell: Positive = 64.0
    dimensions: Literal[2, 3] = 2
    key: str | dict[str, Positive] | None = None
    preferences: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    within: Positive | None = None

    @property
    def reach(self) -> float:
        """How far from a preference's path a cell may lie and still be on it."""
        return self.within or self.cell

    def anchored(self, folder: Path) -> CoverageSpec:
        """Return the same with recordings, and a key's module that is a file, taken from `folder`."""
        found = {name: tuple(str(folder / each) for each in paths) for name, paths in self.preferences.items()}
        key = function_beside(folder, self.key) if isinstance(self.key, str) else self.key
        return self.model_copy(update={"preferences": found, "key": key})

    @model_validator(mode="before")
    @classmethod
    def _a_key_is_of_a_state(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("key") is not None and "kind" not in value:
            return {**value, "kind": "state"}
        return value

    @field_validator("key", mode="before")
    @classmethod
    def _function_or_bins(cls, value: object) -> object:
        if isinstance(value, str) and value.count(":") != 1:
            raise PydanticCustomError(
                "lacks", "is '{key}'; write module:function, or numbers of info with their bins", {"key": value}
            )
        if value is not None and not isinstance(value, (str, dict)):
            raise PydanticCustomError("lacks", "is neither module:function nor a mapping of numbers to bin sizes")
        return value

    @field_validator("preferences", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: (paths,) if isinstance(paths, str) else paths for name, paths in value.items()}

    @model_validator(mode="after")
    def _has_its_key(self) -> CoverageSpec:
        if self.kind == "state" and not self.key:
            raise PydanticCustomError("lacks", "has the kind 'state' but no 'key'; name module:function or numbers")
        if self.kind != "state" and self.key:
            raise PydanticCustomError("lacks", "has a 'key', which only the kind 'state' has; leave 'kind' out")
        return self
