"""A window's game as a YAML file, or as arguments: what to start, how to look at it, which keys do what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from understudy.envs.window.bindings import Bindings, Choice, Motion
from understudy.envs.window.looks import Look, read_template
from understudy.errors import GameError, suggest

Pixel = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
_VERBS = ("press", "click", "type", "wait", "until")
_YES_NO = {True: "yes", False: "no"}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, value: object) -> object:
        unknown = [str(key) for key in value if key not in cls.model_fields] if isinstance(value, Mapping) else []
        if unknown:
            hint = suggest(unknown[0], cls.model_fields)
            raise PydanticCustomError("unknown_key", "has no key '{key}'.{hint}", {"key": unknown[0], "hint": hint})
        return value


class PictureSettings(_Part):
    """How the window's picture becomes the sensor `frame`; see `understudy.sensors.Pixels`."""

    size: tuple[int, int] = Field((84, 84), description="(height, width) of the sensor")
    crop: tuple[int, int, int, int] | None = Field(None, description="(top, left, height, width) kept of the window")
    channels: Literal["rgb", "grey"] = "rgb"
    stack: int = Field(1, ge=1, description="consecutive pictures in the sensor, oldest first")


class LookSettings(_Part):
    """A picture to recognise: a template to be found, or the mean colour of a region."""

    region: tuple[Pixel, Pixel, Pixel, Pixel] | None = Field(None, description="(top, left, height, width)")
    picture: str | None = Field(None, description="a picture's file, from the folder of the game's file")
    colour: tuple[int, int, int] | None = Field(None, description="red, green, blue")
    within: Positive = Field(12.0, description="levels of 255 that it may differ")

    @model_validator(mode="after")
    def _describe_one_thing(self) -> LookSettings:
        if (self.picture is None) == (self.colour is None):
            raise PydanticCustomError("lacks", "should have either 'picture' or 'colour'")
        return self

    def look(self, folder: Path) -> Look:
        """Return the look; its template is read from `folder`."""
        template = None if self.picture is None else read_template(folder / self.picture)
        return Look(self.region, template, self.colour, self.within)


class Step(_Part):
    """One step of a key script: exactly one of `press`, `click`, `type`, `wait` and `until`."""

    press: str | tuple[str, ...] | None = Field(None, description="a key, or keys held together")
    click: tuple[Pixel, Pixel] | None = Field(None, description="(x, y) in pixels of the window")
    type: str | None = Field(None, description="text, key by key")
    wait: Positive | None = Field(None, description="seconds")
    until: LookSettings | None = Field(None, description="the picture to wait for")
    seconds: Positive | None = Field(None, description="how long keys are held (0.1), or a picture is waited for (20)")

    @model_validator(mode="after")
    def _do_one_thing(self) -> Step:
        if sum(getattr(self, verb) is not None for verb in _VERBS) != 1:
            raise PydanticCustomError(
                "lacks", "should have exactly one of 'press', 'click', 'type', 'wait' and 'until'"
            )
        return self


class MouseSettings(_Part):
    """An action part that moves the mouse."""

    mouse: Literal["x", "y"]
    most: Positive = Field(description="the largest motion in one decision, in units")
    units: str = "pixels"
    pixels: Positive = Field(1.0, description="of mouse motion for one unit")


def _is_motion(part: object) -> bool:
    return isinstance(part, MouseSettings) or (isinstance(part, Mapping) and "mouse" in part)


_MOTION, _KEYS = "a motion", "keys"
ActionSettings = Annotated[
    Annotated[MouseSettings, Tag(_MOTION)] | Annotated[dict[str, tuple[str, ...]], Tag(_KEYS)],
    Discriminator(lambda part: _MOTION if _is_motion(part) else _KEYS),
]


class WindowSettings(_Part):
    """A desktop game, its picture and its keys; `docs/window.md` explains each."""

    name: str = "window"
    command: tuple[str, ...] = Field((), description="starts the game")
    title: str | None = Field(None, description="a regular expression to search the windows' titles for")
    environment: dict[str, str] = Field({}, description="variables for the command")
    fresh_home: bool = Field(False, description="the command's HOME is an empty folder, removed afterwards")
    screen: tuple[int, int] | None = Field(None, description="(width, height) of an Xvfb of its own")
    picture: PictureSettings = PictureSettings()
    decision_hz: Positive = 10.0
    actions: dict[str, ActionSettings] = Field(min_length=1)
    start: tuple[Step, ...] = Field((), description="after the window was opened")
    reset: tuple[Step, ...] | None = Field(None, description="between episodes; without it the command starts again")
    ends: dict[str, LookSettings] = Field({}, description="pictures that end an episode, by name")
    max_seconds: Positive = 600.0
    start_seconds: Positive = Field(20.0, description="until the window must be there")
    panic: str = Field("F12", description="the key that releases everything and ends the episode")

    @model_validator(mode="after")
    def _can_be_found(self) -> WindowSettings:
        if not self.command and self.title is None:
            raise PydanticCustomError("lacks", "should have a 'command' that starts the game, or a window's 'title'")
        if not self.command and (self.screen or self.fresh_home):
            raise PydanticCustomError("lacks", "has no 'command', so 'screen' and 'fresh_home' are of no use")
        return self

    @field_validator("actions", mode="before")
    @classmethod
    def _spell_out(cls, value: object) -> object:
        """A single key for a list of one, and YAML's no and yes for the words."""
        if not isinstance(value, Mapping):
            return value
        return {str(name): part if _is_motion(part) else _spelled_out(part) for name, part in value.items()}

    def bindings(self) -> Bindings:
        """Return what the action parts hold and move; raises `SpecError` if they contradict each other."""
        return Bindings([_part(name, each) for name, each in self.actions.items()])


def read_settings(game: Path | str | None, given: Mapping[str, Any]) -> tuple[WindowSettings, Path]:
    """Read a game's file, if there is one; what is `given` besides wins.

    Returns:
        The settings, and the folder that their pictures are in.

    Raises:
        GameError: If the file cannot be read, or something in it is wrong.
    """
    form = {} if game is None else _read_yaml(Path(game))
    where = "the game's arguments" if game is None else str(game)
    try:
        settings = WindowSettings.model_validate({**form, **given})
    except ValidationError as error:
        raise GameError(f"{where}: {_sentence(error)}") from error
    return settings, Path.cwd() if game is None else Path(game).resolve().parent


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise GameError(f"{path} is not a file that can be read; name the YAML file of a window's game.") from error
    except yaml.YAMLError as error:
        raise GameError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(form, dict):
        raise GameError(f"{path} should be a mapping with keys such as 'command' and 'actions'.")
    return form


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    # pydantic adds the kinds of a union to the path; the file has no such keys.
    place = [each for each in first["loc"] if each not in (_MOTION, _KEYS, "str", "tuple[str, ...]")]
    where = ".".join(str(each) for each in place) or "the game"
    if first["type"] in ("unknown_key", "lacks"):
        return f"{where} {first['msg'].rstrip('.')}."
    if first["type"] == "missing":
        return f"{where} is missing."
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}, not {first['input']!r}."


def _spelled_out(part: object) -> object:
    if isinstance(part, str):
        return {"no": (), "yes": (part,)}
    if not isinstance(part, Mapping):
        return part
    return {_YES_NO[label] if isinstance(label, bool) else str(label): _keys(keys) for label, keys in part.items()}


def _keys(keys: object) -> object:
    if isinstance(keys, (list, tuple)):
        return tuple(str(each) if isinstance(each, int) else each for each in keys)
    return (str(keys),) if isinstance(keys, (str, int)) else keys


def _part(name: str, settings: MouseSettings | dict[str, tuple[str, ...]]) -> Choice | Motion:
    if isinstance(settings, MouseSettings):
        return Motion(name, settings.mouse, settings.most, settings.units, settings.pixels)
    return Choice(name, tuple(settings), tuple(frozenset(each) for each in settings.values()))
