"""An action in words, as it is written under a picture."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from understudy.playtest.oracles import IDLE_LABELS
from understudy.spec import Action, ActionSpec, BehaviorSpec

_SHOWN = 0.05


def action_words(behavior: BehaviorSpec, action: Action) -> str:
    """Return what an action asks for, such as `"move forward, turn +4.2, fire"`; `"nothing"` if it asks for nothing."""
    words = [_part_words(part, action[part.name]) for part in behavior.actions]
    return ", ".join(each for each in words if each) or "nothing"


def _part_words(part: ActionSpec, value: np.ndarray) -> str:
    if isinstance(part.space, spaces.Discrete):
        return _choice_words(part, int(value))
    if isinstance(part.space, spaces.MultiBinary):
        names = part.labels or tuple(f"{part.name} {index}" for index in range(part.num_labels))
        return ", ".join(name for name, pressed in zip(names, value.ravel(), strict=True) if pressed)
    numbers = [f"{number:+.1f}" for number in value.ravel()]
    return f"{part.name} {' '.join(numbers)}" if np.any(np.abs(value) >= _SHOWN) else ""


def _choice_words(part: ActionSpec, choice: int) -> str:
    label = part.labels[choice] if part.labels else str(choice)
    if label in IDLE_LABELS:
        return ""
    return part.name if label == "yes" else f"{part.name} {label}"
