"""What every part of a playtest spec is made of: a frozen model that refuses unknown keys, and kinds of values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from understudy.errors import suggest

Count: TypeAlias = Annotated[int, Field(ge=1)]
Natural: TypeAlias = Annotated[int, Field(ge=0)]
Positive: TypeAlias = Annotated[float, Field(gt=0)]
Share: TypeAlias = Annotated[float, Field(gt=0, le=1)]


class Part(BaseModel):
    """A part of the spec; it refuses keys it does not know and suggests the nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, value: object) -> object:
        known = {field.alias or name for name, field in cls.model_fields.items()}
        allowed = known | set(cls.model_fields)
        unknown = [str(key) for key in value if key not in allowed] if isinstance(value, dict) else []
        if unknown:
            raise PydanticCustomError(
                "unknown_key", "{key}|{hint}", {"key": unknown[0], "hint": suggest(unknown[0], known)}
            )
        return value


def function_beside(folder: Path, name: str) -> str:
    """Return the function `module:function` by the path of its module, if that is a file of `folder`."""
    module, _, function = name.rpartition(":")
    path = folder / f"{module}.py"
    return f"{path}:{function}" if path.exists() else name
