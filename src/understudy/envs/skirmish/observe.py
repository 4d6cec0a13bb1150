"""Reading the sensors of all agents of all rounds at once, in one kernel, into arrays that are kept."""

from __future__ import annotations

import numpy as np

from understudy.envs.skirmish.behavior import AUDIO, MEMORY_S, RAYS
from understudy.envs.skirmish.combat import eye_height
from understudy.envs.skirmish.rules import DEATH, WEAPON_TABLE, Record
from understudy.envs.skirmish.screens import fill_enemies, fill_self, fill_team, fill_ways
from understudy.envs.skirmish.senses import (
    MOST_BODIES,
    MOST_SOURCES,
    MOST_SPHERES,
    list_bodies,
    list_sources,
    list_spheres,
    surface_types,
)
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.world import World
from understudy.sensors.compiling import numba
from understudy.sensors.grid_casting import SCRATCH_ROWS, see_heights
from understudy.sensors.hearing import hear
from understudy.spec import BehaviorSpec

_NAMES = ("rays", "audio", "self", "team", "ways", "enemies")


class Observer:
    """Reads a world's sensors.

    Args:
        world: Whose agents sense; its levels must not change.
        behavior: Names the sensors to read; see `behavior.skirmish_behavior`.

    Attributes:
        readings: By sensor name, shape (B, 4, *sensor shape): overwritten by each `read`. Of an agent that was already
            dead before the last decision all is 0.
    """

    def __init__(self, world: World, behavior: BehaviorSpec) -> None:
        self._world = world
        self.readings = {
            each.name: np.zeros((len(world), NUM_AGENTS, *each.shape), each.dtype) for each in behavior.sensors
        }
        self._wanted = np.array([name in self.readings for name in _NAMES])
        self._outputs = tuple(self.readings.get(name, _nothing(name)) for name in _NAMES)
        self._level = _level_tables(world)
        self._scratch = (
            np.zeros(5),
            np.zeros((MOST_BODIES, 6)),
            np.zeros((MOST_SPHERES, 5)),
            np.zeros((SCRATCH_ROWS, len(RAYS.elevations))),
            np.zeros(3),
            np.zeros((MOST_SOURCES, 5)),
        )

    def read(self) -> dict[str, np.ndarray]:
        """Read every sensor of everybody, and return `readings`."""
        world = self._world
        _read_all(
            world.rounds,
            world.rules.record,
            WEAPON_TABLE,
            self._level,
            (*RAYS.tables, float(RAYS.reach)),
            (AUDIO.table, float(AUDIO.muffling)),
            MEMORY_S,
            self._wanted,
            self._scratch,
            self._outputs,
        )
        return self.readings


def _nothing(name: str) -> np.ndarray:
    """An array of no round with the type of a sensor's readings, for the kernel's sake."""
    axes = {"rays": 5, "audio": 4, "ways": 4, "enemies": 4}.get(name, 3)
    return np.zeros((0,) * axes, np.int16 if name == "rays" else np.float32)


def _level_tables(world: World) -> tuple[np.ndarray, ...]:
    """Heights, places, surface types, and distances and headings of the ways, of each level."""
    surfaces = np.stack([surface_types(*each) for each in zip(world.heights, world.places, strict=True)])
    shape = (len(world.levels), 5, *world.heights.shape[1:])
    distances, headings = np.full(shape, np.inf, np.float32), np.zeros(shape, np.float32)
    for index, level in enumerate(world.levels):
        distances[index, :, : level.num_rows, : level.num_cols] = level.distances
        headings[index, :, : level.num_rows, : level.num_cols] = level.headings
    return world.heights, world.places, surfaces, distances, headings


@numba.njit(cache=True)
def _read_all(
    rounds: np.ndarray,
    rules: Record,
    weapons: np.ndarray,
    level: tuple[np.ndarray, ...],
    rays: tuple[np.ndarray, np.ndarray, np.ndarray, float],
    audio: tuple[np.ndarray, float],
    memory_s: float,
    wanted: np.ndarray,
    scratch: tuple[np.ndarray, ...],
    outputs: tuple[np.ndarray, ...],
) -> None:  # pragma: no cover
    heights, places, surfaces, distances, headings = level
    seen, heard, own, team, ways, enemies = outputs
    for b in range(rounds.shape[0]):
        r = rounds[b]
        where = r.level
        for a in range(4):
            senses = r.alive[a] or r.events[a] & (1 << DEATH)
            if wanted[0]:
                seen[b, a] = 0
                if senses:
                    _read_rays(r, rules, heights[where], surfaces[where], rays, a, scratch, seen[b, a])
            if wanted[1]:
                heard[b, a] = 0
                if senses:
                    _read_audio(r, heights[where], audio, a, scratch, heard[b, a])
            if not senses:
                _clear(wanted, own, team, ways, enemies, b, a)
                continue
            if wanted[2]:
                fill_self(r, rules, weapons, places[where], a, own[b, a])
            if wanted[3]:
                fill_team(r, rules, a, memory_s, team[b, a])
            if wanted[4]:
                fill_ways(r, distances[where], headings[where], a, ways[b, a])
            if wanted[5]:
                fill_enemies(r, a, enemies[b, a])


@numba.njit(cache=True)
def _clear(
    wanted: np.ndarray, own: np.ndarray, team: np.ndarray, ways: np.ndarray, enemies: np.ndarray, b: int, a: int
) -> None:  # pragma: no cover
    if wanted[2]:
        own[b, a] = 0
    if wanted[3]:
        team[b, a] = 0
    if wanted[4]:
        ways[b, a] = 0
    if wanted[5]:
        enemies[b, a] = 0


@numba.njit(cache=True)
def _read_rays(
    r: Record,
    rules: Record,
    heights: np.ndarray,
    surfaces: np.ndarray,
    rays: tuple[np.ndarray, np.ndarray, np.ndarray, float],
    a: int,
    scratch: tuple[np.ndarray, ...],
    out: np.ndarray,
) -> None:  # pragma: no cover
    viewer, bodies, spheres, rows = scratch[:4]
    viewer[0], viewer[1], viewer[2] = r.position[a, 0], r.position[a, 1], eye_height(r, rules, a)
    viewer[3], viewer[4] = r.heading[a], r.pitch[a]
    num_bodies, num_spheres = list_bodies(r, rules, a, bodies), list_spheres(r, spheres)
    see_heights(
        heights,
        surfaces,
        4.0,
        viewer,
        rays[0],
        rays[1],
        rays[2],
        rays[3],
        bodies[:num_bodies],
        spheres[:num_spheres],
        rows,
        out,
    )


@numba.njit(cache=True)
def _read_audio(
    r: Record,
    heights: np.ndarray,
    audio: tuple[np.ndarray, float],
    a: int,
    scratch: tuple[np.ndarray, ...],
    out: np.ndarray,
) -> None:  # pragma: no cover
    listener, sources = scratch[4], scratch[5]
    listener[0], listener[1], listener[2] = r.position[a, 0], r.position[a, 1], r.heading[a]
    count = list_sources(r, heights, a, audio[0], sources)
    hear(listener, sources[:count], audio[0], audio[1], out)
