"""The playtest spec: which game, played by whom, for how long, what counts as a bug, and what passes."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from understudy.errors import suggest
from understudy.playtest.coverage.options import CoverageSpec
from understudy.playtest.options import Count, Natural, Part, Positive
from understudy.playtest.oracles.endings import CrashSpec, TimeoutSpec
from understudy.playtest.oracles.registry import OracleSpec, oracle_kinds
from understudy.playtest.oracles.stuck import StuckSpec
from understudy.playtest.persona import PersonaSpec


class GameSpec(Part):
    """The game: a gymnasium environment.

    Attributes:
        id: Its gymnasium id, such as `"understudy/Doom-v0"`.
        args: Handed to `gymnasium.make`.
        import_: A module to import first, which registers the id (`import` in the file). It is looked for beside the
            spec too.
        build: What the build under test is called, in reports and where two builds are compared.
    """

    id: str
    args: dict[str, Any] = Field(default_factory=dict)
    import_: Annotated[str | None, Field(alias="import")] = None
    build: str = ""


class PlateauSpec(Part):
    """When a persona has seen what it will see.

    Attributes:
        runs: After every so many of its runs, a persona is done if they added too little to what it had seen before.
        steps: A run is over if its last so many decisions added too little to what it had seen before them.
        percent: Less than this share of the cells seen before is too little.
    """

    runs: Count | None = None
    steps: Count | None = None
    percent: Positive = 1.0

    @model_validator(mode="after")
    def _count_something(self) -> PlateauSpec:
        if self.runs is None and self.steps is None:
            raise PydanticCustomError("lacks", "needs 'runs' or 'steps': how many of them may find nothing new")
        return self


class BudgetSpec(Part):
    """How long the playtest may take.

    Attributes:
        steps: Decisions per run, at most.
        minutes: Wall-clock minutes for all runs together; None is no limit.
        plateau: When to stop since nothing new is found; None is never.
        retries: How often a run is played again whose worker failed by no fault of the game.
    """

    steps: Count = 1000
    minutes: Positive | None = None
    plateau: PlateauSpec | None = None
    retries: Natural = 2


class Criteria(Part):
    """What must hold of the runs of one persona, or of all.

    Attributes:
        max_findings: Findings allowed by kind; one number in the file holds for every kind.
        min_coverage: Cells that the runs together must visit.
    """

    max_findings: dict[str, Natural] = Field(default_factory=dict)
    min_coverage: Natural = 0

    @field_validator("max_findings", mode="before", json_schema_input_type=dict[str, Natural] | Natural)
    @classmethod
    def _by_kind(cls, value: object) -> object:
        if isinstance(value, int):
            return dict.fromkeys(oracle_kinds(), value)
        unknown = [str(key) for key in value if key not in oracle_kinds()] if isinstance(value, dict) else []
        if unknown:
            context = {"key": unknown[0], "hint": suggest(unknown[0], oracle_kinds())}
            raise PydanticCustomError("lacks", "names '{key}', which is no oracle.{hint}", context)
        return value


class PassSpec(Criteria):
    """What passes: criteria for all runs together, where a kind that is not named may have no finding.

    Attributes:
        personas: Further criteria for single personas, by name; a kind that is not named there is not counted.
    """

    personas: dict[str, Criteria] = Field(default_factory=dict)

    def allowed(self, kind: str) -> int:
        """Return how many findings of `kind` may be there."""
        return self.max_findings.get(kind, 0)


class VideoSpec(Part):
    """The videos of the report.

    Attributes:
        runs: How many runs of each persona to show, from its first. With 0 a game is not asked to render pictures.
        fps: Frames a second; by default the game's own pace.
        seconds: The longest a video may be.
        width: In pixels.
    """

    runs: Natural = 1
    fps: Positive | None = None
    seconds: Positive = 20.0
    width: Annotated[int, Field(ge=64, le=1920)] = 480


class ReplaySpec(Part):
    """What is done with each finding once the runs are over.

    Attributes:
        times: How often it is replayed, to tell a deterministic bug from a flaky one.
        shrink: How many replays the search for the shortest inputs that show it may take; 0 does not look for them.
        minutes: Wall-clock minutes that this search may take.
    """

    times: Count = 3
    shrink: Natural = 100
    minutes: Positive = 3.0


class PlaytestSpec(Part):
    """A whole playtest, as read from its file."""

    game: GameSpec
    personas: tuple[PersonaSpec, ...]
    budget: BudgetSpec = BudgetSpec()
    oracles: tuple[OracleSpec, ...] = (CrashSpec(), StuckSpec(), TimeoutSpec())
    coverage: CoverageSpec = CoverageSpec()
    pass_: Annotated[PassSpec, Field(alias="pass")] = PassSpec()
    replay: ReplaySpec = ReplaySpec()
    video: VideoSpec = VideoSpec()
    notes: str = ""

    @model_validator(mode="after")
    def _name_who_plays(self) -> PlaytestSpec:
        if not self.personas:
            raise PydanticCustomError("lacks", "has no persona; name at least one under 'personas'")
        named: list[tuple[str, list[str]]] = [
            ("the persona", [each.name for each in self.personas]),
            ("the oracle", [each.kind for each in self.oracles]),
        ]
        for what, names in named:
            twice = [name for name in names if names.count(name) > 1]
            if twice:
                raise PydanticCustomError("twice", "has {what} '{name}' twice", {"what": what, "name": twice[0]})
        return self

    @model_validator(mode="after")
    def _know_who_must_pass(self) -> PlaytestSpec:
        known = [each.name for each in self.personas]
        for name in self.pass_.personas:
            if name not in known:
                context = {"name": name, "hint": suggest(name, known)}
                raise PydanticCustomError("lacks", "has criteria for '{name}', which is no persona.{hint}", context)
        return self

    @property
    def limits(self) -> TimeoutSpec:
        """The time limits that hold, whether or not breaking one is a finding."""
        return next((each for each in self.oracles if isinstance(each, TimeoutSpec)), TimeoutSpec())

    @property
    def digest(self) -> str:
        """The SHA-256 of the spec's canonical JSON, in hexadecimal."""
        form = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True)
        return hashlib.sha256(form.encode()).hexdigest()
