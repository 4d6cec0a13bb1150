"""The behaviours that the round-trip matrix exports: what formats differ on, each in its simplest form."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path

import numpy as np
from gymnasium import spaces

from toys import sample_action, sample_observation
from understudy.recordings import EpisodeWriter, Provenance, Recordings, open_recordings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

HZ = 20.0
_OBS = SensorSpec("obs", spaces.Box(-10, 10, (5,), np.float32), "map units")
_FRAME = SensorSpec("frame", spaces.Box(0, 255, (64, 64, 3), np.uint8))
_CHOICE = ActionSpec("action", spaces.Discrete(4), labels=("wait", "left", "right", "jump"))
_NUMBERS = ActionSpec("action", spaces.Box(-1, 1, (2,), np.float32), "share", labels=("gas", "wheel"))
_MOVE = ActionSpec("move", spaces.Discrete(3), labels=("back", "none", "forward"))
_AIM = ActionSpec("aim", spaces.Box(-1, 1, (2,), np.float32), "share", labels=("yaw", "pitch"))
_MIXED = (
    SensorSpec("place", spaces.Box(-np.inf, np.inf, (3,), np.float64), "metres"),
    SensorSpec("ammo", spaces.Box(0, 1000, (2,), np.int64)),
    SensorSpec("depth", spaces.Box(0, 255, (6, 8, 1), np.uint8), privileged=True, computed={"from": [1, "engine"]}),
    SensorSpec("health", spaces.Box(0, 100, (), np.float32), "percent"),
)
_KEYS = ActionSpec("keys", spaces.MultiBinary(3), labels=("fire", "use", "jump"))

VECTOR = BehaviorSpec("vector", (_OBS,), (_MOVE, _AIM), HZ)
PLAIN = BehaviorSpec("plain", (_OBS,), (_CHOICE,), HZ)
CONTINUOUS = BehaviorSpec("continuous", (_OBS,), (_NUMBERS,), HZ)
PIXELS = BehaviorSpec("pixels", (_FRAME,), (_CHOICE,), HZ)

MIXED = BehaviorSpec("mixed", _MIXED, (_KEYS, _MOVE), 17.5)


def behaviors() -> dict[str, BehaviorSpec]:
    """Every behaviour of the matrix by name, with Minecraft's where its format is there."""
    found = {each.name: each for each in (VECTOR, PLAIN, CONTINUOUS, PIXELS, MIXED)}
    with contextlib.suppress(ModuleNotFoundError, AttributeError):
        found["minecraft"] = importlib.import_module("understudy.recordings.formats.vpt").MINECRAFT
    return found


def record(folder: Path, behavior: BehaviorSpec, *, lengths: tuple[int, ...] = (23, 41), seed: int = 0) -> Recordings:
    """Write whole recordings of a behaviour, with rewards, events, uneven ticks and times, and every kind of ending."""
    for index, steps in enumerate(lengths):
        _write(folder, behavior, index, steps, seed + index)
    return open_recordings(folder)


def _write(folder: Path, behavior: BehaviorSpec, index: int, steps: int, seed: int) -> None:
    rng = np.random.default_rng((seed, 7))
    provenance = Provenance("toy", build="1.0", map=f"level-{index}", player="ann", started="2024-01-01T00:00:00+00:00")
    clock = 1_700_000_000_000_000_000
    with EpisodeWriter(folder, behavior, provenance, name=f"{behavior.name}-{index}") as writer:
        for step in range(steps):
            clock += int(rng.integers(40_000_000, 60_000_000))
            writer.append(
                _observation(behavior, seed, step),
                sample_action(behavior, seed, step),
                reward=float(np.float32(rng.normal())),
                events=["jump"] if step % 5 == 3 else [],
                tick=3 * step + 7,
                time_ns=clock,
            )
        ended = index % 2 == 0
        writer.finish(terminated=ended, truncated=not ended, final_observation=_observation(behavior, seed, steps))


def _observation(behavior: BehaviorSpec, seed: int, step: int) -> dict[str, np.ndarray]:
    """Draw an observation; pictures are smooth and move, as a video's are, since noise says nothing of a codec."""
    drawn = sample_observation(behavior, seed, step)
    for sensor in behavior.sensors:
        if sensor.space.dtype == np.uint8 and len(sensor.space.shape) == 3:
            drawn[sensor.name] = smooth_picture(sensor.space.shape, seed, step)
    return drawn


def smooth_picture(shape: tuple[int, ...], seed: int, step: int) -> np.ndarray:
    """Draw a picture of slow waves that drift with the steps, uint8."""
    height, width, channels = shape
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [
        np.sin(rows * (0.05 + 0.01 * channel) + columns * 0.07 + 0.3 * step + seed + channel)
        for channel in range(channels)
    ]
    return (127.5 + 100 * np.stack(waves, -1)).astype(np.uint8)
