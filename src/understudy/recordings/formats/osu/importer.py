"""Imports osu! replays: the continuous mouse of a person, resampled to a steady rate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from gymnasium import spaces
from pydantic import Field

from understudy.errors import RecordingError
from understudy.recordings.formats.guards import head
from understudy.recordings.formats.osu.frames import KEYS, Frames
from understudy.recordings.formats.osu.replay import MODES, Replay, looks_like_replay, read_replay
from understudy.recordings.formats.osu.steps import LONGEST_MEMORY_S, Steps, split_at_gaps
from understudy.recordings.formats.protocol import ImportOptions, LogDescription, LogEpisode, Loss, Rows, Settings
from understudy.recordings.provenance import Provenance
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

_HEAD = 4096


class OsuSettings(Settings):
    """How replays are resampled."""

    rate_hz: float = Field(60.0, gt=0, le=1000, description="decisions a second of the player's time")
    max_gap_s: float = Field(1.0, gt=0, description="a longer time without a frame ends the episode")


def osu_behavior(rate_hz: float) -> BehaviorSpec:
    """Return what is seen and done in osu!, at `rate_hz` decisions a second."""
    reach = spaces.Box(-1024, 1024, (2,), np.float32)
    return BehaviorSpec(
        "osu",
        (
            SensorSpec("cursor", spaces.Box(-np.inf, np.inf, (2,), np.float32), "osu!pixels"),
            SensorSpec("since_press", spaces.Box(0, LONGEST_MEMORY_S, (len(KEYS),), np.float32), "seconds"),
            SensorSpec("song_time", spaces.Box(-np.inf, np.inf, (1,), np.float32), "seconds"),
        ),
        (
            ActionSpec("move", reach, "osu!pixels per decision", ("right", "down")),
            ActionSpec("keys", spaces.MultiBinary(len(KEYS)), labels=KEYS),
        ),
        rate_hz,
    )


class OsuImporter:
    """Reads `.osr` files of the mode osu!; the other modes have no free cursor and are refused."""

    name: ClassVar[str] = "osu"
    title: ClassVar[str] = "osu! replays (.osr)"
    Settings: ClassVar[type[Settings]] = OsuSettings

    def sniff(self, path: Path) -> bool:
        """Whether a file begins like a replay."""
        return path.is_file() and looks_like_replay(head(path, _HEAD))

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Say what the replay holds; it is small, so it is read whole."""
        replay = self._read(path, options)
        notes = [f"game version {replay.version}", f"mods: {', '.join(replay.mods) or 'none'}"]
        if replay.scripted:
            notes.append("the game moved the cursor by itself here, not a person")
        return LogDescription((path,), 1, None, tuple(notes))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield the play, in pieces where it has gaps."""
        settings = _settings(options)
        replay = self._read(path, options)
        losses = [Loss(str(path), problem) for problem in replay.problems]
        pieces = split_at_gaps(replay.frames, settings.max_gap_s * 1000 * replay.speed)
        losses += [
            Loss(str(path), f"{gap:.1f} s without a frame; the play goes on as another episode")
            for _, gap in pieces[:-1]
        ]
        for number, (frames, _) in enumerate(pieces):
            whole = number == len(pieces) - 1 and not replay.problems
            yield _episode(replay, frames, number, whole, settings, losses if not number else [])

    def _read(self, path: Path, options: ImportOptions) -> Replay:
        replay = read_replay(path)
        if replay.mode != 0:
            raise RecordingError(
                f"{path} is of the mode {MODES[replay.mode]}, which has no free cursor; only osu! itself is imported."
            )
        if replay.problems and not options.salvage:
            raise RecordingError(f"{path}: {replay.problems[0]}.")
        if len(replay.frames.times_ms) < 2:
            what = replay.problems[0] if replay.problems else "it holds no play, only a score"
            raise RecordingError(f"{path}: {what}.")
        return replay


def _settings(options: ImportOptions) -> OsuSettings:
    return options.settings if isinstance(options.settings, OsuSettings) else OsuSettings()


def _episode(
    replay: Replay, frames: Frames, number: int, whole: bool, settings: OsuSettings, losses: list[Loss]
) -> LogEpisode:
    steps = Steps(frames, settings.rate_hz, replay.speed)
    part = f"-{number + 1}" if number else ""
    rows: Iterator[Rows] = steps.rows(terminated=whole)
    name = f"osu-{replay.beatmap[:8].lower()}-{replay.digest[:12]}{part}"
    return LogEpisode(
        name, osu_behavior(settings.rate_hz), _provenance(replay), rows, steps.num_steps, losses=list(losses)
    )


def _provenance(replay: Replay) -> Provenance:
    return Provenance(
        "osu!",
        build=str(replay.version),
        map=replay.beatmap,
        seed=replay.frames.seed,
        player=replay.player,
        source="osu! replay (.osr)",
        notes={
            "mods": list(replay.mods),
            "speed": replay.speed,
            "scripted": replay.scripted,
            "resampling": "cursor interpolated, keys held at least once",
            **replay.scores,
        },
        started=replay.started,
    )
