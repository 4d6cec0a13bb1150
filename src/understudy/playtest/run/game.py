"""A gymnasium environment seen the way a playtest needs it: arrays by name, numbers, a picture, the level's lines."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import gymnasium
import numpy as np
from gymnasium import spaces

from understudy.errors import GameError, PlaytestError, UnderstudyError
from understudy.playtest.run.lookup import import_game
from understudy.playtest.run.moment import Number
from understudy.playtest.run.spaces import PlainGame
from understudy.playtest.spec import GameSpec
from understudy.spec import Action, BehaviorSpec, SensorSpec

PICTURE = "picture"
_LARGEST_INFO = 16
_FLOAT = {float}
_WIDEST_PICTURE = 400


class GameFaultError(Exception):
    """The game itself raised an error; the cause is what it raised."""


@contextmanager
def blaming_the_game() -> Iterator[None]:
    """Turn what the game raises, `sys.exit` too, into a `GameFaultError`, but that it cannot be started as asked."""
    try:
        yield
    except GameError:
        raise
    except (Exception, SystemExit) as error:
        raise GameFaultError(str(error)) from error


class Game:
    """The game under test.

    Args:
        spec: Which environment.
        folder: Where the spec lies; its modules can be imported.
        pictures: Whether to render a picture each step if the game has none among its sensors.
        faults: Whether numbers that are NaN or infinite are told in `faults`, and seen as 0, instead of being an error.

    Attributes:
        told: The numbers of `info` after the last step or reset.
        faults: Names of the sensors and of the numbers of `info` that were none after the last step.
        step_seconds: Wall-clock time that the environment took for the last step.

    Raises:
        PlaytestError: If the environment cannot be made.
    """

    def __init__(self, spec: GameSpec, folder: Path, *, pictures: bool, faults: bool = False) -> None:
        self.env = _make(spec, folder, pictures=pictures)
        own = getattr(self.env.unwrapped, "behavior", None)
        self._plain = None if isinstance(own, BehaviorSpec) else PlainGame(self.env)
        self.behavior: BehaviorSpec = own if isinstance(own, BehaviorSpec) else PlainGame(self.env).behavior
        self._renders = pictures and not picture_sensor(self.behavior) and self.env.render_mode == "rgb_array"
        self.recorded = self.behavior
        """What a recording of this game holds: the behaviour, and the rendered picture if there is one."""
        self.faults: tuple[str, ...] = ()
        self.step_seconds = 0.0
        self.told: Mapping[str, Number] = {}
        self._tells_faults = faults
        self._forms = _forms(self.behavior)

    def reset(self, seed: int) -> tuple[dict[str, np.ndarray], dict[str, Number]]:
        """Start an episode; return the observation and the numbers of `info`."""
        with blaming_the_game():
            raw, info = self.env.reset(seed=seed)
            seen = self._seen(raw)
        if self._renders:
            space = spaces.Box(0, 255, seen[PICTURE].shape, np.uint8)
            sensors = (*self.behavior.sensors, SensorSpec(PICTURE, space, computed={"rendered": True}))
            self.recorded = BehaviorSpec(self.behavior.name, sensors, self.behavior.actions, self.behavior.decision_hz)
            self._forms = _forms(self.recorded)
        return seen, self._checked(seen, info)

    def step(self, action: Action) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Number]]:
        """Step the environment; return what it does, with the numbers of `info`."""
        # Not `blaming_the_game`, which takes longer than the step of a small game.
        try:
            asked = self._plain.action(action) if self._plain else action
            begun = time.perf_counter()
            raw, reward, terminated, truncated, info = self.env.step(asked)
            self.step_seconds = time.perf_counter() - begun
            seen = self._seen(raw)
            told = self._checked(seen, info)
        except (Exception, SystemExit) as error:
            raise GameFaultError(str(error)) from error
        return seen, float(reward), bool(terminated), bool(truncated), told

    def level_lines(self) -> list[list[float]]:
        """Return the level's lines as [x1, y1, x2, y2, solid] in the game's units; none if it does not offer them.

        A game offers them with `level_lines()`, as an array of shape (lines, 4), or as a pair of it and an array that
        says which lines let nobody through.
        """
        offer = getattr(self.env.unwrapped, "level_lines", None)
        if offer is None:
            return []
        with blaming_the_game():
            told = offer()
        lines, solid = told if isinstance(told, tuple) else (told, np.ones(len(told)))
        rows: list[list[float]] = np.column_stack([np.asarray(lines, float), np.asarray(solid, float)]).tolist()
        return rows

    def close(self) -> None:
        """Close the environment."""
        with blaming_the_game():
            self.env.close()

    def _seen(self, raw: Any) -> dict[str, np.ndarray]:
        own = self._plain.observation(raw) if self._plain else raw
        # Copied, since a game may draw the next observation into the same memory.
        seen = {each.name: np.array(own[each.name]) for each in self.behavior.sensors}
        if self._renders:
            seen[PICTURE] = _narrowed(np.asarray(self.env.render(), np.uint8))
        return seen

    def _checked(self, seen: dict[str, np.ndarray], info: Mapping[str, Any]) -> dict[str, Number]:
        """The numbers of `info`; afterwards `seen` is of the right form and finite, or an error was raised."""
        told = self.told = numbers(info)
        self.faults = ()
        if not all(map(self._is_sound, self._forms, seen.values())):
            self.faults = self._mend(seen) if self._tells_faults else ()
            self.recorded.check_observation(seen)
        if self._tells_faults and len(told) < len(info):
            self.faults += tuple(name for name, value in info.items() if _is_fault(value))
        return told

    @staticmethod
    def _is_sound(form: _Form, array: np.ndarray) -> bool:
        if array.shape != form.shape or array.dtype != form.dtype:
            return False
        # Nought times infinity is NaN, as is nought times NaN: one product tells whether there is any.
        return form.zeros is None or bool(np.vdot(array, form.zeros) == 0)

    def _mend(self, seen: dict[str, np.ndarray]) -> tuple[str, ...]:
        """Put 0 in place of what is no number, and name the sensors."""
        bad = tuple(name for name, array in seen.items() if array.dtype.kind == "f" and not np.isfinite(array).all())
        seen.update({name: np.nan_to_num(seen[name], nan=0, posinf=0, neginf=0) for name in bad})
        return bad


def picture_sensor(behavior: BehaviorSpec) -> str | None:
    """Return the name of the first sensor that is a colour or grey picture, if there is one."""
    for each in behavior.sensors:
        shape = each.space.shape
        if each.space.dtype == np.uint8 and len(shape) == 3 and shape[2] in (1, 3) and min(shape[:2]) >= 16:
            return each.name
    return None


def numbers(info: Mapping[str, Any]) -> dict[str, Number]:
    """Return the finite numbers of `info`, and its short vectors of them, as floats and lists of floats."""
    found: dict[str, Number] = {}
    for name, value in info.items():
        number = _number(value)
        if number is not None and name.isidentifier():
            found[name] = number
    return found


def _number(value: Any) -> Number | None:
    kind = value.__class__
    # Most are these; numpy takes ten times as long for one.
    if kind is float or kind is int or kind is bool:
        return float(value) if math.isfinite(value) else None
    if (kind is tuple or kind is list) and 0 < len(value) <= _LARGEST_INFO and {type(each) for each in value} == _FLOAT:
        return list(value) if all(map(math.isfinite, value)) else None
    array = _array(value)
    if array is None or not np.isfinite(array).all():
        return None
    return array.astype(np.float64).tolist()


def _array(value: Any) -> np.ndarray | None:
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    small = array.dtype.kind in "biuf" and array.ndim <= 1 and 0 < array.size <= _LARGEST_INFO
    return array if small else None


def _is_fault(value: Any) -> bool:
    array = _array(value)
    return array is not None and not np.isfinite(array).all()


@dataclass(frozen=True)
class _Form:
    """What an array must be like; `zeros` of the same form if it could hold what is no number."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    zeros: np.ndarray | None


def _forms(behavior: BehaviorSpec) -> list[_Form]:
    return [
        _Form(each.shape, each.dtype, np.zeros(each.shape, each.dtype) if each.dtype.kind == "f" else None)
        for each in behavior.sensors
    ]


def _make(spec: GameSpec, folder: Path, *, pictures: bool) -> gymnasium.Env[Any, Any]:
    try:
        import_game(spec.import_, folder)
        env = gymnasium.make(spec.id, disable_env_checker=True, **spec.args)
        if _could_render(env, spec, pictures=pictures):
            env.close()
            env = gymnasium.make(spec.id, disable_env_checker=True, render_mode="rgb_array", **spec.args)
    except UnderstudyError as error:
        raise PlaytestError(f"The game '{spec.id}' cannot be made: {error}") from error
    except Exception as error:
        raise PlaytestError(f"The game '{spec.id}' cannot be made: {type(error).__name__}: {error}") from error
    return env


def _could_render(env: gymnasium.Env[Any, Any], spec: GameSpec, *, pictures: bool) -> bool:
    if not pictures or "render_mode" in spec.args or "rgb_array" not in env.metadata.get("render_modes", ()):
        return False
    own = getattr(env.unwrapped, "behavior", None)
    behavior = own if isinstance(own, BehaviorSpec) else PlainGame(env).behavior
    return picture_sensor(behavior) is None


def _narrowed(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    if width <= _WIDEST_PICTURE:
        return picture
    size = (_WIDEST_PICTURE, round(height * _WIDEST_PICTURE / width))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
