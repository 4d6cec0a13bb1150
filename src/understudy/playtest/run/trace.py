"""What one run leaves behind: its inputs, its path, its totals, and what the oracles saw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from understudy.playtest.coverage import Coverage
from understudy.playtest.oracles import Note, Panel, Stuck
from understudy.playtest.persona import PersonaSpec
from understudy.playtest.run.moment import Ended, Ending, Moment, Number, Position, Sighting
from understudy.spec import Action, BehaviorSpec

COUNTED = ("kills", "damage_dealt", "damage_taken", "deaths", "progress")
"""Numbers of `info` that a run's totals hold the growth of."""


@dataclass(frozen=True)
class Run:
    """One run to play.

    Attributes:
        persona: Who plays.
        seed: Of the game and of the player.
        recording: Where its recording goes, without suffix.
        inputs: A file of recorded inputs to play back instead.
        survey: Whether to ask the game for its level's lines.
        record: Whether to record it.
    """

    persona: PersonaSpec
    seed: int
    recording: Path
    inputs: Path | None = None
    survey: bool = False
    record: bool = True

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.recording.parent

    @property
    def name(self) -> str:
        """The persona and the seed."""
        return f"{self.persona.name}-{self.seed}"


@dataclass
class Trace:
    """A run as it was played.

    Attributes:
        run: What was to be played.
        coverage: Where the player was.
        behavior: Of the game; None if it never started.
        lines: Of the level, each [x1, y1, x2, y2, solid], if the run was to ask for them.
        actions: What was done, by decision.
        path: Where the player was at each decision, as far as the game says.
        sightings: What the oracles saw, in order.
        ending: How it ended.
        reward: The sum of all rewards.
        notes: What the oracles that decide over all runs noted of this one, by kind.
        failures: Of each oracle that threw, by kind: what it threw, in a sentence.
        reports: How many of its worker's reports it was built from.
        lost: Of each earlier attempt at the run, how its worker failed.
    """

    run: Run
    coverage: Coverage
    behavior: BehaviorSpec | None = None
    lines: list[list[float]] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    path: list[Position] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    ending: Ending = field(default_factory=lambda: Ending(Ended.STOPPED, 0))
    reward: float = 0.0
    notes: Mapping[str, Note] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    reports: int = 0
    lost: list[str] = field(default_factory=list)
    _first: Mapping[str, Number] = field(default_factory=dict)
    _last: Mapping[str, Number] = field(default_factory=dict)
    _distance: float = 0.0
    _stuck_decisions: int = 0
    _alive_decisions: int = 0

    @property
    def hz(self) -> float:
        """Decisions a second of game time."""
        return self.behavior.decision_hz if self.behavior else 1.0

    @property
    def played(self) -> bool:
        """Whether the game got as far as a first observation, or crashed on the way there."""
        return self.ending.how is not Ended.BROKEN and (self.behavior is not None or bool(self.sightings))

    def observe(self, moment: Moment, panel: Panel) -> None:
        """Take in one decision, or the last state, and ask the oracles."""
        self._first = self._first or moment.info
        self._last = moment.info
        self.reward += moment.reward
        self._walk_to(moment.position)
        self.sightings += panel.observe(moment)
        if moment.action is None:
            return
        self.actions.append(moment.action)
        self.coverage.visit(moment.position, moment.info)
        self._alive_decisions += not moment.info.get("dead")

    def end(self, ending: Ending, panel: Panel) -> None:
        """Take in how the run ended and ask the oracles."""
        self.ending = ending
        self.sightings += panel.end(ending)
        self.notes, self.failures = panel.notes(), panel.failures
        self._stuck_decisions = sum(each.num_decisions for each in panel.oracles if isinstance(each, Stuck))

    def totals(self) -> dict[str, float]:
        """Return the run's totals by name; only those that the game gives the numbers for."""
        totals = {"decisions": float(len(self.actions)), "reward": self.reward}
        totals["seconds alive"] = self._alive_decisions / self.hz
        if self.path:
            totals["distance"] = self._distance
            if self.coverage.area is not None:
                totals["area"] = self.coverage.area
            totals["seconds stuck"] = self._stuck_decisions / self.hz
        for name in COUNTED:
            first, last = self._first.get(name), self._last.get(name)
            if isinstance(first, float) and isinstance(last, float):
                totals[name.replace("_", " ")] = last - first
        return totals

    def _walk_to(self, position: Position | None) -> None:
        if position is None:
            return
        if self.path:
            self._distance += math.dist(self.path[-1], position)
        self.path.append(position)
