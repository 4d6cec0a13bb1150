"""Candidates for the shortest inputs of a finding: playing each, and remembering on disk what came of it."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from understudy.playtest.findings.finding import INPUTS_FILE, Finding
from understudy.playtest.findings.replay import play_again, seen_again
from understudy.playtest.listening import Listener
from understudy.playtest.oracles import idle_action
from understudy.playtest.run.moment import Position
from understudy.playtest.run.personas import load_inputs
from understudy.playtest.run.play import Halt
from understudy.spec import Action

MEMORY_FILE = "shrinking.json"
IDLE = -1
_SURE = 0.05
"""A candidate is given up if the bug, at the rate of the whole, would have shown more often than this."""
_MOST_TRIES = 5

Candidate: TypeAlias = "tuple[int, ...]"
"""Indices of the run's inputs in their order, `IDLE` where nothing is asked for."""


@dataclass(frozen=True)
class Limits:
    """How long to look: replays and wall-clock seconds in all, with those of earlier calls; and how many at a time."""

    replays: int = 200
    seconds: float = 300.0
    workers: int = 1


class OutOfBudget(Exception):  # noqa: N818
    """The replays or the time are used up."""


class Bench:
    """Plays candidates, remembers on disk what came of each, and keeps the budget."""

    def __init__(self, finding: Finding, folder: Path, limits: Limits, halt: Halt, listener: Listener) -> None:
        self.finding, self.folder, self.limits = finding, folder, limits
        self._listener = listener
        self._inputs = load_inputs(folder / INPUTS_FILE)
        self.length = len(next(iter(self._inputs.values())))
        self._lock = threading.Lock()
        self._memory: dict[str, int | None] = {}
        self.replays, self._seconds = 0, 0.0
        self._load()
        self._begun = time.monotonic()
        self._halt = Halt(halt.event, _earlier(halt.deadline, self._begun + limits.seconds - self._seconds))
        self._idle: Action = {}
        # A bug that shows now and then needs several tries before a candidate is given up.
        missed = 1 - finding.reproduced / finding.replays
        self._tries = 1 if missed == 0 else min(_MOST_TRIES, math.ceil(math.log(_SURE) / math.log(missed)))

    def first(self) -> tuple[int | None, list[Position]]:
        """Play the run's own inputs; return the decision that shows the bug, and the path."""
        for _ in range(self._tries):
            with tempfile.TemporaryDirectory(prefix="understudy-shrink-") as scratch:
                trace = play_again(self.finding, self.folder / INPUTS_FILE, Path(scratch), self._halt)
            self._count()
            if trace.behavior is not None:
                self._idle = idle_action(trace.behavior.actions)
            if seen := seen_again(self.finding, trace):
                return seen.tick, trace.path
            self._require_budget()
        return None, []

    def test(self, candidate: Candidate) -> int | None:
        """Return the decision at which a candidate shows the bug; None if it does not.

        Raises:
            OutOfBudget: If there is nothing left to play it with.
        """
        name = hashlib.sha256(np.asarray(candidate, np.int32).tobytes()).hexdigest()[:24]
        if name not in self._memory:
            tick = self._play(candidate)
            with self._lock:
                self._memory[name] = tick
                self.save()
        return self._memory[name]

    def write(self, candidate: Candidate, path: Path) -> None:
        """Write a candidate's inputs."""
        columns = {name: self._column(name, candidate) for name in self._inputs}
        np.savez_compressed(path, **columns)  # type: ignore[arg-type]

    def asks(self, candidate: Candidate) -> int:
        """How many of a candidate's decisions ask for anything."""
        columns = {name: self._column(name, candidate) for name in self._inputs}
        return sum(
            any(np.any(columns[name][index] != self._idle[name]) for name in columns) for index in range(len(candidate))
        )

    def save(self) -> None:
        """Keep what was tried."""
        spent = self._seconds + time.monotonic() - self._begun
        form = {"replays": self.replays, "seconds": round(spent, 1), "tried": dict(self._memory)}
        fresh = self.folder / f".{MEMORY_FILE}.new"
        fresh.write_text(json.dumps(form), encoding="utf-8")
        fresh.replace(self.folder / MEMORY_FILE)

    def _play(self, candidate: Candidate) -> int | None:
        for _ in range(self._tries):
            with self._lock:
                self._require_budget()
                self._count()
            with tempfile.TemporaryDirectory(prefix="understudy-shrink-") as scratch:
                inputs = Path(scratch) / INPUTS_FILE
                self.write(candidate, inputs)
                trace = play_again(self.finding, inputs, Path(scratch), self._halt)
            if seen := seen_again(self.finding, trace):
                return seen.tick
            self._require_time()
        return None

    def _count(self) -> None:
        self.replays += 1
        self._listener.replays(f"shrinking {self.finding.id}", self.replays, self.limits.replays)

    def _column(self, name: str, candidate: Candidate) -> np.ndarray:
        chosen = np.asarray(candidate)
        column = self._inputs[name][chosen]
        column[chosen == IDLE] = self._idle[name]
        return column

    def _require_budget(self) -> None:
        if self.replays >= self.limits.replays:
            raise OutOfBudget
        self._require_time()

    def _require_time(self) -> None:
        if self._halt.now:
            raise OutOfBudget

    def _load(self) -> None:
        with suppress(OSError, ValueError, KeyError):
            form = json.loads((self.folder / MEMORY_FILE).read_text(encoding="utf-8"))
            self.replays, self._seconds, self._memory = form["replays"], form["seconds"], form["tried"]


def _earlier(deadline: float | None, other: float) -> float:
    return other if deadline is None else min(deadline, other)
