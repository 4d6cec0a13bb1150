"""Promise: the senses of a tactical shooter are cheap enough for tens of thousands of players a second on one core."""

from __future__ import annotations

import numpy as np
from _table import Row, interleaved, report

from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.senses import surface_types
from understudy.sensors import mesh_casting
from understudy.sensors.audio import Audio
from understudy.sensors.meshes import TriangleScene, heights_to_triangles
from understudy.sensors.raygrid import RAY_TYPES, RayGrid

LEVEL, VIEWERS, BODIES, SPHERES, SOURCES = "foundry", 1024, 3, 2, 8
IN_ONE_CALL = 128
ROUNDS = 40
GRID = RayGrid.foveated(15, 15)
NUM_RAYS = VIEWERS * GRID.shape[0] * GRID.shape[1]


def rows() -> list[Row]:
    """Read 1024 viewers at random places of a level, each way beside the other in turn, and compare the medians."""
    level = load_level(LEVEL)
    ground = (level.heights, surface_types(level.heights, level.places))
    rng = np.random.default_rng(0)
    viewers, bodies, spheres = people(level.heights, rng)
    size = f"{level.num_cols} × {level.num_rows} m"
    note = f"{LEVEL} ({size}), {VIEWERS} viewers of 15 × 15 rays, one thread, medians of {ROUNDS}"
    things = f"; {BODIES} bodies and {SPHERES} smokes each"
    return [
        *over_heights(ground, viewers, bodies, spheres, note + things),
        *over_mesh(ground, viewers, bodies, spheres, note, things),
        hearing(viewers, rng),
    ]


def over_heights(
    ground: tuple[np.ndarray, np.ndarray], viewers: np.ndarray, bodies: np.ndarray, spheres: np.ndarray, note: str
) -> list[Row]:
    """The rate over heights, and what one walk for a whole column saves."""
    single = [RayGrid(GRID.azimuths, (each,), GRID.reach) for each in GRID.elevations]

    def by_column() -> np.ndarray:
        return GRID.on_heights(*ground, viewers, bodies, spheres)

    def by_ray() -> np.ndarray:
        return np.concatenate([each.on_heights(*ground, viewers, bodies, spheres) for each in single], axis=1)

    agree(by_column(), by_ray())
    together, alone = interleaved(by_column, by_ray, ROUNDS)
    return [
        Row("RayGrid.on_heights", VIEWERS / together, 40_000, "viewers/s", note=note),
        Row("One walk for a column against one for each ray", alone / together, 2, note=note),
    ]


def over_mesh(
    ground: tuple[np.ndarray, np.ndarray],
    viewers: np.ndarray,
    bodies: np.ndarray,
    spheres: np.ndarray,
    note: str,
    things: str,
) -> list[Row]:
    """The rate over the same level's triangles, against embreex alone with its rays ready in memory."""
    scene = TriangleScene(*heights_to_triangles(*ground))
    agree(GRID.on_mesh(scene, viewers, bodies, spheres), GRID.on_heights(*ground, viewers, bodies, spheres))
    origins, directions = np.empty((2, VIEWERS, *GRID.shape[:2], 3), np.float32)
    mesh_casting.aim_rays(viewers, *GRID.tables, origins, directions)
    rays = [
        (origins[first : first + IN_ONE_CALL].reshape(-1, 3), directions[first : first + IN_ONE_CALL].reshape(-1, 3))
        for first in range(0, VIEWERS, IN_ONE_CALL)
    ]

    def bare() -> None:
        for each in rays:
            scene.cast(*each, GRID.reach)

    alone, ours = interleaved(bare, lambda: GRID.on_mesh(scene, viewers), ROUNDS)
    beside, full = interleaved(bare, lambda: GRID.on_mesh(scene, viewers, bodies, spheres), ROUNDS)
    note = f"{note}; {scene.num_faces} triangles; {NUM_RAYS / alone / 1e6:.2f} million rays/s bare"
    return [
        Row("RayGrid.on_mesh against bare embreex: directions, rays and readings", alone / ours, 0.7, note=note),
        Row("The same among bodies and smoke", beside / full, 0.7, note=note + things),
    ]


def hearing(viewers: np.ndarray, rng: np.random.Generator) -> Row:
    """The rate of directional audio."""
    audio = Audio()
    places = rng.uniform(0, 60, (VIEWERS, SOURCES, 2))
    kinds = rng.integers(0, len(audio.types), (VIEWERS, SOURCES, 1))
    sources = np.concatenate((places, kinds, rng.uniform(0, 1, (VIEWERS, SOURCES, 2))), axis=-1)
    listeners = viewers[:, [0, 1, 3]]
    seconds, _ = interleaved(lambda: audio.read(listeners, sources), lambda: None, ROUNDS)
    return Row("Audio.read", VIEWERS / seconds, 400_000, "listeners/s", note=f"{SOURCES} sources each, one thread")


def people(heights: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Viewers on the floor, with bodies and smoke at random places of it."""
    free = np.argwhere(heights == 0)[:, ::-1] + 0.5

    def places(*shape: int) -> np.ndarray:
        return free[rng.integers(len(free), size=shape)]

    eyes, headings, pitches = np.full(VIEWERS, 1.6), rng.uniform(0, 360, VIEWERS), rng.uniform(-10, 10, VIEWERS)
    viewers = np.column_stack((places(VIEWERS), eyes, headings, pitches))
    body = np.tile([0, 1.8, 0.35, RAY_TYPES.index("enemy")], (VIEWERS, BODIES, 1))
    smoke = np.tile([1.5, 3.5, RAY_TYPES.index("smoke")], (VIEWERS, SPHERES, 1))
    bodies = np.concatenate((places(VIEWERS, BODIES), body), axis=-1)
    return viewers, bodies, np.concatenate((places(VIEWERS, SPHERES), smoke), axis=-1)


def agree(first: np.ndarray, second: np.ndarray) -> None:
    """Refuse to compare the speed of two things that do not do the same."""
    if (np.abs(first - second) > [2, 0]).any(axis=-1).mean() > 1e-3:
        raise RuntimeError("The two ways read something else; the comparison would mean nothing.")


if __name__ == "__main__":
    report("senses", rows())
