"""Reads d3rlpy's HDF5 data sets (2.1, 1.x) and D4RL's, with h5py alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats import guards, hdf5
from understudy.recordings.formats.columns import Columns, as_rewards, stream
from understudy.recordings.formats.d3rlpy import behaviors
from understudy.recordings.formats.d3rlpy.arrays import action_width, from_stored, split_actions, stored_shape
from understudy.recordings.formats.d3rlpy.file import Place, count, is_before_versions, is_flat, places, version
from understudy.recordings.formats.gymspaces import GymSettings, file_name
from understudy.recordings.formats.protocol import (
    Ending,
    ImportOptions,
    LogDescription,
    LogEpisode,
    Loss,
    Rows,
    Settings,
)
from understudy.recordings.formats.stored import stored_provenance
from understudy.recordings.provenance import Provenance
from understudy.spec import BehaviorSpec

_MAX_CHECKED = 64


class D3rlpyImporter:
    """Imports d3rlpy's data sets."""

    name: ClassVar[str] = "d3rlpy"
    title: ClassVar[str] = "d3rlpy and D4RL data sets (HDF5)"
    Settings: ClassVar[type[Settings]] = GymSettings

    def sniff(self, path: Path) -> bool:
        """Whether the file is HDF5 with d3rlpy's, or D4RL's, columns."""
        if path.is_dir() or guards.head(path, 8) != hdf5.SIGNATURE:
            return False
        try:
            with hdf5.opened(path) as file:
                names = ("columns", "num_episodes", "version")
                return all(name in file for name in names) or is_flat(file, str(path))
        except Exception:
            return False

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:  # noqa: ARG002
        """Say what the file holds; raises `RecordingError` if it cannot be read."""
        with hdf5.opened(path) as file:
            where = str(path)
            notes = [f"d3rlpy's format {version(file, where)}"]
            if is_before_versions(file, where):
                notes.append(
                    "it may be of d3rlpy before 1.0, whose rewards come one step late; they are left as they are"
                )
            episodes = count(file, where)
        return LogDescription((path,), episodes, notes=tuple(notes))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield the file's episodes in their order; raises `RecordingError`."""
        where = str(path)
        with hdf5.opened(path) as file:
            source = f"d3rlpy {version(file, where)}"
            settings = options.settings if isinstance(options.settings, GymSettings) else GymSettings()
            behavior, ours = behaviors.find(file, path, settings)
            log = _Log(file, path, behavior, ours, source, options.salvage, settings.decision_hz is None and not ours)
            for place in places(file, where):
                yield log.episode(place)


@dataclass(frozen=True)
class _Log:
    """An open file, with what all of its episodes share."""

    file: Any
    path: Path
    behavior: BehaviorSpec
    ours: bool
    source: str
    salvage: bool
    assumed_rate: bool
    checked: dict[str, Any] = field(default_factory=dict)

    def episode(self, place: Place) -> LogEpisode:
        """One episode, to be read."""
        losses: list[Loss] = []
        where = f"{self.path}, episode {place.number}"
        columns = Columns(
            where,
            self.behavior,
            place.num_steps,
            lambda start, stop: self._rows(place, start, stop),
            lambda: self._ending(place),
        )
        name = f"{file_name(self.path.stem)}-{place.number:06d}"
        rows = stream(columns, losses, salvage=self.salvage)
        return LogEpisode(name, self.behavior, self._provenance(place), rows, place.num_steps, losses=losses)

    def _provenance(self, place: Place) -> Provenance:
        stored = None
        if self.ours:
            stored = stored_provenance(hdf5.scalar(self.file, self._own(place, "provenance"), str(self.path)))
        notes: dict[str, Any] = {"episode": place.number}
        if self.assumed_rate:
            notes["decision_hz"] = "assumed"
        return stored or Provenance(file_name(self.path.stem), source=self.source, notes=notes)

    def _rows(self, place: Place, start: int, stop: int) -> Rows:
        first, last = place.first + start, place.first + stop
        if len(place.observations) != len(self.behavior.sensors):
            raise RecordingError(f"{self.path}, episode {place.number} has another number of observations.")
        seen = {
            sensor.name: from_stored(sensor, self._read(name, first, last, stored_shape(sensor)))
            for sensor, name in zip(self.behavior.sensors, place.observations, strict=True)
        }
        done = self._read(place.actions, first, last, (action_width(self.behavior),))
        if done.dtype.kind == "f" and not np.isfinite(done).all():
            raise RecordingError(f"{self.path}, {place.actions}: a number is not finite.")
        rewards = as_rewards(self._read(place.rewards, first, last, ()))
        own = self._own_columns(place, start, stop) if self.ours else {}
        return Rows(seen, split_actions(self.behavior, done), rewards=rewards, **own)

    def _read(self, name: str, start: int, stop: int, shape: tuple[int, ...]) -> np.ndarray:
        # Checking a data set takes longer than reading a slice of it.
        if name not in self.checked:
            if len(self.checked) >= _MAX_CHECKED:
                self.checked.clear()
            self.checked[name] = hdf5.dataset(self.file, name, str(self.path))
        return hdf5.read(self.checked[name], start, stop, shape, f"{self.path}, {name}")

    def _own(self, place: Place, name: str) -> str:
        return f"understudy/{place.number}/{name}"

    def _own_columns(self, place: Place, start: int, stop: int) -> dict[str, Any]:
        """Ticks, times and events, where we wrote them."""
        found: dict[str, Any] = {}
        for name, key in (("tick", "ticks"), ("time_ns", "times_ns")):
            if hdf5.child(self.file, self._own(place, name), str(self.path)) is not None:
                found[key] = self._read(self._own(place, name), start, stop, ()).astype(np.int64)
        if hdf5.child(self.file, self._own(place, "events"), str(self.path)) is not None:
            data = hdf5.dataset(self.file, self._own(place, "events"), str(self.path))
            with hdf5.told(f"{self.path}, events"):
                found["events"] = [[str(word) for word in json.loads(text)] for text in data[start:stop]]
        return found

    def _ending(self, place: Place) -> Ending:
        """d3rlpy keeps no observation after the last action; we keep it beside."""
        final, truncated = None, not place.terminated
        if self.ours:
            where = str(self.path)
            truncated = bool(hdf5.scalar(self.file, self._own(place, "truncated"), where))
            names = {each.name: self._own(place, f"final_{each.name}") for each in self.behavior.sensors}
            if all(hdf5.child(self.file, name, where) is not None for name in names.values()):
                final = {
                    sensor.name: from_stored(sensor, self._read(names[sensor.name], 0, 1, stored_shape(sensor)))[0]
                    for sensor in self.behavior.sensors
                }
        return Ending(place.terminated, truncated, final)
