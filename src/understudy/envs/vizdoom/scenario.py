"""What a ViZDoom demo does not say, and a configuration does: the WAD, the buttons, the rewards, the picture."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from understudy.errors import RecordingError
from understudy.recordings.formats.guards import read_text

_LIST = re.compile(r"^\s*(\w+)\s*(\+?=)\s*\{([^}]*)\}", re.MULTILINE)
_LINE = re.compile(r"^\s*(\w+)\s*=\s*([^{}\n]*?)\s*$", re.MULTILINE)
_MAX_CONFIG_BYTES = 1 << 20
_REWARDS = re.compile(r"\w+_(reward|penalty)")


@dataclass(frozen=True)
class Scenario:
    """The parts of a configuration (`.cfg`) that matter to a replay; everything else in it is ignored.

    Attributes:
        wad: The scenario or game, as it is written there; empty if it says none.
        game: The game that a scenario is added to; empty if it says none.
        buttons: Names in capitals, such as `"ATTACK"`.
        variables: Names in capitals, such as `"HEALTH"`.
        resolution: Such as `"RES_320X240"`; empty if it says none.
        draws_hud: Whether the status bar is drawn.
        rewards: By setting, such as `{"living_reward": -1.0}`.
    """

    wad: str = ""
    game: str = ""
    buttons: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    resolution: str = ""
    draws_hud: bool = False
    rewards: dict[str, float] = field(default_factory=dict)


def read_scenario(path: Path) -> Scenario:
    """Read a configuration; raises `RecordingError` if it is no text, or a reward is no number."""
    if not path.is_file():
        raise RecordingError(f"{path} is not a file; give the path of a ViZDoom configuration (.cfg).")
    text = re.sub(r"#.*", "", read_text(path, max_bytes=_MAX_CONFIG_BYTES))
    lists: dict[str, tuple[str, ...]] = {}
    for name, sign, words in _LIST.findall(text):
        before = lists.get(_key(name), ()) if sign == "+=" else ()
        lists[_key(name)] = (*before, *words.upper().split())
    values = {_key(name): value.strip("\"'") for name, value in _LINE.findall(text)}
    return Scenario(
        wad=_beside(path, values.get("doom_scenario_path", "") or values.get("doom_game_path", "")),
        game=_beside(path, values.get("doom_game_path", "")) if values.get("doom_scenario_path") else "",
        buttons=lists.get("available_buttons", ()),
        variables=lists.get("available_game_variables", ()),
        resolution=values.get("screen_resolution", "").upper(),
        draws_hud=values.get("render_hud", "").lower() in ("true", "1"),
        rewards={name: _number(path, name, text) for name, text in values.items() if _REWARDS.fullmatch(name)},
    )


def _key(name: str) -> str:
    """The engine takes `livingReward` for `living_reward`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _beside(path: Path, name: str) -> str:
    """A WAD is named relative to its configuration; one that is not there may be of the vizdoom wheel."""
    found = path.parent / name
    try:
        return str(found) if name and found.is_file() else Path(name).name
    except OSError as error:
        raise RecordingError(f"{path} names the file {name[:80]!r}, which no system has: {error.strerror}.") from error


def _number(path: Path, name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise RecordingError(f"{path}: {name} should be a number, not {text!r}.") from error


def find_config(demo: Path) -> Path | None:
    """The configuration beside a demo: of its name, or the only one."""
    if demo.with_suffix(".cfg").is_file():
        return demo.with_suffix(".cfg")
    found = sorted(demo.parent.glob("*.cfg"))
    return found[0] if len(found) == 1 else None


def find_wad_beside(demo: Path) -> Path | None:
    """The only WAD beside a demo."""
    found = sorted(each for each in demo.parent.iterdir() if each.suffix.lower() == ".wad")
    return found[0] if len(found) == 1 else None
