"""Doom as a `gymnasium.Env`: one player, the behaviour of `understudy.envs.doom.behavior`, ViZDoom's engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from understudy.envs.doom.behavior import (
    DECISION_HZ,
    FORWARD_UNITS,
    NUM_WEAPONS,
    SIDE_UNITS,
    TIC_HZ,
    TICS_PER_DECISION,
    doom_behavior,
)
from understudy.envs.doom.wad import Wad
from understudy.envs.vizdoom.engine import BUTTONS, HELD_TICS, find_wad, start_engine, vizdoom
from understudy.envs.vizdoom.geometry import LevelGeometry
from understudy.envs.vizdoom.sensing import Senses, choose
from understudy.errors import GameError, ObservationError
from understudy.spec import Action

_Variable = vizdoom.GameVariable
_COUNTS = {
    "health": _Variable.HEALTH,
    "armor": _Variable.ARMOR,
    "kills": _Variable.KILLCOUNT,
    "damage_dealt": _Variable.DAMAGECOUNT,
    "damage_taken": _Variable.DAMAGE_TAKEN,
    "hits": _Variable.HITCOUNT,
    "secrets": _Variable.SECRETCOUNT,
    "items": _Variable.ITEMCOUNT,
}


class DoomEnv(gymnasium.Env):
    """One player in one Doom level, two tics of 1/35 s for each decision.

    The reward is the number of monsters that died in the decision. An episode is terminated by the player's death or
    by leaving the level, and truncated after `max_seconds` of game time. It starts seven tics into the level, since
    the engine ignores the player before. When it is over, the observation is the last one that was drawn.

    `info` holds `position` (x, y, z in map units), `heading` (degrees counter-clockwise from +x), the counts `health`,
    `armor`, `kills`, `damage_dealt`, `damage_taken`, `hits`, `secrets` and `items`, `dead`, `level_done`, and `tick`,
    the engine's tics since the level began.

    Attributes:
        behavior: What is sensed and done (gymnasium's own `spec` is something else).
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # gymnasium declares it an instance's
        "render_modes": ["rgb_array"],
        "render_fps": DECISION_HZ,
    }

    def __init__(
        self,
        wad: str = "freedoom1.wad",
        map: str = "E1M6",  # noqa: A002 - the game's own word
        skill: int = 3,
        sensors: Sequence[str] = ("frame",),
        max_seconds: float = 120.0,
        render_mode: str | None = None,
    ) -> None:
        """Start the engine.

        Args:
            wad: Name of a WAD in the vizdoom wheel, such as `"freedoom1.wad"` or `"my_way_home.wad"`, or a path.
            map: Such as `"E1M6"` or `"MAP03"`.
            skill: 1 (easiest) to 5.
            sensors: Names of the sensors, among `"frame"`, `"rays"` and `"depth"` (privileged).
            max_seconds: Game time after which an episode is truncated.
            render_mode: `"rgb_array"` to allow `render`.

        Raises:
            GameError: If there is no such WAD, map or skill, or the engine does not start.
            SpecError: If there is no such sensor.
        """
        if not max_seconds > 0:
            raise GameError(f"An episode of {max_seconds} seconds cannot be played; max_seconds must be above 0.")
        if render_mode not in (None, "rgb_array"):
            raise GameError(f"Doom has no render mode '{render_mode}'; use 'rgb_array' or None.")
        self._level = (wad, map, skill)
        self.behavior = doom_behavior(*choose((sensors,) if isinstance(sensors, str) else tuple(sensors)))
        self.observation_space: spaces.Dict = self.behavior.observation_space
        self.action_space: spaces.Dict = self.behavior.action_space
        self.render_mode = render_mode
        self.max_seconds = max_seconds
        self._senses = Senses(self.behavior.sensor_names)
        self._lines: tuple[np.ndarray, np.ndarray] | None = None
        self._observation: dict[str, np.ndarray] = {}
        self._picture: np.ndarray | None = None
        self._playing = False
        self._tick = self._kills = self._decisions = self._scatter_every = 0
        names = self.behavior.sensor_names
        self._game: Any = start_engine(*self._level, depth="depth" in names, geometry="rays" in names)

    def reset(
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start the level again. The same seed and the same actions give the same play.

        Args:
            seed: Of the game and of where the player is put.
            options: `{"scatter": seconds}` puts the player where one of the level's things stands, facing anywhere,
                and somewhere else each time so many seconds have passed: for seeing many places quickly.
        """
        super().reset(seed=seed)
        game = self._require_game()
        game.set_seed(int(self.np_random.integers(2**31)))
        game.new_episode()
        self._senses.reset(game.get_state())
        self._playing = True
        self._tick = 1 + HELD_TICS
        self._decisions = 0
        self._scatter_every = round((options or {}).get("scatter", 0) * DECISION_HZ)
        if self._scatter_every:
            self._scatter()
        self._observe()
        info = self._info()
        self._kills = info["kills"]
        return self._observation, info

    def step(self, action: Action) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Play one decision.

        Raises:
            GameError: If the episode has not started, or is over.
            ObservationError: If the action is not one of `action_space`.
        """
        game = self._require_game()
        if not self._playing:
            raise GameError("This Doom episode is over, or has not started; call reset() before step().")
        game.make_action(self._buttons(action), TICS_PER_DECISION)
        self._tick += TICS_PER_DECISION
        self._decisions += 1
        if self._scatter_every and self._decisions % self._scatter_every == 0 and not game.is_episode_finished():
            self._scatter()
        terminated = bool(game.is_episode_finished())
        if not terminated:
            self._observe()
        info = self._info()
        truncated = not terminated and self._tick > HELD_TICS + self.max_seconds * TIC_HZ
        reward, self._kills = float(info["kills"] - self._kills), info["kills"]
        self._playing = not (terminated or truncated)
        return self._observation, reward, terminated, truncated, info

    def render(self) -> np.ndarray | None:
        """Return the last picture, uint8 RGB of shape (200, 320, 3); None without the render mode or before a reset."""
        return self._picture if self.render_mode == "rgb_array" else None

    def level_lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the level's lines, to draw a map of it.

        Returns:
            x1, y1, x2, y2 in map units, float64, shape (lines, 4); and whether each lets nobody through, bool.
        """
        if self._lines is None:
            # Without rays the engine does not tell its lines, since that is slow: ask another, once.
            game = start_engine(*self._level, depth=False, geometry=True)
            level = LevelGeometry(game.get_state().sectors)
            game.close()
            self._lines = level.lines, level.blocking
        return self._lines

    def close(self) -> None:
        """End the engine. Calling it twice does no harm."""
        game, self._game, self._playing = self._game, None, False
        if game is not None:
            game.close()

    def _scatter(self) -> None:
        """Put the player on a random thing's place, by the game's own cheat, and turn it anywhere."""
        wad, level, _ = self._level
        things = Wad.open(find_wad(wad)).things(level)
        x, y = things[self.np_random.integers(len(things))]
        self._game.send_game_command(f"warp {x} {y}")
        turn = float(self.np_random.uniform(-180, 180)) / TICS_PER_DECISION
        self._game.make_action([0, 0, turn, *[0] * (len(BUTTONS) - 3)], TICS_PER_DECISION)
        self._tick += TICS_PER_DECISION

    def _require_game(self) -> Any:
        if self._game is None:
            raise GameError("This Doom environment is closed; make a new one.")
        return self._game

    def _buttons(self, action: Action) -> list[float]:
        """The engine's buttons, in the order of `engine.BUTTONS`; a delta is that of one tic."""
        if not self.action_space.contains(dict(action)):
            raise ObservationError(f"{dict(action)} is not an action of Doom; it needs {self.action_space}.")
        forward = (int(action["move"]) - 1) * FORWARD_UNITS
        side = (int(action["strafe"]) - 1) * SIDE_UNITS
        turn = float(action["turn"][0]) / TICS_PER_DECISION
        weapons = [int(action["weapon"]) == slot for slot in range(1, NUM_WEAPONS + 1)]
        return [forward, side, turn, int(action["fire"]), int(action["use"]), *weapons]

    def _observe(self) -> None:
        state = self._game.get_state()
        self._picture = state.screen_buffer
        x, y, heading = (
            self._game.get_game_variable(each) for each in (_Variable.POSITION_X, _Variable.POSITION_Y, _Variable.ANGLE)
        )
        eye = (x, y, self._game.get_game_variable(_Variable.CAMERA_POSITION_Z))
        self._observation = self._senses.read(state, eye, heading)

    def _info(self) -> dict[str, Any]:
        read = self._game.get_game_variable
        info: dict[str, Any] = {name: int(read(variable)) for name, variable in _COUNTS.items()}
        place = (read(each) for each in (_Variable.POSITION_X, _Variable.POSITION_Y, _Variable.POSITION_Z))
        dead = bool(self._game.is_player_dead())
        return {
            "position": tuple(float(each) for each in place),
            "heading": float(read(_Variable.ANGLE)) % 360,
            **info,
            "dead": dead,
            "level_done": bool(self._game.is_episode_finished()) and not dead,
            "tick": self._tick,  # the engine's own counter starts again when the level is left
        }
