"""The JSON Schema of a playtest spec, for editors that complete keys and mark mistakes while one is written."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from understudy.playtest.options import Part
from understudy.playtest.spec import PlaytestSpec

SCHEMA_FILE = "playtest.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ENTRY = re.compile(r"^(\w+): (.*(?:\n +.*)*)", re.MULTILINE)


def spec_schema() -> dict[str, Any]:
    """Return the schema, each key with the words of its docstring."""
    schema = PlaytestSpec.model_json_schema(by_alias=True)
    parts = {each.__name__: each for each in _parts(Part)}
    for name, form in [("PlaytestSpec", schema), *schema.get("$defs", {}).items()]:
        if name in parts:
            _describe(form, parts[name])
    return {"$schema": DIALECT, **schema, "title": "A playtest of Understudy"}


def _parts(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and everything derived from it."""
    yield model
    for each in model.__subclasses__():
        yield from _parts(each)


def _describe(form: dict[str, Any], part: type[BaseModel]) -> None:
    told = _told(part)
    for name, field in part.model_fields.items():
        key = field.alias or name
        if name in told and key in form.get("properties", {}):
            form["properties"][key]["description"] = told[name]
    form["description"] = (inspect.getdoc(part) or "").split("\n\n")[0].replace("\n", " ")


def _told(part: type[BaseModel]) -> dict[str, str]:
    """What the docstrings of a part and of those it derives from say of its attributes, by name."""
    told: dict[str, str] = {}
    for each in reversed(part.__mro__):
        _, _, attributes = inspect.cleandoc(each.__doc__ or "").partition("Attributes:\n")
        told |= {name: " ".join(words.split()) for name, words in _ENTRY.findall(inspect.cleandoc(attributes))}
    return told
