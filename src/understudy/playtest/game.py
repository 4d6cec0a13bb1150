"""A gymnasium environment seen the way a playtest needs it: arrays by name, numbers, a picture, the level's lines."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import gymnasium
import numpy as np
from gymnasium import spaces

from understudy.errors import PlaytestError, UnderstudyError
from understudy.playtest.moment import Number
from understudy.playtest.spaces import PlainGame
from understudy.playtest.spec import GameSpec
from understudy.spec import Action, BehaviorSpec, SensorSpec

PICTURE = "picture"
_LARGEST_INFO = 16
_WIDEST_PICTURE = 400


class GameFaultError(Exception):
    """The game itself raised an error; the cause is what it raised."""


@contextmanager
def blaming_the_game() -> Iterator[None]:
    """Turn whatever the game raises, `sys.exit` too, into a `GameFaultError`."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise GameFaultError(str(error)) from error


class Game:
    """The game under test.

    Args:
        spec: Which environment.
        folder: Where the spec lies; its modules can be imported.
        pictures: Whether to render a picture each step if the game has none among its sensors.

    Raises:
        PlaytestError: If the environment cannot be made.
    """

    def __init__(self, spec: GameSpec, folder: Path, *, pictures: bool) -> None:
        self.env = _make(spec, folder, pictures=pictures)
        own = getattr(self.env.unwrapped, "behavior", None)
        self._plain = None if isinstance(own, BehaviorSpec) else PlainGame(self.env)
        self.behavior: BehaviorSpec = own if isinstance(own, BehaviorSpec) else PlainGame(self.env).behavior
        self._renders = pictures and not picture_sensor(self.behavior) and self.env.render_mode == "rgb_array"
        self.recorded = self.behavior
        """What a recording of this game holds: the behaviour, and the rendered picture if there is one."""

    def reset(self, seed: int) -> tuple[dict[str, np.ndarray], dict[str, Number]]:
        """Start an episode; return the observation and the numbers of `info`."""
        with blaming_the_game():
            raw, info = self.env.reset(seed=seed)
            seen = self._seen(raw)
        if self._renders:
            space = spaces.Box(0, 255, seen[PICTURE].shape, np.uint8)
            sensors = (*self.behavior.sensors, SensorSpec(PICTURE, space, computed={"rendered": True}))
            self.recorded = BehaviorSpec(self.behavior.name, sensors, self.behavior.actions, self.behavior.decision_hz)
        return seen, numbers(info)

    def step(self, action: Action) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Number]]:
        """Step the environment; return what it does, with the numbers of `info`."""
        with blaming_the_game():
            raw, reward, terminated, truncated, info = self.env.step(
                self._plain.action(action) if self._plain else action
            )
            seen = self._seen(raw)
            self.recorded.check_observation(seen)
        return seen, float(reward), bool(terminated), bool(truncated), numbers(info)

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
        try:
            array = np.asarray(value)
        except ValueError:
            continue
        small = array.dtype.kind in "biuf" and array.ndim <= 1 and 0 < array.size <= _LARGEST_INFO
        if small and name.isidentifier() and np.isfinite(array).all():
            found[name] = array.astype(np.float64).tolist()
    return found


def _make(spec: GameSpec, folder: Path, *, pictures: bool) -> gymnasium.Env[Any, Any]:
    # At the end, so that a file beside the spec never shadows an installed package.
    sys.path += [str(folder), str(Path.cwd())]
    try:
        # The package's own games are registered by importing their room.
        importlib.import_module(spec.import_ or "understudy.envs")
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
