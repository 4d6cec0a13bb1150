"""Labels of single frames: a YAML file that says, by recording, at which steps an object of interest is in view.

park-003:
object: [120-140, 305]
nothing: [0-90, 200-260]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from understudy.errors import RecipeError, suggest

KINDS = ("object", "nothing")
"""What a labelled step may show, the first being what a detector looks for."""
_RANGE = re.compile(r"(\d{1,7})(?:-(\d{1,7}))?")


@dataclass(frozen=True)
class FrameLabels:
    """The labelled steps of one recording.

    Attributes:
        object: Steps at which an object of interest is in view, rising.
        nothing: Steps at which none is, rising.
    """

    object: tuple[int, ...]
    nothing: tuple[int, ...]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Give the kind and the number of each labelled step."""
        return ((kind, step) for kind in KINDS for step in getattr(self, kind))


def read_labels(path: Path) -> dict[str, FrameLabels]:
    """Read a file of labels.

    Raises:
        RecipeError: In one sentence: the file, the recording, what was found.
    """
    try:
        form = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise RecipeError(f"The labels {path} are not there.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path} cannot be read as YAML: {error}.") from error
    if not isinstance(form, dict) or not form:
        raise RecipeError(f"{path} should hold recordings' names, each with 'object' and 'nothing'.")
    return {str(name): _labels(path, str(name), each) for name, each in form.items()}


def _labels(path: Path, name: str, form: Any) -> FrameLabels:
    if not isinstance(form, dict):
        raise RecipeError(f"{path}: '{name}' should have 'object' and 'nothing', found {form!r}.")
    for key in form:
        if key not in KINDS:
            raise RecipeError(f"{path}: '{name}' has the unknown key '{key}'.{suggest(str(key), KINDS)}")
    found = FrameLabels(*(_steps(path, name, form.get(kind) or []) for kind in KINDS))
    both = set(found.object) & set(found.nothing)
    if both:
        raise RecipeError(f"{path}: step {min(both)} of '{name}' is labelled both as an object and as nothing.")
    return found


def _steps(path: Path, name: str, entries: Any) -> tuple[int, ...]:
    steps: set[int] = set()
    for entry in entries if isinstance(entries, list) else [entries]:
        match = _RANGE.fullmatch(str(entry).replace(" ", ""))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise RecipeError(f"{path}: '{name}' should list steps such as 305 or 120-140, found {entry!r}.")
        steps |= set(range(first, last + 1))
    return tuple(sorted(steps))
