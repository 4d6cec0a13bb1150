"""What a worker keeps of a run beside its reports: the recording, and the newest picture."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

import numpy as np
from gymnasium import spaces

from understudy.playtest.run.game import Game
from understudy.playtest.run.job import Job
from understudy.playtest.run.moment import Ended, Number
from understudy.playtest.run.pictures import LastPicture
from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import Action, Observation


class Keeper:
    """Keeps a run, or nothing of it if the job does not ask for a recording.

    Args:
        job: The run.
        game: Once it was reset.
        info: What it told then.
    """

    def __init__(self, job: Job, game: Game, info: Mapping[str, Number]) -> None:
        self._writer = _recorder(job, game, info) if job.record else None
        self._last = LastPicture(job.recording, game.recorded) if job.record else None
        self._shapes = {name: space.shape for name, space in self._writer.layout.extras.items()} if self._writer else {}

    def __enter__(self) -> Keeper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer:
            self._writer.__exit__(kind, error, trace)

    def look(self, seen: Observation) -> None:
        """Keep the picture of a decision that is about to be made."""
        if self._last:
            self._last.keep(seen)

    def append(self, seen: Observation, action: Action, info: Mapping[str, Number], reward: float | None) -> None:
        """Keep a decision that was made; its reward is None if the game did not get to tell it."""
        if self._writer is None:
            return
        extras = {
            name: np.asarray(
                info[name] if name in info and np.shape(info[name]) == shape else np.zeros(shape), np.float32
            )
            for name, shape in self._shapes.items()
        }
        self._writer.append(seen, action, reward=reward, extras=extras)

    def finish(self, how: Ended, seen: Observation) -> None:
        """Say that the run was played to its end, and what was seen last."""
        if self._writer:
            ended = how is Ended.TERMINATED
            self._writer.finish(terminated=ended, truncated=not ended, final_observation=seen)


def _recorder(job: Job, game: Game, info: Mapping[str, Number]) -> EpisodeWriter:
    who = job.persona.name if job.persona else "replay"
    provenance = Provenance(game=job.game.id, seed=job.seed, source="playtest", notes={"persona": who})
    extras = {name: spaces.Box(-np.inf, np.inf, np.shape(value), np.float32) for name, value in info.items()}
    folder, name = job.recording.parent, job.recording.name
    return EpisodeWriter(folder, game.recorded, provenance, name=name, extras=extras)
