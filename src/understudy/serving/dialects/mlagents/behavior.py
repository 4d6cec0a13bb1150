"""One behaviour of a game, played by one bundle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from understudy.errors import ObservationError, SpecMismatchError
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.actions import ActionPlan
from understudy.serving.dialects.mlagents.lives import Lives, rounds, to_bot
from understudy.serving.dialects.mlagents.observations import match
from understudy.serving.registry import Registry
from understudy.serving.session import Session

MAX_NAME = 80
"""Characters of a behaviour's name in a message to its game and in the log."""


class PlayedBehavior:
    """Decides for the agents of one behaviour.

    Args:
        name: As the game says it, such as `"Striker?team=0"`.
        session: Of the bundle that plays it.
        brain: What the game's agents can do.
        first: The first agent that was seen; every other one observes alike.
        seed: Of the server.

    Raises:
        SpecMismatchError: If the bundle cannot play these agents.
    """

    def __init__(
        self, name: str, session: Session, brain: pb.BrainParametersProto, first: pb.AgentInfoProto, seed: int
    ) -> None:
        self.name = name
        self._session = session
        self._lives = Lives(name, seed)
        self._actions = ActionPlan(session.behavior.actions)
        try:
            self._actions.require(brain)
            self._readers = match(session.behavior.sensors, first.observations)
        except SpecMismatchError as error:
            raise SpecMismatchError(
                f"The bundle '{session.deployment.name}' cannot play the behaviour '{name[:MAX_NAME]}': {error}."
            ) from None

    async def answer(self, agents: Sequence[pb.AgentInfoProto]) -> list[pb.AgentActionProto]:
        """Return the actions of the agents that are not done, in their order.

        Raises:
            ObservationError: If an observation or a mask is not as it was at first.
            BotLimitError: If more agents live than the server allows.
        """
        actions: list[pb.AgentActionProto] = []
        for each in rounds(agents):
            actions += await self._decide([agent for agent in each if not agent.done])
            if ended := self._lives.end([agent.id for agent in each if agent.done]):
                self._session.despawn(ended)
        return actions

    def close(self) -> None:
        """Free every bot."""
        self._session.close()

    @property
    def wiring(self) -> str:
        """Which observation each sensor reads, for the log."""
        return ", ".join(f"{each.sensor.name} from observation {each.index}" for each in self._readers)

    async def _decide(self, agents: list[pb.AgentInfoProto]) -> list[pb.AgentActionProto]:
        if not agents:
            return []
        try:
            sensors = await self._read(agents)
            births = self._lives.begin([agent.id for agent in agents])
            if births:
                self._session.spawn(births)
            decision = await self._session.decide([to_bot(agent.id) for agent in agents], sensors)
            return self._actions.encode(decision.actions, agents)
        except ObservationError as error:
            raise ObservationError(f"Behaviour '{self.name[:MAX_NAME]}': {error}") from None

    async def _read(self, agents: list[pb.AgentInfoProto]) -> list[np.ndarray]:
        """Return the sensors; pictures are decoded in a thread, since they would keep every other client waiting."""

        def read() -> list[np.ndarray]:
            return [reader.read(agents) for reader in self._readers]

        return await asyncio.to_thread(read) if any(each.is_picture for each in self._readers) else read()


def open_session(registry: Registry, behavior: str, peer: str) -> Session:
    """Open a session with the bundle of a behaviour: the one of its name, or the only one there is.

    Args:
        registry: Of the server.
        behavior: As the game says it; what follows a `?` is not part of the bundle's name.
        peer: The game.

    Raises:
        ServingError: If there are several bundles and none has that name.
    """
    name = behavior.partition("?")[0]
    names = registry.names
    return registry.open(names[0] if len(names) == 1 else name, peer=peer, dialect="mlagents")
