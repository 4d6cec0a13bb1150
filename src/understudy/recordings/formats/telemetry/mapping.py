"""The mapping file: which column of a studio's own table is what. Unknown keys are refused, with a suggestion."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from understudy.errors import RecordingError, SpecError, suggest
from understudy.recordings.formats.guards import read_text
from understudy.recordings.formats.telemetry.fields import (
    ActionMap,
    AxesMap,
    ButtonsMap,
    ChoiceMap,
    ClockMap,
    Column,
    EventMap,
    MapPart,
    Missing,
    RewardMap,
    SensorMap,
)
from understudy.spec import BehaviorSpec

_MAX_BYTES = 4 * 1024 * 1024


class Mapping(MapPart):
    """What a table means; see docs/logs/telemetry.md."""

    name: str = Field(description="of the behaviour")
    game: str = Field("", description="by default the behaviour's name")
    build: str = ""
    rate_hz: float = Field(gt=0, le=1000, description="decisions a second")
    steps: Literal["rows", "clock"] = Field("clock", description="every row is a decision, or decisions by the clock")
    clock: ClockMap | None = None
    max_gap_s: float | None = Field(1.0, gt=0, le=3600, description="a longer time without a row ends the episode")
    episode: tuple[Column, ...] = Field((), description="a new episode wherever one of these columns changes")
    max_open: int = Field(64, gt=0, le=1024, description="episodes whose rows may lie interleaved")
    ends: Literal["terminated", "truncated", "unknown"] = Field(
        "truncated", description="how an episode ends that has no flag"
    )
    player: Column | None = None
    map: Column | None = None
    tick: Column | None = None
    sensors: tuple[SensorMap, ...] = Field(min_length=1)
    actions: tuple[ActionMap, ...] = Field(min_length=1)
    reward: RewardMap | None = None
    events: tuple[EventMap, ...] = ()
    terminated: Column | None = None
    truncated: Column | None = None
    final: Column | None = Field(None, description="true in a row that holds only what was seen after the last action")
    text: tuple[Column, ...] = Field((), description="what people typed; kept as events, and only with --keep-text")
    missing: Missing = Field("hold", description="of values that the columns' own kind says nothing about")

    @model_validator(mode="after")
    def _consistent(self) -> Mapping:
        if self.steps == "clock" and (self.clock is None or self.max_gap_s is None):
            raise ValueError("'steps: clock' needs a clock and a max_gap_s; without, say 'steps: rows'")
        return self

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell episodes apart: an episode is always of one player."""
        return tuple(dict.fromkeys([*self.episode, *([self.player] if self.player else [])]))

    def behavior(self) -> BehaviorSpec:
        """Return what is seen and done; raises `SpecError`."""
        sensors = tuple(each.spec() for each in self.sensors)
        return BehaviorSpec(self.name, sensors, tuple(each.spec() for each in self.actions), self.rate_hz)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column named, each once."""
        single = [self.player, self.map, self.tick, self.terminated, self.truncated, self.final]
        single += [each.column for each in (self.clock, self.reward, *self.events) if each]
        fields = [column for each in (*self.sensors, *self.actions) for column in each.inputs]
        return tuple(dict.fromkeys([*fields, *self.episode, *self.text, *(each for each in single if each)]))


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file; raises `RecordingError` naming the place and what to do."""
    try:
        form = yaml.safe_load(read_text(path, max_bytes=_MAX_BYTES))
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        raise RecordingError(f"{path} is not YAML{'' if line is None else f' (line {line + 1})'}.") from error
    return check_mapping(form, str(path))


def check_mapping(form: Any, where: str) -> Mapping:
    """Make a mapping of its YAML or JSON form; raises `RecordingError`."""
    try:
        mapping = Mapping.model_validate(form)
        mapping.behavior()
    except ValidationError as error:
        raise RecordingError(f"{where}: {_explain(error)}") from error
    except (SpecError, AssertionError, ValueError, OverflowError) as error:
        raise RecordingError(f"{where}: {error}") from error
    return mapping


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{where or 'the file'}: {first['msg']}."
    owners = (Mapping, ClockMap, SensorMap, ButtonsMap, ChoiceMap, AxesMap, RewardMap, EventMap)
    inner: dict[str, tuple[type[MapPart], ...]] = {
        "sensors": (SensorMap,),
        "actions": (ButtonsMap, ChoiceMap, AxesMap),
        "clock": (ClockMap,),
    }
    inner |= {"reward": (RewardMap,), "events": (EventMap,)}
    kinds: tuple[type[MapPart], ...] = (Mapping,) if len(first["loc"]) == 1 else inner.get(str(first["loc"][0]), owners)
    known = {name for kind in kinds for name in kind.model_fields}
    return f"there is no key '{where}'.{suggest(str(first['loc'][-1]), known)}"
