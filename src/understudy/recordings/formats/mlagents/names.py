"""Names that a game gave to its things, as identifiers and as names of files."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MAX = 64


def identifier(name: str) -> str:
    """Return `name` with what an identifier cannot hold replaced by underscores; empty if nothing is left."""
    word = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:_MAX]
    return f"_{word}" if word[:1].isdigit() else word


def distinct(names: Sequence[str]) -> list[str]:
    """Number the names that came before: `ray`, `ray_2`, `ray_3`."""
    found: list[str] = []
    for name in names:
        number, tried = 1, name
        while tried in found:
            number += 1
            tried = f"{name}_{number}"
        found.append(tried)
    return found


def file_name(name: str, otherwise: str) -> str:
    """Return `name` with only letters, digits, `-`, `_` and `.` in it, as no path; `otherwise` if nothing is left."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:_MAX] or otherwise
