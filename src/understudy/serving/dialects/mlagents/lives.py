"""Which agents of one behaviour live, and the seed of each life."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.session import Birth

MAX_REMEMBERED = 1 << 16
"""Agents whose ended lives are counted; beyond, those that ended first are forgotten and count from 0 again."""


class Lives:
    """The agents of one behaviour.

    An agent lives from its first decision until it is done; the same number then begins another life.

    Args:
        behavior: Its name, as the game says it.
        seed: Of the server.
    """

    def __init__(self, behavior: str, seed: int) -> None:
        self._behavior = behavior
        self._seed = seed
        self._living: set[int] = set()
        self._ended: dict[int, int] = {}

    def begin(self, agents: Sequence[int]) -> list[Birth]:
        """Return the births of those agents that do not live yet; they now do."""
        new = [agent for agent in agents if agent not in self._living]
        self._living.update(new)
        return [Birth(to_bot(agent), life_seed(self._seed, self._behavior, agent, self._life(agent))) for agent in new]

    def end(self, agents: Sequence[int]) -> list[int]:
        """End the lives of some agents, and return their bots; agents that do not live are passed over."""
        living = [agent for agent in agents if agent in self._living]
        for agent in living:
            self._ended[agent] = self._ended.pop(agent, 0) + 1
            if len(self._ended) > MAX_REMEMBERED:
                del self._ended[next(iter(self._ended))]
        self._living.difference_update(living)
        return [to_bot(agent) for agent in living]

    def _life(self, agent: int) -> int:
        return self._ended.get(agent, 0)


def life_seed(seed: int, behavior: str, agent: int, life: int) -> int:
    """Return the seed of a bot's noise, below 2**64.

    Args:
        seed: Of the server.
        behavior: As the game names it, such as `"Striker?team=0"`.
        agent: The agent's id.
        life: How many lives of this id ended before, in this game.
    """
    text = f"{seed}/{agent}/{life}/{behavior}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def to_bot(agent: int) -> int:
    """Return the session's number of an agent: agents' ids are int32, bots' uint32."""
    return agent % 2**32


def rounds(agents: Sequence[pb.AgentInfoProto]) -> Iterator[list[pb.AgentInfoProto]]:
    """Cut a list where an agent comes up again, since a bot decides once at a time.

    An agent that is stopped while its decision is under way sends both in one message.
    """
    ids: set[int] = set()
    run: list[pb.AgentInfoProto] = []
    for each in agents:
        if each.id in ids:
            yield run
            run, ids = [], set()
        run.append(each)
        ids.add(each.id)
    if run:
        yield run
