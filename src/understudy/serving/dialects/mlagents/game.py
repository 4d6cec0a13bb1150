"""One connected game: its behaviours, and what it is told to do next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from understudy.errors import ServingError
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.behavior import MAX_NAME, PlayedBehavior, open_session
from understudy.serving.registry import Registry

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class GameLimits:
    """What games may use; the server's `max_bots` limits the living agents of each behaviour.

    Attributes:
        games: Connected at once.
        behaviors: Of one game.
        agents: Of one behaviour in one message.
        idle_s: Seconds without a message after which a game counts as gone. A game that is paused must fit in.
    """

    games: int = 64
    behaviors: int = 32
    agents: int = 8192
    idle_s: float = 900.0


class Game:
    """What one game's messages mean, apart from gRPC.

    Args:
        registry: Of the server.
        peer: The game's address.
        limits: For this game.
        seed: Of the server.
    """

    def __init__(self, registry: Registry, peer: str, limits: GameLimits, seed: int) -> None:
        self._registry = registry
        self._peer = peer
        self._limits = limits
        self._seed = seed
        self._brains: dict[str, pb.BrainParametersProto] = {}
        self._behaviors: dict[str, PlayedBehavior] = {}
        self._started = False

    async def answer(self, output: pb.UnityOutputProto) -> pb.UnityRLInputProto:
        """Return what the game shall do next: begin an episode at first, then one action for each agent that asks.

        Side channels are neither read nor written.

        Raises:
            SpecMismatchError: If the bundle of a behaviour cannot play it.
            ObservationError: If an observation does not keep its form.
            ServingError: If a limit is reached, or a behaviour comes without its parameters or has no bundle.
        """
        self._learn(output.rl_initialization_output.brain_parameters)
        if not self._started:
            self._started = True
            if not output.HasField("rl_output"):
                return pb.UnityRLInputProto(command=pb.RESET)
        asking = {name: list(each.value) for name, each in output.rl_output.agentInfos.items() if each.value}
        actions = await self._decide(asking)
        return pb.UnityRLInputProto(
            command=pb.STEP,
            agent_actions={
                name: pb.UnityRLInputProto.ListAgentActionProto(value=each) for name, each in actions.items() if each
            },
        )

    def close(self) -> None:
        """Free every bot. A decision that is under way must be cancelled before."""
        for each in self._behaviors.values():
            each.close()
        self._behaviors.clear()

    async def _decide(self, asking: Mapping[str, list[pb.AgentInfoProto]]) -> dict[str, list[pb.AgentActionProto]]:
        """Decide for all behaviours at once, so that those of one bundle share a batch."""
        played = [self._played(name, agents) for name, agents in asking.items() if self._matters(name, agents)]
        answers = await asyncio.gather(*(each.answer(asking[each.name]) for each in played), return_exceptions=True)
        for each in answers:
            if isinstance(each, BaseException):
                raise each
        return {each.name: answer for each, answer in zip(played, answers, strict=True) if isinstance(answer, list)}

    def _learn(self, brains: Iterable[pb.BrainParametersProto]) -> None:
        for brain in brains:
            name = brain.brain_name
            if self._brains.setdefault(name, brain) != brain:
                raise ServingError(f"Behaviour '{name[:MAX_NAME]}' came with other parameters than before.")
            if len(self._brains) > self._limits.behaviors:
                raise ServingError(f"A game may have {self._limits.behaviors} behaviours; this one has more.")

    def _matters(self, name: str, agents: list[pb.AgentInfoProto]) -> bool:
        """Whether some agent decides, or one that did is done."""
        return name in self._behaviors or not all(each.done for each in agents)

    def _played(self, name: str, agents: list[pb.AgentInfoProto]) -> PlayedBehavior:
        if len(agents) > self._limits.agents:
            raise ServingError(
                f"Behaviour '{name[:MAX_NAME]}' sent {len(agents)} agents in one message; at most "
                f"{self._limits.agents} are allowed."
            )
        if name not in self._behaviors:
            self._behaviors[name] = self._open(name, next(each for each in agents if not each.done))
        return self._behaviors[name]

    def _open(self, name: str, first: pb.AgentInfoProto) -> PlayedBehavior:
        if name not in self._brains:
            raise ServingError(f"Agents of behaviour '{name[:MAX_NAME]}' came without its parameters.")
        session = open_session(self._registry, name, self._peer)
        try:
            behavior = PlayedBehavior(name, session, self._brains[name], first, self._seed)
        except BaseException:
            session.close()
            raise
        _LOG.info(
            "The bundle '%s' plays '%s' of %s: %s",
            session.deployment.name,
            name[:MAX_NAME],
            self._peer,
            behavior.wiring,
        )
        return behavior
