"""What a demonstration's agents see and do: as the file describes it, or as we described it when we wrote the file."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from typing import Any

from understudy.recordings.formats.mlagents import demo_pb2 as pb
from understudy.recordings.formats.mlagents.actions import ActionCodec, parts_of
from understudy.recordings.formats.mlagents.names import file_name
from understudy.recordings.formats.mlagents.observations import ObservationReader, readers
from understudy.spec import BehaviorSpec

DEFAULT_HZ = 10.0
"""Unity's Academy steps 50 times a second, and an agent decides at every fifth step unless told otherwise."""

MAX_HZ = 1000.0
"""No game decides more often."""

_DTYPE = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)")


@dataclass(frozen=True)
class Plan:
    """How one file is read.

    Attributes:
        behavior: Of its episodes.
        observations: One reader for each sensor, in order.
        actions: Of the behaviour.
        exact: Whether we wrote the file, and what it says in our own fields counts.
    """

    behavior: BehaviorSpec
    observations: tuple[ObservationReader, ...]
    actions: ActionCodec
    exact: bool


def make_plan(brain: pb.BrainParametersProto, first: pb.AgentInfoProto, decision_hz: float | None) -> Plan:
    """Return how to read a file.

    Args:
        brain: Of the file.
        first: What some agent of the file observed; the others observe alike.
        decision_hz: As the user says; None for the file's own if we wrote it, else `DEFAULT_HZ`.

    Raises:
        DamageError: If the agents see or do nothing, or something absurd.
    """
    found = tuple(readers(first.observations))
    sensors = tuple(each.sensor for each in found)
    parts = tuple(parts_of(brain))
    name = file_name(brain.brain_name.partition("?")[0], "mlagents")
    plain = BehaviorSpec(name, sensors, parts, decision_hz or DEFAULT_HZ)
    behavior = _written(brain.understudy, found, ActionCodec(parts))
    if behavior is None:
        return Plan(plain, found, ActionCodec(parts), exact=False)
    behavior = replace(behavior, decision_hz=decision_hz or behavior.decision_hz)
    pairs = zip(found, behavior.sensors, strict=True)
    return Plan(
        behavior, tuple(replace(each, sensor=sensor) for each, sensor in pairs), ActionCodec(behavior.actions), True
    )


def team_of(brain: pb.BrainParametersProto) -> int | None:
    """Return the team that a behaviour's name ends with, as in `"Striker?team=1"`, if any."""
    word = brain.brain_name.partition("?team=")[2]
    return int(word) if word.isdecimal() and len(word) < 10 else None


def _written(text: str, found: tuple[ObservationReader, ...], codec: ActionCodec) -> BehaviorSpec | None:
    """The spec in our own field, or None if there is none, or the data are not of it."""
    try:
        form = json.loads(text) if text else None
        if form is None or not _may_be_built(form, found, codec):
            return None
        behavior = BehaviorSpec.from_dict(form)
    except Exception:  # anyone may have written anything there, and the file reads without it
        return None
    actions = ActionCodec(behavior.actions)
    same = (actions.num_continuous, actions.branches) == (codec.num_continuous, codec.branches)
    fits = all(each.fits(sensor) for each, sensor in zip(found, behavior.sensors, strict=True))
    plain = file_name(behavior.name, "") == behavior.name and behavior.to_dict() == form
    worded = all(isinstance(word, str) for each in behavior.actions for word in (each.units, *each.labels))
    return behavior if same and fits and plain and worded else None


def _may_be_built(form: Any, found: tuple[ObservationReader, ...], codec: ActionCodec) -> bool:
    """Whether a spec is no larger than the data, since building its spaces allocates them."""
    parts = [each["space"] for each in form["actions"]]
    numbers = sum(math.prod(each["shape"]) for each in parts if each["type"] == "box")
    choices = sum(each["n"] if each["type"] == "multi_binary" else 1 for each in parts if each["type"] != "box")
    sensors = [each["space"] for each in form["sensors"]]
    return (
        [math.prod(each["shape"]) for each in sensors] == [math.prod(each.shape) for each in found]
        and all(_DTYPE.fullmatch(each["dtype"]) for each in sensors)
        and (numbers, choices) == (codec.num_continuous, len(codec.branches))
        and form["decision_hz"] <= MAX_HZ
    )
