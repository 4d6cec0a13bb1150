"""Somebody who plays in the world: holds, turns, rests and bumps into walls with the rhythms of people."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from gymnasium import spaces

from understudy.recordings.doctor.specimens.play import Columns, Play
from understudy.recordings.doctor.specimens.world import COLUMNS, ROWS, World
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

_RAYS = np.radians(np.linspace(-90, 90, 9))
_TICKS = 2


@dataclass(frozen=True)
class Study:
    """What sessions that are looked at together share.

    Attributes:
        hz: Decisions a second.
        pictures: Whether there are pictures; numbers there always are.
        lively: Whether something moves in the picture by itself.
        even: Whether the wall clock is game time, as imported logs have it, or jitters as a recorder's does.
    """

    hz: float = 15.0
    pictures: bool = True
    lively: bool = True
    even: bool = False

    @property
    def behavior(self) -> BehaviorSpec:
        """What is recorded."""
        frame = SensorSpec("frame", spaces.Box(0, 255, (ROWS, COLUMNS, 3), np.uint8))
        numbers = (
            SensorSpec("rays", spaces.Box(0, 12, (len(_RAYS),), np.float32), "cells"),
            SensorSpec("body", spaces.Box(-2, 200, (5,), np.float32)),
        )
        no_yes = ("no", "yes")
        actions = (
            ActionSpec("move", spaces.Discrete(3), labels=("back", "none", "forward")),
            ActionSpec("strafe", spaces.Discrete(3), labels=("left", "none", "right")),
            ActionSpec("turn", spaces.Box(-60, 60, (1,), np.float32), "degrees per decision"),
            ActionSpec("fire", spaces.Discrete(2), labels=no_yes),
            ActionSpec("use", spaces.Discrete(2), labels=no_yes),
        )
        return BehaviorSpec("specimen", (frame, *numbers) if self.pictures else numbers, actions, self.hz)


@dataclass
class _Habit:
    """A key that is held and let go again and again, each time for a log-normal while.

    Attributes:
        hold_s, rest_s: The medians.
        choices: What is held, drawn anew each time.
    """

    hold_s: float
    rest_s: float
    choices: tuple[int, ...]
    neutral: int
    left: int = 0
    value: int = field(default=-1)

    def step(self, rng: np.random.Generator, hz: float) -> int:
        if self.left <= 0:
            resting = self.value not in (self.neutral, -1)
            self.value = self.neutral if resting else int(rng.choice(self.choices))
            median = self.rest_s if resting else self.hold_s
            self.left = max(1, round(hz * min(median * rng.lognormal(0, 0.6), 4 * median)))
        self.left -= 1
        return self.value


class _Player:
    """Somebody's habits and where they are."""

    def __init__(self, rng: np.random.Generator, study: Study, world: World) -> None:
        self.rng, self.study, self.world = rng, study, world
        self.x, self.y = world.free_place(rng)
        self.heading = rng.uniform(0, 2 * np.pi)
        own = rng.lognormal(0, 0.2, 8)
        self.habits = {
            "move": _Habit(1.2 * own[0], 0.35 * own[1], (2, 2, 2, 0), 1),
            "strafe": _Habit(0.5 * own[2], 1.5 * own[3], (0, 2), 1),
            "fire": _Habit(0.4 * own[4], 2.5 * own[5], (1,), 0),
            "use": _Habit(0.15, 6.0 * own[6], (1,), 0),
        }
        self.turns: list[float] = []
        self.turn_every = 0.9 * own[7]
        self.rest = 0
        self.health, self.ammo, self.speed, self.bumped = 100.0, 50.0, 0.0, 0

    def act(self, resting: bool) -> dict[str, float]:
        """Decide."""
        rng, hz = self.rng, self.study.hz
        if self.rest <= 0 and rng.random() < 1 / (18 * hz):
            self.rest = round(hz * min(0.8 * rng.lognormal(0, 0.5), 2.5))
        self.rest -= 1
        if resting or self.rest > 0:
            self.turns = []
            return {"move": 1, "strafe": 1, "turn": 0.0, "fire": 0, "use": 0}
        action: dict[str, float] = {name: habit.step(rng, hz) for name, habit in self.habits.items()}
        if not self.turns and (rng.random() < 1 / (self.turn_every * hz) or self.bumped > 0.3 * hz):
            self.turns = self._sweep(70 if self.bumped else 25)
        action["turn"] = self.turns.pop() if self.turns else 0.0
        return action

    def _sweep(self, degrees: float) -> list[float]:
        """A turn with a bell-shaped speed, as arms make them."""
        steps = max(2, round(self.study.hz * self.rng.uniform(0.15, 0.6)))
        bell = np.sin(np.pi * (np.arange(steps) + 0.5) / steps)
        size = self.rng.normal(0, degrees)
        return np.clip(size * bell / bell.sum() + self.rng.normal(0, 0.3, steps), -60, 60).tolist()

    def go(self, action: dict[str, float]) -> None:
        """Let the world answer."""
        self.heading += np.radians(action["turn"])
        target = np.array([action["move"] - 1, action["strafe"] - 1]) * 3.0 / self.study.hz
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        step_x, step_y = target[0] * cos - target[1] * sin, target[0] * sin + target[1] * cos
        before = self.x, self.y
        if not self.world.is_wall(self.x + step_x, self.y):
            self.x += step_x
        if not self.world.is_wall(self.x, self.y + step_y):
            self.y += step_y
        self.speed = float(np.hypot(self.x - before[0], self.y - before[1])) * self.study.hz
        self.bumped = self.bumped + 1 if target.any() and self.speed < 1.0 else 0
        self.ammo = self.ammo - 1 if action["fire"] and self.rng.random() < 0.3 else self.ammo
        self.ammo = 50.0 if self.ammo < 0 else self.ammo
        self.health = 100.0 if self.health < 5 else self.health - 5 * (self.rng.random() < 1 / (4 * self.study.hz))


def generate(study: Study, seed: int, *, seconds: float = 45.0, idle: tuple[int, int] | None = None) -> Play:
    """Play.

    Args:
        study: What is recorded, and how.
        seed: Of the world and the player.
        seconds: Of game time.
        idle: Steps in which the player is away; the world goes on.
    """
    rng = np.random.default_rng(seed)
    world = World.make(rng)
    player = _Player(rng, study, world)
    steps = round(seconds * study.hz)
    behavior = study.behavior
    seen: dict[str, list[np.ndarray]] = {name: [] for name in behavior.sensor_names}
    done: dict[str, list[float]] = {name: [] for name in behavior.action_names}
    for step in range(steps):
        away = idle is not None and idle[0] <= step < idle[1]
        for name, value in _observe(player, step).items():
            seen[name].append(value)
        action = player.act(away)
        for name, each in action.items():
            done[name].append(each)
        player.go(action)
    actions: Columns = {name: np.array(values, np.int64) for name, values in done.items()}
    actions["turn"] = np.array(done["turn"], np.float32)[:, None]
    observations = {name: np.stack(values) for name, values in seen.items()}
    return Play(behavior, observations, actions, *_clocks(rng, study, steps), player=f"player-{seed % 7}")


def _observe(player: _Player, step: int) -> dict[str, np.ndarray]:
    rays, _ = player.world.cast(player.x, player.y, player.heading + _RAYS)
    heading = player.heading
    body = np.array([player.health, player.ammo, player.speed, np.sin(heading), np.cos(heading)], np.float32)
    seen = {"rays": rays.astype(np.float32), "body": body}
    if not player.study.pictures:
        return seen
    frame = player.world.look(player.x, player.y, heading)
    if player.study.lively:
        beat = step / player.study.hz
        at = int(COLUMNS / 2 + 20 * np.sin(beat * 1.7)), int(ROWS / 2 + 6 * np.sin(beat * 2.9))
        frame[at[1] : at[1] + 5, at[0] : at[0] + 4] = (230, 60, 40)
    frame[-4:, :] = (25, 25, 30)
    frame[-3:-1, 2 : 2 + int(player.health * 0.25)] = (180, 30, 30)
    frame[-3:-1, 36 : 36 + int(player.ammo * 0.5)] = (180, 170, 40)
    return {"frame": frame, **seen}


def _clocks(rng: np.random.Generator, study: Study, steps: int) -> tuple[np.ndarray, np.ndarray]:
    period = 1e9 / study.hz
    jitter = 0.0 if study.even else rng.normal(0, 0.03 * period, steps)
    times = np.round(np.arange(steps) * period + jitter).astype(np.int64)
    return _TICKS * np.arange(steps, dtype=np.int64), times
