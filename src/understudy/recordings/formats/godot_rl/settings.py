"""What demonstrations do not say: names, which numbers are choices, and how often the game decided."""

from __future__ import annotations

import re

import numpy as np
from gymnasium import spaces
from pydantic import Field, field_validator

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import Settings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

_SENSOR = re.compile(r"([A-Za-z_]\w*):([1-9]\d{0,6})", re.ASCII)
_ACTION = re.compile(r"([A-Za-z_]\w*):(continuous|discrete):([1-9]\d{0,6})", re.ASCII)


class GodotRlSettings(Settings):
    """What only the game's project says."""

    name: str = Field("godot", pattern=r"^[A-Za-z0-9_-]{1,64}$", description="of the behaviour")
    decision_hz: float = Field(
        60.0,
        gt=0,
        le=1000,
        description="decisions a second: Godot's 60 physics steps, over the recorder's action_repeat, 1 by default",
    )
    sensors: str = Field(
        "", description="the observation's parts in their order, as NAME:SIZE,NAME:SIZE; by default one sensor, obs"
    )
    actions: str = Field(
        "",
        description="the action's parts in the order of get_action(), as in get_action_space(): NAME:continuous:SIZE "
        "or NAME:discrete:CHOICES, with commas between; by default one continuous part, action",
    )

    @field_validator("sensors")
    @classmethod
    def _check_sensors(cls, value: str) -> str:
        _split(_SENSOR, value, "NAME:SIZE")
        return value

    @field_validator("actions")
    @classmethod
    def _check_actions(cls, value: str) -> str:
        _split(_ACTION, value, "NAME:continuous:SIZE or NAME:discrete:CHOICES")
        return value


def named_behavior(settings: GodotRlSettings, num_seen: int, num_done: int) -> BehaviorSpec:
    """Return the behaviour of vectors of some size, as the settings name their parts.

    Args:
        settings: The user's.
        num_seen: Numbers of an observation.
        num_done: Numbers of an action.

    Raises:
        RecordingError: If the settings are of other sizes.
    """
    sizes = [(name, int(size)) for name, size in _split(_SENSOR, settings.sensors, "")] or [("obs", num_seen)]
    kinds = _split(_ACTION, settings.actions, "") or [("action", "continuous", str(num_done))]
    parts = [_part(*each) for each in kinds]
    _require("sensors", sum(size for _, size in sizes), "observation", num_seen)
    _require("actions", sum(width(part) for part in parts), "action", num_done)
    sensors = [SensorSpec(name, spaces.Box(-np.inf, np.inf, (size,), np.float32)) for name, size in sizes]
    return BehaviorSpec(settings.name, tuple(sensors), tuple(parts), settings.decision_hz)


def width(part: ActionSpec) -> int:
    """How many numbers of an action a part takes: one for a choice, one for each button or number."""
    return 1 if isinstance(part.space, spaces.Discrete) else part.num_labels


def _part(name: str, kind: str, size: str) -> ActionSpec:
    if kind == "discrete":
        return ActionSpec(name, spaces.Discrete(int(size)))
    return ActionSpec(name, spaces.Box(-1, 1, (int(size),), np.float32))


def _split(pattern: re.Pattern[str], text: str, form: str) -> list[tuple[str, ...]]:
    found = [(word, pattern.fullmatch(word.strip())) for word in text.split(",") if text]
    for word, match in found:
        if match is None:
            raise ValueError(f"{word.strip()!r} should be {form}")
    parts = [match.groups() for _, match in found if match is not None]
    if len({name for name, *_ in parts}) < len(parts):
        raise ValueError("a name comes twice")
    return parts


def _require(setting: str, said: int, what: str, found: int) -> None:
    if said != found:
        raise RecordingError(
            f"The setting '{setting}' is of {said} numbers, but an {what} of these demonstrations has {found}."
        )
