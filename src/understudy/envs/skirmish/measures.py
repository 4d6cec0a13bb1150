"""What is kept beside a recording for measuring, and never shown to a policy; and what a decision was worth."""

from __future__ import annotations

import math

import numpy as np
from gymnasium import spaces

from understudy.envs.skirmish.combat import eye_height
from understudy.envs.skirmish.rules import DEATH, KILL, Record
from understudy.envs.skirmish.sight import CHEST
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.world import World
from understudy.sensors.compiling import numba

EXTRAS = {
    "position": spaces.Box(-np.inf, np.inf, (2,), np.float32),
    "velocity": spaces.Box(-np.inf, np.inf, (2,), np.float32),
    "view": spaces.Box(-np.inf, np.inf, (2,), np.float32),
    "health": spaces.Box(0, np.inf, (1,), np.float32),
    "enemies": spaces.Box(-np.inf, np.inf, (2, 5), np.float32),
}
"""Metres; m/s; heading and pitch in degrees; health; and of each enemy x, y, whether it lives, whether this player sees
it, and the angle in degrees between this player's view and its chest (180 if it is not in this round)."""
WORTH = {"kill": 0.2, "death": -0.2, "win": 1.0, "loss": -1.0}
"""Rewards of a decision; win and loss are for those who live to see it."""


def read_extras(world: World) -> dict[str, np.ndarray]:
    """Return `EXTRAS` of everybody, float32, shape (B, 4, *shape)."""
    enemies = np.zeros((len(world), NUM_AGENTS, 2, 5), np.float32)
    _read_enemies(world.rounds, world.rules.record, enemies)
    return {
        "position": world.position.astype(np.float32),
        "velocity": world.velocity.astype(np.float32),
        "view": np.stack((world.heading, world.pitch), axis=-1).astype(np.float32),
        "health": world.health[..., None].astype(np.float32),
        "enemies": enemies,
    }


def read_rewards(world: World, decided: np.ndarray) -> np.ndarray:
    """Return what the last decision was worth to each agent, by `WORTH`.

    Args:
        world: After the decision.
        decided: Which rounds ended with it, bool, shape (B,).

    Returns:
        float32, shape (B, 4).
    """
    events = world.events
    rewards = WORTH["kill"] * (events >> KILL & 1) + WORTH["death"] * (events >> DEATH & 1)
    won = world.winner[:, None] == np.arange(NUM_AGENTS) // 2
    ends = decided[:, None] & world.alive
    return (rewards + ends * np.where(won, WORTH["win"], WORTH["loss"])).astype(np.float32)


@numba.njit(cache=True)
def _read_enemies(rounds: np.ndarray, rules: Record, out: np.ndarray) -> None:  # pragma: no cover
    for b in range(rounds.shape[0]):
        r = rounds[b]
        for a in range(4):
            for slot in range(2):
                enemy = 2 - 2 * (a // 2) + slot
                out[b, a, slot, 4] = 180.0
                if r.present[enemy]:
                    out[b, a, slot, 0], out[b, a, slot, 1] = r.position[enemy, 0], r.position[enemy, 1]
                    out[b, a, slot, 2], out[b, a, slot, 3] = r.alive[enemy], r.visible[a, enemy]
                    out[b, a, slot, 4] = aim_error(r, rules, a, enemy)


@numba.njit(cache=True)
def aim_error(r: Record, rules: Record, a: int, b: int) -> float:  # pragma: no cover
    """The angle between the view of agent `a` and the chest of agent `b`, in degrees."""
    heading, pitch = math.radians(r.heading[a]), math.radians(r.pitch[a])
    x, y = r.position[b, 0] - r.position[a, 0], r.position[b, 1] - r.position[a, 1]
    z = eye_height(r, rules, b) - CHEST - eye_height(r, rules, a)
    ahead = math.cos(pitch) * (x * math.cos(heading) + y * math.sin(heading)) + math.sin(pitch) * z
    length = max(math.sqrt(x * x + y * y + z * z), 1e-6)
    return math.degrees(math.acos(min(max(ahead / length, -1.0), 1.0)))
