"""Any desktop game as a `gymnasium.Env`: pictures of its window in, keys and mouse out, in real time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from understudy.envs.window.desk import WindowGoneError
from understudy.envs.window.game import PanicError, WindowGame
from understudy.envs.window.hands import Hands
from understudy.envs.window.looks import Look, screen_number
from understudy.envs.window.pace import Pace
from understudy.envs.window.scripts import Script
from understudy.envs.window.settings import read_settings
from understudy.errors import GameError, ObservationError
from understudy.sensors import Pixels
from understudy.spec import Action, BehaviorSpec

Step = tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]


class WindowEnv(gymnasium.Env):
    """A game in a window, seen as pixels and played by keyboard and mouse.

    The game does not wait: a decision is made every 1 / `decision_hz` seconds of real time, and what an action holds
    stays held until the next. The reward is always 0. An episode is terminated when the window looks like one of
    `ends` or the game's process leaves with status 0, and truncated after `max_seconds` or by the panic key.

    `info` holds `screen` (a number that alike pictures share, 0 to 65,535: coverage by screen), `tick` (decisions
    since the reset), `seconds` (of real time since), `late` (decisions that came late since), `late_ms` (by how much
    the last one did), `ended_by` (which of `ends`, from 1; 0 for none), `left` (whether the process did) and `panic`.

    The same seed does not give the same play: the game has a clock and chance of its own.

    Attributes:
        behavior: What is sensed and done.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"]}  # type: ignore[misc]

    def __init__(self, game: Path | str | None = None, render_mode: str | None = None, **settings: Any) -> None:
        """Start the game, or find its window.

        Args:
            game: A YAML file of settings (docs/window.md); relative to the current folder.
            render_mode: `"rgb_array"` to allow `render`.
            settings: Any of the file's keys; they win over the file's.

        Raises:
            GameError: If the settings are wrong, there is no display, or the game's window does not open.
            SpecError: If the window is smaller than the sensor's picture, or the bindings contradict each other.
        """
        if render_mode not in (None, "rgb_array"):
            raise GameError(f"A window has no render mode '{render_mode}'; use 'rgb_array' or None.")
        self._settings, folder = read_settings(game, settings)
        self.render_mode = render_mode
        self._bindings = self._settings.bindings()
        self._start = Script(self._settings.start, folder, "start")
        self._reset = None if self._settings.reset is None else Script(self._settings.reset, folder, "reset")
        self._ends: list[Look] = [each.look(folder) for each in self._settings.ends.values()]
        self._pace = Pace(1 / self._settings.decision_hz)
        self._playing = self._panicked = False
        self._fresh = True
        self._ticks = 0
        self._begun = 0.0
        self._picture: np.ndarray | None = None
        self._observation: dict[str, np.ndarray] = {}
        self._game = WindowGame(self._settings, folder)
        try:
            self._describe()
        except BaseException:
            self._game.close()
            raise

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Begin an episode: by the key script `start` after the game was started, else by the script `reset`.

        Raises:
            GameError: If the panic key was pressed, the game does not start again, or a script's picture never comes.
        """
        super().reset(seed=seed, options=options)
        if self._panicked:
            raise GameError(f"The panic key {self._settings.panic} was pressed; make a new environment to go on.")
        try:
            self._begin()
        except PanicError as panic:
            self._panicked = True
            raise GameError(f"The panic key {self._settings.panic} was pressed before the episode began.") from panic
        except BaseException:
            self._drop()
            raise
        return self._observation, self._info()

    def step(self, action: Action) -> Step:
        """Hold and move what the action says, and look again when the next decision is due.

        Raises:
            GameError: If no episode is on, the process died, or the window is gone, changed its size or lost the
                keyboard. All keys are released then.
            ObservationError: If the action is not one of `action_space`.
        """
        self._require_playing()
        if not self.action_space.contains(dict(action)):
            raise ObservationError(f"{dict(action)} is not an action of this window; it needs {self.action_space}.")
        try:
            return self._play(action)
        except BaseException:
            self._drop()
            raise

    def watch(self) -> tuple[Action, Step]:
        """Let a person play one decision, and return what they did as an action, with what `step` returns.

        Raises:
            GameError: As `step` does.
        """
        self._require_playing()
        hands = Hands(self._game.desk, self._bindings)
        try:
            step = self._follow(hands)
        except BaseException:
            self._drop()
            raise
        return hands.action(), step

    def render(self) -> np.ndarray | None:
        """Return the window's last picture, uint8 RGB; None without the render mode or before a reset."""
        return self._picture if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Release every key, and end the process group that was started. Calling it twice does no harm."""
        self._playing = False
        self._game.close()

    def _describe(self) -> None:
        place, picture = self._game.place, self._settings.picture
        source = (place.height, place.width, 3)
        pixels = Pixels(source, picture.size, picture.crop, picture.channels, picture.stack)
        for each in self._ends:
            each.require_inside(place.height, place.width)
        self._frames = pixels.reader()
        hz = self._settings.decision_hz
        self.behavior = BehaviorSpec(self._settings.name, (pixels.spec(),), self._bindings.specs, hz)
        self.observation_space: spaces.Dict = self.behavior.observation_space
        self.action_space: spaces.Dict = self.behavior.action_space

    def _begin(self) -> None:
        self._playing = False
        if not self._fresh:
            self._game.release()
        again = not self._fresh and (self._reset is None or not self._game.running)
        if again and self._settings.command:
            self._game.open()
            self._fresh = True
        script = self._start if self._fresh else self._reset
        if script is not None:
            script.run(self._game, self._pace)
        self._game.require_focus()
        self._frames.reset()
        self._ticks = 0
        self._see()
        self._begun = time.monotonic()
        self._pace.start()
        self._fresh, self._playing = False, True

    def _play(self, action: Action) -> Step:
        with self._leaving():
            self._game.require_focus()
            self._game.hold(self._bindings.held(action))
            self._game.move(*self._bindings.moved(action))
        return self._follow(None)

    def _follow(self, hands: Hands | None) -> Step:
        """Wait for the next decision, and say what came of this one."""
        panic = False
        late = 0.0
        try:
            late = self._pace.wait(lambda: self._look_up(hands))
        except PanicError:
            panic = self._panicked = True
        self._ticks += 1
        self._see()
        left = not self._game.running
        if left:
            self._require_proper_end()
        ended_by = 0 if left or panic else self._which_end()
        terminated = left or ended_by > 0
        seconds = time.monotonic() - self._begun
        truncated = not terminated and (panic or seconds >= self._settings.max_seconds)
        if terminated or truncated:
            self._game.release()
            self._playing = False
        info = self._info(late_ms=late * 1000, ended_by=ended_by, left=int(left), panic=int(panic))
        return self._observation, 0.0, terminated, truncated, info

    def _look_up(self, hands: Hands | None) -> None:
        self._game.heed_panic()
        if hands is not None:
            hands.sample()

    def _see(self) -> None:
        with self._leaving():
            self._picture = self._game.look()
            self._observation = {"frame": self._frames.read(self._picture)}

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        """Let a window be gone if its process leaves well: a game closes its window first."""
        try:
            yield
        except WindowGoneError:
            if not self._game.has_left():
                raise
            self._require_proper_end()

    def _which_end(self) -> int:
        assert self._picture is not None
        matching = (number for number, look in enumerate(self._ends, start=1) if look.matches(self._picture))
        return next(matching, 0)

    def _require_proper_end(self) -> None:
        if words := self._game.gone_words():
            raise GameError(f"The game's process died: {words}.")

    def _require_playing(self) -> None:
        if not self._playing:
            raise GameError("No episode of this window is on; call reset() before step().")

    def _drop(self) -> None:
        """Let go of everything and end the episode, whatever the reason."""
        self._playing = False
        try:
            self._game.release()
        except Exception:
            # The display is gone; the error that led here says more.
            self._game.close()

    def _info(self, **more: float) -> dict[str, Any]:
        assert self._picture is not None
        return {
            "screen": screen_number(self._picture),
            "tick": self._ticks,
            "seconds": time.monotonic() - self._begun,
            "late": self._pace.num_late,
            "late_ms": 0.0,
            "ended_by": 0,
            "left": 0,
            "panic": 0,
            **more,
        }
