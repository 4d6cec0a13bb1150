"""Chance without a state: every random number is a hash of the round's seed, the tick, the agent and what it is for.

The hash is SplitMix64, Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
"""

from __future__ import annotations

import math

import numpy as np

from understudy.errors import GameError
from understudy.sensors.compiling import numba

SPREAD_SIZE, SPREAD_ANGLE, SPAWN, CARRIER = range(4)
"""What a number is for."""


def require_seed(seed: int) -> int:
    """Return `seed`; raises `GameError` if it is no whole number of 0 or above."""
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise GameError(f"The seed is {seed!r}; it must be a whole number of 0 or above.")
    return int(seed)


def round_seed(seed: int, number: int) -> int:
    """Return the seed of the round with a number, in play that has `seed`."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)[0])


@numba.njit(cache=True)
def _mix(state: np.uint64) -> np.uint64:  # pragma: no cover
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@numba.njit(cache=True)
def uniform(seed: np.uint64, tick: int, agent: int, what: int) -> float:  # pragma: no cover
    """A number in [0, 1), the same for the same arguments."""
    key = np.uint64(tick) * np.uint64(64) + np.uint64(agent) * np.uint64(8) + np.uint64(what)
    return float(_mix(_mix(seed) ^ key) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@numba.njit(cache=True)
def scatter(seed: np.uint64, tick: int, agent: int) -> tuple[float, float]:  # pragma: no cover
    """Two independent standard normal numbers (Box and Muller 1958)."""
    size = math.sqrt(-2.0 * math.log(1.0 - uniform(seed, tick, agent, SPREAD_SIZE)))
    angle = 2.0 * math.pi * uniform(seed, tick, agent, SPREAD_ANGLE)
    return size * math.cos(angle), size * math.sin(angle)
