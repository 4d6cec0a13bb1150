"""The game's `env_info`: its agents, what each sees and can do, in the newer form and in the older."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from understudy.errors import ServingError

DEFAULT_POLICY = "shared_policy"
"""What the plug-in calls the policy of an agent that names none."""
_MAX_KEYS = 256
_MAX_SIZE = 1 << 26


@dataclass(frozen=True)
class ObservationKey:
    """One entry of an agent's observation.

    Attributes:
        name: Its key.
        size: The shape of its array; empty for one index.
        choices: Number of values of an index; 0 for an array.
    """

    name: str
    size: tuple[int, ...]
    choices: int = 0

    @property
    def is_picture(self) -> bool:
        """Whether it comes as hexadecimal text of bytes: the plug-in's rule is a key with `2d` in it."""
        return "2d" in self.name and not self.choices


@dataclass(frozen=True)
class ActionKey:
    """One entry of an agent's action: a choice of `size`, or `size` numbers from -1 to 1."""

    name: str
    size: int
    discrete: bool

    def __str__(self) -> str:
        return f"'{self.name}' ({'discrete' if self.discrete else 'continuous'}, {self.size})"


@dataclass(frozen=True)
class AgentInfo:
    """One agent of the game; the keys are in the game's order."""

    policy: str
    observation: tuple[ObservationKey, ...]
    action: tuple[ActionKey, ...]


def parse_env_info(message: Mapping[str, Any], max_agents: int) -> list[AgentInfo]:
    """Read an `env_info` message.

    Args:
        message: The game's; spaces are lists with one dict an agent (newer plug-ins) or one dict for all (older).
        max_agents: Allowed in one game.

    Raises:
        ServingError: If something is missing, of a wrong type or too large.
    """
    num_agents = _count(message.get("n_agents"), "n_agents", max_agents)
    spaces = [_per_agent(message, key, num_agents) for key in ("observation_space", "action_space")]
    policies = message.get("agent_policy_names", [DEFAULT_POLICY] * num_agents)
    if not isinstance(policies, list) or len(policies) != num_agents or not all(isinstance(p, str) for p in policies):
        raise ServingError(f"agent_policy_names should be a list of {num_agents} names, one for each agent.")
    return [
        AgentInfo(policy, _observation_keys(observation), _action_keys(action))
        for policy, observation, action in zip(policies, *spaces, strict=True)
    ]


def _per_agent(message: Mapping[str, Any], key: str, num_agents: int) -> list[Any]:
    space = message.get(key)
    if isinstance(space, dict):
        return [space] * num_agents
    if not isinstance(space, list) or len(space) != num_agents:
        raise ServingError(f"{key} should be one dict, or a list of {num_agents} dicts, one for each agent.")
    return space


def _observation_keys(space: Any) -> tuple[ObservationKey, ...]:
    return tuple(_observation_key(name, form) for name, form in _entries("observation_space", space))


def _observation_key(name: str, form: dict[str, Any]) -> ObservationKey:
    what = f"The size of observation '{name}'"
    kind, size = form.get("space"), form.get("size")
    if kind == "discrete":
        return ObservationKey(name, (), _count(size, what, _MAX_SIZE))
    if kind != "box":
        raise ServingError(f"Observation '{name}' has the space {str(kind)[:40]!r}; it must be 'box' or 'discrete'.")
    if not isinstance(size, list) or not 1 <= len(size) <= 4:
        raise ServingError(f"{what} should be a list of one to four numbers.")
    shape = tuple(_count(each, what, _MAX_SIZE) for each in size)
    if math.prod(shape) > _MAX_SIZE:
        raise ServingError(f"{what} is {math.prod(shape)} numbers, more than {_MAX_SIZE}.")
    return ObservationKey(name, shape)


def _action_keys(space: Any) -> tuple[ActionKey, ...]:
    keys = []
    for name, form in _entries("action_space", space):
        kind = form.get("action_type")
        if kind not in ("discrete", "continuous"):
            raise ServingError(f"Action '{name}' has the type {str(kind)[:40]!r}; it must be discrete or continuous.")
        keys.append(
            ActionKey(name, _count(form.get("size"), f"The size of action '{name}'", 1 << 16), kind == "discrete")
        )
    return tuple(keys)


def _entries(what: str, space: Any) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(space, dict) or not 1 <= len(space) <= _MAX_KEYS:
        raise ServingError(f"{what} of an agent should be a dict of 1 to {_MAX_KEYS} entries.")
    for name, form in space.items():
        if len(name) > 128 or not isinstance(form, dict):
            raise ServingError(f"{what} should hold a dict for each key; it does not at {name[:40]!r}.")
    return list(space.items())


def _count(value: Any, what: str, most: int) -> int:
    """Return a whole number from 1 to `most`. Godot writes 36.0 where a size comes from a Vector2."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1 or not 1 <= value <= most:
        raise ServingError(f"{what} should be a whole number from 1 to {most}, not {str(value)[:40]}.")
    return int(value)
