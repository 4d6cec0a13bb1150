"""A behaviour for gymnasium environments that have none of their own, and the way between the two forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium import Env, spaces

from understudy.errors import PlaytestError
from understudy.spec import Action, ActionSpec, BehaviorSpec, SensorSpec

_USUAL_HZ = 30.0


class PlainGame:
    """Translates between an environment's own spaces and arrays by name.

    A space that is not a `Dict` becomes one sensor called `observation` or one action part called `action`.

    Args:
        env: With observations of `Box` or `Discrete` and actions of `Discrete`, `MultiBinary` or bounded `Box`, each
            alone or in a flat `Dict`.

    Raises:
        PlaytestError: If the environment has another space.
    """

    def __init__(self, env: Env[Any, Any]) -> None:
        self._seen, self._done = _named(env.observation_space, "observation"), _named(env.action_space, "action")
        self._flat_seen = not isinstance(env.observation_space, spaces.Dict)
        self._flat_done = not isinstance(env.action_space, spaces.Dict)
        name = env.spec.name if env.spec else "game"
        sensors = tuple(SensorSpec(key, _sensor_space(space)) for key, space in self._seen.items())
        actions = tuple(ActionSpec(key, _action_space(space)) for key, space in self._done.items())
        hz = float(env.metadata.get("render_fps") or _USUAL_HZ)
        self.behavior = BehaviorSpec(name, sensors, actions, hz)
        # Looked up once: these are asked for at every decision.
        self._forms = [(each.name, each.dtype, each.shape) for each in sensors]
        self._raws = [(name, _raw(space)) for name, space in self._done.items()]

    def observation(self, raw: Any) -> dict[str, np.ndarray]:
        """Return what the environment gave as one array per sensor."""
        values = {"observation": raw} if self._flat_seen else raw
        return {name: np.asarray(values[name], dtype).reshape(shape) for name, dtype, shape in self._forms}

    def action(self, action: Action) -> Any:
        """Return an action in the form that the environment's `step` takes."""
        values = {name: raw(action[name]) for name, raw in self._raws}
        return values["action"] if self._flat_done else values


def _named(space: spaces.Space[Any], name: str) -> Mapping[str, spaces.Space[Any]]:
    return space.spaces if isinstance(space, spaces.Dict) else {name: space}


def _sensor_space(space: spaces.Space[Any]) -> spaces.Box:
    if isinstance(space, spaces.Discrete):
        return spaces.Box(float(space.start), float(space.start + space.n - 1), (1,), np.float32)
    if isinstance(space, spaces.Box):
        return space
    raise PlaytestError(
        f"The game observes a {space!r}; wrap it so that it observes a Box, a Discrete or a Dict of them."
    )


def _action_space(space: spaces.Space[Any]) -> spaces.Discrete | spaces.MultiBinary | spaces.Box:
    if isinstance(space, spaces.Discrete):
        return spaces.Discrete(int(space.n))
    if isinstance(space, spaces.Box):
        return spaces.Box(space.low.astype(np.float32), space.high.astype(np.float32), dtype=np.float32)
    if isinstance(space, spaces.MultiBinary):
        return space
    raise PlaytestError(
        f"The game takes a {space!r}; wrap it to take a Discrete, a MultiBinary, a bounded Box or a Dict of them."
    )


def _raw(space: spaces.Space[Any]) -> Callable[[np.ndarray], Any]:
    if isinstance(space, spaces.Discrete):
        first = int(space.start)
        return lambda value: int(value) + first
    dtype = space.dtype
    return lambda value: np.asarray(value, dtype)
