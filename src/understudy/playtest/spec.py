"""The playtest spec: which game, played by whom, for how long, what counts as a bug, and what passes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from understudy.errors import PlaytestError, suggest
from understudy.playtest.coverage.options import CoverageSpec
from understudy.playtest.mistakes import sentence
from understudy.playtest.options import Count, Natural, Part, Positive
from understudy.playtest.oracles.options import CrashSpec, StuckSpec, TimeoutSpec
from understudy.playtest.oracles.registry import OracleSpec, oracle_kinds

AgentKind: TypeAlias = Literal["random", "sticky", "scripted", "retrieval", "bundle", "remote", "go_explore", "navmesh"]
PRIVILEGED = ("go_explore", "navmesh")
"""Agents that look behind the game: at the engine's state, or at the level and their own position."""


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


class PersonaSpec(Part):
    """Who plays: an agent, its style and its skill.

    Attributes:
        name: Letters, digits, `-` and `_`; names the files of its runs.
        agent: `random`, `sticky` (random, but keeps at it), `scripted` (walks by its rays), `bundle` (a trained bot),
            `remote` (asks a server), or one to compare with: `retrieval` (repeats demonstrations), `go_explore` and
            `navmesh` (both privileged); see `docs/testers.md`.
        bundle: The bundle's folder; for a `remote` agent the name the server knows it by, empty for its only one; for
            `retrieval` a bundle of `understudy explore` whose encoder says what looks alike, empty for small pictures.
        address: Of the server, for a `remote` agent.
        style: One of the bundle's, a blend such as `rusher:0.7+anchor:0.3`, or a `.style.json` file; by default the
            bundle's own.
        sliders: By trait, how far to go from that style, in standard deviations among the bundle's players.
        skill: From 0 to 1; by default the style's.
        demonstrations: Recordings, or folders of them, to read the style from instead; for `retrieval`, to repeat.
        inspect: A second bundle that takes over at an object of interest; see `docs/testers.md`.
        detector: The file that says when, as `understudy detect` writes it.
        runs: How many episodes it plays at most, with the seeds `seed`, `seed + 1` and so on.
        seed: Of its first run.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    agent: AgentKind
    bundle: str = ""
    address: str = ""
    style: str = ""
    sliders: dict[str, float] = Field(default_factory=dict)
    skill: Annotated[float, Field(ge=0, le=1)] | None = None
    demonstrations: tuple[str, ...] = ()
    inspect: str = ""
    detector: str = ""
    runs: Count = 1
    seed: Natural = 0

    @property
    def style_text(self) -> str:
        """The style with its sliders and skill, as `understudy.agents.styles` reads it."""
        dials = [f"{name}={amount}" for name, amount in self.sliders.items()]
        dials += [] if self.skill is None else [f"skill={self.skill}"]
        return ",".join([self.style, *dials])

    @property
    def privileged(self) -> bool:
        """Whether it knows what no tester from outside could."""
        return self.agent in PRIVILEGED

    @model_validator(mode="after")
    def _name_its_agent(self) -> PersonaSpec:
        if self.agent == "bundle" and not self.bundle:
            raise PydanticCustomError("lacks", "has the agent 'bundle' but no 'bundle'; name the bundle's folder")
        if self.agent == "remote" and not self.address:
            raise PydanticCustomError("lacks", "has the agent 'remote' but no 'address'; name the server as host:port")
        if self.agent == "retrieval" and not self.demonstrations:
            raise PydanticCustomError("lacks", "has the agent 'retrieval' but no 'demonstrations'; name recordings")
        return self

    @model_validator(mode="after")
    def _inspect_what_is_detected(self) -> PersonaSpec:
        if bool(self.inspect) != bool(self.detector):
            raise PydanticCustomError("lacks", "has one of 'inspect' and 'detector'; name both, or neither")
        if self.inspect and self.agent != "bundle":
            raise PydanticCustomError("lacks", "has 'inspect' and 'detector', which need the agent 'bundle'")
        return self

    @model_validator(mode="after")
    def _have_one_style(self) -> PersonaSpec:
        context = {"agent": self.agent}
        shown = self.demonstrations if self.agent != "retrieval" else ()
        if self.agent not in ("bundle", "remote") and (self.style_text or shown):
            raise PydanticCustomError("lacks", "has a style, but the agent '{agent}' has none to choose", context)
        if self.agent != "bundle" and (shown or self._style_is_a_file):
            raise PydanticCustomError("lacks", "has a style from files, which needs the agent 'bundle'")
        if self.demonstrations and (self.style or self.sliders):
            raise PydanticCustomError("lacks", "has demonstrations and a style; leave one of them out")
        if self._style_is_a_file and (self.sliders or self.skill is not None):
            raise PydanticCustomError("lacks", "has a style file and sliders or a skill; leave one of them out")
        return self

    @property
    def _style_is_a_file(self) -> bool:
        return self.style.endswith(".style.json")


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


def read_spec(path: Path) -> PlaytestSpec:
    """Read a spec file; relative paths of personas are taken from the folder of the file.

    Raises:
        PlaytestError: If it cannot be read; one sentence for each thing wrong in it.
    """
    form = _read_yaml(path)
    try:
        spec = PlaytestSpec.model_validate(form)
    except ValidationError as error:
        mistakes = [sentence(path, dict(each)) for each in error.errors()]
        raise PlaytestError("\n".join(mistakes)) from error
    home = path.resolve().parent
    update = {
        "personas": tuple(_anchored(each, home) for each in spec.personas),
        "oracles": tuple(each.anchored(home) for each in spec.oracles),
        "coverage": spec.coverage.anchored(home),
    }
    return spec.model_copy(update=update)


def _anchored(persona: PersonaSpec, folder: Path) -> PersonaSpec:
    if persona.agent not in ("bundle", "retrieval"):
        return persona
    update: dict[str, object] = {"bundle": str(folder / persona.bundle)} if persona.bundle else {}
    update["demonstrations"] = tuple(str(folder / each) for each in persona.demonstrations)
    if persona.style.endswith(".style.json"):
        update["style"] = str(folder / persona.style)
    if persona.inspect:
        update |= {"inspect": str(folder / persona.inspect), "detector": str(folder / persona.detector)}
    return persona.model_copy(update=update)


def _read_yaml(path: Path) -> object:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise PlaytestError(f"{path} {reason}. Write a first spec: understudy playtest init {path}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise PlaytestError(f"{path}{place}: not YAML: {getattr(error, 'problem', None) or error}.") from error
