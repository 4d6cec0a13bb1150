"""A session: one recording as the checks see it, reduced once and light to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from understudy.recordings.doctor.inputs import Inputs
from understudy.recordings.doctor.reducers import is_picture
from understudy.recordings.doctor.runs import Range
from understudy.recordings.doctor.signatures import Signature
from understudy.recordings.reader import Episode
from understudy.spec import BehaviorSpec

_LOADED_AT_ONCE = 4


class Session:
    """A recording under examination.

    Arrays are read from memory-mapped files when asked for and not kept, but for the inputs of the last few sessions:
    many sessions can be looked at together in the memory of a few.

    Args:
        episode: The recording.
        signature: Its reduced sensors.
        held_out: By kind (`"players"`, `"episodes"`, `"blocks"`), the ranges of its steps that a recipe holds out.
        name: What no other session is called; by default the recording's own name.

    Attributes:
        name: Of the recording, and of no other that is looked at.
        measures: What checks measured of it, for the report's table of sessions.
    """

    def __init__(
        self,
        episode: Episode,
        signature: Signature,
        held_out: Mapping[str, tuple[Range, ...]] | None = None,
        name: str = "",
    ) -> None:
        self.episode = episode
        self.name = name or episode.name
        self.signature = signature
        self.held_out = dict(held_out or {})
        self.measures: dict[str, float] = {}
        self._known: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Session({self.name}: {self.num_steps} steps)"

    @property
    def behavior(self) -> BehaviorSpec:
        """What was recorded."""
        return self.episode.behavior

    @property
    def player(self) -> str:
        """Who played; empty if unknown."""
        return self.episode.provenance.player

    @property
    def num_steps(self) -> int:
        """Decisions."""
        return self.episode.num_steps

    @property
    def hz(self) -> float:
        """Decisions a second."""
        return self.behavior.decision_hz

    def steps(self, seconds: float, at_least: int = 1) -> int:
        """Return how many steps some seconds are."""
        return max(at_least, round(seconds * self.hz))

    @property
    def pictures(self) -> tuple[str, ...]:
        """The sensors that are pictures."""
        return tuple(each.name for each in self.behavior.sensors if is_picture(each.space))

    @property
    def vectors(self) -> tuple[str, ...]:
        """The sensors that are numbers."""
        return tuple(each.name for each in self.behavior.sensors if not is_picture(each.space))

    @property
    def inputs(self) -> Inputs:
        """What the player did."""
        return _inputs(self)

    @property
    def times(self) -> tuple[np.ndarray, np.ndarray]:
        """Tick and clock in nanoseconds of each step, int64, shape (steps,) each."""
        return self.episode.tick, self.episode.time_ns

    @cached_property
    def cuts(self) -> frozenset[int]:
        """Steps that surgery marked as not following the step before."""
        return frozenset(step for step, words in enumerate(self.episode.events) if "cut" in words)

    def column(self, sensor: str, name: str) -> np.ndarray:
        """Return a column of a sensor's reducer, such as a picture's `motion`."""
        return self.signature.get(sensor, name)

    def motion(self, sensor: str) -> np.ndarray:
        """How much a sensor changed since the step before, float32, shape (steps,).

        Grey levels for pictures; for numbers, the mean of their changes in their own standard deviations.
        """
        if sensor in self.pictures:
            return np.asarray(self.column(sensor, "motion"))
        values = np.asarray(self.column(sensor, "values"))
        change = np.abs(np.diff(values, axis=0, prepend=values[:1]))
        return (change / np.maximum(values.std(axis=0), 1e-9)).clip(max=100).mean(axis=1).astype(np.float32)

    @property
    def view(self) -> np.ndarray:
        """How much of what the player sees changed, float32, shape (steps,): of pictures if there are any."""
        motions = [self.motion(name) for name in self.pictures or self.vectors]
        return np.asarray(np.mean(motions, axis=0), np.float32)

    def remember(self, key: str, compute: Callable[[], Any]) -> Any:
        """Return what `compute` gives, computed once. For small results only: they are kept as long as the session."""
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]


@lru_cache(maxsize=_LOADED_AT_ONCE)
def _inputs(session: Session) -> Inputs:
    return Inputs(session.episode)
