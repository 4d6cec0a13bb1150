"""The playtest spec: which game, played by whom, for how long, what counts as a bug, and what passes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from understudy.errors import PlaytestError, suggest

AgentKind: TypeAlias = Literal["random", "scripted", "bundle", "remote"]
OracleKind: TypeAlias = Literal["crash", "stuck", "timeout"]
Count: TypeAlias = Annotated[int, Field(ge=1)]
Natural: TypeAlias = Annotated[int, Field(ge=0)]
Positive: TypeAlias = Annotated[float, Field(gt=0)]

_MESSAGES = {
    "model_type": "should be a mapping of keys",
    "model_attributes_type": "should be a mapping of keys",
    "string_pattern_mismatch": "should be letters, digits, '-' and '_'",
}
ORACLE_KINDS: tuple[OracleKind, ...] = ("crash", "stuck", "timeout")


class Part(BaseModel):
    """A part of the spec; it refuses keys it does not know and suggests the nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, value: object) -> object:
        known = {field.alias or name for name, field in cls.model_fields.items()}
        allowed = known | set(cls.model_fields)
        unknown = [str(key) for key in value if key not in allowed] if isinstance(value, dict) else []
        if unknown:
            raise PydanticCustomError(
                "unknown_key", "{key}|{hint}", {"key": unknown[0], "hint": suggest(unknown[0], known)}
            )
        return value


class GameSpec(Part):
    """The game: a gymnasium environment.

    Attributes:
        id: Its gymnasium id, such as `"understudy/Doom-v0"`.
        args: Handed to `gymnasium.make`.
        import_: A module to import first, which registers the id (`import` in the file). It is looked for beside the
            spec too.
    """

    id: str
    args: dict[str, Any] = {}
    import_: Annotated[str | None, Field(alias="import")] = None


class PersonaSpec(Part):
    """Who plays.

    Attributes:
        name: Letters, digits, `-` and `_`; names the files of its runs.
        agent: `random`, `scripted` (walks by its rays), `bundle` (a trained bot) or `remote` (asks a server).
        bundle: The bundle's folder; for a `remote` agent the name the server knows it by, empty for its only one.
        address: Of the server, for a `remote` agent.
        runs: How many episodes it plays, with the seeds `seed`, `seed + 1` and so on.
        seed: Of its first run.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    agent: AgentKind
    bundle: str = ""
    address: str = ""
    runs: Count = 1
    seed: Natural = 0

    @model_validator(mode="after")
    def _name_its_agent(self) -> PersonaSpec:
        if self.agent == "bundle" and not self.bundle:
            raise PydanticCustomError("lacks", "has the agent 'bundle' but no 'bundle'; name the bundle's folder")
        if self.agent == "remote" and not self.address:
            raise PydanticCustomError("lacks", "has the agent 'remote' but no 'address'; name the server as host:port")
        return self


class BudgetSpec(Part):
    """How long the playtest may take.

    Attributes:
        steps: Decisions per run, at most.
        minutes: Wall-clock minutes for all runs together; None is no limit.
    """

    steps: Count = 1000
    minutes: Positive | None = None


class CrashSpec(Part):
    """The game raised an error, or its process died."""

    kind: Literal["crash"] = "crash"


class StuckSpec(Part):
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
    share: Annotated[float, Field(gt=0, le=1)] = 0.8
    parts: tuple[str, ...] = ()


class TimeoutSpec(Part):
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


OracleSpec: TypeAlias = Annotated[CrashSpec | StuckSpec | TimeoutSpec, Field(discriminator="kind")]


class CoverageSpec(Part):
    """How coverage is counted: `cell` is the side of a square cell in the game's units."""

    cell: Positive = 64.0


class PassSpec(Part):
    """What passes.

    Attributes:
        max_findings: Findings allowed by kind, 0 where none is given; one number in the file holds for every kind.
        min_coverage: Cells that all runs together must visit.
    """

    max_findings: dict[str, Natural] = {}
    min_coverage: Natural = 0

    def allowed(self, kind: str) -> int:
        """Return how many findings of `kind` may be there."""
        return self.max_findings.get(kind, 0)

    @field_validator("max_findings", mode="before")
    @classmethod
    def _by_kind(cls, value: object) -> object:
        if isinstance(value, int):
            return dict.fromkeys(ORACLE_KINDS, value)
        unknown = [str(key) for key in value if key not in ORACLE_KINDS] if isinstance(value, dict) else []
        if unknown:
            context = {"key": unknown[0], "hint": suggest(unknown[0], ORACLE_KINDS)}
            raise PydanticCustomError("lacks", "names '{key}', which is no oracle.{hint}", context)
        return value


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


class PlaytestSpec(Part):
    """A whole playtest, as read from its file."""

    game: GameSpec
    personas: tuple[PersonaSpec, ...]
    budget: BudgetSpec = BudgetSpec()
    oracles: tuple[OracleSpec, ...] = (CrashSpec(), StuckSpec(), TimeoutSpec())
    coverage: CoverageSpec = CoverageSpec()
    pass_: Annotated[PassSpec, Field(alias="pass")] = PassSpec()
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
    """Read a spec file; relative bundle folders are taken from the folder of the file.

    Raises:
        PlaytestError: If it cannot be read; one sentence for each thing wrong in it.
    """
    form = _read_yaml(path)
    try:
        spec = PlaytestSpec.model_validate(form)
    except ValidationError as error:
        raise PlaytestError("\n".join(_sentence(path, dict(each)) for each in error.errors())) from error
    personas = tuple(_anchored(each, path.resolve().parent) for each in spec.personas)
    return spec.model_copy(update={"personas": personas})


def _anchored(persona: PersonaSpec, folder: Path) -> PersonaSpec:
    if persona.agent != "bundle":
        return persona
    return persona.model_copy(update={"bundle": str(folder / persona.bundle)})


def _read_yaml(path: Path) -> object:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise PlaytestError(f"{path} {reason}. Write a first spec: understudy playtest-init {path}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise PlaytestError(f"{path}{place}: not YAML: {getattr(error, 'problem', None) or error}.") from error


def _sentence(path: Path, error: dict[str, Any]) -> str:
    """One thing wrong, as one sentence: which file, which key, what was found, what to do."""
    location = list(error["loc"])
    if location[:1] == ["oracles"]:
        del location[2:3]  # pydantic puts the kind into the path
    where, kind, found = _dotted(location), error["type"], error["input"]
    context = error.get("ctx", {})
    if kind == "unknown_key":
        return f"{path}: '{context['key']}' is not a key of {where or 'a playtest'}.{context['hint']}"
    if kind == "missing":
        return f"{path}: {_dotted(location[:-1]) or 'the playtest'} lacks '{location[-1]}'."
    if kind == "union_tag_invalid":
        return f"{path}: {where}.kind is '{context['tag']}', which is no oracle.{suggest(context['tag'], ORACLE_KINDS)}"
    if kind == "union_tag_not_found":
        return f"{path}: {where} lacks 'kind'.{suggest('', ORACLE_KINDS)}"
    if kind in ("lacks", "twice"):
        return f"{path}: {where or 'the playtest'} {error['msg'].rstrip('.')}."
    message = _MESSAGES.get(kind, error["msg"].removeprefix("Input "))
    return f"{path}: {where or 'the playtest'} {message}, not {found!r}."


def _dotted(location: list[Any]) -> str:
    """The path of a key, as `personas[0].runs`."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in location).lstrip(".")
