"""The game's side of the protocol: a plug-in that is played by a test, for us and for anybody's Python side.

    async with await PluginGame.connect("127.0.0.1", 11008, [declare(behavior)]) as game:
        actions = await game.reset([to_godot(behavior, observation)])
        actions = await game.step([to_godot(behavior, observation)], done=[False])

`PluginGame` checks every message against the protocol and raises `AssertionError` at the first that breaks it.
`play_and_compare` plays a whole server and compares its actions with the bundle's own runtime.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from gymnasium import spaces

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.serving.dialects.godot_rl.actions import action_keys
from understudy.serving.dialects.godot_rl.seeds import life_seed
from understudy.spec import Action, BehaviorSpec, Observation

Plugin = Literal["newer", "older"]
"""Newer plug-ins send a list of spaces and policy names; older ones one dict for all agents, and no `info`."""


@dataclass(frozen=True)
class PluginAgent:
    """What an `AIController` declares.

    Attributes:
        policy: Its `policy_name`.
        observation_space: As `get_obs_space()` returns it.
        action_space: As `get_action_space()` returns it.
    """

    policy: str
    observation_space: Mapping[str, Any]
    action_space: Mapping[str, Any]


def declare(behavior: BehaviorSpec, policy: str = "shared_policy") -> PluginAgent:
    """Return the agent of a game that senses and acts exactly as `behavior` says."""
    observation = {}
    for each in behavior.sensors:
        size = list(each.space.shape) or [1]
        if "2d" in each.name:
            size = [size[-1], *size[:-1]]
        observation[each.name] = {"size": size, "space": "box"}
    keys = [key for part in behavior.actions for key in action_keys(part)]
    action = {key.name: {"size": key.size, "action_type": "discrete" if key.discrete else "continuous"} for key in keys}
    return PluginAgent(policy, observation, action)


def to_godot(behavior: BehaviorSpec, observation: Observation) -> dict[str, Any]:
    """Return an observation as `get_obs()` would: pictures as hexadecimal text, the rest as flat lists."""
    form: dict[str, Any] = {}
    for each in behavior.sensors:
        value = np.asarray(observation[each.name])
        form[each.name] = value.astype(np.uint8).tobytes().hex() if "2d" in each.name else value.ravel().tolist()
    return form


def from_godot(behavior: BehaviorSpec, action: Mapping[str, Any]) -> Action:
    """Return the action that a game of `behavior` would carry out, by part, in the parts' own units."""
    parts: dict[str, np.ndarray] = {}
    for part in behavior.actions:
        values = np.concatenate([np.ravel(action[key.name]) for key in action_keys(part)])
        if isinstance(part.space, spaces.Box):
            low, high = part.space.low.astype(np.float64), part.space.high.astype(np.float64)
            values = low + (values.reshape(part.shape) + 1) / 2 * (high - low)
        parts[part.name] = values.reshape(part.shape).astype(part.dtype)
    return parts


class PluginGame:
    """A game with the plug-in in it, connected to a Python side; made by `connect`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, agents: Sequence[PluginAgent], plugin: Plugin
    ) -> None:
        self._reader, self._writer = reader, writer
        self._agents = agents
        self._plugin = plugin

    @classmethod
    async def connect(cls, host: str, port: int, agents: Sequence[PluginAgent], plugin: Plugin = "newer") -> Self:
        """Connect, answer the handshake, and declare the agents."""
        game = cls(*await asyncio.open_connection(host, port), agents, plugin)
        handshake = await game.receive("handshake")
        assert handshake.keys() == {"type", "major_version", "minor_version"}, handshake
        assert all(isinstance(handshake[key], str) for key in handshake), "versions are strings"
        await game.receive("env_info")
        await game.send(game.env_info())
        return game

    def env_info(self) -> dict[str, Any]:
        """Return what the plug-in sends to declare its agents."""
        if self._plugin == "older":
            one = self._agents[0]
            spaces_ = {"observation_space": one.observation_space, "action_space": one.action_space}
            return {"type": "env_info", **spaces_, "n_agents": len(self._agents)}
        return {
            "type": "env_info",
            "observation_space": [each.observation_space for each in self._agents],
            "action_space": [each.action_space for each in self._agents],
            "n_agents": len(self._agents),
            "agent_policy_names": [each.policy for each in self._agents],
        }

    async def reset(self, observations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Let the Python side reset the game; return the actions for the first observations."""
        await self.receive("reset")
        return await self._ask({"type": "reset", "obs": list(observations)})

    async def step(self, observations: Sequence[Mapping[str, Any]], done: Sequence[bool]) -> list[dict[str, Any]]:
        """Tell how the last actions turned out; return the next ones."""
        reward = [0.0] * len(self._agents)
        return await self._ask({"type": "step", "obs": list(observations), "reward": reward, "done": list(done)})

    async def receive(self, kind: str) -> dict[str, Any]:
        """Wait for the next message, which must be of type `kind`."""
        (length,) = struct.unpack("<I", await self._reader.readexactly(4))
        data = await self._reader.readexactly(length)
        assert data.isascii(), "one end counts characters, the other bytes, so a message must be ASCII"
        message = json.loads(data)
        assert message["type"] == kind, f"expected {kind!r}, got {message}"
        return dict(message)

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send a message."""
        data = json.dumps(message).encode()
        await self.send_bytes(struct.pack("<I", len(data)) + data)

    async def send_bytes(self, data: bytes) -> None:
        """Send anything at all."""
        self._writer.write(data)
        await self._writer.drain()

    async def is_closed(self) -> bool:
        """Whether the Python side closes the connection next, rather than sending anything."""
        try:
            return not await self._reader.read(1)
        except ConnectionError:
            return True

    async def close(self) -> None:
        """Quit the game."""
        self._writer.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        if self._plugin == "newer":
            message["info"] = [{}] * len(self._agents)
        await self.send(message)
        actions = (await self.receive("action"))["action"]
        assert len(actions) == len(self._agents), "there is one action for each agent"
        for agent, action in zip(self._agents, actions, strict=True):
            check_action(agent, action)
        return list(actions)


def check_action(agent: PluginAgent, action: Mapping[str, Any]) -> None:
    """Assert that an action is one that the agent declared."""
    assert action.keys() == agent.action_space.keys(), (action, agent.action_space)
    for key, form in agent.action_space.items():
        value, size = action[key], form["size"]
        if form["action_type"] == "discrete":
            assert type(value) is int, (key, value)
            assert 0 <= value < size, (key, value)
        else:
            assert len(value) == size, (key, value)
            assert all(type(each) is float and -1 <= each <= 1 for each in value), (key, value)


async def play_and_compare(
    host: str,
    port: int,
    bundles: Sequence[Bundle],
    observe: Callable[[int, int], Observation],
    done: Callable[[int, int], bool],
    *,
    steps: int,
    seed: int = 0,
    plugin: Plugin = "newer",
) -> int:
    """Play a server and assert that each action is that of a local runtime fed with the same observations.

    Args:
        host: Of the server.
        port: Of the server.
        bundles: That of each agent; its name is the agent's policy name.
        observe: Of an agent at a step.
        done: Whether an agent's episode ended with the step whose observation comes now.
        steps: To play.
        seed: Of the server.
        plugin: Which plug-in to be.

    Returns:
        How many actions were compared.
    """
    behaviors = [each.behavior for each in bundles]
    actors, lives = [BundleAgent(each) for each in bundles], [0] * len(bundles)
    for agent, actor in enumerate(actors):
        actor.reset(life_seed(seed, agent, 0))
    declared = [declare(each.behavior, each.name) for each in bundles]
    async with await PluginGame.connect(host, port, declared, plugin) as game:
        for step in range(steps):
            observed = [observe(agent, step) for agent in range(len(bundles))]
            sent = [to_godot(behavior, each) for behavior, each in zip(behaviors, observed, strict=True)]
            ended = [step > 0 and done(agent, step) for agent in range(len(bundles))]
            actions = await (game.step(sent, ended) if step else game.reset(sent))
            for agent, actor in enumerate(actors):
                if ended[agent]:
                    lives[agent] += 1
                    actor.reset(life_seed(seed, agent, lives[agent]))
                found = from_godot(behaviors[agent], actions[agent])
                _assert_same(actor.act(observed[agent]), found, f"agent {agent} at step {step}")
    return steps * len(bundles)


def _assert_same(expected: Action, found: Action, where: str) -> None:
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-4, err_msg=f"'{name}' of {where}")
