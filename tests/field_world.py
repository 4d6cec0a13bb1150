"""A small game to explore: a field with pillars, seen 32 x 32 pixels around the player, and two ways to walk it.

It is deterministic, its state can be taken and set, and every place has a colour of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from understudy.playtest.baselines import Shown
from understudy.recordings import EpisodeWriter, Provenance, Recordings, open_recordings
from understudy.spec import Action, ActionSpec, BehaviorSpec, SensorSpec

SIDE = 15
START = (7, 7)
MOVES = ((0, 0), (0, -1), (1, 0), (0, 1), (-1, 0))
LABELS = ("none", "north", "east", "south", "west")
_VIEW, _PIXELS = 8, 4
EPISODE = 32

FIELD = BehaviorSpec(
    "field",
    (SensorSpec("frame", spaces.Box(0, 255, (_VIEW * _PIXELS, _VIEW * _PIXELS, 3), np.uint8)),),
    (ActionSpec("move", spaces.Discrete(5), labels=LABELS),),
    10.0,
)


def walls() -> np.ndarray:
    """Return which cells are solid, bool, (row, column)."""
    solid = np.zeros((SIDE, SIDE), bool)
    solid[[0, -1]] = solid[:, [0, -1]] = True
    solid[3:-3:4, 3:-3:4] = True
    solid[START] = False
    return solid


def _colours() -> np.ndarray:
    """Return the colour of each cell, uint8, (row, column, 3): floors smooth, walls dark."""
    row, column = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    floor = np.stack([60 + 180 * row, 60 + 180 * column, 150 + 90 * np.sin(5 * row) * np.cos(4 * column)], -1)
    return np.where(walls()[..., None], 15, floor).astype(np.uint8)


def _views(colours: np.ndarray) -> np.ndarray:
    """Return what is seen from each cell, uint8, (row, column, pixels, pixels, 3)."""
    half = _VIEW // 2
    padded = np.pad(colours, ((half, half), (half, half), (0, 0)))
    cells = np.lib.stride_tricks.sliding_window_view(padded, (_VIEW, _VIEW), (0, 1)).transpose(0, 1, 3, 4, 2)
    views = cells.repeat(_PIXELS, 2).repeat(_PIXELS, 3)
    views[:, :, half * _PIXELS : (half + 1) * _PIXELS, half * _PIXELS : (half + 1) * _PIXELS] = 255
    return views


WALLS, VIEWS = walls(), _views(_colours())


class FieldWorld(gymnasium.Env[dict[str, np.ndarray], Action]):
    """The field; `info` tells the position as (column, row), and the reward is that of reaching the north-west."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self) -> None:
        self.behavior = FIELD
        self.observation_space, self.action_space = FIELD.observation_space, FIELD.action_space
        self.place = START

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Put the player in the middle."""
        super().reset(seed=seed, options=options)
        self.place = START
        return self._see()

    def step(self, action: Action) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Walk one cell, unless it is solid."""
        across, down = MOVES[int(action["move"])]
        column, row = self.place[0] + across, self.place[1] + down
        if not WALLS[row, column]:
            self.place = (column, row)
        seen, info = self._see()
        return seen, float(self.place == (1, 1)), False, False, info

    def get_state(self) -> tuple[int, int]:
        """Return the whole state."""
        return self.place

    def set_state(self, state: tuple[int, int]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Go on from a state; return what is seen there."""
        self.place = state
        return self._see()

    def reachable(self) -> np.ndarray:
        """Return which cells a player can stand on, bool, (row, column)."""
        return ~WALLS

    def _see(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        column, row = self.place
        return {"frame": VIEWS[row, column]}, {"position": [float(column), float(row)]}


class FieldGame:
    """The field as explorers play it."""

    behavior = FIELD

    def __init__(self) -> None:
        self.env = FieldWorld()

    def reset(self, seed: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start an episode."""
        return self.env.reset(seed=seed)

    def step(self, action: Action) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Do one decision."""
        return self.env.step(action)

    def close(self) -> None:
        """Nothing to release."""


# To the north-west corner and back, and again; and the same turned by half a circle.
WALKS = {"golden": "NNWWWWWNNN" + "SSSEEEEESS" + "NNWWWWWN", "edge": "SSEEEEESSS" + "NNNWWWWWNN" + "SSEEEEES"}
_KEYS = {"N": 1, "E": 2, "S": 3, "W": 4}


def walk(name: str, rng: np.random.Generator) -> list[int]:
    """Return the moves of one demonstration: the walk, with a pause now and then."""
    moves = [_KEYS[key] for key in WALKS[name]]
    for _ in range(int(rng.integers(0, 2))):
        moves.insert(int(rng.integers(len(moves))), 0)
    return moves


def record_walks(folder: Path, episodes: int = 4) -> Recordings:
    """Record demonstrations of both preferences."""
    for name in WALKS:
        for episode in range(episodes):
            env, rng = FieldWorld(), np.random.default_rng((episode, len(name)))
            seen, info = env.reset(seed=episode)
            provenance = Provenance("field", player=f"{name}-{episode}", notes={"persona": name}, started="2024-01-01")
            extras = {"position": spaces.Box(-np.inf, np.inf, (2,), np.float32)}
            with EpisodeWriter(folder, FIELD, provenance, name=f"{name}-{episode}", extras=extras) as writer:
                for move in walk(name, rng):
                    told = {"position": np.array(info["position"], np.float32)}
                    writer.append(seen, {"move": np.asarray(move)}, extras=told)
                    seen, _, _, _, info = env.step({"move": np.asarray(move)})
                writer.finish(truncated=True)
    return open_recordings(folder)


COLUMN_MOVES = {move: index for index, move in enumerate(MOVES)}
"""The action of each step across and down."""


def shown_walk(name: str, seed: int) -> Shown:
    """Return a demonstration as it was seen, without a recording."""
    env, moves = FieldWorld(), walk(name, np.random.default_rng(seed))
    seen, _ = env.reset(seed=seed)
    frames = []
    for move in moves:
        frames.append(seen["frame"])
        seen, *_ = env.step({"move": np.asarray(move)})
    return Shown({"frame": np.stack(frames)}, {"move": np.array(moves)})


def path_cells(name: str) -> set[tuple[int, int]]:
    """Return the cells of a walk."""
    env = FieldWorld()
    env.reset(seed=0)
    cells = {env.place}
    for key in WALKS[name]:
        env.step({"move": np.asarray(_KEYS[key])})
        cells.add(env.place)
    return cells


def field_form(**changes: Any) -> dict[str, Any]:
    """A small recipe as YAML gives it; parts that are mappings are merged."""
    form: dict[str, Any] = {
        "name": "field-explorer",
        "game": {"id": "field/Field-v0"},
        "sensors": {"frame": {"encoder": "pixels", "size": [16, 16], "channels": [8, 16], "features": 32}},
        "mind": {"hidden": 64},
        "novelty": {"width": 64, "features": 16, "updates": 16},
        "discriminator": {"width": 64, "updates": 16},
        "ppo": {"learning_rate": 1e-3, "batch_size": 256},
        "loop": {"iterations": 2, "games": 16, "episode": EPISODE, "threads": 1},
    }
    for key, value in changes.items():
        form[key] = {**form[key], **value} if isinstance(form.get(key), dict) and isinstance(value, dict) else value
    return form


gymnasium.register("field/Field-v0", entry_point=FieldWorld)
