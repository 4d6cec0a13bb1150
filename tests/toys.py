"""A toy behaviour and recordings of it, all drawn from seeds, so that a test knows what should be on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

RATE_HZ = 10
TOY = BehaviorSpec(
    "toy",
    (
        SensorSpec("rays", spaces.Box(0, 100, (5,), np.float32), "map units"),
        SensorSpec("frame", spaces.Box(0, 255, (12, 16, 3), np.uint8)),
        SensorSpec("health", spaces.Box(-np.inf, np.inf, (), np.float32), "percent"),
    ),
    (
        ActionSpec("move", spaces.Discrete(3), labels=("back", "none", "forward")),
        ActionSpec("buttons", spaces.MultiBinary(2), labels=("fire", "use")),
        ActionSpec("turn", spaces.Box(-10, 10, (1,), np.float32), "degrees per decision"),
    ),
    float(RATE_HZ),
)
EXTRAS = {"raw": spaces.Box(0, 255, (3,), np.uint8), "clock": spaces.Box(-np.inf, np.inf, (), np.float64)}


def sample_space(space: Any, rng: np.random.Generator) -> np.ndarray:
    """Draw a value of a space, of its very dtype and shape."""
    if isinstance(space, spaces.Discrete):
        return np.asarray(rng.integers(int(space.n)), np.int64)
    if isinstance(space, spaces.MultiBinary):
        return rng.integers(0, 2, int(space.n)).astype(np.int8)
    if space.dtype.kind == "f":
        low, high = np.maximum(space.low, -1e3), np.minimum(space.high, 1e3)
        return np.asarray(rng.uniform(low, high), space.dtype).reshape(space.shape)
    return np.asarray(rng.integers(space.low.astype(np.int64), space.high.astype(np.int64) + 1), space.dtype)


def sample_observation(behavior: BehaviorSpec, seed: int, step: int) -> dict[str, np.ndarray]:
    """Draw the observation of a step."""
    rng = np.random.default_rng((seed, step, 0))
    return {each.name: sample_space(each.space, rng) for each in behavior.sensors}


def sample_action(behavior: BehaviorSpec, seed: int, step: int) -> dict[str, np.ndarray]:
    """Draw the action of a step."""
    rng = np.random.default_rng((seed, step, 1))
    return {each.name: sample_space(each.space, rng) for each in behavior.actions}


def sample_extras(seed: int, step: int) -> dict[str, np.ndarray]:
    """Draw the extras of a step."""
    rng = np.random.default_rng((seed, step, 2))
    return {name: sample_space(space, rng) for name, space in EXTRAS.items()}


def sample_reward(seed: int, step: int) -> float | None:
    """Draw the reward of a step: unknown at every third."""
    return None if step % 3 == 0 else float(np.float32(np.random.default_rng((seed, step, 3)).normal()))


def sample_events(step: int) -> list[str]:
    """The events of a step."""
    return ["kill", f"step {step}"][: step % 3]


def write_steps(writer: EpisodeWriter, seed: int, steps: int) -> Iterator[int]:
    """Append the steps of a seed, yielding the number of each after it was appended."""
    for step in range(steps):
        writer.append(
            sample_observation(writer.layout.behavior, seed, step),
            sample_action(writer.layout.behavior, seed, step),
            reward=sample_reward(seed, step),
            events=sample_events(step),
            extras=sample_extras(seed, step) if writer.layout.extras else None,
            tick=2 * step,
            time_ns=1000 * step,
        )
        yield step


def write_episode(
    folder: Path, name: str = "episode", *, steps: int = 25, seed: int = 0, player: str = "", **writer: Any
) -> Path:
    """Write a whole episode of a seed and return its file; further arguments are `EpisodeWriter`'s."""
    behavior = writer.pop("behavior", TOY)
    provenance = Provenance("toy", player=player, started="2024-01-01T00:00:00+00:00")
    with EpisodeWriter(folder, behavior, provenance, name=name, **writer) as open_writer:
        for _ in write_steps(open_writer, seed, steps):
            pass
        open_writer.finish(terminated=True, final_observation=sample_observation(behavior, seed, steps))
        return open_writer.path


def assert_steps(episode: Any, seed: int, steps: int) -> None:
    """Assert that an episode holds exactly the first `steps` steps of a seed."""
    assert episode.num_steps == steps
    behavior = episode.behavior
    for kind, names, draw in (
        (episode.observation, behavior.sensor_names, sample_observation),
        (episode.action, behavior.action_names, sample_action),
    ):
        expected = [draw(behavior, seed, step) for step in range(steps)]
        for name in names:
            found = kind(name)
            assert len(found) == steps
            for step in range(steps):
                np.testing.assert_array_equal(found[step], expected[step][name], err_msg=f"{name} at step {step}")
    for name in episode.layout.extras:
        found = episode.extra(name)
        for step in range(steps):
            np.testing.assert_array_equal(found[step], sample_extras(seed, step)[name])
    rewards = [sample_reward(seed, step) for step in range(steps)]
    np.testing.assert_array_equal(episode.reward, np.array([np.nan if r is None else r for r in rewards], np.float32))
    assert episode.events == [sample_events(step) for step in range(steps)]
    np.testing.assert_array_equal(episode.tick, 2 * np.arange(steps))
    np.testing.assert_array_equal(episode.time_ns, 1000 * np.arange(steps))
