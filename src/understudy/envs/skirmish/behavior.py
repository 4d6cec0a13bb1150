"""Skirmish as it is played: what a player sees and hears, can do, and how often a decision is made.

Shared by the environment, its recordings, the scripted players and the bots.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gymnasium import spaces

from understudy.envs.skirmish.rules import BOMB_STATES, CLASSES, SIDES, SOUNDS, WEAPONS
from understudy.errors import SpecError, suggest
from understudy.sensors.audio import Audio
from understudy.sensors.raygrid import RAY_TYPES, RayGrid
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

DECISION_HZ = 16.0
MOVES = ("none", "forward", "forward_right", "right", "back_right", "back", "back_left", "left", "forward_left")
GAITS = ("run", "walk", "crouch")
ACTS = ("none", "use", "ability", "reload")
MAX_TURN_DEGREES, MAX_PITCH_DEGREES = 60.0, 30.0

RAYS = RayGrid.foveated(15, 15, fov=(100, 70), power=2, reach=100, types=RAY_TYPES)
"""A view of 100 × 70 degrees, rays closest together at the crosshair."""
AUDIO = Audio(sectors=8, types=SOUNDS, reaches=(20.0, 60.0, 30.0, 25.0), muffling=2.0)
"""Steps of a runner carry 20 m, shots 60 m, work at the bomb and its beeps 30 m, abilities 25 m."""

SELF_LABELS = (
    *("health", "magazine", "reloading", "fire_ready", "recoil", "spread", "crouched"),
    *("speed_forward", "speed_right", "pitch", *WEAPONS, *CLASSES, "charges"),
    *("has_bomb", "can_use", "plant_progress", "defuse_progress", *SIDES),
    *("x", "y", "heading_sin", "heading_cos", "time_left", "hurt", "hurt_sin", "hurt_cos"),
)
"""What `self` tells, in order: the own state, as a player's screen shows it."""
TEAM_LABELS = (
    *("mate_alive", "mate_health", "mate_sin", "mate_cos", "mate_distance", "own_alive", "enemies_alive"),
    *(f"bomb_{state}" for state in BOMB_STATES),
    *("bomb_time_left", "bomb_known", "bomb_sin", "bomb_cos", "bomb_distance"),
    *(f"enemy_{slot}_{what}" for slot in range(2) for what in ("known", "sin", "cos", "distance", "age")),
)
"""What `team` tells, in order: the scoreboard, and what the minimap shows of mate, bomb and enemies."""
WAY_LABELS = ("sin", "cos", "distance")
WAYS = ("site_a", "site_b", "mid", "attacker_spawn", "defender_spawn")
"""Where the ways of `ways` lead, in order."""
ENEMY_LABELS = ("sin", "cos", "distance", "alive")
MEMORY_S = 10.0
"""For how long a minimap shows where an enemy was last seen."""
SENSORS = ("rays", "audio", "self", "team", "ways")
"""The sensors of a player, by default; `enemies` is privileged and only there if named."""


def skirmish_behavior(sensors: Sequence[str] | None = None) -> BehaviorSpec:
    """Return the behaviour `"skirmish"`.

    Args:
        sensors: Names among `SENSORS` and `"enemies"` (privileged), in any order; by default `SENSORS`.

    Raises:
        SpecError: If there is no such sensor.
    """
    known = {each.name: each for each in (RAYS.spec("rays"), AUDIO.spec("audio"), *_state_sensors())}
    for name in sensors or ():
        if name not in known:
            raise SpecError(f"Skirmish has no sensor '{name}'.{suggest(name, known)}")
    chosen = SENSORS if sensors is None else tuple(sensors)
    return BehaviorSpec("skirmish", tuple(known[name] for name in chosen), skirmish_actions(), DECISION_HZ)


def skirmish_actions() -> tuple[ActionSpec, ...]:
    """Return the parts of an action.

    `move` is a direction relative to the heading; walking and crouching are silent. `turn` (positive right) and `pitch`
    (positive up) are spread over the decision. `fire` and the use of `act` (plant, defuse) are held.
    """
    turns = spaces.Box(-MAX_TURN_DEGREES, MAX_TURN_DEGREES, (), np.float32)
    pitches = spaces.Box(-MAX_PITCH_DEGREES, MAX_PITCH_DEGREES, (), np.float32)
    return (
        ActionSpec("move", spaces.Discrete(len(MOVES)), labels=MOVES),
        ActionSpec("gait", spaces.Discrete(len(GAITS)), labels=GAITS),
        ActionSpec("turn", turns, units="degrees per decision", labels=("right",)),
        ActionSpec("pitch", pitches, units="degrees per decision", labels=("up",)),
        ActionSpec("fire", spaces.Discrete(2), labels=("no", "yes")),
        ActionSpec("act", spaces.Discrete(len(ACTS)), labels=ACTS),
    )


def _state_sensors() -> tuple[SensorSpec, ...]:
    """The sensors that hold numbers in [-1, 1].

    Directions are the sine and cosine of an angle relative to the heading, positive to the right; distances are
    hundreds of metres, at most 1; the age of a memory is in tens of seconds.
    """
    table = {"rows": WAYS, "labels": WAY_LABELS}
    return (
        SensorSpec("self", _numbers(len(SELF_LABELS)), "1", computed={"labels": SELF_LABELS}),
        SensorSpec("team", _numbers(len(TEAM_LABELS)), "1", computed={"labels": TEAM_LABELS}),
        SensorSpec("ways", _numbers(len(WAYS), len(WAY_LABELS)), "1", computed=table),
        SensorSpec("enemies", _numbers(2, len(ENEMY_LABELS)), "1", True, {"labels": ENEMY_LABELS}),
    )


def _numbers(*shape: int) -> spaces.Box:
    return spaces.Box(-1.0, 1.0, shape, np.float32)
