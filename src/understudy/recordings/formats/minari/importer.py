"""Reads Minari data sets, with h5py or pyarrow alone: Minari itself is not needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats.columns import Columns, as_rewards, stream
from understudy.recordings.formats.gymspaces import (
    GymSettings,
    action_values,
    file_name,
    notes_on,
    sensor_values,
)
from understudy.recordings.formats.minari.metadata import (
    HDF5_FILE,
    METADATA,
    DataSet,
    data_folder,
    looks_right,
    read_data_set,
)
from understudy.recordings.formats.minari.storages import Opener, StoredEpisode, open_storage
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
from understudy.spec import Json

_NAMESPACE_CARD, _DEEPEST = "namespace_metadata.json", 3


class MinariImporter:
    """Imports Minari data sets: HDF5, Arrow and Parquet."""

    name: ClassVar[str] = "minari"
    title: ClassVar[str] = "Minari data sets (HDF5, Arrow, Parquet)"
    Settings: ClassVar[type[Settings]] = GymSettings

    def sniff(self, path: Path) -> bool:
        """Whether the folder, its `data` folder, or the HDF5 file in it is a Minari data set."""
        try:
            if path.is_file() and path.name != HDF5_FILE:
                return False
            folder = data_folder(path)
            return folder is not None and looks_right(folder)
        except OSError:
            return False

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Say what the data set holds; raises `RecordingError` if its metadata cannot be read."""
        found = read_data_set(path, _settings(options))
        files = sorted(each for each in found.folder.rglob("*") if each.is_file() and not each.is_symlink())
        # Minari keeps a card in each folder of a name such as `namespace/game/task-v0`.
        files += [card for each in found.folder.parents[:_DEEPEST] if (card := each / _NAMESPACE_CARD).is_file()]
        episodes, steps = (_count(found.metadata.get(key)) for key in ("total_episodes", "total_steps"))
        return LogDescription(tuple(files), episodes, steps, tuple(_notes(found)))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield the data set's episodes in their order; raises `RecordingError`."""
        data = read_data_set(path, _settings(options))
        with ExitStack() as stack:
            for number, opener in _episodes(data, stack):
                yield _episode(data, number, opener, options)


def _settings(options: ImportOptions) -> GymSettings:
    return options.settings if isinstance(options.settings, GymSettings) else GymSettings()


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _notes(data: DataSet) -> list[str]:
    lines = [f"{data.dataset_id}, kept as {data.metadata.get('data_format', 'hdf5')}"]
    if data.assumed_rate:
        rate = data.behavior.decision_hz
        lines.append(f"the data name no rate; {rate:g} decisions a second are taken (--set decision_hz=…)")
    if _first_has_jpegs(data):
        lines.append("pictures were stored as JPEG: their fine detail was lost when the data set was made")
    return lines + ([] if data.ours else notes_on(data.observations, data.actions, data.behavior))


def _has_jpegs(data: DataSet, stored: StoredEpisode) -> bool:
    """Whether pictures are JPEG: by what is there, for the metadata of old say nothing, and meant either."""
    try:
        return any(stored.is_jpeg(each) for each in data.observations if each.space.dtype == np.uint8)
    except RecordingError:
        return False


def _first_has_jpegs(data: DataSet) -> bool:
    try:
        with ExitStack() as stack:
            opener = next(iter(_episodes(data, stack)), None)
            return opener is not None and _has_jpegs(data, opener[1]())
    except RecordingError:
        return False


def _episodes(data: DataSet, stack: ExitStack) -> Iterator[tuple[int, Opener]]:
    return open_storage(data.folder, str(data.metadata.get("data_format", "hdf5")), stack)


def _episode(data: DataSet, number: int, opener: Opener, options: ImportOptions) -> LogEpisode:
    losses: list[Loss] = []
    where = f"{data.folder / METADATA}, episode {number}"
    provenance = Provenance(data.game, source=f"minari {data.text('minari_version')}".strip())
    steps = None
    stored: StoredEpisode | None = None
    try:
        stored = opener()
        attributes = stored.attributes()
        steps = _count(attributes.get("total_steps"))
        provenance = _provenance(data, number, attributes, has_jpegs=_has_jpegs(data, stored))
    except RecordingError as error:
        if not options.salvage:
            raise
        losses.append(Loss(where, str(error).rstrip(".")))
    rows = _rows(data, stored, steps, where, losses, options.salvage) if stored is not None else iter(())
    name = f"{file_name(data.dataset_id)}-{number:06d}"
    return LogEpisode(name, data.behavior, provenance, rows, steps, losses=losses)


def _provenance(data: DataSet, number: int, attributes: Mapping[str, Any], *, has_jpegs: bool) -> Provenance:
    ours = stored_provenance(attributes.get("understudy"))
    if data.ours and ours is not None:
        return ours
    algorithm = data.text("algorithm_name")
    notes: dict[str, Json] = {"dataset_id": data.dataset_id, "episode": number, "algorithm": algorithm}
    if data.assumed_rate:
        notes["decision_hz"] = "assumed"
    if has_jpegs:
        notes["pictures"] = "stored as JPEG"
    return Provenance(
        data.game,
        seed=_count(attributes.get("seed")),
        source=f"minari {data.text('minari_version')}".strip(),
        notes={key: value for key, value in notes.items() if value != ""},
    )


def _rows(
    data: DataSet, stored: StoredEpisode, said: int | None, where: str, losses: list[Loss], salvage: bool
) -> Iterator[Rows]:
    try:
        reading = _Reading(data, stored)
        steps = reading.num_steps
        problem = getattr(stored, "problem", None) or reading.missing(said)
        lack = reading.lack()
        if (problem or lack) and not salvage:
            raise RecordingError(f"{where}: {problem or lack}.")
    except RecordingError as error:
        if not salvage:
            raise
        losses.append(Loss(where, str(error).rstrip("."), said or 0))
        return
    if problem:
        losses.append(Loss(where, problem, max((said or 0) - steps, 0)))
    elif lack:
        losses.append(Loss(where, lack))
    ending = (lambda: Ending(truncated=True)) if problem else reading.ending
    yield from stream(Columns(where, data.behavior, steps, reading.rows, ending), losses, salvage=salvage)


@dataclass(frozen=True)
class _Reading:
    """One episode with its data set, as the stream wants it."""

    data: DataSet
    stored: StoredEpisode

    @property
    def num_steps(self) -> int:
        """How many steps have an observation, an action and a reward."""
        return max(0, min(self._lengths()))

    def _lengths(self) -> list[int]:
        seen = [self.stored.num_rows("observations", leaf) for leaf in self.data.observations]
        done = [self.stored.num_rows("actions", leaf) for leaf in self.data.actions]
        return [*seen, *done, self.stored.num_plain("rewards")]

    def missing(self, said: int | None) -> str | None:
        """Say what is wrong if the columns are not of one length, or not as long as they should be."""
        steps = self.num_steps
        longest = max(self._lengths())
        if longest > steps + 1:
            return f"its columns have between {steps} and {longest} values"
        return f"it should have {said} steps, but has {steps}" if said is not None and said != steps else None

    def lack(self) -> str | None:
        """Say that no observation follows the last action: data collectors of old lost one, now first, now last."""
        if min(self.stored.num_rows("observations", leaf) for leaf in self.data.observations) > self.num_steps:
            return None
        return "it has no more observations than actions; if the first is the one that is missing, all are a step early"

    def rows(self, start: int, stop: int) -> Rows:
        """Read steps."""
        rewards = self.stored.plain("rewards", start, stop)
        return Rows(
            self._observations(start, stop),
            action_values(
                self.data.actions, self.data.behavior, lambda leaf: self.stored.values("actions", leaf, start, stop)
            ),
            rewards=as_rewards(rewards),
            **self._own(start, stop),
        )

    def ending(self) -> Ending:
        """How the episode ended; without a flag, someone stopped recording it."""
        steps = self.num_steps
        terminated, truncated = (
            self.stored.num_plain(name) >= steps and bool(self.stored.plain(name, steps - 1, steps)[0])
            for name in ("terminations", "truncations")
        )
        final = None
        lengths = [self.stored.num_rows("observations", leaf) for leaf in self.data.observations]
        if min(lengths) > steps and not self._is_final_repeated(steps):
            final = {name: values[0] for name, values in self._observations(steps, steps + 1).items()}
        return Ending(terminated, truncated or not terminated, final)

    def _observations(self, start: int, stop: int) -> dict[str, np.ndarray]:
        return sensor_values(
            self.data.observations,
            self.data.behavior,
            lambda leaf: self.stored.values("observations", leaf, start, stop),
        )

    def _is_final_repeated(self, steps: int) -> bool:
        marks = self.stored.own("final", steps, steps + 1) if self.data.ours else None
        return marks is not None and not marks[0]

    def _own(self, start: int, stop: int) -> dict[str, Any]:
        """Our own columns, where we wrote them and they are as we write them."""
        if not self.data.ours:
            return {}
        found: dict[str, Any] = {}
        for name, key in (("tick", "ticks"), ("time_ns", "times_ns")):
            values = self.stored.own(name, start, stop)
            if values is not None and all(isinstance(each, int) and abs(each) < 1 << 63 for each in values):
                found[key] = np.array(values, np.int64)
        words = self.stored.own("events", start, stop)
        if words is not None:
            found["events"] = [_words(each) for each in words]
        return found


def _words(text: Any) -> list[str]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
