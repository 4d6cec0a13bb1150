"""Small studies of generated play, with and without defects, for the doctor's tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from understudy.recordings import open_recordings
from understudy.recordings.doctor import Finding, Severity, checks, examine
from understudy.recordings.doctor.specimens import Play, Study, generate, save

STUDY = Study(hz=10, lively=False)
SECONDS = 30.0


@cache
def clean_play(seed: int, seconds: float = SECONDS) -> Play:
    """Play without defects, made once."""
    return generate(STUDY, 7000 + seed, seconds=seconds)


def write_study(folder: Path, spoiled: Play | None = None, *, clean: int = 6) -> None:
    """Write some clean sessions, and one called `spoiled`."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(clean):
        shutil.copy(_recorded(seed), folder)
    if spoiled is not None:
        save(spoiled, folder, "spoiled")


def find(folder: Path, *names: str) -> Sequence[Finding]:
    """Examine a folder with the checks named. What clean sessions are reduced to is shared by all tests."""
    cache_ = Path(_home().name) / "cache"
    return examine(list(open_recordings(folder)), cache_, checks=checks(names)).findings


@cache
def _home() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="doctor-studies-")


@cache
def _recorded(seed: int) -> Path:
    return save(clean_play(seed), Path(_home().name) / "clean", f"clean-{seed}")


def only(findings: Sequence[Finding], check: str) -> Finding:
    """The one finding of a check of at least a warning, which is about `spoiled`."""
    (found,) = [each for each in findings if each.check == check and each.severity >= Severity.WARNING]
    assert found.recording == "spoiled"
    return found


def with_columns(play: Play, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Play:
    """Return a play with one sensor or action part changed."""
    if name in play.actions:
        return replace(play, actions={**play.actions, name: change(play.actions[name].copy())})
    return replace(play, observations={**play.observations, name: change(play.observations[name].copy())})
