"""Imports OWAMcap recordings: events of keyboard, mouse and screen, binned to decisions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import ClassVar

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats.owamcap.bins import Step
from understudy.recordings.formats.owamcap.container import Container, looks_like_owamcap
from understudy.recordings.formats.owamcap.keyboard import MOUSE_BUTTONS
from understudy.recordings.formats.owamcap.messages import Events
from understudy.recordings.formats.owamcap.pictures import Screen
from understudy.recordings.formats.owamcap.plan import OwamcapSettings, Plan, embeds_pictures, find_videos, survey_log
from understudy.recordings.formats.protocol import (
    Ending,
    ImportOptions,
    LogDescription,
    LogEpisode,
    Loss,
    Rows,
    Settings,
)
from understudy.recordings.provenance import Provenance

_ROWS, _PICTURE_ROWS = 512, 64


class OwamcapImporter:
    """Reads `.mcap` files of the open-world-agents recorder, and the videos beside them."""

    name: ClassVar[str] = "owamcap"
    title: ClassVar[str] = "desktop recordings of open-world-agents (OWAMcap)"
    Settings: ClassVar[type[Settings]] = OwamcapSettings

    def sniff(self, path: Path) -> bool:
        """Whether a file is MCAP of OWA's profile."""
        return looks_like_owamcap(path)

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Say what the log holds; its events are read, its video is not."""
        settings, survey = _settings(options), survey_log(path)
        notes = [f"written by {survey.library or 'an unknown program'}"]
        notes += [f"{count:,} × {kind}" for kind, count in sorted(survey.kinds.items())]
        if "window" in survey.kinds and not options.keep_text:
            notes.append("titles of windows are left out")
        videos, losses = find_videos(path, survey, settings)
        notes += [loss.what for loss in losses]
        return LogDescription((path, *videos), None, int(survey.seconds * settings.rate_hz) + 1, tuple(notes))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield what was done, in pieces where nothing was logged for long."""
        settings, survey = _settings(options), survey_log(path)
        if survey.problem and not options.salvage:
            raise RecordingError(f"{path}: {survey.problem}.")
        if not survey.kinds:
            raise RecordingError(f"{path}: {survey.problem or 'it holds no event of keyboard, mouse or screen'}.")
        videos, losses = find_videos(path, survey, settings)
        plan = Plan(path, settings, survey, bool(videos) or embeds_pictures(survey, settings), options)
        for number, group in groupby(_numbered(plan, losses), key=itemgetter(0)):
            steps = (step for _, step in group)
            first = next(steps)
            yield _episode(plan, number, first, chain([first], steps), losses)


def _settings(options: ImportOptions) -> OwamcapSettings:
    return options.settings if isinstance(options.settings, OwamcapSettings) else OwamcapSettings()


def _episode(plan: Plan, number: int, first: Step, steps: Iterator[Step], losses: list[Loss]) -> LogEpisode:
    """Make the episode of a piece."""
    started = datetime.fromtimestamp(first.time // 10**9, UTC)
    part = f"-{number + 1}" if number else ""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", plan.settings.game).strip("-.") or "desktop"
    provenance = Provenance(
        plan.settings.game,
        source=f"OWAMcap ({plan.survey.library})",
        notes={
            "binning": "seen at the decision's start; held at any time of it; movements summed",
            "mouse": "raw" if plan.raw_mouse else "absolute",
        },
        started=started.isoformat(),
    )
    own: list[Loss] = []
    rows = _rows(plan, steps, losses, own)
    return LogEpisode(f"{name}-{started:%Y%m%dT%H%M%S}{part}", plan.behavior, provenance, rows, losses=own)


def _numbered(plan: Plan, losses: list[Loss]) -> Iterator[tuple[int, Step]]:
    """Yield the decisions, each with the number of its piece: where nothing was logged for long another begins."""
    events = Events(Container(plan.path))
    binner, number, last = plan.binner(), 0, 0
    for event in events:
        seconds = (event.time - last) / 1e9
        if last and seconds > plan.settings.max_gap_s:
            what = f"{seconds:.1f} s without any event; another episode begins there"
            losses.append(Loss(str(plan.path), what))
            yield from ((number, step) for step in binner.finish())
            binner, number = plan.binner(), number + 1
        last = event.time
        yield from ((number, step) for step in binner.take(event))
    # Of the decision in which the log was cut nobody knows what else was done.
    if not events.container.problem:
        yield from ((number, step) for step in binner.finish())
    losses += _troubles(plan, events)


def _troubles(plan: Plan, events: Events) -> Iterator[Loss]:
    if events.container.problem:
        yield Loss(str(plan.path), events.container.problem)
    if events.strange:
        yield Loss(str(plan.path), f"{events.strange:,} messages are not as their schema says")
    if events.late:
        yield Loss(str(plan.path), f"{events.late:,} events lie back in time, and count as of the newest before them")


def _rows(plan: Plan, steps: Iterator[Step], losses: list[Loss], own: list[Loss]) -> Iterator[Rows]:
    """Yield the decisions of a piece; a picture that cannot be had ends it."""
    size = tuple(int(each) for each in plan.settings.size.split("x"))
    held: Rows | None = None
    with closing(Screen(plan.path.parent, (size[0], size[1]))) as screen:
        for rows in _gathered(plan, steps, screen, own):
            if held:
                yield held
            held = rows
    if held:
        # Nothing in the log says that anything was over.
        yield replace(held, ending=Ending(truncated=True))
    own += losses
    losses.clear()


def _gathered(plan: Plan, steps: Iterator[Step], screen: Screen, own: list[Loss]) -> Iterator[Rows]:
    taken: list[Step] = []
    pictures: list[np.ndarray] = []
    most = _PICTURE_ROWS if plan.screen else _ROWS
    for step in steps:
        try:
            if plan.screen and step.screen:
                pictures.append(screen.picture(*step.screen))
        except RecordingError as error:
            if not plan.options.salvage:
                raise RecordingError(f"{plan.path}: {str(error).rstrip('.')}.") from error
            what = f"{str(error).rstrip('.')}; the decisions from there on are lost"
            own.append(Loss(str(plan.path), what, 1 + sum(1 for _ in steps)))
            break
        taken.append(step)
        if len(taken) == most:
            yield _columns(plan, taken, pictures)
            taken, pictures = [], []
    if taken:
        yield _columns(plan, taken, pictures)


def _columns(plan: Plan, steps: list[Step], pictures: list[np.ndarray]) -> Rows:
    observations: dict[str, np.ndarray] = {"cursor": np.array([step.cursor for step in steps], np.float32)}
    if plan.screen:
        observations["screen"] = np.stack(pictures)
    actions: dict[str, np.ndarray] = {
        "keys": np.array([[code in step.keys for code in plan.keys] for step in steps], np.int8),
        "buttons": np.array([[name in step.buttons for name in MOUSE_BUTTONS] for step in steps], np.int8),
        "mouse": np.array([step.moved for step in steps], np.float32),
        "wheel": np.array([step.wheel for step in steps], np.float32),
    }
    times = np.array([step.time for step in steps], np.int64)
    return Rows(observations, actions, events=[step.words for step in steps], times_ns=times)
