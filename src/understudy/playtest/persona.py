"""Who plays in a playtest: an agent, its style and its skill, as a spec names them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from understudy.playtest.options import Count, Natural, Part

AgentKind: TypeAlias = Literal["random", "sticky", "scripted", "retrieval", "bundle", "remote", "go_explore", "navmesh"]
PRIVILEGED = ("go_explore", "navmesh")
"""Agents that look behind the game: at the engine's state, or at the level and their own position."""


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

    def anchored(self, folder: Path) -> PersonaSpec:
        """Return the same with every path that lies beside the spec taken from its folder."""
        if self.agent not in ("bundle", "retrieval"):
            return self
        update: dict[str, object] = {"bundle": str(folder / self.bundle)} if self.bundle else {}
        update["demonstrations"] = tuple(str(folder / each) for each in self.demonstrations)
        if self._style_is_a_file:
            update["style"] = str(folder / self.style)
        if self.inspect:
            update |= {"inspect": str(folder / self.inspect), "detector": str(folder / self.detector)}
        return self.model_copy(update=update)

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
