"""`Mask`: sensors, parts and extras that are taken away, or parts that are made to do nothing."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from gymnasium import spaces

from understudy.errors import RecordingError, suggest
from understudy.recordings.formats.protocol import Ending, Rows
from understudy.recordings.layout import Layout
from understudy.recordings.surgery.operations import Mask
from understudy.recordings.surgery.take import Take
from understudy.spec import ActionSpec, BehaviorSpec

_NOTHING = {"none", "noop", "no-op", "no_op", "nothing", "idle", "stay", "stop", "neutral", "-"}


def mask(operation: Mask, take: Take) -> list[Take]:
    """Take sensors and parts away; see `Mask`."""
    behavior = take.behavior
    neutral = {name: neutral_value(behavior.action(name), operation.values.get(name)) for name in operation.neutral}
    layout = _without(take, operation)
    kept = set(layout.behavior.sensor_names)

    def act(start: int, stop: int) -> Rows:
        rows = take.act(start, stop)
        still = {name: np.broadcast_to(value, (stop - start, *value.shape)) for name, value in neutral.items()}
        actions = {name: still.get(name, rows.actions[name]) for name in layout.behavior.action_names}
        return replace(rows, actions=actions, extras={name: rows.extras[name] for name in layout.extras})

    def ending() -> Ending:
        end = take.ending()
        seen = end.final_observation
        return replace(
            end, final_observation=None if seen is None else {name: seen[name] for name in seen if name in kept}
        )

    return [replace(take, layout=layout, act=act, ending=ending)]


def neutral_value(part: ActionSpec, given: str | int | float | None) -> np.ndarray:
    """Return the value of a part that does nothing, of its shape and dtype.

    Args:
        part: Of the action.
        given: What to use instead: a label or number of a choice, or a number for all of a Box.

    Raises:
        RecordingError: If none of a choice's labels says that it is nothing, or `given` is not in its space.
    """
    if isinstance(part.space, spaces.Discrete):
        return np.asarray(_choice(part, given), part.dtype)
    number = _number(part, given)
    # A button is neither half pressed, nor more than once.
    fits = isinstance(part.space, spaces.Box) or number in (0, 1)
    value = np.full(part.shape, number if fits else 0, part.dtype)
    if isinstance(part.space, spaces.Box) and given is None:
        value = np.clip(value, part.space.low, part.space.high)
    if not fits or not part.space.contains(value):
        raise RecordingError(f"{given} is no value of the action part '{part.name}', which is in {part.space}.")
    return value


def _choice(part: ActionSpec, given: str | int | float | None) -> int:
    labels = list(part.labels)
    if given is None:
        found = [index for index, label in enumerate(labels) if label.lower() in _NOTHING]
        if len(found) != 1:
            choices = ", ".join(labels) or f"0 to {part.num_labels - 1}"
            raise RecordingError(
                f"Which choice of '{part.name}' does nothing? Give its label or number as its value: one of {choices}."
            )
        return found[0]
    if given in labels:
        return labels.index(str(given))
    number = _number(part, given)
    if number != int(number) or not 0 <= number < part.num_labels:
        raise RecordingError(f"The action part '{part.name}' has no choice {given}: it has 0 to {part.num_labels - 1}.")
    return int(number)


def _number(part: ActionSpec, given: str | int | float | None) -> float:
    with contextlib.suppress(ValueError, OverflowError):
        number = float(given or 0)
        if math.isfinite(number):
            return number
    raise RecordingError(f"The action part '{part.name}' has no {given!r}.{suggest(str(given), part.labels)}")


def _without(take: Take, operation: Mask) -> Layout:
    behavior = take.behavior
    gone = {behavior.sensor(name).name for name in operation.sensors}
    done = {behavior.action(name).name for name in operation.parts}
    for name in operation.extras:
        if name not in take.layout.extras:
            raise RecordingError(f"'{take.name}' has no extra '{name}'.{suggest(name, take.layout.extras)}")
    sensors = tuple(each for each in behavior.sensors if each.name not in gone)
    actions = tuple(each for each in behavior.actions if each.name not in done)
    _require_some(take, "sensor", sensors)
    _require_some(take, "action part", actions)
    extras = {name: space for name, space in take.layout.extras.items() if name not in operation.extras}
    return replace(
        take.layout, behavior=BehaviorSpec(behavior.name, sensors, actions, behavior.decision_hz), extras=extras
    )


def _require_some(take: Take, what: str, left: Sequence[object]) -> None:
    if not left:
        raise RecordingError(f"The mask leaves '{take.name}' no {what}; a recording needs at least one.")
