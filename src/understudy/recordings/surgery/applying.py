"""Applies a plan: writes what comes of it, a recording at a time, so that a run that was stopped can go on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import Progress
from understudy.recordings.layout import SUFFIX
from understudy.recordings.provenance import KEY_FILE, project_key
from understudy.recordings.reader import Episode
from understudy.recordings.surgery.operations import Anonymise
from understudy.recordings.surgery.performing import perform
from understudy.recordings.surgery.plan import Plan
from understudy.recordings.surgery.take import Take, rows_at_once, take_from
from understudy.recordings.writer import EpisodeWriter

PLAN_FILE = "surgery.json"


def apply_plan(
    plan: Plan,
    recordings: Sequence[Episode],
    out: Path,
    progress: Progress = lambda _what, _done, _total: None,
) -> list[Path]:
    """Write what a plan makes of recordings to the new folder `out`, or go on with a run that was stopped.

    Folders below that of the recordings come again in `out`. So does the key that hashes players, unless the plan
    anonymises. Recordings without a step are left out.

    Args:
        plan: What to do.
        recordings: Of any behaviours; none of them is changed.
        out: Must not be there, be empty, or hold a stopped run of the very same plan on the very same recordings.
        progress: Called with (what is written, steps done, steps in all).

    Returns:
        All recordings of `out`, in the order of the plan.

    Raises:
        RecordingError: If an operation does not fit the recordings, nothing is left, `out` is taken, cannot be written
            or lies among the recordings, or a recording is damaged inside.
        SpecError: If an operation names a sensor or action part that is not there.
    """
    try:
        return _apply(plan, [each for each in recordings if each.num_steps], out, progress)
    except OSError as error:
        raise RecordingError(f"{out} cannot be written: {error.strerror}.") from error


def _apply(plan: Plan, recordings: Sequence[Episode], out: Path, progress: Progress) -> list[Path]:
    root = _common_folder(recordings)
    _require_apart(root, out)
    began = _claim(plan, recordings, out)
    try:
        takes = perform(plan, [take_from(each, _home(each, root)) for each in recordings], lambda: project_key(out))
        if not takes:
            raise RecordingError("The plan leaves no recording: everything is dropped, or trimmed past its end.")
    except Exception:
        if began:
            _forget(out)
        raise
    if not any(isinstance(each, Anonymise) for each in plan.operations):
        _copy_key(root, out)
    return _write_all(takes, out, progress)


def _forget(out: Path) -> None:
    """Take back what `_claim` made, so that the plan can be mended and applied to the same folder."""
    shutil.rmtree(out)


def _common_folder(recordings: Sequence[Episode]) -> Path:
    if not recordings:
        raise RecordingError("There is no recording with a step in it, so nothing to apply a plan to.")
    return Path(os.path.commonpath([each.path.resolve().parent for each in recordings]))


def _home(episode: Episode, root: Path) -> str:
    home = episode.path.resolve().parent.relative_to(root).as_posix()
    return "" if home == "." else home


def _require_apart(root: Path, out: Path) -> None:
    home = out.resolve()
    if home.is_relative_to(root) or root.is_relative_to(home):
        raise RecordingError(
            f"{out} lies among the recordings of {root}; name a folder apart, nothing is changed in place."
        )


def _claim(plan: Plan, recordings: Sequence[Episode], out: Path) -> bool:
    """Make `out` the folder of this very work; return whether it is a new one."""
    # Names may tell what an anonymised recording no longer does.
    named = not any(isinstance(each, Anonymise) for each in plan.operations)
    form = {
        "plan": json.loads(plan.to_json()),
        "recordings": [{**({"name": each.name} if named else {}), "digest": each.digest} for each in recordings],
    }
    path = out / PLAN_FILE
    if path.is_file():
        if _read(path) != form:
            raise RecordingError(f"{out} holds the work of another plan, or of other recordings; name a new folder.")
        return False
    if out.exists() and (out.is_file() or any(each != _work(out) for each in out.iterdir())):
        raise RecordingError(f"{out} is there already; name a new folder, nothing is overwritten.")
    out.mkdir(parents=True, exist_ok=True)
    _work(out).mkdir(exist_ok=True)
    draft = _work(out) / PLAN_FILE
    draft.write_text(json.dumps(form, indent=2))
    draft.rename(path)
    return True


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None


def _copy_key(root: Path, out: Path) -> None:
    """Take the players' key along, so that a player can be found, and forgotten, by name in `out` too."""
    # An import keeps it one folder above the recordings of each behaviour.
    found = next((path for path in (root / KEY_FILE, root.parent / KEY_FILE) if path.is_file()), None)
    if found is not None and not (out / KEY_FILE).exists():
        descriptor = os.open(out / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(found.read_text())


def _work(out: Path) -> Path:
    """A hidden folder: whoever opens `out` meanwhile must not find half a recording."""
    return out / ".part"


def _write_all(takes: Sequence[Take], out: Path, progress: Progress) -> list[Path]:
    _work(out).mkdir(exist_ok=True)
    total, done = sum(take.num_steps for take in takes), 0
    written = []
    for take in takes:
        written.append(_write(take, out, partial(_report, progress, done, total)))
        done += take.num_steps
    shutil.rmtree(_work(out))
    return written


def _report(progress: Progress, before: int, total: int, steps: int) -> None:
    progress("Writing recordings", before + steps, total)


def _write(take: Take, out: Path, report: Callable[[int], None]) -> Path:
    path = out / take.home / f"{take.name}{SUFFIX}"
    if path.exists():
        report(take.num_steps)
        return path
    work = _work(out)
    (work / path.name).unlink(missing_ok=True)
    layout, chunk = take.layout, rows_at_once(take.behavior)
    with EpisodeWriter(
        work, layout.behavior, layout.provenance, name=take.name, extras=layout.extras, reveal_player=True
    ) as writer:
        for start in range(0, take.num_steps, chunk):
            rows = take.rows(start, min(start + chunk, take.num_steps))
            writer.extend(**rows.columns())
            report(writer.num_steps)
        end = take.ending()
        writer.finish(terminated=end.terminated, truncated=end.truncated, final_observation=end.final_observation)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer.path.rename(path)
    return path
