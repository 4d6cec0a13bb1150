"""A build of the game: which park, and which bugs are in it. Testers are not told; it is there for scoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from understudy.envs.parkland.bugs import plant
from understudy.envs.parkland.generator import generate
from understudy.envs.parkland.layout import BUGS, Layout
from understudy.errors import GameError, require, suggest

KEYS = ("name", "seed", "area_km2", "bugs", "bug_seed")


@dataclass(frozen=True)
class Build:
    """What a build's file says.

    Attributes:
        name: Such as `"park-1.2"`.
        seed: Of the park.
        area_km2: Of the park.
        bugs: How many of each kind are planted; empty in a clean build.
        bug_seed: Of their places.
    """

    name: str = "clean"
    seed: int = 0
    area_km2: float = 0.25
    bugs: Mapping[str, int] = field(default_factory=dict)
    bug_seed: int = 0

    def layout(self) -> Layout:
        """Return the park, with its bugs planted."""
        clean = generate(self.seed, self.area_km2)
        return plant(clean, self.bug_seed, self.bugs) if self.bugs else clean


def load_build(build: str | Path | Mapping[str, Any] | None, seed: int = 0, area_km2: float = 0.25) -> Build:
    """Return a build.

    Args:
        build: A file of YAML or JSON, or what such a file holds: a mapping of `KEYS`, all of them optional. `bugs` is
            `"all"` (one of each kind), a list of kinds, or counts by kind. None is a clean build.
        seed: Of the park, if there is no `build`.
        area_km2: Of the park, if there is no `build`.

    Raises:
        GameError: If it cannot be read, or says something that is no build.
    """
    if build is None:
        return Build(seed=seed, area_km2=area_km2)
    if isinstance(build, Mapping):
        return _build(build, "The build")
    return _build(_read(build), f"The build '{build}'")


def _read(path: str | Path) -> Any:
    yaml = require("yaml", "logs")
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise GameError(f"The build '{path}' cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        raise GameError(f"The build '{path}' is not YAML or JSON: {' '.join(str(error).split())}.") from error


def _build(content: Any, what: str) -> Build:
    if not isinstance(content, Mapping):
        raise GameError(f"{what} should be a mapping of {', '.join(KEYS)}, but it is {content!r}.")
    for key in content:
        if key not in KEYS:
            raise GameError(f"{what} has an unknown key '{key}'.{suggest(str(key), KEYS)}")
    return Build(
        str(content.get("name", "clean")),
        _whole(content.get("seed", 0), f"{what}: 'seed'"),
        _area(content.get("area_km2", 0.25), what),
        _counts(content.get("bugs"), what),
        _whole(content.get("bug_seed", 0), f"{what}: 'bug_seed'"),
    )


def _counts(bugs: Any, what: str) -> dict[str, int]:
    if bugs is None:
        return {}
    if bugs == "all":
        return dict.fromkeys(BUGS, 1)
    if isinstance(bugs, str) or not isinstance(bugs, (Mapping, list, tuple)):
        raise GameError(f"{what}: 'bugs' should be 'all', a list of kinds or counts by kind, but it is {bugs!r}.")
    counts = bugs if isinstance(bugs, Mapping) else dict.fromkeys(bugs, 1)
    for kind in counts:
        if kind not in BUGS:
            raise GameError(f"{what} has an unknown kind of bug '{kind}'.{suggest(str(kind), BUGS)}")
    return {kind: _whole(count, f"{what}: the number of '{kind}'") for kind, count in counts.items()}


def _whole(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise GameError(f"{what} should be a whole number, 0 or more, but it is {value!r}.")
    return value


def _area(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise GameError(f"{what}: 'area_km2' should be a number, but it is {value!r}.")
    return float(value)
