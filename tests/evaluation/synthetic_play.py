"""Recordings of synthetic players whose habits are set, so that a test knows how far apart they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from gymnasium import spaces

from understudy.evaluation.ground import Ground
from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

HZ = 16.0
SIDE = 32
MOVES = ("none", "forward", "forward_right", "right", "back_right", "back", "back_left", "left", "forward_left")
BEHAVIOR = BehaviorSpec(
    "skirmish",
    (SensorSpec("self", spaces.Box(-1, 1, (2,), np.float32)),),
    (
        ActionSpec("move", spaces.Discrete(9), labels=MOVES),
        ActionSpec("gait", spaces.Discrete(3), labels=("run", "walk", "crouch")),
        ActionSpec("turn", spaces.Box(-60, 60, (), np.float32), "degrees per decision"),
        ActionSpec("pitch", spaces.Box(-30, 30, (), np.float32), "degrees per decision"),
        ActionSpec("fire", spaces.Discrete(2), labels=("no", "yes")),
        ActionSpec("act", spaces.Discrete(4), labels=("none", "use", "ability", "reload")),
    ),
    HZ,
)
EXTRAS = {
    "position": spaces.Box(-np.inf, np.inf, (2,), np.float32),
    "velocity": spaces.Box(-np.inf, np.inf, (2,), np.float32),
    "view": spaces.Box(-np.inf, np.inf, (2,), np.float32),
    "health": spaces.Box(0, 100, (1,), np.float32),
    "enemies": spaces.Box(-np.inf, np.inf, (2, 5), np.float32),
}


@dataclass(frozen=True)
class Habits:
    """How somebody plays.

    Attributes:
        speed: Of a run in m/s.
        turn: Spread of a turn in degrees a decision.
        reaction: Decisions from seeing to shooting.
        burst: Decisions a burst lasts.
        aim: Spread of the aim error in degrees.
        lane: The share of rounds in lane a; the others go b.
        hold: Mean decisions that a move is held.
    """

    speed: float = 4.0
    turn: float = 5.0
    reaction: int = 4
    burst: int = 4
    aim: float = 4.0
    lane: float = 0.5
    hold: float = 8.0


PLAIN = Habits()
HASTY = Habits(speed=4.9, turn=14.0, reaction=1, burst=12, aim=1.5, lane=0.95, hold=2.0)


def ground_of(name: str) -> Ground | None:
    """A square with a block in the middle, a site at each upper corner, and a lane to each."""
    heights = np.zeros((SIDE, SIDE), np.float32)
    heights[12:20, 12:20] = 4.0
    corners = {"site_a": np.s_[26:30, 2:6], "site_b": np.s_[26:30, 26:30]}
    sites = {}
    for site, corner in corners.items():
        sites[site] = np.zeros((SIDE, SIDE), bool)
        sites[site][corner] = True
    lanes = {"a": _lane(4.0), "b": _lane(28.0)}
    return Ground(name, heights, sites, lanes) if name != "unknown" else None


def _lane(x: float) -> np.ndarray:
    return np.array([[16, 2], [x, 6], [x, 28]], np.float32)


def record(folder: Path, player: str, rounds: int, habits: Habits = PLAIN, **notes: object) -> None:
    """Write rounds of a player."""
    level = str(notes.pop("map", "square"))
    for index in range(rounds):
        seed = [*player.encode(), index]
        rng = np.random.default_rng(seed)
        own = replace(habits, speed=habits.speed * rng.normal(1, 0.02))
        more = {
            "persona": "",
            "skill": 0.5,
            "side": ("attack", "defend")[index % 2],
            "slot": 0,
            "match": f"{player}/{index}",
        }
        more |= {"won": bool(rng.random() < 0.5), **notes}
        provenance = Provenance("skirmish", map=level, seed=index, player=player, notes=more)
        with EpisodeWriter(
            folder, BEHAVIOR, provenance, name=f"{player}-{index:03}", extras=EXTRAS, reveal_player=True
        ) as writer:
            observations, actions, extras, events = _play(own, rng, 240)
            writer.extend(observations, actions, extras=extras, events=events)
            writer.finish(terminated=True)


def _play(habits: Habits, rng: np.random.Generator, steps: int) -> tuple[dict, dict, dict, list]:
    lane = ground_of("square").lanes["a" if rng.random() < habits.lane else "b"]  # type: ignore[union-attr]
    moving = _held(rng, steps, habits.hold) > 0
    speed = np.where(moving, habits.speed, 0.0)
    along = np.cumsum(speed) / HZ
    position = _walk(lane, along) + rng.normal(0, 0.3, (steps, 2))
    turn = rng.normal(0, habits.turn, steps)
    heading = np.cumsum(-turn)
    visible = np.zeros(steps, bool)
    fire = np.zeros(steps, np.int64)
    for start in rng.integers(0, steps - 40, 4):
        visible[start : start + 40] = True
        begin = start + habits.reaction + rng.integers(0, 3)
        fire[begin : begin + habits.burst + rng.integers(0, 2)] = 1
    enemies = np.zeros((steps, 2, 5), np.float32)
    enemies[:, 0] = np.stack(
        [np.full(steps, 16.0), np.full(steps, 30.0), np.ones(steps), visible, np.abs(rng.normal(0, habits.aim, steps))],
        1,
    )
    actions = {
        "move": _held(rng, steps, habits.hold) % 9,
        "gait": np.zeros(steps, np.int64),
        "turn": np.clip(turn, -60, 60).astype(np.float32),
        "pitch": rng.normal(0, 1, steps).astype(np.float32),
        "fire": fire,
        "act": np.zeros(steps, np.int64),
    }
    extras = {
        "position": position.astype(np.float32),
        "velocity": np.stack([speed, np.zeros(steps)], 1).astype(np.float32),
        "view": np.stack([heading, np.cumsum(actions["pitch"]) * 0.1], 1).astype(np.float32),
        "health": np.full((steps, 1), 100, np.float32),
        "enemies": enemies,
    }
    events = [("shot",) if each else () for each in fire]
    return {"self": np.zeros((steps, 2), np.float32)}, actions, extras, events


def _held(rng: np.random.Generator, steps: int, hold: float) -> np.ndarray:
    """Choices 0 to 8, each held for `hold` steps in the mean."""
    changes = rng.random(steps) < 1 / hold
    return rng.integers(0, 9, steps)[np.maximum.accumulate(np.where(changes, np.arange(steps), 0))]


def _walk(lane: np.ndarray, along: np.ndarray) -> np.ndarray:
    lengths = np.append(0, np.cumsum(np.linalg.norm(np.diff(lane, axis=0), axis=1)))
    return np.stack([np.interp(along, lengths, lane[:, axis]) for axis in range(2)], 1)
