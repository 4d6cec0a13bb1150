"""Pictures of moments: from the recording, or, if the game died, from the last one it showed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import RecordingError
from understudy.playtest.run.game import picture_sensor
from understudy.playtest.run.trace import Trace
from understudy.recordings import Episode, open_recordings
from understudy.recordings.layout import SUFFIX
from understudy.spec import BehaviorSpec, Observation

_LAST_SUFFIX = ".last.npy"


class LastPicture:
    """Keeps the newest picture in a memory-mapped file, which outlives the process at any instant.

    A recording is written once a second, so it lacks the very moment of a crash.

    Args:
        recording: The recording's path without suffix; the picture lies beside it.
        behavior: Of the recording; without a picture among its sensors nothing is kept.
    """

    def __init__(self, recording: Path, behavior: BehaviorSpec) -> None:
        self._sensor = picture_sensor(behavior)
        self._memory: np.ndarray[Any, Any] | None = None
        if self._sensor:
            shape = behavior.sensor(self._sensor).space.shape
            recording.parent.mkdir(parents=True, exist_ok=True)
            path = _beside(recording, _LAST_SUFFIX)
            self._memory = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)

    def keep(self, seen: Observation) -> None:
        """Replace the picture by that of this observation."""
        if self._memory is not None and self._sensor:
            self._memory[:] = seen[self._sensor]


def drop_last_picture(trace: Trace) -> None:
    """Delete the newest picture of a run that is over, once its findings have theirs."""
    _beside(trace.run.recording, _LAST_SUFFIX).unlink(missing_ok=True)


def open_episode(trace: Trace) -> Episode | None:
    """Return the recording of a run; None if the game died before the first second of it was written."""
    try:
        return open_recordings(_beside(trace.run.recording, SUFFIX))[0]
    except RecordingError:
        return None


def picture_at(trace: Trace, tick: int) -> np.ndarray[Any, Any] | None:
    """Return the picture that was seen at a decision, uint8 (height, width, 1 or 3); None if there is none.

    Where the recording ends before it, it is the last that was seen.
    """
    episode = open_episode(trace)
    sensor = picture_sensor(episode.behavior) if episode else None
    if episode and sensor and tick < episode.num_steps:
        return episode.observation(sensor, slice(tick, tick + 1))[0]
    last = _beside(trace.run.recording, _LAST_SUFFIX)
    if last.exists():
        picture: np.ndarray[Any, Any] = np.load(last, allow_pickle=False)
        return picture
    final = episode.final_observation() if episode else None
    return final[sensor] if final and sensor else None


def _beside(recording: Path, suffix: str) -> Path:
    return recording.with_name(f"{recording.name}{suffix}")
