"""From the action parts of a bundle to the actions of an ML-Agents agent, and back.

    part              the game's actions
    Box               one continuous action per number; the part's bounds are -1 and 1 there
    Discrete(n)       one discrete branch of n
    MultiBinary(n)    n discrete branches of 2: 0 not pressed, 1 pressed

Both lists follow the order of the parts. A choice that the game does not allow now is replaced by the lowest that it
allows: by convention 0 does nothing. The policy is not asked again, since sampling is inside its graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from gymnasium import spaces

from understudy.errors import ObservationError, SpecMismatchError
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.spec import ActionSpec

MAX_LISTED = 32
"""Branches of a stranger's that a message lists."""


class ActionPlan:
    """Translates the actions of one behaviour.

    Args:
        parts: Of the bundle's spec, in order.

    Attributes:
        num_continuous: Continuous actions.
        branches: The size of each discrete branch.
    """

    def __init__(self, parts: Sequence[ActionSpec]) -> None:
        self.parts = tuple(parts)
        self.num_continuous = sum(math.prod(each.shape) for each in parts if isinstance(each.space, spaces.Box))
        self.branches = [size for each in parts for size in _branches(each)]
        self._starts = np.cumsum([0, *self.branches])

    def require(self, brain: pb.BrainParametersProto) -> None:
        """Raise `SpecMismatchError` unless the game's agents have these very actions."""
        continuous, branches = _actions_of(brain)
        if (continuous, branches) != (self.num_continuous, self.branches):
            raise SpecMismatchError(
                f"the bundle has {_describe(self.num_continuous, self.branches)}, "
                f"the game {_describe(continuous, branches)}"
            )

    def encode(self, actions: Sequence[np.ndarray], agents: Sequence[pb.AgentInfoProto]) -> list[pb.AgentActionProto]:
        """Return the actions of some agents.

        Args:
            actions: In the parts' order, each of shape (agents, *part shape).
            agents: Whose masks are honoured.

        Raises:
            ObservationError: If a mask has the wrong size.
        """
        rows = len(agents)
        numbers, choices = [], []
        for part, values in zip(self.parts, actions, strict=True):
            flat = (rows, math.prod(part.shape))
            if isinstance(part.space, spaces.Box):
                numbers.append(_to_unit(part, values).reshape(flat))
            else:
                choices.append(values.reshape(flat))
        continuous = np.concatenate([np.zeros((rows, 0), np.float32), *numbers], axis=1).tolist()
        discrete = np.concatenate([np.zeros((rows, 0), np.int64), *choices], axis=1).tolist()
        return [
            _message(unit, self._allowed(branch, agent))
            for unit, branch, agent in zip(continuous, discrete, agents, strict=True)
        ]

    def decode(self, message: pb.AgentActionProto) -> dict[str, np.ndarray]:
        """Return one agent's action in the bundle's own form, by part name: the way back."""
        numbers, choices = iter(message.continuous_actions), iter(message.discrete_actions)
        action = {}
        for part in self.parts:
            source = numbers if isinstance(part.space, spaces.Box) else choices
            values = np.array([next(source) for _ in range(math.prod(part.shape))]).reshape(part.shape)
            action[part.name] = _from_unit(part, values).astype(part.dtype)
        return action

    def _allowed(self, choices: list[int], agent: pb.AgentInfoProto) -> list[int]:
        if not agent.action_mask:
            return choices
        if len(agent.action_mask) != self._starts[-1]:
            raise ObservationError(
                f"The action mask of agent {agent.id} has {len(agent.action_mask)} entries; its branches "
                f"{self.branches[:MAX_LISTED]} have {self._starts[-1]} choices."
            )
        return [
            allow(choice, agent.action_mask[start : start + size])
            for choice, start, size in zip(choices, self._starts.tolist(), self.branches, strict=False)
        ]


def allow(choice: int, mask: Sequence[bool]) -> int:
    """Return `choice`, or the lowest choice that is allowed if it is not.

    Args:
        choice: Of one branch.
        mask: True for each choice that is not allowed. If none is, the choice stays: the game forbids that itself.
    """
    if not mask[choice] or all(mask):
        return choice
    return list(mask).index(False)


def _message(unit: list[float], choices: list[int]) -> pb.AgentActionProto:
    """Old games read the first list, newer ones the others; ML-Agents' own server fills all of them too."""
    return pb.AgentActionProto(
        vector_actions_deprecated=[*unit, *choices], continuous_actions=unit, discrete_actions=choices
    )


def _branches(part: ActionSpec) -> list[int]:
    if isinstance(part.space, spaces.Box):
        return []
    return [part.num_labels] if isinstance(part.space, spaces.Discrete) else [2] * part.num_labels


def _to_unit(part: ActionSpec, values: np.ndarray) -> np.ndarray:
    """From the part's bounds to -1 and 1; a number with only one value is 0."""
    low, span = _range(part.space)
    return np.clip(2 * (values - low) / np.where(span > 0, span, 1) - (span > 0), -1, 1).astype(np.float32)


def _from_unit(part: ActionSpec, values: np.ndarray) -> np.ndarray:
    if not isinstance(part.space, spaces.Box):
        return values
    low, span = _range(part.space)
    return low + (np.clip(values, -1, 1) + 1) / 2 * span


def _range(space: spaces.Space) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(space, spaces.Box)
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    return low, high - low


def _actions_of(brain: pb.BrainParametersProto) -> tuple[int, list[int]]:
    """Continuous actions and branches, from the one form or, before communicator 1.3.0, the other."""
    if brain.HasField("action_spec"):
        return brain.action_spec.num_continuous_actions, list(brain.action_spec.discrete_branch_sizes)
    sizes = list(brain.vector_action_size_deprecated)
    if brain.vector_action_space_type_deprecated == pb.continuous:
        return (sizes or [0])[0], []
    return 0, sizes


def _describe(continuous: int, branches: list[int]) -> str:
    more = "" if len(branches) <= MAX_LISTED else f" and {len(branches) - MAX_LISTED} more"
    return f"{continuous} continuous actions and the discrete branches {branches[:MAX_LISTED]}{more}"
