"""Reads VPT logs: each line is put together with its frame, and becomes a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, cast

from pydantic import Field

from understudy.errors import RecordingError
from understudy.recordings.formats import guards
from understudy.recordings.formats.protocol import ImportOptions, LogDescription, LogEpisode, Loss, Settings
from understudy.recordings.formats.vpt.behavior import CURSOR_EXTRA, GUI_MOUSE_SCALES, minecraft
from understudy.recordings.formats.vpt.files import LogFiles
from understudy.recordings.formats.vpt.lines import Line, LineReader, parse_line
from understudy.recordings.formats.vpt.metadata import KEY, Export
from understudy.recordings.formats.vpt.steps import Steps
from understudy.recordings.provenance import Provenance
from understudy.recordings.video import VideoReader
from understudy.spec import BehaviorSpec, SensorSpec

_SNIFFED_BYTES = 1 << 16
_MAX_SIDE = 2048


class VptSettings(Settings):
    """Settings of the importer."""

    size: str = Field(
        "auto",
        pattern=r"^(auto|video|\d{1,4}x\d{1,4})$",
        description="Size of the frames as WIDTHxHEIGHT, or 'video' for its own; 'auto' is 128x128, as VPT trains, "
        "or that of the recording that was exported.",
    )
    drop_null: bool = Field(False, description="Leave out the steps in which nothing was done, as VPT's training did.")
    esc_as_inventory: bool = Field(
        False, description="Take ESC in an open GUI for the inventory key, as VPT's training did."
    )
    recorder_version: str = Field(
        "auto", description="Of the recorder, such as 6.9; 'auto' takes it from the folder's name, as in VPT's index."
    )


class VptImporter:
    """Imports VPT and BASALT contractor data: one episode for each `.jsonl` file and the `.mp4` beside it."""

    name: ClassVar[str] = "vpt"
    title: ClassVar[str] = "VPT and BASALT contractor data: Minecraft (.mp4 + .jsonl)"
    Settings: ClassVar[type[Settings]] = VptSettings

    def sniff(self, path: Path) -> bool:
        """Whether the first line is one of a VPT log. The video is found from there."""
        if path.suffix.lower() != ".jsonl" or not path.is_file():
            return False
        try:
            parse_line(guards.head(path, _SNIFFED_BYTES).partition(b"\n")[0])
        except ValueError:
            return False
        return True

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Name the files and count the frames; raises `RecordingError` if the log cannot be read."""
        files = LogFiles.of(path)
        version = _version(files, cast(VptSettings, options.settings))
        with VideoReader(_video(files)) as video:
            size = f"{video.width} × {video.height} pixels"
            num_steps = video.num_frames or None
        notes = (f"Minecraft, recorder {version or 'of unknown version'}, {size}",)
        return LogDescription(files.present, 1, num_steps, notes)

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield the one episode of a log; raises `RecordingError` if it has no video or no whole first line."""
        files = LogFiles.of(path)
        settings = cast(VptSettings, options.settings)
        first, video = _first_line(files.lines), VideoReader(_video(files))
        losses: list[Loss] = []
        export = _export(files, first, losses, options.salvage)
        behavior = _behavior(settings, export, first, (video.height, video.width))
        # An export has degrees as they are, whatever its folder is called.
        scale = 1.0 if export else GUI_MOUSE_SCALES.get(_version(files, settings), 1.0)
        yield LogEpisode(
            export.name if export else files.name,
            behavior,
            export.provenance if export else _provenance(files, settings, first),
            iter(Steps(files.lines, video, behavior, settings, options, scale, export, losses)),
            video.num_frames or None,
            CURSOR_EXTRA,
            losses,
        )


def _video(files: LogFiles) -> Path:
    if not files.video.is_file():
        raise RecordingError(
            f"{files.lines} has no video: put {files.video.name} beside it, for without it nothing was seen."
        )
    return files.video


def _first_line(path: Path) -> Line:
    with LineReader(path) as lines:
        for line in lines:
            return line
        raise RecordingError(f"{path} holds no whole line{f': {lines.damage}' if lines.damage else ''}.")


def _version(files: LogFiles, settings: VptSettings) -> str:
    return files.recorder_version if settings.recorder_version == "auto" else settings.recorder_version


def _export(files: LogFiles, first: Line, losses: list[Loss], salvage: bool) -> Export | None:
    """What Understudy wrote when it exported the log, if it did and that fits."""
    try:
        form = files.read_options().get(KEY)
        export = None if form is None else Export.from_dict(form)
        if export and first.pose is None and len(export.behavior.sensors) > 1:
            raise ValueError("the log does not say where the player is")
        return export
    except (RecordingError, ValueError) as error:
        if not salvage:
            raise RecordingError(f"{files.options}: {str(error).rstrip('.')}.") from error
        losses.append(
            Loss(str(files.options), f"what it says about the recording is not used: {str(error).rstrip('.')}")
        )
        return None


def _behavior(settings: VptSettings, export: Export | None, first: Line, video: tuple[int, int]) -> BehaviorSpec:
    """The behaviour of the log, with frames of the size asked for."""
    behavior = export.behavior if export else minecraft(pose=first.pose is not None)
    if settings.size == "auto":
        return behavior
    size = video
    if settings.size != "video":
        width, height = (int(side) for side in settings.size.split("x"))
        size = (height, width)
    if not all(0 < side <= _MAX_SIDE for side in size):
        raise RecordingError(f"Frames of {size[1]} × {size[0]} pixels cannot be made: each side is 1 to {_MAX_SIDE}.")
    return replace(behavior, sensors=tuple(_resized(each, size) for each in behavior.sensors))


def _resized(sensor: SensorSpec, size: tuple[int, int]) -> SensorSpec:
    return minecraft(size).sensor("frame") if sensor.name == "frame" else sensor


def _provenance(files: LogFiles, settings: VptSettings, first: Line) -> Provenance:
    version = _version(files, settings)
    milli = first.milli or 0
    return Provenance(
        game="minecraft",
        player=files.player,
        source=f"vpt{f' (recorder {version})' if version else ''}",
        notes={"session": files.session} if files.session else {},
        started=datetime.fromtimestamp(milli / 1000, UTC).isoformat(timespec="seconds") if milli else "",
    )
