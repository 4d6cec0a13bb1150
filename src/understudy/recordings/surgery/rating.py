"""`ReRate`: another number of decisions a second."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from gymnasium import spaces

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import Rows
from understudy.recordings.surgery.folding import allowed_rules, fold, pick
from understudy.recordings.surgery.operations import ReRate, Rule
from understudy.recordings.surgery.take import Arrays, Take
from understudy.spec import ActionSpec, BehaviorSpec

# No game's clock is known better than to a millionth.
_LARGEST_DENOMINATOR = 1_000_000


def rerate(operation: ReRate, take: Take) -> list[Take]:
    """Change the decision rate; see `ReRate`."""
    behavior = take.behavior
    rules = _rules(operation, behavior)
    ratio = Fraction(behavior.decision_hz / operation.decision_hz).limit_denominator(_LARGEST_DENOMINATOR)
    if ratio >= 1:
        return [_lower(take, operation.decision_hz, ratio, rules)]
    if not operation.repeat:
        raise RecordingError(
            f"'{take.name}' was recorded at {behavior.decision_hz:g} Hz; {operation.decision_hz:g} Hz would need "
            "decisions that nobody made. Choose a lower rate, or allow steps to be repeated: --repeat"
        )
    return [_higher(take, operation.decision_hz, ratio, rules)]


def _rules(operation: ReRate, behavior: BehaviorSpec) -> dict[str, Rule]:
    for name, rule in operation.rules.items():
        allowed = allowed_rules(behavior.action(name))
        if rule not in allowed:
            raise RecordingError(f"The action part '{name}' cannot go by the rule '{rule}', only {', '.join(allowed)}.")
    return {each.name: operation.rules.get(each.name, allowed_rules(each)[0]) for each in behavior.actions}


def _lower(take: Take, decision_hz: float, ratio: Fraction, rules: Mapping[str, Rule]) -> Take:
    edges = _edges(take.num_steps, ratio)

    def act(start: int, stop: int) -> Rows:
        first = edges[start]
        return fold(take.act(int(first), int(edges[stop])), edges[start : stop + 1] - first, rules)

    def see(names: Sequence[str], steps: np.ndarray) -> Arrays:
        return take.see(names, edges[steps])

    behavior = take.behavior
    actions = tuple(
        _widened(each, math.ceil(ratio)) if rules[each.name] == "sum" else each for each in behavior.actions
    )
    slower = BehaviorSpec(behavior.name, behavior.sensors, actions, decision_hz)
    return replace(take.with_behavior(slower), num_steps=len(edges) - 1, see=see, act=act)


def _edges(num_steps: int, ratio: Fraction) -> np.ndarray:
    """The old step that each new one begins with, the nearest to its time, and the end; int64."""
    half = Fraction(1, 2)
    num = max(1, math.ceil((num_steps - half) / ratio))
    # In whole numbers, since floats would drift over hours of play.
    nearest = (2 * np.arange(num + 1) * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)
    return np.minimum(nearest, num_steps)


def _widened(part: ActionSpec, times: int) -> ActionSpec:
    space = part.space
    assert isinstance(space, spaces.Box)  # only numbers are summed
    return replace(part, space=spaces.Box(space.low * times, space.high * times, space.shape, np.float32))


def _higher(take: Take, decision_hz: float, ratio: Fraction, rules: Mapping[str, Rule]) -> Take:
    num = math.ceil(take.num_steps / ratio)
    old = np.arange(num) * ratio.numerator // ratio.denominator
    is_first = np.diff(old, prepend=-1) > 0
    since_first = np.arange(num) - np.flatnonzero(is_first)[old]
    repeats = np.bincount(old)

    def act(start: int, stop: int) -> Rows:
        which = old[start:stop]
        rows = pick(take.act(int(which[0]), int(which[-1]) + 1), which - which[0])
        shares = {
            name: _shared(values, repeats[which]) for name, values in rows.actions.items() if rules[name] == "sum"
        }
        return replace(
            rows,
            actions={**rows.actions, **shares},
            rewards=np.where(is_first[start:stop], np.asarray(rows.rewards), np.nan).astype(np.float32),
            events=[
                words if first else [] for words, first in zip(rows.events or (), is_first[start:stop], strict=True)
            ],
            times_ns=np.asarray(rows.times_ns) + np.int64(since_first[start:stop] * (1e9 / decision_hz)),
        )

    def see(names: Sequence[str], steps: np.ndarray) -> Arrays:
        needed, back = np.unique(old[steps], return_inverse=True)
        return {name: values[back] for name, values in take.see(names, needed).items()}

    behavior = take.behavior
    faster = BehaviorSpec(behavior.name, behavior.sensors, behavior.actions, decision_hz)
    return replace(take.with_behavior(faster), num_steps=num, see=see, act=act)


def _shared(values: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    shares = values / repeats.reshape(-1, *(1,) * (values.ndim - 1))
    return shares.astype(values.dtype)
