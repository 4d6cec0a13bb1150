"""Recording a game: how much one core writes, and how long the game waits for it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator

import numpy as np
from _table import Row
from gymnasium import spaces

from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import Action, ActionSpec, BehaviorSpec, Observation, SensorSpec

SIZE = 64
SCALARS, CHOICES, STICKS = 24, 3, 3  # 30 fields beside the frame
STEPS = 10_000
TICK_HZ = 60
TICKS = 1800
BEHAVIOR = BehaviorSpec(
    "writer",
    (
        SensorSpec("frame", spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8)),
        *(SensorSpec(f"number_{index}", spaces.Box(-np.inf, np.inf, (), np.float32)) for index in range(SCALARS)),
    ),
    (
        *(ActionSpec(f"choice_{index}", spaces.Discrete(4)) for index in range(CHOICES)),
        *(ActionSpec(f"stick_{index}", spaces.Box(-1, 1, (1,), np.float32)) for index in range(STICKS)),
    ),
    float(TICK_HZ),
)


def rows() -> list[Row]:
    """Measure; about a minute."""
    what = f"{SIZE} × {SIZE} frames and {SCALARS + CHOICES + STICKS} fields"
    waits = paced()
    return [
        Row(
            "Writer, frames a second on one core",
            on_one_core(),
            5000,
            "frames/s",
            note=f"{what}, {STEPS} steps, the game's copying, PNG, checksums and fsync all on one core",
        ),
        Row(
            "Writer, blocking time a tick seen by the game, p99",
            float(np.quantile(waits, 0.99)) * 1e3,
            1.0,
            "ms",
            at_most=True,
            note=f"{what}, {TICKS} ticks at {TICK_HZ} Hz; median {np.median(waits) * 1e6:.0f} µs, "
            f"longest {waits.max() * 1e3:.2f} ms",
        ),
    ]


def on_one_core() -> float:
    """Write as fast as one core can, to the end mark."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        steps = list(_steps(240))
        with tempfile.TemporaryDirectory() as folder, EpisodeWriter(folder, BEHAVIOR, Provenance("writer")) as writer:
            start = time.perf_counter()
            for index in range(STEPS):
                writer.append(*steps[index % len(steps)], reward=0.0)
            writer.finish(truncated=True)
            return STEPS / (time.perf_counter() - start)
    finally:
        os.sched_setaffinity(0, before)


def paced() -> np.ndarray:
    """Record at a game's pace; returns the seconds that each `append` took."""
    waits = np.empty(TICKS)
    steps = list(_steps(240))
    with tempfile.TemporaryDirectory() as folder, EpisodeWriter(folder, BEHAVIOR, Provenance("writer")) as writer:
        due = time.perf_counter()
        for index in range(TICKS):
            due += 1 / TICK_HZ
            time.sleep(max(0.0, due - time.perf_counter()))
            start = time.perf_counter()
            writer.append(*steps[index % len(steps)], reward=0.0)
            waits[index] = time.perf_counter() - start
        writer.finish(truncated=True)
    return waits


def _steps(count: int) -> Iterator[tuple[Observation, Action]]:
    """What a camera gliding over a textured plane sees, and numbers that change."""
    rng = np.random.default_rng(0)
    texture = np.kron(rng.integers(0, 256, (60, 60, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    path = np.cumsum(rng.integers(-1, 2, (count, 2)), axis=0) % (len(texture) - SIZE)
    for y, x in path:
        numbers = rng.normal(size=SCALARS).astype(np.float32)
        observation = {"frame": texture[y : y + SIZE, x : x + SIZE], **_named("number", numbers)}
        choices = _named("choice", rng.integers(0, 4, CHOICES))
        yield observation, {**choices, **_named("stick", rng.uniform(-1, 1, (STICKS, 1)).astype(np.float32))}


def _named(word: str, values: np.ndarray) -> dict[str, np.ndarray]:
    return {f"{word}_{index}": value for index, value in enumerate(values)}
