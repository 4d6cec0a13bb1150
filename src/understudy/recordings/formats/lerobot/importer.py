"""Reads LeRobot data sets, version 3 (episodes share files) and version 2 (a file for each)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from understudy.errors import RecordingError
from understudy.recordings.formats.lerobot.blocks import EpisodeReader
from understudy.recordings.formats.lerobot.bounds import action_bounds
from understudy.recordings.formats.lerobot.episodes import Entry, iter_entries
from understudy.recordings.formats.lerobot.info import INFO, Info, is_dataset, read_info, safe_name
from understudy.recordings.formats.lerobot.mapping import Meaning, find_meaning
from understudy.recordings.formats.lerobot.ours import Kept, KeptRows
from understudy.recordings.formats.lerobot.steps import StepTable
from understudy.recordings.formats.protocol import ImportOptions, LogDescription, LogEpisode, Loss, Rows, Settings
from understudy.recordings.provenance import Provenance

_KNOWN = {"timestamp", "frame_index", "episode_index", "index", "task_index", "tick", "time_ns", "events"}


class LerobotSettings(Settings):
    """Settings of the LeRobot importer."""

    game: str = Field("", description="Name of the game; by default the robot_type, else the folder's name.")
    low: float | None = Field(None, description="Least value of every action number; by default that in the data.")
    high: float | None = Field(None, description="Greatest value of every action number, likewise.")


class LerobotImporter:
    """Imports LeRobot data sets."""

    name: ClassVar[str] = "lerobot"
    title: ClassVar[str] = "LeRobot data sets (v3 and v2)"
    Settings: ClassVar[type[Settings]] = LerobotSettings

    def sniff(self, path: Path) -> bool:
        """Whether the folder has a `meta/info.json` of codebase version 2 or 3."""
        try:
            return path.is_dir() and is_dataset(path)
        except OSError:
            return False

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:  # noqa: ARG002 - the protocol's
        """Say what `meta/info.json` says, with every file of the data set."""
        info = read_info(path)
        counts = [info.form.get(key) for key in ("total_episodes", "total_frames")]
        episodes, steps = (each if isinstance(each, int) and each >= 0 else None for each in counts)
        version = ".".join(str(part) for part in info.version)
        notes = (f"version {version}, {info.fps:g} steps a second", *_what_is_left_out(info))
        return LogDescription(tuple(_files(path)), episodes, steps, notes)

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield the episodes in the order of the files that hold them; raises `RecordingError`."""
        info = read_info(path)
        given = options.settings if isinstance(options.settings, LerobotSettings) else LerobotSettings()
        game = given.game or info.robot or path.resolve().name
        meaning = find_meaning(info, game, action_bounds(info, given.low, given.high))
        own = meaning.behavior is info.behavior
        ours = KeptRows(info.root, meaning.behavior, salvage=options.salvage) if own else None
        tables: dict[Path, StepTable] = {}
        for entry in iter_entries(info):
            kept = ours.find(entry.index, entry.length) if ours else Kept()
            episode = _episode(info, entry, game, meaning, kept)
            if ours:
                episode.losses += ours.losses
                ours.losses = []
            reader = EpisodeReader(info, entry, meaning, kept.final_observation)
            episode.rows = _rows(tables, reader, entry, options, episode.losses)
            yield episode


def _rows(
    tables: dict[Path, StepTable], reader: EpisodeReader, entry: Entry, options: ImportOptions, losses: list[Loss]
) -> Iterator[Rows]:
    """The steps of an episode; the table of the file is kept open for the episodes that follow in it."""
    try:
        if entry.data not in tables:
            tables.clear()
            tables[entry.data] = StepTable(entry.data, reader.columns, reader.rows_at_once)
        yield from reader.rows(tables[entry.data])
        losses += reader.notes
    except RecordingError as error:
        what = str(error).rstrip(".")
        if not options.salvage:
            raise RecordingError(f"{reader.where}: {what}.") from error
        losses += [*reader.notes, Loss(reader.where, what, max(0, entry.length - reader.num_steps))]
        if reader.held is not None:
            yield reader.last_rows()


def _episode(info: Info, entry: Entry, game: str, meaning: Meaning, kept: Kept) -> LogEpisode:
    dataset = safe_name(info.root.resolve().name, "lerobot")
    name = kept.name or f"{dataset}-{entry.index:06d}"
    return LogEpisode(name, meaning.behavior, kept.provenance or _provenance(info, entry, game), iter(()), entry.length)


def _provenance(info: Info, entry: Entry, game: str) -> Provenance:
    """Tasks are what the recorder's author wrote, not what players typed."""
    notes: dict[str, Any] = {"tasks": list(entry.tasks)} if entry.tasks else {}
    source = f"LeRobot data set v{info.version[0]}.{info.version[1]}"
    return Provenance(game, map=entry.tasks[0] if len(entry.tasks) == 1 else "", source=source, notes=notes)


def _what_is_left_out(info: Info) -> list[str]:
    try:
        left_out = find_meaning(info, "lerobot", {}).left_out
    except RecordingError:
        return []
    names = [key for key in left_out if key not in _KNOWN and not key.startswith("next.")]
    return [f"left out: {', '.join(names)}"] if names else []


def _files(path: Path) -> list[Path]:
    """The data set's files, the description first; none that a link leads out of the folder to."""
    root = path.resolve()
    found = [path / INFO]
    for pattern in ("meta/**/*", "data/**/*.parquet", "videos/**/*.mp4"):
        found += [each for each in sorted(path.glob(pattern)) if each.is_file() and each not in found]
    return [each for each in found if each.resolve().is_relative_to(root)]
