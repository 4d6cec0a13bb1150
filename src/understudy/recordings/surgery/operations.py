"""What can be done to recordings, as data: each operation has a JSON form, and a plan is a list of them.

Every operation is a pure function from recordings to new recordings; a plan applies them one after the other, each to
what the one before it left. Steps are therefore numbered as an operation finds them, from nought, and a range is
half-open: `(10, 20)` holds the steps 10 to 19. Where one step no longer follows the other, an episode is split in two,
or (`Merge`, `Deduplicate`) the step after the seam carries the event `cut`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Unit = Literal["steps", "seconds"]
Rule = Literal["first", "last", "majority", "mean", "sum", "any"]
Bound = tuple[int | float, int | float | None]


class Operation(BaseModel):
    """What all operations share: which recordings they are for. The others pass through unchanged.

    Attributes:
        op: Which operation this is, in JSON.
        recordings: Names, or patterns such as `"session-*"`. A piece that was cut off (`walk.002`) also answers to the
            name it had (`walk`).
        players: Players as the recordings have them (hashes), or patterns; empty for everyone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    op: str
    recordings: tuple[str, ...] = Field(default=("*",), min_length=1)
    players: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without what is at its default."""
        return {"op": self.op, **self.model_dump(mode="json", exclude_defaults=True)}

    def selects(self, names: tuple[str, ...], player: str) -> bool:
        """Whether a recording of one of these names, by this player, is meant."""
        named = any(fnmatchcase(name, pattern) for name in names for pattern in self.recordings)
        played = not self.players or any(fnmatchcase(player, pattern) for pattern in self.players)
        return named and played


class Trim(Operation):
    """Keep only some ranges: one under the recording's own name, several as `NAME.001`, `NAME.002` and so on.

    Attributes:
        keep: Ranges in order, apart from each other; a stop of None is the end. What lies past the end is ignored.
        unit: What the ranges count.
    """

    op: Literal["trim"] = "trim"
    keep: tuple[Bound, ...] = Field(min_length=1)
    unit: Unit = "steps"

    @model_validator(mode="after")
    def _in_order(self) -> Trim:
        stops = [0, *(stop for _, stop in self.keep)]
        for (start, stop), before in zip(self.keep, stops, strict=False):
            if before is None or not before <= start or (stop is not None and stop <= start):
                raise ValueError(f"the ranges must be in order, apart and not empty, not {list(self.keep)}")
        _whole_steps(self.unit, [each for bound in self.keep for each in bound])
        return self


class Split(Operation):
    """Cut into pieces, `NAME.001`, `NAME.002` and so on, losing nothing. `Merge` joins them again.

    Attributes:
        at: Where to cut.
        every: How long each piece is; the last may be shorter.
        gap_s: Cut where the wall clock jumps by more than this many seconds beyond one decision.
        unit: What `at` and `every` count.
    """

    op: Literal["split"] = "split"
    at: tuple[int | float, ...] = ()
    every: int | float | None = Field(default=None, gt=0)
    gap_s: float | None = Field(default=None, ge=0)
    unit: Unit = "steps"

    @model_validator(mode="after")
    def _one_way(self) -> Split:
        if sum((bool(self.at), self.every is not None, self.gap_s is not None)) != 1:
            raise ValueError("say one of at, every and gap_s")
        _whole_steps(self.unit, [*self.at, self.every])
        return self


class Drop(Operation):
    """Leave recordings out.

    Attributes:
        recordings: Must be said: `("*",)` for all that also fit the rest.
        shorter_than_s: Only those below so many seconds of game time.
        incomplete: Only those whose recorder was killed.
    """

    op: Literal["drop"] = "drop"
    recordings: tuple[str, ...] = Field(min_length=1)
    shorter_than_s: float | None = Field(default=None, gt=0)
    incomplete: bool = False


class Merge(Operation):
    """Join recordings that follow each other: of one behaviour, player, game and map, in the order of their clocks.

    Pieces of one recording that meet are joined without a seam. Others are joined if the wall clock between them says
    so, and the first step after the seam carries the event `cut`.

    Attributes:
        max_gap_s: Seconds of wall clock there may be between two recordings, beyond one decision. None: only pieces of
            one recording that meet.
    """

    op: Literal["merge"] = "merge"
    max_gap_s: float | None = Field(default=None, ge=0)


class Mask(Operation):
    """Take sensors and action parts away.

    Attributes:
        sensors: Removed from the spec, the column with them.
        parts: Action parts, likewise.
        extras: What is kept beside the spec, likewise.
        neutral: Action parts that stay in the spec and are set to a neutral value at each step: no button, nought, the
            choice labelled none, or what `values` says.
        values: By part in `neutral`, the value instead: a choice's label or number, or one number for all of a Box.
    """

    op: Literal["mask"] = "mask"
    sensors: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    neutral: tuple[str, ...] = ()
    values: dict[str, str | int | float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _something(self) -> Mask:
        if not (self.sensors or self.parts or self.extras or self.neutral):
            raise ValueError("name a sensor, a part, an extra, or a part to make neutral")
        if stray := set(self.values) - set(self.neutral):
            raise ValueError(f"values has {min(stray)!r}, which is not in neutral")
        return self


class ReRate(Operation):
    """Change the decision rate. An exact divisor groups whole steps; any other rate goes to the nearest step.

    In each new step, sensors, extras, tick and clock are those of its first old step; rewards are summed (what is
    unknown counts nought, all unknown stays unknown); events are put one after the other. Actions go by a rule:

    - `majority` (choices): what was held longest; of equals, the latest;
    - `any` (buttons): pressed if pressed at any time;
    - `sum` (numbers whose units end in `per decision`): the total; the part's bounds grow with it;
    - `mean` (other numbers, such as a stick);
    - `first`, `last`: on request.

    Attributes:
        decision_hz: The new rate, from once in three hours to a hundred thousand times a second.
        rules: By action part, another rule than its own.
        repeat: Allow a higher rate than was recorded: steps are repeated, and `sum` parts shared out among them.
    """

    op: Literal["rerate"] = "rerate"
    decision_hz: float = Field(gt=1e-4, le=1e5)
    rules: dict[str, Rule] = Field(default_factory=dict)
    repeat: bool = False


class Relabel(Operation):
    """Say in which style recordings were played (`provenance.notes["style"]`).

    Attributes:
        style: Such as `"rusher"`; None takes the label away.
    """

    op: Literal["relabel"] = "relabel"
    style: str | None = Field(min_length=1)


class Anonymise(Operation):
    """Make players unknown to whoever has the old key: new ids, no notes, no wall clock.

    Without the clock, names that hold a time, as the recorder gives them, get the beginning of a digest instead.

    Attributes:
        ids: `rehash` hashes the ids again, under the key of the new folder; `pseudonyms` counts the players
            (`player-001` …); `none` leaves none.
        keep_notes: Keys of `provenance.notes` to keep besides its style and history.
        keep_clock: Keep the wall clock; otherwise it counts from the start of each recording.
    """

    op: Literal["anonymise"] = "anonymise"
    ids: Literal["rehash", "pseudonyms", "none"] = "rehash"
    keep_notes: tuple[str, ...] = ()
    keep_clock: bool = False


class Shift(Operation):
    """Move actions against what was seen: step t gets the action recorded `steps` later.

    Positive where inputs were logged late, negative where frames were. Steps without a partner at the ends are dropped.
    Reward, events, extras and clock stay with the observation.

    Attributes:
        parts: The action parts to move; empty for all.
        steps: How far.
    """

    op: Literal["shift"] = "shift"
    parts: tuple[str, ...] = ()
    steps: int


class Deduplicate(Operation):
    """Drop steps that show nothing new, such as duplicate frames, and join what is around them.

    A dropped step with the tick of the step before was recorded twice: nothing of it is kept. Any other was a stalled
    picture in a game that went on: its numbers per decision, buttons, rewards and events are folded into the kept step
    before it by the rules of `ReRate`, choices and other numbers stay as they were there, and the step after it carries
    the event `cut`.

    Attributes:
        steps: Numbers of the steps to drop, rising.
    """

    op: Literal["drop_steps"] = "drop_steps"
    steps: tuple[int, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rising(self) -> Deduplicate:
        if list(self.steps) != sorted(set(self.steps)) or self.steps[0] < 0:
            raise ValueError("steps must be rising numbers from 0")
        return self


AnyOperation = Annotated[
    Trim | Split | Drop | Merge | Mask | ReRate | Relabel | Anonymise | Shift | Deduplicate, Field(discriminator="op")
]


def _whole_steps(unit: Unit, values: list[Any]) -> None:
    if unit == "steps" and any(each is not None and each != int(each) for each in values):
        raise ValueError("steps are whole numbers; for parts of a second say unit: seconds")
