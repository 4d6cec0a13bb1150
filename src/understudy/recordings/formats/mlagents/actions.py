"""Between the parts of an action and the two lists of an ML-Agents agent, as the server's dialect has it too.

    part              the agent's actions
    Box               one continuous action per number; the part's bounds are -1 and 1 there
    Discrete(n)       one discrete branch of n
    MultiBinary(n)    n discrete branches of 2: 0 not pressed, 1 pressed

Both lists follow the order of the parts. Numbers outside of a part's bounds stay outside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from gymnasium import spaces

from understudy.recordings.formats.mlagents import demo_pb2 as pb
from understudy.recordings.formats.mlagents.framing import DamageError
from understudy.spec import ActionSpec

MAX_ACTIONS = 65_536
"""Continuous actions, and branches, of one agent; no agent has nearly as many."""


class ActionCodec:
    """Translates the actions of one behaviour.

    Args:
        parts: Of the spec, in order.

    Attributes:
        num_continuous: Continuous actions.
        branches: The size of each discrete branch.
    """

    def __init__(self, parts: Sequence[ActionSpec]) -> None:
        self.parts = tuple(parts)
        self.num_continuous = sum(math.prod(each.shape) for each in parts if isinstance(each.space, spaces.Box))
        self.branches = [size for each in parts for size in _branches(each)]
        self._scales = [_Scale(each.space) if isinstance(each.space, spaces.Box) else None for each in parts]

    def encode(self, action: Mapping[str, np.ndarray]) -> pb.AgentActionProto:
        """Return an action as an agent's."""
        unit: list[float] = []
        choices: list[int] = []
        for part, scale in zip(self.parts, self._scales, strict=True):
            if scale is not None:
                unit += scale.to_unit(action[part.name]).ravel().tolist()
            else:
                choices += action[part.name].astype(np.int64).ravel().tolist()
        return _message(unit, choices)

    def nothing(self) -> pb.AgentActionProto:
        """Return the action of an agent that asks for none: 0 everywhere."""
        return _message([0.0] * self.num_continuous, [0] * len(self.branches))

    def decode(self, message: pb.AgentActionProto) -> dict[str, np.ndarray]:
        """Return an agent's action by part; raises `DamageError` if it is none."""
        unit, choices = self._lists(message)
        action, used = {}, [0, 0]
        for part, scale in zip(self.parts, self._scales, strict=True):
            kind, size = int(scale is None), math.prod(part.shape)
            values = (unit, choices)[kind][used[kind] : used[kind] + size].reshape(part.shape)
            used[kind] += size
            action[part.name] = (values if scale is None else scale.from_unit(values)).astype(part.dtype)
        return action

    def _lists(self, message: pb.AgentActionProto) -> tuple[np.ndarray, np.ndarray]:
        """The continuous actions, float32, and the choices, int64, from the new lists or from the old one."""
        unit = np.array(message.continuous_actions, np.float32)
        choices = np.array(message.discrete_actions, np.int64)
        if not len(unit) and not len(choices):
            old = np.array(message.vector_actions_deprecated, np.float32)
            unit, choices = old[: self.num_continuous], _whole(old[self.num_continuous :])
        if (len(unit), len(choices)) != (self.num_continuous, len(self.branches)):
            raise DamageError(
                f"it has {len(unit)} continuous and {len(choices)} discrete actions, not {self.num_continuous} and "
                f"{len(self.branches)}"
            )
        if not np.isfinite(unit).all():
            raise DamageError("a continuous action is not finite")
        if ((choices < 0) | (choices >= np.array(self.branches, np.int64))).any():
            raise DamageError(f"the discrete actions {choices[:16].tolist()} are not all among the agent's choices")
        return unit, choices


def parts_of(brain: pb.BrainParametersProto) -> list[ActionSpec]:
    """Return the parts of an agent whose actions have no names: `continuous`, and `branch_0`, `branch_1` and so on.

    Raises:
        DamageError: If it can do nothing, or absurdly much.
    """
    continuous, branches = _sizes(brain)
    if not 0 <= continuous <= MAX_ACTIONS or len(branches) > MAX_ACTIONS or any(size < 1 for size in branches):
        raise DamageError(f"it says that its agents have {continuous} continuous actions and {len(branches)} branches")
    if not continuous and not branches:
        raise DamageError("its agents do nothing")
    numbers = [ActionSpec("continuous", spaces.Box(-1, 1, (continuous,), np.float32))] if continuous else []
    choices = [ActionSpec(f"branch_{index}", spaces.Discrete(size)) for index, size in enumerate(branches)]
    return [*numbers, *choices]


def _sizes(brain: pb.BrainParametersProto) -> tuple[int, list[int]]:
    """Continuous actions and branches, from the one form or, before communicator 1.3.0, the other."""
    spec = brain.action_spec
    if spec.num_continuous_actions or spec.num_discrete_actions:
        return spec.num_continuous_actions, list(spec.discrete_branch_sizes)
    sizes = list(brain.vector_action_size_deprecated)
    if brain.vector_action_space_type_deprecated == pb.continuous:
        return (sizes or [0])[0], []
    return 0, sizes


def _branches(part: ActionSpec) -> list[int]:
    if isinstance(part.space, spaces.Box):
        return []
    return [part.num_labels] if isinstance(part.space, spaces.Discrete) else [2] * part.num_labels


def _message(unit: list[float], choices: list[int]) -> pb.AgentActionProto:
    """Old loaders read the first list, newer ones the others; Unity fills all of them too."""
    return pb.AgentActionProto(
        vector_actions_deprecated=[*unit, *choices], continuous_actions=unit, discrete_actions=choices
    )


def _whole(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all() or (np.rint(values) != values).any() or (np.abs(values) > 2**31).any():
        raise DamageError("a discrete action is no whole number")
    return values.astype(np.int64)


class _Scale:
    """Between a space's bounds and -1 to 1."""

    def __init__(self, space: spaces.Box) -> None:
        low, high = space.low.astype(np.float64), space.high.astype(np.float64)
        self._middle = (low + high) / 2
        self._half = np.where(high > low, (high - low) / 2, 1.0)

    def to_unit(self, values: np.ndarray) -> np.ndarray:
        return _float32((values.astype(np.float64) - self._middle) / self._half)

    def from_unit(self, values: np.ndarray) -> np.ndarray:
        return _float32(self._middle + values * self._half)


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    if not np.isfinite(rounded).all():
        raise DamageError("a continuous action is too far out of its bounds for a float32")
    return rounded
