"""Parkland as a `gymnasium.Env`: a walk through a park, seen with one's own eyes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from understudy.envs.parkland.behavior import (
    DECISION_HZ,
    PHYSICS_HZ,
    SIZE,
    parkland_behavior,
    picture_size,
    read_choice,
)
from understudy.envs.parkland.build import load_build
from understudy.envs.parkland.chart import outlines
from understudy.envs.parkland.layout import Layout
from understudy.envs.parkland.play import Play
from understudy.envs.parkland.scene import View
from understudy.envs.parkland.state import State, start_state
from understudy.errors import GameError
from understudy.spec import Action


class ParklandEnv(gymnasium.Env):
    """One player in one park, 10 decisions a second, on the Panda3D engine without a window and without real time.

    The reward is the number of quest stages reached in the decision. No episode is terminated; it is truncated after
    `max_seconds` of game time. The same park and the same actions give the same play, bit for bit; the seed of `reset`
    changes nothing, since nothing here is left to chance.

    `info` is for oracles and scoring: `position` (x, y, z of the feet, metres), `heading` (degrees counter-clockwise
    from +x), `pitch` (degrees up), `grounded`, `quest` (stages done of each quest), `interactions` (how many so far),
    `interacted` (id of the prop inspected in this decision, or -1), `doors` (how many are open), `bells` (triggers
    fired), `inside` (id of a building or -1), `game_seconds`, and `frame_ms`, the wall time that the engine took for
    the picture.

    Attributes:
        behavior: What is sensed and done.
        layout: The park; privileged.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # gymnasium declares it an instance's
        "render_modes": ["rgb_array"],
        "render_fps": DECISION_HZ,
    }

    def __init__(
        self,
        seed: int = 0,
        build: str | Path | Mapping[str, Any] | None = None,
        area_km2: float = 0.25,
        size: int | tuple[int, int] = SIZE,
        sensors: Sequence[str] = ("frame",),
        max_seconds: float = 300.0,
        physics_hz: int = PHYSICS_HZ,
        decision_hz: float = DECISION_HZ,
        render_mode: str | None = None,
        layout: Layout | None = None,
    ) -> None:
        """Make the park and start the engine.

        Args:
            seed: Of the park, if there is no `build`.
            build: A build's manifest: its file, or what such a file holds.
            area_km2: Of the park, 0.25 to 8.6, if there is no `build`.
            size: Of the picture: pixels along both sides, or (height, width).
            sensors: Names among `"frame"` and `"rays"`.
            max_seconds: Game time after which an episode is truncated.
            physics_hz: Steps of the physics a second, a multiple of `decision_hz`.
            decision_hz: Decisions a second.
            render_mode: `"rgb_array"` to allow `render`.
            layout: A park that is there already, in place of the others.

        Raises:
            GameError: If there is no such park, build, picture, rate or render mode.
            SpecError: If there is no such sensor.
        """
        if not max_seconds > 0:
            raise GameError(f"An episode of {max_seconds} seconds cannot be played; max_seconds must be above 0.")
        if render_mode not in (None, "rgb_array"):
            raise GameError(f"Parkland has no render mode '{render_mode}'; use 'rgb_array' or None.")
        if not decision_hz > 0 or physics_hz < decision_hz or physics_hz % decision_hz:
            raise GameError(
                f"Physics of {physics_hz} Hz cannot be parted into {decision_hz} decisions a second; give a multiple."
            )
        self.behavior = parkland_behavior(size, sensors, decision_hz)
        self.observation_space: spaces.Dict = self.behavior.observation_space
        self.action_space: spaces.Dict = self.behavior.action_space
        self.render_mode, self.max_seconds = render_mode, max_seconds
        self.layout = layout or load_build(build, seed, area_km2).layout()
        self._play = Play(self.layout, physics_hz, decision_hz)
        self._decision_hz = decision_hz
        self._state: State | None = None
        self._picture: NDArray[np.uint8] | None = None
        self._view = View(self.layout, picture_size(size))
        self._closed = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """Begin at the park's start.

        Args:
            seed: Of `np_random`; play does not hang on it.
            options: `{"position": (x, y, z), "heading": degrees, "pitch": degrees}` begins elsewhere; each may be left
                out.

        Raises:
            GameError: If the environment is closed, or a position is no three finite numbers.
        """
        super().reset(seed=seed)
        self._require_open()
        self._state = start_state(self.layout, options or {})
        return self._show()

    def step(self, action: Action) -> tuple[dict[str, NDArray], float, bool, bool, dict[str, Any]]:
        """Play one decision.

        Raises:
            GameError: If the episode has not started, or is over.
            ObservationError: If the action is not one of `action_space`.
        """
        before = self._playing()
        state = self._play.decide(before, read_choice(self.behavior, action))
        self._state = state
        self._play.faults.leak(state.walker, 1 / self._decision_hz)
        observation, info = self._show()
        reward = float(sum(state.stages) - sum(before.stages))
        return observation, reward, False, self._is_over(state), info

    def render(self) -> NDArray[np.uint8] | None:
        """Return the last picture, RGB uint8 (height, width, 3); None without the render mode or before a reset."""
        return self._picture if self.render_mode == "rgb_array" else None

    def get_state(self) -> State:
        """Return the whole state of the game, to go back to by `set_state`; agents that use it are privileged.

        Raises:
            GameError: If the episode has not started.
        """
        if self._state is None:
            raise GameError("This walk through Parkland has not started; call reset() before get_state().")
        return self._state

    def set_state(self, state: State) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """Go back, or on, to a state of this park; what was leaked stays leaked.

        Returns:
            The observation and the info of that state.

        Raises:
            GameError: If the environment is closed, or the state is another park's.
        """
        self._require_open()
        sizes = (len(state.open), len(state.stages), len(state.near))
        own = (len(self.layout.doors), len(self.layout.quests), len(self.layout.triggers))
        if sizes != own:
            raise GameError(f"A state with {sizes} doors, quests and triggers is another park's; this one has {own}.")
        self._state = state
        return self._show()

    def preview(self, action: Action, share: float) -> State:
        """Return the state when a share (0 to 1) of a decision has passed, and leave the game as it is.

        A window shows it between two decisions: the view is turned at once, the body has walked so far.

        Raises:
            GameError: If the episode has not started.
            ObservationError: If the action is not one of `action_space`.
        """
        state, choice = self.get_state(), read_choice(self.behavior, action)
        turned = state._replace(heading=state.heading - choice.turn, pitch=state.pitch + choice.pitch)
        return self._play.preview(turned, choice._replace(turn=0.0, pitch=0.0), share)

    def level_lines(self) -> tuple[NDArray, NDArray]:
        """Return the outlines of what stands in the way, to draw a map of it.

        Returns:
            x1, y1, x2, y2 in metres, float64, shape (lines, 4); and whether each lets nobody through, bool.
        """
        return outlines(self.layout)

    def reachable_cells(self) -> NDArray[np.float32]:
        """Return where one can walk to from the start, for coverage: metres, float32, shape (places, 3); privileged."""
        from understudy.envs.parkland.walkable import walk_grid

        grid = walk_grid(self.layout)
        return np.asarray(grid.places[grid.reachable], np.float32)

    def close(self) -> None:
        """End the engine. Calling it twice does no harm."""
        if not self._closed:
            self._closed = True
            self._view.close()
            self._play.faults.close()

    def _require_open(self) -> None:
        if self._closed:
            raise GameError("This Parkland environment is closed; make a new one.")

    def _playing(self) -> State:
        self._require_open()
        if self._state is None or self._is_over(self._state):
            raise GameError("This walk through Parkland is over, or has not started; call reset() before step().")
        return self._state

    def _is_over(self, state: State) -> bool:
        return state.decisions >= self.max_seconds * self._decision_hz

    def _show(self) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """Draw the state, and read the sensors and the info."""
        state = self.get_state()
        begin = time.perf_counter()
        self._picture = self._view.draw(state)
        self._play.faults.slow(state.walker, self._view.draw_again)
        frame_ms = (time.perf_counter() - begin) * 1000
        readings = {}
        for name in self.behavior.sensor_names:
            readings[name] = self._picture if name == "frame" else self._play.collision.cast_rays(state)
        return readings, self._info(state, frame_ms)

    def _info(self, state: State, frame_ms: float) -> dict[str, Any]:
        return {
            "position": list(state.walker.feet),
            "heading": state.heading,
            "pitch": state.pitch,
            "grounded": state.walker.grounded,
            "quest": list(state.stages),
            "interactions": state.interactions,
            "interacted": state.interacted,
            "doors": sum(state.open),
            "bells": state.bells,
            "inside": state.inside,
            "game_seconds": state.decisions / self._decision_hz,
            "frame_ms": frame_ms,
        }
