"""The oracle of goals that cannot be reached: it decides when all runs are over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from pydantic import Field

from understudy.playtest.options import Count, Natural, Part, Positive
from understudy.playtest.oracles.oracle import Note, OracleOptions, Quiet
from understudy.playtest.run.moment import Ending, Moment, Number, Position, Sighting
from understudy.spec import BehaviorSpec


@dataclass
class Attempt:
    """What one run has to say of a goal.

    Attributes:
        reached: Whether it reached it.
        tick: The decision at which it had tried; None if it has not.
        position: Where that was.
        decisions_near: How many decisions it spent near the goal.
    """

    reached: bool = False
    tick: int | None = None
    position: Position | None = None
    decisions_near: int = 0


class GoalSpec(Part):
    """A goal: a number of `info` that must grow to a value.

    Attributes:
        name: In reports.
        info: The number's name.
        index: Which of the numbers, if `info` holds several under that name.
        at_least: It is reached at this value.
        tried_at: A run in which it grew to this value has tried.
        near: Where the goal is; a run that spent `seconds` within `radius` of it has tried.
        radius: In the game's units.
        seconds: Of game time.
        tries: How many runs must have tried and failed. With neither `tried_at` nor `near`, every run has tried.
    """

    name: str
    info: str
    index: Natural = 0
    at_least: float = 1.0
    tried_at: float | None = None
    near: Position | None = None
    radius: Positive = 5.0
    seconds: Positive = 5.0
    tries: Count = 1


class UnreachableGoalSpec(OracleOptions):
    """Runs tried to reach a goal, and none did; decided when all runs are over."""

    kind: Literal["unreachable_goal"] = "unreachable_goal"
    goals: Annotated[tuple[GoalSpec, ...], Field(min_length=1)]

    def alone(self) -> UnreachableGoalSpec:
        """Return the same for one run: its try counts alone."""
        goals = tuple(each.model_copy(update={"tries": 1}) for each in self.goals)
        return self.model_copy(update={"goals": goals})


class UnreachableGoal(Quiet):
    """Runs tried to reach a goal, and none did. Each goal is one finding."""

    kind = "unreachable_goal"
    Options = UnreachableGoalSpec

    def __init__(self, options: UnreachableGoalSpec) -> None:
        self.options = options
        self._hz = 1.0
        self._attempts: dict[str, Attempt] = {}

    def reset(self, behavior: BehaviorSpec) -> None:
        """Forget the last run."""
        self._hz = behavior.decision_hz
        self._attempts = {each.name: Attempt() for each in self.options.goals}

    def observe(self, moment: Moment) -> Sighting | None:
        """Note how near each goal is; one run alone decides nothing."""
        for goal in self.options.goals:
            attempt = self._attempts[goal.name]
            value = _value(goal, moment.info)
            attempt.reached = attempt.reached or (value is not None and value >= goal.at_least)
            if attempt.tick is None and self._has_tried(goal, attempt, value, moment.position):
                attempt.tick, attempt.position = moment.tick, moment.position
        return None

    def end(self, ending: Ending) -> Sighting | None:
        """A run that nothing else is asked of has tried once it is over."""
        for goal in self.options.goals:
            attempt = self._attempts.get(goal.name)
            if attempt and attempt.tick is None and goal.near is None and goal.tried_at is None:
                attempt.tick, attempt.position = ending.tick, ending.position
        return None

    def note(self) -> Note:
        """Return each goal's attempt."""
        return {name: asdict(each) for name, each in self._attempts.items()}

    def conclude(self, notes: Sequence[Note]) -> list[tuple[int, Sighting]]:
        """Return a sighting for each goal that enough runs tried to reach and none did."""
        found = [self._conclude(goal, notes) for goal in self.options.goals]
        return [each for each in found if each is not None]

    def _conclude(self, goal: GoalSpec, notes: Sequence[Note]) -> tuple[int, Sighting] | None:
        attempts = {index: Attempt(**note[goal.name]) for index, note in enumerate(notes) if goal.name in note}  # type: ignore[arg-type]
        tried = {index: each for index, each in attempts.items() if each.tick is not None}
        if len(tried) < goal.tries or any(each.reached for each in attempts.values()):
            return None
        index, best = min(tried.items(), key=lambda each: each[1].tick or 0)
        runs = "run" if len(tried) == 1 else "runs"
        message = f"The goal '{goal.name}' was not reached, though {len(tried)} {runs} tried."
        position = tuple(best.position) if best.position else None
        return index, Sighting(self.kind, message, best.tick or 0, position, key=goal.name)

    def _has_tried(self, goal: GoalSpec, attempt: Attempt, value: float | None, position: Position | None) -> bool:
        if goal.near and position and math.dist(position[: len(goal.near)], goal.near[: len(position)]) <= goal.radius:
            attempt.decisions_near += 1
        stayed = goal.near is not None and attempt.decisions_near >= goal.seconds * self._hz
        return stayed or (goal.tried_at is not None and value is not None and value >= goal.tried_at)


def _value(goal: GoalSpec, info: dict[str, Number] | object) -> float | None:
    found = info.get(goal.info) if hasattr(info, "get") else None
    if isinstance(found, list):
        return found[goal.index] if goal.index < len(found) else None
    return found
