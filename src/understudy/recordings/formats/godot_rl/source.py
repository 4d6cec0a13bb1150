"""One file of demonstrations: what its vectors mean, and its trajectories as rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from pathlib import Path

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats.godot_rl.note import (
    Note,
    read_note,
    read_steps,
    written_behavior,
)
from understudy.recordings.formats.godot_rl.settings import GodotRlSettings, named_behavior
from understudy.recordings.formats.godot_rl.text import DamageError, Trajectory, Vectors, vectors
from understudy.recordings.formats.godot_rl.vectors import split_action, split_observation, widths
from understudy.recordings.formats.protocol import Ending, ImportOptions, LogEpisode, Loss, Rows
from understudy.recordings.formats.stored import stored_provenance
from understudy.recordings.provenance import Provenance
from understudy.spec import BehaviorSpec

_ROWS_AT_ONCE = 256
_Step = tuple[np.ndarray, ...]


@dataclass
class Source:
    """A file, whose first trajectory says how wide its vectors are.

    Attributes:
        path: Of the file.
        first: Its first trajectory.
        options: The user's.

    Raises:
        RecordingError: If the first trajectory shows no observation and no action, or settings do not fit it.
    """

    path: Path
    first: Trajectory
    options: ImportOptions

    def __post_init__(self) -> None:
        seen, done = (self._first_vector(where) for where in (self.first.observations, self.first.actions))
        self.behavior, self.written = self._behavior(len(seen), len(done))
        self.widths = widths(self.behavior)

    def notes(self) -> list[str]:
        """What a person should know before importing."""
        seen, done = self.widths
        notes = [f"observations of {seen} numbers, actions of {done}"]
        settings = self.options.settings
        if not self.written and not (isinstance(settings, GodotRlSettings) and settings.actions):
            sample = self._sample()
            whole = np.flatnonzero(((sample == np.rint(sample)) & (sample >= 0)).all(axis=0))
            if len(whole):
                notes.append(
                    f"the action's numbers {whole.tolist()} (from 0) are all whole: if they are choices, set actions"
                )
        return notes

    def episode(self, index: int, found: Trajectory) -> LogEpisode:
        """Return a trajectory as an episode."""
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.path.stem).strip("-.")[:64] or "godot"
        steps = min(found.actions.number, found.observations.number)
        note = read_note(found.note) if self.written else {}
        provenance = stored_provenance(note.get("provenance")) or Provenance(
            self.behavior.name, source="Godot RL expert demonstrations"
        )
        log = LogEpisode(f"{stem}-{index:04d}", self.behavior, provenance, iter(()), num_steps=steps)
        log.rows = self._rows(found, log, f"{self.path}, trajectory {index}", note)
        return log

    def _rows(self, found: Trajectory, log: LogEpisode, where: str, note: Note) -> Iterator[Rows]:
        steps = log.num_steps or 0
        self._tell(found, log, where)
        seen, done = self._vectors(found.observations, 0), self._vectors(found.actions, 1)
        own = [vectors(self.path, found.steps)] if note and found.steps.number == found.actions.number else []
        for start in range(0, steps, _ROWS_AT_ONCE):
            wanted = min(_ROWS_AT_ONCE, steps - start)
            taken, problem = _take([seen, done, *own], wanted)
            whole, problem = self._whole(taken, problem, note)
            ending = None
            if problem:
                self._lose(log, f"{where}, step {start + len(whole)}", problem, steps - start - len(whole))
                ending = Ending(truncated=True)
            elif start + wanted == steps:
                ending = self._ending(found, seen, log, where, note)
            if whole:
                yield replace(self._columns(whole, note), ending=ending)
            if problem:
                return

    def _ending(self, found: Trajectory, seen: Iterator[np.ndarray], log: LogEpisode, where: str, note: Note) -> Ending:
        """How a trajectory ended, whose steps are all whole."""
        if found.problem or found.observations.number != found.actions.number + 1:
            return Ending(truncated=True)
        try:
            columns = split_observation(self.behavior, next(seen)[None])
        except DamageError as error:
            self._lose(log, f"{where}, the final observation", str(error), 0)
            return Ending(truncated=True)
        final = {name: values[0] for name, values in columns.items()}
        if note:
            final_known = note.get("final_observation") is not False
            return Ending(bool(note.get("terminated")), bool(note.get("truncated")), final if final_known else None)
        return Ending(terminated=True, final_observation=final)

    def _lose(self, log: LogEpisode, where: str, what: str, steps: int) -> None:
        """Tell what was lost; raises `RecordingError` if nothing shall be."""
        if not self.options.salvage:
            raise RecordingError(f"{where}: {what}.")
        log.losses.append(Loss(where, what, steps))

    def _whole(self, steps: list[_Step], problem: str, note: Note) -> tuple[list[_Step], str]:
        """Keep the steps before the first whose numbers the behaviour cannot hold."""
        try:
            self._columns(steps, note)
        except DamageError as error:
            if len(steps) == 1:
                return [], str(error)
            half = len(steps) // 2
            first, earlier = self._whole(steps[:half], "", note)
            if earlier:
                return first, earlier
            rest, later = self._whole(steps[half:], problem, note)
            return first + rest, later
        return steps, problem

    def _columns(self, steps: list[_Step], note: Note) -> Rows:
        seen, done = (
            np.array([step[kind] for step in steps]).reshape(len(steps), self.widths[kind]) for kind in (0, 1)
        )
        own = read_steps([step[2] for step in steps], note) if steps and len(steps[0]) > 2 else {}
        return Rows(split_observation(self.behavior, seen), split_action(self.behavior, done), **own)

    def _tell(self, found: Trajectory, log: LogEpisode, where: str) -> None:
        """Say what is wrong with a trajectory as a whole."""
        more = found.observations.number - found.actions.number
        if found.problem:
            self._lose(log, where, f"{found.problem}; what comes before is kept", max(0, more - 1))
        elif more not in (0, 1):
            numbers = f"{found.observations.number} observations for {found.actions.number} actions"
            self._lose(log, where, f"it has {numbers}; the rest is left out", max(0, -more))

    def _vectors(self, where: Vectors, kind: int) -> Iterator[np.ndarray]:
        """Yield observations (kind 0) or actions (kind 1), all of one size."""
        for vector in vectors(self.path, where):
            if len(vector) != self.widths[kind]:
                what = ("observation", "action")[kind]
                raise DamageError(f"its {what} has {len(vector)} numbers, not {self.widths[kind]} as the first one")
            yield vector

    def _behavior(self, num_seen: int, num_done: int) -> tuple[BehaviorSpec, bool]:
        """The behaviour as the settings name it, or as our exporter wrote it, if they do not."""
        settings = self.options.settings
        settings = settings if isinstance(settings, GodotRlSettings) else GodotRlSettings()
        if not settings.model_fields_set:
            written = written_behavior(self.first.note, num_seen, num_done)
            if written is not None:
                return written, True
        return named_behavior(settings, num_seen, num_done), False

    def _sample(self) -> np.ndarray:
        """The first actions, as far as they have one size; the others are told when they are imported."""
        some = islice(vectors(self.path, self.first.actions), 1000)
        alike = takewhile(lambda vector: len(vector) == self.widths[1], some)
        return np.stack(list(alike))

    def _first_vector(self, where: Vectors) -> np.ndarray:
        try:
            vector = next(vectors(self.path, where), np.empty(0))
        except DamageError as error:
            raise RecordingError(f"{self.path} cannot be read: {error}.") from error
        if not len(vector):
            why = self.first.problem or "its first trajectory does not show what is seen and done"
            raise RecordingError(f"{self.path} cannot be read: {why}.")
        return vector


def _take(streams: list[Iterator[np.ndarray]], wanted: int) -> tuple[list[_Step], str]:
    """Take steps that are whole, and say what is wrong with the one after them, if anything is."""
    steps: list[_Step] = []
    try:
        for _ in range(wanted):
            steps.append(tuple([next(each) for each in streams]))  # noqa: PERF401 - what came before an error is kept
    except DamageError as error:
        return steps, str(error)
    return steps, ""
