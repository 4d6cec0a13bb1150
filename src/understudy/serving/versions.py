"""The versions of one bundle: the one that plays, a newer one on trial, and the way back.

A newer version plays for a share of the bots (a canary), or for all of them with the older one kept ready. Where it
fails, the older version decides the same bots on the same state, so that no tick is lost; where it fails
often, or is much slower, it is taken back.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import PolicyRuntime, open_runtime
from understudy.errors import BundleError
from understudy.serving.metrics import Counters
from understudy.serving.table import Memory
from understudy.serving.tracing import TracedCounters

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

MAX_FAILURES = 3
"""Failed batches of a version on trial before it is taken back."""

TRIAL_TURNS = 2000
"""Turns after which a version that plays for all bots is no longer on trial."""

_CHECK_EVERY = 256
_WARM_ROWS = (1, 64)
_SLOWER, _SLACK_S = 2.0, 0.002
_LOG = logging.getLogger(__name__)


class Runtime(Protocol):
    """What computes a batch; `understudy.agents.runtime.PolicyRuntime` does."""

    def step(
        self, sensors: Sequence[np.ndarray], state: np.ndarray, noise: np.ndarray, style: np.ndarray | None = None
    ) -> tuple[Sequence[np.ndarray], np.ndarray]:
        """Return the action parts and the next state, one row per bot."""
        ...


@dataclass(frozen=True)
class Version:
    """A bundle that is loaded and checked.

    Attributes:
        bundle: As it lies on disk.
        runtime: Of it.
        counters: What it has done.
    """

    bundle: Bundle
    runtime: Runtime
    counters: Counters = field(default_factory=Counters)


class Versions:
    """Decides which version computes which bot.

    The event loop, the turns and whoever reads may be different threads: what belongs together is replaced as one.

    Args:
        stable: What plays now.

    Attributes:
        stable: The version that is trusted.
    """

    def __init__(self, stable: Version) -> None:
        self.stable = stable
        self._trial: _Trial | None = None

    @property
    def trial(self) -> Version | None:
        """The newer version, or None."""
        trial = self._trial
        return None if trial is None else trial.version

    @property
    def share(self) -> float:
        """Of the bots that the newer one plays, 0 to 1."""
        trial = self._trial
        return 0.0 if trial is None else trial.share

    @property
    def newest(self) -> Version:
        """The version new clients are told of: the one that plays for all bots, on trial or not."""
        trial = self._trial
        return trial.version if trial is not None and trial.share >= 1 else self.stable

    @property
    def all(self) -> list[Version]:
        """Every version that is loaded, the trusted one first."""
        trial = self.trial
        return [self.stable] if trial is None else [self.stable, trial]

    def share_of(self, version: Version) -> float:
        """Return which share of the bots a version plays."""
        trial = self._trial
        if trial is None:
            return 1.0 if version is self.stable else 0.0
        return trial.share if version is trial.version else 1 - trial.share

    def try_out(self, version: Version, share: float) -> None:
        """Give a newer version a share of the bots; a trial that was going on ends in favour of the trusted version."""
        self._trial = _Trial(version, share, math.ceil(share * 2**32))

    def promote(self) -> None:
        """Trust the newer version."""
        self.stable = self.trial or self.stable
        self.take_back()

    def take_back(self) -> None:
        """Drop the newer version, whatever it played."""
        self._trial = None

    def step(
        self, slots: np.ndarray, sensors: Sequence[np.ndarray], memory: Memory, requests: int = 1, queue_s: float = 0.0
    ) -> tuple[Sequence[np.ndarray], np.ndarray]:
        """Decide once for a batch of bots; see `PolicyRuntime.step`.

        Args:
            slots: Of the bots, int64, shape (bots,); whether a bot belongs to the share follows from its slot.
            sensors: In the spec's order, each of shape (bots, *sensor shape).
            memory: State, noise and style.
            requests: How many ticks are in the batch.
            queue_s: Seconds its oldest tick waited.
        """
        trial = self._trial
        batch = _Batch(sensors, memory, requests, queue_s)
        if trial is None:
            return _step(self.stable, batch)
        tried = _place(slots) < trial.threshold
        if tried.all():
            return self._try(trial.version, batch)
        if not tried.any():
            return _step(self.stable, batch)
        return _merge(tried, self._try(trial.version, batch.take(tried)), _step(self.stable, batch.take(~tried)))

    def _try(self, trial: Version, batch: _Batch) -> tuple[Sequence[np.ndarray], np.ndarray]:
        try:
            answer = _step(trial, batch)
        except Exception:
            answer = _step(self.stable, batch)  # If this fails too, the observations are to blame.
            trial.counters.failure()
            if trial.counters.failures >= MAX_FAILURES:
                _LOG.exception("Version %s of '%s' failed, so it is taken back", *_name(trial))
                self.take_back()
            return answer
        if trial.counters.turns % _CHECK_EVERY == 0:
            self._judge(trial)
        return answer

    def _judge(self, trial: Version) -> None:
        """Take it back if it is too slow; trust it once it has played long enough."""
        new, old = trial.counters.step_quantiles(), self.stable.counters.step_quantiles()
        if old.p99_s and new.p99_s > _SLOWER * old.p99_s + _SLACK_S:
            _LOG.error(
                "Version %s of '%s' takes %.1f ms (p99), the one before it %.1f ms, so it is taken back",
                *(*_name(trial), new.p99_s * 1e3, old.p99_s * 1e3),
            )
            self.take_back()
        elif self.share >= 1 and trial.counters.turns >= TRIAL_TURNS:
            self.promote()


class _Trial(NamedTuple):
    version: Version
    share: float
    threshold: int


class _Batch(NamedTuple):
    sensors: Sequence[np.ndarray]
    memory: Memory
    requests: int
    queue_s: float

    def take(self, mask: np.ndarray) -> _Batch:
        style = None if self.memory.style is None else self.memory.style[mask]
        memory = Memory(self.memory.state[mask], self.memory.noise[mask], style)
        return self._replace(sensors=[each[mask] for each in self.sensors], memory=memory)


def _step(version: Version, batch: _Batch) -> tuple[Sequence[np.ndarray], np.ndarray]:
    began = time.perf_counter()
    answer = version.runtime.step(batch.sensors, *batch.memory)
    version.counters.turn(batch.requests, len(batch.memory.state), batch.queue_s, time.perf_counter() - began)
    return answer


def _merge(
    first: np.ndarray, one: tuple[Sequence[np.ndarray], np.ndarray], other: tuple[Sequence[np.ndarray], np.ndarray]
) -> tuple[Sequence[np.ndarray], np.ndarray]:
    """Put the rows of two answers back into the order of the batch; `first` says which rows `one` holds."""
    order = np.argsort(np.concatenate([np.flatnonzero(first), np.flatnonzero(~first)]))
    (parts, state), (other_parts, other_state) = one, other
    joined = [np.concatenate(pair)[order] for pair in zip(parts, other_parts, strict=True)]
    return joined, np.concatenate([state, other_state])[order]


def _place(slots: np.ndarray) -> np.ndarray:
    """Spread slots evenly over [0, 2**32), the same each time: Fibonacci hashing (Knuth, volume 3, section 6.4)."""
    return (slots.astype(np.uint64) * np.uint64(2654435769)) & np.uint64(0xFFFFFFFF)


def _name(version: Version) -> tuple[str, str]:
    return version.bundle.digest[:12], version.bundle.name


@dataclass(frozen=True)
class Loading:
    """How bundles are loaded.

    Attributes:
        threads: Of one batch.
        precision: `"fp32"`, the name of a variant, or `"auto"` for the fastest one that agrees often enough.
        min_agreement: The least share of decisions, 0 to 1, that must be those of float32.
        tracer: OpenTelemetry's, if turns are to leave spans.
    """

    threads: int = 1
    precision: str = "fp32"
    min_agreement: float = 0.99
    tracer: Tracer | None = None

    def load(self, bundle: Bundle) -> Version:
        """Load a bundle, replay its parity sample, and warm up with batches of a few sizes.

        Raises:
            BundleError: If the graph cannot be loaded, answers otherwise than it did where it was exported, or cannot
                decide for a batch.
        """
        runtime = open_runtime(bundle, self.threads, self.precision, self.min_agreement)
        runtime.verify()
        for rows in _WARM_ROWS:
            _warm_up(runtime, bundle, rows)
        return Version(bundle, runtime, self._counters(bundle))

    def _counters(self, bundle: Bundle) -> Counters:
        if self.tracer is None:
            return Counters()
        return TracedCounters(self.tracer, bundle.name, bundle.digest[:12])


def _warm_up(runtime: PolicyRuntime, bundle: Bundle, rows: int) -> None:
    sensors = [np.zeros((rows, *each.space.shape), each.space.dtype) for each in bundle.behavior.sensors]
    state, noise = (np.zeros((rows, size), np.float32) for size in (bundle.state_size, bundle.noise_size))
    try:
        parts, following = runtime.step(sensors, state, noise)
    except Exception as error:  # each runtime has errors of its own
        raise BundleError(f"{bundle.folder} cannot decide for a batch of {rows} bots: {error}") from error
    expected = [(rows, *each.shape) for each in bundle.behavior.actions]
    if following.shape != state.shape or [each.shape for each in parts] != expected:
        raise BundleError(
            f"The graph in {bundle.folder} gives a state of shape {following.shape} and actions of other shapes than "
            f"its card's ({state.shape} and {expected}); export the bundle again."
        )
