"""The agents of one game, grouped by the bundle that plays them: a session each, and a fresh bot for each life."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from understudy.errors import ObservationError, SpecMismatchError
from understudy.serving.dialects.godot_rl.actions import bind_actions, write_action
from understudy.serving.dialects.godot_rl.info import AgentInfo
from understudy.serving.dialects.godot_rl.observations import bind_sensors
from understudy.serving.dialects.godot_rl.seeds import life_seed
from understudy.serving.registry import Registry
from understudy.serving.session import Birth, Session


class Company:
    """The bots that play one game's agents.

    Args:
        registry: Of the server.
        agents: Of the game, in its order.
        peer: The game's address.
        seed: Of the server.
        planar: Whether pictures come channel after channel.

    Raises:
        ServingError: If an agent's policy names no bundle and there are several.
        SpecMismatchError: If an agent does not fit its bundle.
    """

    def __init__(
        self, registry: Registry, agents: Sequence[AgentInfo], *, peer: str, seed: int, planar: bool = False
    ) -> None:
        self._seed = seed
        self._lives = [-1] * len(agents)
        self._members: dict[str, list[int]] = {}
        self._sessions: dict[str, Session] = {}
        self._readers, self._writers = [], []
        try:
            for index, agent in enumerate(agents):
                session = self._join(registry, index, _bundle_name(registry, agent), peer)
                try:
                    self._readers.append(bind_sensors(session.behavior, agent.observation, planar))
                    self._writers.append(bind_actions(session.behavior, agent.action))
                except SpecMismatchError as error:
                    name = session.deployment.name
                    raise SpecMismatchError(f"Agent {index} does not fit the bundle '{name}': {error}.") from None
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._lives)

    def __str__(self) -> str:
        return ", ".join(f"{len(agents)} of '{name}'" for name, agents in self._members.items())

    def begin_lives(self, agents: Iterable[int]) -> None:
        """Give some agents a new bot each, without any past, with the seed of its life."""
        fresh = set(agents)
        for name, members in self._members.items():
            births = [Birth(agent, self._next_seed(agent)) for agent in members if agent in fresh]
            if births:
                self._sessions[name].spawn(births)

    async def decide(self, observations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return each agent's action.

        Args:
            observations: Of each agent, as the game sent them.

        Raises:
            ObservationError: If one is wrong.
            PolicyStepError: If a policy itself failed.
        """
        sensors = {name: self._read(name, observations) for name in self._members}
        actions: list[dict[str, Any]] = [{}] * len(self)
        try:
            async with asyncio.TaskGroup() as turn:
                for name, arrays in sensors.items():
                    turn.create_task(self._decide_group(name, arrays, actions))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None  # one sentence is enough where several bundles failed
        return actions

    def close(self) -> None:
        """Free every bot."""
        for session in self._sessions.values():
            session.close()

    async def _decide_group(self, name: str, sensors: list[np.ndarray], actions: list[dict[str, Any]]) -> None:
        members, session = self._members[name], self._sessions[name]
        decision = await session.decide(members, sensors)
        for row, agent in enumerate(members):
            actions[agent] = write_action(self._writers[agent], decision.actions, row)

    def _read(self, name: str, observations: Sequence[Mapping[str, Any]]) -> list[np.ndarray]:
        rows = [self._read_agent(agent, observations[agent]) for agent in self._members[name]]
        return [np.stack(column) for column in zip(*rows, strict=True)]

    def _read_agent(self, agent: int, observation: Mapping[str, Any]) -> list[np.ndarray]:
        try:
            return [reader.read(observation) for reader in self._readers[agent]]
        except ObservationError as error:
            raise ObservationError(f"Agent {agent}: {error}") from None

    def _join(self, registry: Registry, index: int, name: str, peer: str) -> Session:
        if name not in self._sessions:
            self._sessions[name] = registry.open(name, peer=peer, dialect="godot_rl")
        self._members.setdefault(name, []).append(index)
        return self._sessions[name]

    def _next_seed(self, agent: int) -> int:
        self._lives[agent] += 1
        return life_seed(self._seed, agent, self._lives[agent])


def _bundle_name(registry: Registry, agent: AgentInfo) -> str:
    """The bundle called like the agent's policy, else the only one; raises `ServingError` if there are several."""
    only = len(registry.names) == 1
    return registry.choose("" if only else agent.policy).name
