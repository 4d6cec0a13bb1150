"""From the pairs of an episode to its rows.

A pair holds what an agent observed, what it did then (once `pairing` has put that right), and the reward that the
action *before* had brought; so a row takes its reward, and the news that the episode is over, from the pair after it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import RecordingError
from understudy.recordings.formats.mlagents import demo_pb2 as pb
from understudy.recordings.formats.mlagents.behavior import Plan
from understudy.recordings.formats.mlagents.episodes import Span
from understudy.recordings.formats.mlagents.framing import DamageError
from understudy.recordings.formats.protocol import Ending, LogEpisode, Loss, Rows
from understudy.spec import Observation

_MOST_ROWS, _MOST_PICTURES = 512, 64
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class _Step:
    """One pair, taken apart; `action` is None where the episode was over."""

    observation: Observation
    action: Mapping[str, np.ndarray] | None
    info: pb.AgentInfoProto
    own: pb.UnderstudyStepProto


def extra_spaces(plan: Plan, span: Span) -> dict[str, spaces.Box]:
    """The spaces of what an episode has beside the spec.

    `action_mask`: uint8, 1 for each choice that was forbidden, the branches one after the other. `group_reward`:
    float32, what the agent's group got after the action.
    """
    extras: dict[str, spaces.Box] = {}
    if span.mask_size and span.mask_size == _mask_size(plan):
        extras["action_mask"] = spaces.Box(0, 1, (_mask_size(plan),), np.uint8)
    if span.grouped:
        extras["group_reward"] = spaces.Box(-np.inf, np.inf, (), np.float32)
    return extras


def read_rows(
    pairs: Iterator[pb.AgentInfoActionPairProto], plan: Plan, span: Span, log: LogEpisode, *, where: str, salvage: bool
) -> Iterator[Rows]:
    """Yield the rows of an episode.

    Args:
        pairs: Of the episode.
        plan: Of the file.
        span: Of the episode.
        log: Whose losses are added to.
        where: The file and the episode, for errors.
        salvage: End the episode before a pair that is damaged, instead of raising.

    Raises:
        RecordingError: If a pair is damaged and shall not be salvaged.
    """
    batch: list[tuple[_Step, _Step | None]] = []
    before: _Step | None = None
    steps, most = _steps(pairs, plan), _batch_size(plan)
    read = 0
    while True:
        try:
            step = next(steps, None)
        except DamageError as error:
            if not salvage:
                raise RecordingError(f"{where}, decision {read}: {error}.") from error
            log.losses.append(Loss(where, f"decision {read} is damaged: {error}", span.num_steps - read))
            step = None
        read += 1
        if before is not None:
            batch.append((before, step))
        if step is None or step.action is None:
            break
        before = step
        if len(batch) >= most:
            yield _rows(batch, plan, log.extras, None)
            batch = []
    if batch:
        yield _rows(batch, plan, log.extras, _ending(step, plan))


def _steps(pairs: Iterator[pb.AgentInfoActionPairProto], plan: Plan) -> Iterator[_Step]:
    mask_size = _mask_size(plan)
    for pair in pairs:
        info = pair.agent_info
        if not (math.isfinite(info.reward) and math.isfinite(info.group_reward)):
            raise DamageError("its reward is not finite")
        if len(info.action_mask) not in (0, mask_size):
            raise DamageError(f"its action mask has {len(info.action_mask)} entries, not {mask_size}")
        observation = {each.sensor.name: each.read(info) for each in plan.observations}
        yield _Step(observation, None if info.done else plan.actions.decode(pair.action_info), info, pair.understudy)


def _ending(last: _Step | None, plan: Plan) -> Ending:
    """How an episode ended; one without a last pair just stops."""
    if last is None:
        return Ending(truncated=True)
    if not plan.exact:
        interrupted = last.info.max_step_reached
        return Ending(not interrupted, interrupted, last.observation)
    own = last.own
    return Ending(own.terminated, own.truncated, None if own.observation_unknown else last.observation)


def _rows(
    batch: Sequence[tuple[_Step, _Step | None]], plan: Plan, extras: Mapping[str, spaces.Box], ending: Ending | None
) -> Rows:
    steps = [step for step, _ in batch]
    actions = [step.action for step in steps if step.action is not None]
    return Rows(
        {name: np.stack([step.observation[name] for step in steps]) for name in plan.behavior.sensor_names},
        {name: np.stack([action[name] for action in actions]) for name in plan.behavior.action_names},
        rewards=np.array([_reward(after, plan) for _, after in batch], np.float32),
        extras=_extras(batch, extras),
        ending=ending,
        **_own(steps, plan),
    )


def _own(steps: Sequence[_Step], plan: Plan) -> dict[str, Any]:
    """What only our own files say."""
    if not plan.exact:
        return {}
    return {
        "ticks": np.array([step.own.tick for step in steps], np.int64),
        "times_ns": np.array([step.own.time_ns for step in steps], np.int64),
        "events": [list(step.own.events) for step in steps],
    }


def _reward(after: _Step | None, plan: Plan) -> float:
    unknown = after is None or (plan.exact and after.own.reward_unknown)
    return float("nan") if after is None or unknown else after.info.reward


def _extras(batch: Sequence[tuple[_Step, _Step | None]], wanted: Mapping[str, spaces.Box]) -> dict[str, np.ndarray]:
    found = {}
    if "action_mask" in wanted:
        mask = np.zeros((len(batch), *wanted["action_mask"].shape), np.uint8)
        for row, (step, _) in enumerate(batch):
            if len(step.info.action_mask):
                mask[row] = step.info.action_mask
        found["action_mask"] = mask
    if "group_reward" in wanted:
        found["group_reward"] = np.array([after.info.group_reward if after else 0 for _, after in batch], np.float32)
    return found


def _mask_size(plan: Plan) -> int:
    return sum(plan.actions.branches)


def _batch_size(plan: Plan) -> int:
    """Rows at once: few enough that even large pictures stay in bounds."""
    spaces_ = [each.sensor.space for each in plan.observations]
    row = sum(int(np.prod(each.shape)) * each.dtype.itemsize for each in spaces_) + _mask_size(plan)
    most = _MOST_PICTURES if any(each.picture for each in plan.observations) else _MOST_ROWS
    return max(1, min(most, _MOST_BYTES // max(row, 1)))
