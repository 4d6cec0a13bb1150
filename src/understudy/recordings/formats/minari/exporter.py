"""Writes recordings as a Minari data set, of HDF5 or Arrow, without Minari itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from understudy.errors import RecordingError, require
from understudy.recordings.formats.gymspaces import file_name
from understudy.recordings.formats.minari.metadata import HDF5_FILE, METADATA, space_json
from understudy.recordings.formats.minari.writing import write_arrow, write_hdf5
from understudy.recordings.formats.protocol import EXACT, ExportOptions, Progress, Settings
from understudy.recordings.reader import Episode, Recordings
from understudy.spec import BehaviorSpec

# The first whose readers ask `jpeg_encoding` before they decode pictures; older ones refuse a later version.
MINARI_VERSION = "0.5.4"
_ID = re.compile(r"([-_\w][-_\w/]*[-_\w]+/)?[-_\w]+?(-v\d+)")
_NAMESPACE = "namespace_metadata.json"


class MinariExportSettings(Settings):
    """How the data set is called and kept."""

    dataset_id: str = Field(default="", description="id of the data set, such as mygame/players-v0")
    data_format: Literal["hdf5", "arrow"] = Field(default="hdf5", description="how it is kept: hdf5 or arrow")
    unknown_reward: float = Field(default=float("nan"), description="stands for a reward that was not recorded")


class MinariExporter:
    """Exports recordings as a Minari data set."""

    name: ClassVar[str] = "minari"
    title: ClassVar[str] = "Minari data sets (HDF5, Arrow)"
    Settings: ClassVar[type[Settings]] = MinariExportSettings
    keeps: ClassVar[Mapping[str, str]] = EXACT

    def check(self, behavior: BehaviorSpec, options: ExportOptions) -> None:
        """Raise `RecordingError` if the id is none; Minari holds whatever a recording can."""
        dataset_id(behavior, _settings(options))

    def write(self, recordings: Recordings, out: Path, options: ExportOptions, progress: Progress) -> Sequence[Path]:
        """Write a data set below `out`, which then serves as MINARI_DATASETS_PATH; return its folder."""
        settings = _settings(options)
        behavior = recordings.behavior
        name = dataset_id(behavior, settings)
        data = out / name / "data"
        data.mkdir(parents=True)
        _write_namespaces(out, data.parent)
        unknown = settings.unknown_reward
        if settings.data_format == "hdf5":
            with require("h5py", "logs").File(data / HDF5_FILE, "w", track_order=True) as file:
                _write_each(recordings, progress, lambda number, each: write_hdf5(file, number, each, unknown))
        else:
            _write_each(recordings, progress, lambda number, each: write_arrow(data, number, each, unknown))
        (data / METADATA).write_text(json.dumps(_metadata(recordings, name, settings.data_format)))
        return [data.parent]


def _settings(options: ExportOptions) -> MinariExportSettings:
    return options.settings if isinstance(options.settings, MinariExportSettings) else MinariExportSettings()


def dataset_id(behavior: BehaviorSpec, settings: MinariExportSettings) -> str:
    """Return the data set's id, by default after the behaviour; raises `RecordingError` if it is none to Minari."""
    name = settings.dataset_id or f"understudy/{re.sub(r'[^A-Za-z0-9_-]', '-', file_name(behavior.name))}-v0"
    if not _ID.fullmatch(name):
        raise RecordingError(f"{name!r} is no id of a Minari data set; it needs the form namespace/name-v0.")
    return name


def _write_namespaces(out: Path, folder: Path) -> None:
    """Mark the folders above the data set as Minari's namespaces, or it would not list them."""
    for parent in folder.relative_to(out).parents:
        if parent != Path():
            (out / parent / _NAMESPACE).write_text("{}")


def _write_each(recordings: Recordings, progress: Progress, write: Callable[[int, Episode], None]) -> None:
    done, total = 0, sum(each.num_steps for each in recordings)
    for number, episode in enumerate(recordings):
        write(number, episode)
        done += episode.num_steps
        progress(episode.name, done, total)


def _metadata(recordings: Recordings, name: str, data_format: str) -> dict[str, Any]:
    behavior = recordings.behavior
    return {
        "total_episodes": len(recordings),
        "total_steps": sum(each.num_steps for each in recordings),
        "data_format": data_format,
        "jpeg_encoding": False,
        "observation_space": json.dumps(space_json(behavior.sensors)),
        "action_space": json.dumps(space_json(behavior.actions)),
        "dataset_id": name,
        "minari_version": MINARI_VERSION,
        "understudy": behavior.to_json(),
    }
