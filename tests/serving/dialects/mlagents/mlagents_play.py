"""What the agents of a game of two teams and another behaviour send."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mlagents_arena import SERVER_SEED, WALKER, observe_walker

from understudy.agents.bundle import Bundle
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.testing import ComparedGame, Turn, observe
from understudy.serving.dialects.mlagents.unity import UnitySide, agent_info, brain_parameters

RED, BLUE, RUNNER = "Walker?team=0", "Walker?team=1", "Runner"
BRAIN, RUNNER_BRAIN = brain_parameters(RED, WALKER), brain_parameters(RUNNER, WALKER)


def info(agent: int, seed: int = 0, *, done: bool = False, mask: Sequence[bool] = ()) -> pb.AgentInfoProto:
    """An agent that observes something drawn from a seed."""
    seen = observe(WALKER.sensors, observe_walker(np.random.default_rng(seed)))
    return agent_info(agent, seen, done=done, mask=mask)


def turns(rng: np.random.Generator, agents: Sequence[int], done: Sequence[int] = ()) -> list[Turn]:
    """What some agents send."""
    return [Turn(each, observe_walker(rng), each in done) for each in agents]


def compared(side: UnitySide, bundles: Sequence[Bundle]) -> ComparedGame:
    """A game of two teams of the first bundle and one behaviour of the second."""
    return ComparedGame(side, {RED: bundles[0], BLUE: bundles[0], RUNNER: bundles[1]}, SERVER_SEED)
