"""The file of a playtest's spec, and the paths in it that begin in its folder."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from understudy.errors import PlaytestError
from understudy.playtest.mistakes import sentence
from understudy.playtest.spec import PlaytestSpec


def read_spec(path: Path) -> PlaytestSpec:
    """Read a spec file; relative paths of personas are taken from the folder of the file.

    Raises:
        PlaytestError: If it cannot be read; one sentence for each thing wrong in it.
    """
    form = _read_yaml(path)
    try:
        spec = PlaytestSpec.model_validate(form)
    except ValidationError as error:
        mistakes = [sentence(path, dict(each)) for each in error.errors()]
        raise PlaytestError("\n".join(mistakes)) from error
    home = path.resolve().parent
    update = {
        "personas": tuple(each.anchored(home) for each in spec.personas),
        "oracles": tuple(each.anchored(home) for each in spec.oracles),
        "coverage": spec.coverage.anchored(home),
    }
    return spec.model_copy(update=update)


def _read_yaml(path: Path) -> object:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise PlaytestError(f"{path} {reason}. Write a first spec: understudy playtest init {path}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise PlaytestError(f"{path}{place}: not YAML: {getattr(error, 'problem', None) or error}.") from error


def moved(text: str, folder: Path, home: Path) -> str:
    """Return JSON with every path that begins in `folder` beginning in `home`."""
    old, new = (json.dumps(str(each))[:-1] for each in (folder, home))
    return text.replace(f"{old}/", f"{new}/").replace(f'{old}"', f'{new}"')
