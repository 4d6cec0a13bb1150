"""Imports the demonstrations that Godot RL's `Sync` node saves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from understudy.errors import RecordingError
from understudy.recordings.formats.godot_rl.settings import GodotRlSettings
from understudy.recordings.formats.godot_rl.source import Source
from understudy.recordings.formats.godot_rl.text import Trajectory, trajectories
from understudy.recordings.formats.guards import head
from understudy.recordings.formats.protocol import ImportOptions, LogDescription, LogEpisode, Settings

_LOOKED_AT = 64 * 1024 * 1024
_NUMBER = rb"(-?[0-9]|true|false)"
_START = re.compile(rb"\s*\[\s*\[\s*\[\s*\[\s*" + _NUMBER)
_NO_NUMBERS = re.compile(rb"[^\s\[\]0-9.,eE+\-truefalsniN]")


class GodotRlImporter:
    """Reads the one line of JSON: names, choices and rate are settings, since it holds numbers alone.

    There are no rewards. Every episode is terminated, since only such are saved; its last observation is the final
    one. By default the observation is one sensor `obs`, and the action one part `action`, a Box.
    """

    name: ClassVar[str] = "godot_rl"
    title: ClassVar[str] = "Godot RL expert demonstrations (JSON)"
    Settings: ClassVar[type[Settings]] = GodotRlSettings

    def sniff(self, path: Path) -> bool:
        """Whether a file begins as a list of lists of lists of lists of numbers, which hardly anything else does."""
        start = head(path, 65_536) if path.is_file() else b""
        return _START.match(start) is not None and _NO_NUMBERS.search(start.partition(b'"')[0]) is None

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Look at the first trajectory; raises `RecordingError` if there is none."""
        notes: list[str] = []
        if path.stat().st_size <= _LOOKED_AT:
            source = Source(path, next(filter(_shows, _require_some(path)), Trajectory()), options)
            notes = source.notes()
        return LogDescription((path,), notes=tuple(notes))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield an episode for each trajectory; raises `RecordingError` if the first does not show what they are."""
        source: Source | None = None
        found = Trajectory()
        for index, found in enumerate(_require_some(path)):
            if found.problem and not options.salvage:
                raise RecordingError(f"{path}, trajectory {index}: {found.problem}.")
            if source is None and not _shows(found):
                continue
            source = source or Source(path, found, options)
            yield source.episode(index, found)
        if source is None:
            Source(path, found, options)


def _shows(found: Trajectory) -> bool:
    """Whether a trajectory tells how wide vectors are: one that was over at once has no action."""
    return bool(found.problem) or (found.observations.number > 0 and found.actions.number > 0)


def _require_some(path: Path) -> Iterator[Trajectory]:
    empty = True
    for found in trajectories(path):
        empty = False
        yield found
    if empty:
        raise RecordingError(f"{path} holds no demonstration: none was finished when it was saved.")
