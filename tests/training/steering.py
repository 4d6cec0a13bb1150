"""A game to learn: the player turns towards the longer of two rays, and holds its buttons for a while."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec
from understudy.training.recipe import Recipe

STEERING = BehaviorSpec(
    "steering",
    (
        SensorSpec("rays", spaces.Box(0, 1, (2,), np.float32)),
        SensorSpec("frame", spaces.Box(0, 255, (8, 12, 3), np.uint8)),
    ),
    (
        ActionSpec("turn", spaces.Box(-10, 10, (1,), np.float32)),
        ActionSpec("strafe", spaces.Discrete(3), labels=("left", "none", "right")),
        ActionSpec("buttons", spaces.MultiBinary(2)),
    ),
    20.0,
)


def record_steering(folder: Path, episodes: int = 4, steps: int = 200, players: int = 2, seed: int = 0) -> Path:
    """Record scripted players; the seed decides everything."""
    for episode in range(episodes):
        rng = np.random.default_rng((seed, episode))
        provenance = Provenance("steering", player=f"player {episode % players}", started="2024-01-01T00:00:00+00:00")
        with EpisodeWriter(folder, STEERING, provenance, name=f"episode-{episode}", reveal_player=True) as writer:
            strafe, buttons = 1, np.zeros(2, np.int8)
            for _ in range(steps):
                rays = rng.random(2, np.float32)
                frame = rng.integers(0, 256, (8, 12, 3), np.uint8)
                strafe = int(rng.integers(3)) if rng.random() < 0.2 else strafe
                buttons = np.where(rng.random(2) < 0.1, 1 - buttons, buttons).astype(np.int8)
                turn = np.array([3.0 if rays[1] > rays[0] else -3.0], np.float32)
                writer.append({"rays": rays, "frame": frame}, {"turn": turn, "strafe": strafe, "buttons": buttons})
            writer.finish(truncated=True)
    return folder


def steering_form(**changes: Any) -> dict[str, Any]:
    """A small recipe as YAML would give it; `loop` and `policy` are merged, other keys replaced."""
    loop = {"updates": 20, "batch": 4, "window": 8, "segment": 32, "threads": 1, "checkpoint_every": 1000, "warmup": 5}
    form: dict[str, Any] = {
        "name": "steering",
        "sensors": {"rays": {"encoder": "vector", "widths": [16]}},
        "bins": {"turn": {"bins": [-3, 0, 3]}},
        "policy": {"hidden": 16, "memory": 8, **changes.pop("policy", {})},
        "split": {"tail": 0.25},
        "loop": {**loop, **changes.pop("loop", {})},
    }
    return {**form, **changes}


def steering_recipe(**changes: Any) -> Recipe:
    """The same, validated."""
    return Recipe.model_validate(steering_form(**changes))


PIXELS = {"encoder": "pixels", "size": [4, 6], "channels": [4], "features": 8}
