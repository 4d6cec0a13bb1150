"""A small game of pixels with a memory: a dot is shown for a moment, and the player walks to where it was.

The picture is 6 x 12 levels. The player is a bright column on a ring of twelve, moved by its own `walk`; the prize is a
dot at the top that is shown only at the first steps of a round. Whoever stands under it long enough ends the round.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec
from understudy.training.recipe import Recipe

COLUMNS, ROWS = 12, 6
CATCHING = BehaviorSpec(
    "catching",
    (SensorSpec("frame", spaces.Box(0, 255, (ROWS, COLUMNS, 1), np.uint8)),),
    (ActionSpec("walk", spaces.Discrete(3), labels=("left", "none", "right")),),
    10.0,
)


class Catching:
    """The game's state."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng((seed, 3))
        self.place = int(self.rng.integers(COLUMNS))
        self._begin()

    def _begin(self) -> None:
        self.prize, self.age, self.caught = int(self.rng.integers(COLUMNS)), 0, 0

    def frame(self) -> np.ndarray:
        """Return what is seen, uint8, (6, 12, 1), with noise."""
        picture = self.rng.integers(0, 40, (ROWS, COLUMNS, 1)).astype(np.uint8)
        picture[3:, self.place] = 200
        if self.age < 3:
            picture[:2, self.prize] = 255
        return picture

    @property
    def way(self) -> int:
        """The way to the prize around the ring: -1, 0 or 1."""
        off = (self.prize - self.place + COLUMNS // 2) % COLUMNS - COLUMNS // 2
        return int(np.sign(off))

    def step(self, walk: int) -> None:
        """Walk by -1, 0 or 1."""
        self.place = (self.place + walk) % COLUMNS
        self.age += 1
        self.caught += self.place == self.prize
        if self.caught >= 2:
            self._begin()


def record_catching(folder: Path, episodes: int = 4, steps: int = 200, seed: int = 0) -> Path:
    """Record a player who walks to the prize, with a slip now and then; the seed decides everything."""
    for episode in range(episodes):
        game = Catching(seed * 1000 + episode)
        provenance = Provenance("catching", player=f"player {episode % 2}", started="2024-01-01T00:00:00+00:00")
        column = spaces.Box(0, COLUMNS - 1, (), np.int64)
        extras = {"place": column, "prize": column}
        name = f"episode-{episode:03d}"
        with EpisodeWriter(folder, CATCHING, provenance, name=name, reveal_player=True, extras=extras) as writer:
            for _ in range(steps):
                walk = game.way if game.rng.random() > 0.25 else int(game.rng.integers(-1, 2))
                told = {"place": np.asarray(game.place), "prize": np.asarray(game.prize)}
                writer.append({"frame": game.frame()}, {"walk": np.asarray(walk + 1)}, extras=told)
                game.step(walk)
            writer.finish(truncated=True)
    return folder


def catching_form(**changes: Any) -> dict[str, Any]:
    """A small recipe as YAML would give it; `loop` and `policy` are merged, other keys replaced."""
    loop = {"updates": 60, "batch": 8, "window": 16, "segment": 64, "threads": 1, "checkpoint_every": 1000, "warmup": 5}
    form: dict[str, Any] = {
        "name": "catching",
        "sensors": {"frame": {"encoder": "pixels", "channels": [8, 8], "features": 24}},
        "policy": {"hidden": 32, "memory": 32, **changes.pop("policy", {})},
        "split": {"tail": 0.25},
        "loop": {**loop, "learning_rate": 4e-3, "average": 0.9, **changes.pop("loop", {})},
    }
    return {**form, **changes}


def catching_recipe(**changes: Any) -> Recipe:
    """The same, validated."""
    return Recipe.model_validate(catching_form(**changes))
