"""What a player asks for, and whether that is more than standing still."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gymnasium import spaces

from understudy.spec import Action, ActionSpec

IDLE_LABELS = frozenset({"none", "no", "keep", "stay", "idle", "noop", "still"})
_STILL = 1e-3


def asks_to_move(action: Action, parts: Sequence[ActionSpec]) -> bool:
    """Return whether any of `parts` asks for more than standing still.

    A choice does unless its label is one of `IDLE_LABELS`; buttons do if one is pressed, numbers if one is not zero.
    """
    return any(_asks(action[part.name], part) for part in parts)


def _asks(value: np.ndarray, part: ActionSpec) -> bool:
    if isinstance(part.space, spaces.Discrete):
        return not part.labels or part.labels[int(value)] not in IDLE_LABELS
    return bool(np.any(np.abs(value) > _STILL))


def idle_action(parts: Sequence[ActionSpec]) -> Action:
    """Return the action that asks for nothing: an idle label or the first choice, no button, numbers nearest 0."""
    return {part.name: _idle(part) for part in parts}


def _idle(part: ActionSpec) -> np.ndarray:
    if isinstance(part.space, spaces.Discrete):
        choices = [index for index, label in enumerate(part.labels) if label in IDLE_LABELS]
        return np.asarray(choices[0] if choices else 0, part.dtype)
    if isinstance(part.space, spaces.MultiBinary):
        return np.zeros(part.shape, part.dtype)
    return np.clip(np.zeros(part.shape, part.dtype), part.space.low, part.space.high)


def action_key(action: Action) -> bytes:
    """Return a short name of an action: two actions have the same if they ask for the very same."""
    return b"".join(np.asarray(value).tobytes() for value in action.values())
