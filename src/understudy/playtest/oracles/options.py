"""What a spec may say of each oracle: one small class per kind, with what it needs measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from understudy.playtest.options import Count, Natural, Part, Positive

Share: TypeAlias = Annotated[float, Field(gt=0, le=1)]
Colour: TypeAlias = tuple[int, int, int]
Point: TypeAlias = tuple[float, ...]


class OracleOptions(Part):
    """The options of an oracle.

    Attributes:
        kind: Names the sort of bug that it finds.
        needs: What the game's process must measure for it: `"memory"`, `"picture"`, `"log"`, `"faults"`.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    kind: str

    def anchored(self, folder: Path) -> OracleOptions:  # noqa: ARG002
        """Return the same with every path and module that lies beside the spec taken from its folder."""
        return self

    def alone(self) -> OracleOptions:
        """Return the options for judging a single run, such as a replay."""
        return self


class CrashSpec(OracleOptions):
    """The game raised an error, or its process died.

    Attributes:
        same: What makes two crashes one bug: that they happened at one `place`, or by one `error` in one line of code.
    """

    kind: Literal["crash"] = "crash"
    same: Literal["place", "error"] = "place"


class StuckSpec(OracleOptions):
    """The player asked to move and did not get away.

    Attributes:
        distance: In the game's units: staying inside a box with a shorter diagonal is being stuck.
        seconds: Of game time that it must last.
        share: Of the decisions in that time, how many must ask to move.
        parts: The action parts that move the player; by default `move` and `strafe`, or all if there is neither.
    """

    kind: Literal["stuck"] = "stuck"
    distance: Positive = 32.0
    seconds: Positive = 5.0
    share: Share = 0.8
    parts: tuple[str, ...] = ()


class TimeoutSpec(OracleOptions):
    """The game hung.

    Attributes:
        step_seconds: Wall-clock seconds that one step may take.
        run_seconds: Wall-clock seconds that one run may take.
        start_seconds: Wall-clock seconds until the first observation.
    """

    kind: Literal["timeout"] = "timeout"
    step_seconds: Positive = 20.0
    run_seconds: Positive = 900.0
    start_seconds: Positive = 120.0


class LearnSpec(Part):
    """Bounds learned from recordings of good play.

    Attributes:
        recordings: Their folder, beside the spec; they hold `position` among their extras.
        shape: `box`, or `polygon` for the convex hull seen from above.
        margin: By how much the bounds are wider than what was played, in the game's units.
    """

    recordings: str
    shape: Literal["box", "polygon"] = "polygon"
    margin: Annotated[float, Field(ge=0)] = 5.0


class OutOfBoundsSpec(OracleOptions):
    """The player is where nobody should be.

    Attributes:
        box: Its lowest and its highest corner, two or three numbers each.
        polygon: Corners seen from above, three or more.
        z: The lowest and the highest third number of a position.
        learn: Learns the bounds from recordings instead.
        seconds: Of game time that it must last.
    """

    kind: Literal["out_of_bounds"] = "out_of_bounds"
    box: tuple[Point, Point] | None = None
    polygon: tuple[tuple[float, float], ...] = ()
    z: tuple[float, float] | None = None
    learn: LearnSpec | None = None
    seconds: Annotated[float, Field(ge=0)] = 0.5

    def anchored(self, folder: Path) -> OutOfBoundsSpec:
        """Return the same with the recordings taken from `folder`."""
        if self.learn is None:
            return self
        learn = self.learn.model_copy(update={"recordings": str(folder / self.learn.recordings)})
        return self.model_copy(update={"learn": learn})

    @model_validator(mode="after")
    def _has_bounds(self) -> OutOfBoundsSpec:
        if not (self.box or self.polygon or self.z or self.learn):
            raise PydanticCustomError("lacks", "has no bounds; give a 'box', a 'polygon', a 'z' range or 'learn'")
        if self.polygon and len(self.polygon) < 3:
            raise PydanticCustomError("lacks", "has a polygon of fewer than 3 corners")
        if self.box and not (2 <= len(self.box[0]) == len(self.box[1]) <= 3):
            raise PydanticCustomError("lacks", "has a box whose corners are not both 2 or both 3 numbers")
        return self


class FallingSpec(OracleOptions):
    """The player falls and falls.

    Attributes:
        seconds: Of game time without ground.
        speed: How fast at least, in the game's units a second.
    """

    kind: Literal["falling"] = "falling"
    seconds: Positive = 3.0
    speed: Positive = 2.0


class SoftLockSpec(OracleOptions):
    """The player tries things for a long time and no new state of the game is reached.

    Attributes:
        seconds: Of game time.
        cell: Side of a square cell of the level, in the game's units, that counts as one state.
        state: Numbers of `info` that are part of the state too, such as a quest's stage.
        max_states: How many states a locked player may still reach.
        tries: How many different things the player must have asked for in that time.
    """

    kind: Literal["soft_lock"] = "soft_lock"
    seconds: Positive = 60.0
    cell: Positive = 64.0
    state: tuple[str, ...] = ()
    max_states: Count = 4
    tries: Count = 4


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
    near: Point | None = None
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


class FrameTimeSpec(OracleOptions):
    """The game is slow: half the steps of a stretch take longer than the budget.

    Attributes:
        budget_ms: Milliseconds.
        info: A number of `info` that holds the milliseconds; by default the wall-clock time of a step.
        seconds: Of game time that a stretch lasts; never under ten decisions.
        warmup: Decisions at the start of a run that do not count.
    """

    kind: Literal["frame_time"] = "frame_time"
    budget_ms: Positive = 33.0
    info: str = ""
    seconds: Positive = 1.0
    warmup: Natural = 10


class MemorySpec(OracleOptions):
    """The game holds more and more memory.

    Attributes:
        mb_per_minute: MiB by which it may grow in a minute of game time.
        min_mb: MiB by which it must have grown in all.
        warmup: The share of a run's start that does not count.
        min_samples: How often it must have been measured after that.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"memory"})

    kind: Literal["memory"] = "memory"
    mb_per_minute: Positive = 10.0
    min_mb: Positive = 20.0
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.25
    min_samples: Annotated[int, Field(ge=8)] = 16


class NanSpec(OracleOptions):
    """A sensor or a number of `info` is NaN or infinite.

    Attributes:
        ignore: Names that may be.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"faults"})

    kind: Literal["nan"] = "nan"
    ignore: tuple[str, ...] = ()


class PictureSpec(OracleOptions):
    """The picture is black, frozen or untextured.

    Attributes:
        look_for: Which of these.
        seconds: Of game time that it must last.
        every: Seconds of game time between two looks.
        dark: A picture with a lower mean brightness and half that spread is black, 0 to 255.
        still: Of the game's units, how far the player must get while the picture stays the same for it to be frozen;
            where the game does not say where the player is, three different actions must change nothing.
        colours: That engines show for a missing texture, red, green and blue from 0 to 255.
        tolerance: How far each of the three may be off.
        share: Of the picture that such a colour must fill.
        flat: If given, a picture of which one colour fills this share counts as untextured too.
        reach: From how far away an untextured thing is seen, in the game's units.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"picture"})

    kind: Literal["picture"] = "picture"
    look_for: tuple[Literal["black", "frozen", "untextured"], ...] = ("black", "frozen", "untextured")
    seconds: Positive = 1.0
    every: Positive = 0.2
    dark: Positive = 4.0
    still: Positive = 2.0
    colours: tuple[Colour, ...] = ((255, 0, 255),)
    tolerance: Natural = 40
    share: Share = 0.02
    flat: Share | None = None
    reach: Positive = 30.0


class LogSpec(OracleOptions):
    """The game printed something that it should not.

    Attributes:
        patterns: Regular expressions, looked for in each line.
        ignore: Lines in which one of these is found do not count.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"log"})

    kind: Literal["log"] = "log"
    patterns: Annotated[tuple[str, ...], Field(min_length=1)] = (r"(?i)\b(error|exception|assertion failed)\b",)
    ignore: tuple[str, ...] = ()

    @field_validator("patterns", "ignore")
    @classmethod
    def _are_expressions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                re.compile(each)
            except re.error as error:
                context = {"pattern": each, "reason": str(error)}
                raise PydanticCustomError(
                    "lacks", "holds '{pattern}', no regular expression: {reason}", context
                ) from error
        return value


class InvariantSpec(OracleOptions):
    """Something that must hold at every moment does not.

    Attributes:
        functions: Of the user, as `module:function`, looked for beside the spec too. Each takes a moment and returns
            None or True if all is well, else False or a sentence.
    """

    kind: Literal["invariant"] = "invariant"
    functions: Annotated[tuple[str, ...], Field(min_length=1)]

    def anchored(self, folder: Path) -> InvariantSpec:
        """Return the same with each module that is a file of `folder` named by its path."""
        return self.model_copy(update={"functions": tuple(_from(folder, each) for each in self.functions)})

    @field_validator("functions")
    @classmethod
    def _name_functions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = next((each for each in value if not re.fullmatch(r".+:\w+", each)), None)
        if wrong is not None:
            raise PydanticCustomError("lacks", "holds '{name}'; write module:function", {"name": wrong})
        return value


def _from(folder: Path, name: str) -> str:
    module, _, function = name.rpartition(":")
    path = folder / f"{module}.py"
    return f"{path}:{function}" if path.exists() else name
