"""Which pair holds the action that was taken on an observation: Unity's recorder writes it with the next one.

`Agent.SendInfoToBrain` records before `Agent.DecideAction` decides, so a pair holds what was observed and the action of
the decision *before*: in the pair that is done the last one, and where an episode begins noughts. Before version 1.0
an episode began with the last action of the one before, and for a while the pair that is done held the last but one.
ML-Agents' own loader takes both as they lie, and so learns every action one decision late. Programs that write files
for that loader, ours among them, put an action beside its observation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from understudy.recordings.formats.mlagents import demo_pb2 as pb
from understudy.recordings.formats.mlagents.framing import DamageError, DemoFile, Header

Pairing = Literal["auto", "next", "same"]

_LOOKED_AT_BYTES = 16 * 1024 * 1024
_LOOKED_AT_BEGINNINGS = 16


def actions_come_next(path: Path, header: Header, pairing: Pairing) -> bool:
    """Whether the action taken on an observation is in the pair after it.

    Args:
        path: Of the file.
        header: Of the file.
        pairing: What the user says. `"auto"`: yes, unless we wrote the file or an episode begins with an action of its
            own, which Unity's recorder cannot know by then.
    """
    if pairing != "auto":
        return pairing == "next"
    if header.brain.understudy:
        return False
    begins, later = _look(path, header)
    # Recording may have been switched on in the midst of the first episode. Noughts alone tell nothing.
    return later and not any(begins[1:] or begins)


def moved_back(pairs: Iterator[pb.AgentInfoActionPairProto]) -> Iterator[pb.AgentInfoActionPairProto]:
    """Yield the pairs of an episode, each with the action of the one after it.

    What was done on the last one's observation, nobody knows: if it is not done, it becomes the end of an episode that
    was cut off.
    """
    before = next(pairs, None)
    if before is None:
        return
    for pair in pairs:
        before.action_info.CopyFrom(pair.action_info)
        yield before
        before = pair
    if not before.agent_info.done:
        before.agent_info.done = before.agent_info.max_step_reached = True
    yield before


def _look(path: Path, header: Header) -> tuple[list[bool], bool]:
    """Whether the pairs that begin an episode hold an action of it, and whether any other holds one.

    Both as far as is looked at.
    """
    begins: list[bool] = []
    living: set[int] = set()
    offset, later = header.start, False
    before, repeated = pb.AgentActionProto(), False
    with DemoFile(path) as file:
        while len(begins) < _LOOKED_AT_BEGINNINGS and offset < min(file.size, _LOOKED_AT_BYTES):
            try:
                pair, offset = file.pair(offset)
            except DamageError:
                break
            info, action = pair.agent_info, pair.action_info
            is_left_over = repeated or action == before
            if info.id not in living:
                begins.append(_acts(action) and not is_left_over)
            else:
                later = later or _acts(action)
            living.add(info.id)
            if info.done:
                living.remove(info.id)
            before, repeated = action, action == before
    return begins, later


def _acts(action: pb.AgentActionProto) -> bool:
    lists = (action.continuous_actions, action.discrete_actions, action.vector_actions_deprecated)
    return any(any(each) for each in lists)
