"""Mistakes in a playtest spec, each as one sentence: which file, which key, what was found, what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_MESSAGES = {
    "model_type": "should be a mapping of keys",
    "model_attributes_type": "should be a mapping of keys",
    "string_pattern_mismatch": "should be letters, digits, '-' and '_'",
}


def sentence(path: Path, error: dict[str, Any]) -> str:
    """Return one of pydantic's errors, as in `ValidationError.errors()`, in words."""
    location = list(error["loc"])
    where, kind, found = _dotted(location), error["type"], error["input"]
    context = error.get("ctx", {})
    if kind == "unknown_key":
        return f"{path}: '{context['key']}' is not a key of {where or 'a playtest'}.{context['hint']}"
    if kind == "missing":
        return f"{path}: {_dotted(location[:-1]) or 'the playtest'} lacks '{location[-1]}'."
    if kind in ("lacks", "twice"):
        return f"{path}: {where or 'the playtest'} {error['msg'].rstrip('.')}."
    message = _MESSAGES.get(kind, error["msg"].removeprefix("Input "))
    return f"{path}: {where or 'the playtest'} {message}, not {found!r}."


def _dotted(location: list[Any]) -> str:
    """The path of a key, as `personas[0].runs`."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in location).lstrip(".")
