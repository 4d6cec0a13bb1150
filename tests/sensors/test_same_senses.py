"""One sensor for the live game, for an engine that casts its own rays, for a mesh of the level, and for a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces

from toy_engine import ToyWorld
from understudy.recordings import Episode, EpisodeWriter, Provenance
from understudy.sensors.audio import Audio
from understudy.sensors.meshes import TriangleScene, heights_to_triangles
from understudy.sensors.raygrid import RayGrid
from understudy.spec import ActionSpec, BehaviorSpec

GRID, AUDIO = RayGrid.foveated(15, 15), Audio()
GAME = BehaviorSpec("toy-shooter", (GRID.spec(), AUDIO.spec()), (ActionSpec("move", spaces.Discrete(2)),), 16.0)
STEPS = 24


def extra(*shape: int) -> spaces.Box:
    """What the game writes beside its sensors."""
    return spaces.Box(-np.inf, np.inf, shape, np.float64)


class ToyGame:
    """A player who strafes and turns in a world where the others walk about and are heard."""

    def __init__(self, seed: int) -> None:
        self.world = ToyWorld.random(seed, num_bodies=2, num_spheres=1)
        steps = np.arange(STEPS)[:, None]
        self.viewers = self.world.free_viewers(1, seed) + steps * [0.02, 0.01, 0, 5, 0.4]
        self.bodies = self.world.bodies + steps[..., None] * [0.05, 0.02, 0, 0, 0, 0]
        self.spheres = np.repeat(self.world.spheres[None], STEPS, axis=0)
        self.sounds = np.concatenate((self.bodies[..., :2], np.tile([0, 1.0, 0.5], (STEPS, 2, 1))), axis=-1)

    def play(self) -> dict[str, np.ndarray]:
        """The sensors, live, one decision at a time."""
        level = (self.world.heights, self.world.surface_types)
        rays = [
            GRID.on_heights(*level, self.viewers[[now]], self.bodies[[now]], self.spheres[[now]])[0]
            for now in range(STEPS)
        ]
        audio = [AUDIO.read(self.viewers[[now]][:, [0, 1, 3]], self.sounds[[now]])[0] for now in range(STEPS)]
        return {"rays": np.stack(rays), "audio": np.stack(audio)}

    def record(self, folder: Path) -> Episode:
        """Play, and record the sensors with the truth beside them."""
        truth = {"viewer": self.viewers, "bodies": self.bodies, "spheres": self.spheres, "sounds": self.sounds}
        extras = {name: extra(*values.shape[1:]) for name, values in truth.items()}
        with EpisodeWriter(folder, GAME, Provenance("toy-shooter"), extras=extras) as writer:
            writer.extend(self.play(), {"move": np.zeros(STEPS, np.int64)}, extras=truth)
            writer.finish(terminated=True)
        return Episode(writer.path)


@pytest.fixture(scope="module", params=[1, 2, 9])
def game(request: pytest.FixtureRequest) -> ToyGame:
    """A game of some seed."""
    return ToyGame(request.param)


def test_a_recordings_positions_give_the_recorded_readings(game: ToyGame, tmp_path: Path) -> None:
    """Sensors rebuilt from a recording's own spec read from its positions exactly what was recorded live."""
    episode = game.record(tmp_path)
    grid = RayGrid.from_spec(episode.behavior.sensor("rays"))
    audio = Audio.from_spec(episode.behavior.sensor("audio"))
    viewers, bodies, spheres, sounds = (episode.extra(each) for each in ("viewer", "bodies", "spheres", "sounds"))
    level = (game.world.heights, game.world.surface_types)
    np.testing.assert_array_equal(grid.on_heights(*level, viewers, bodies, spheres), episode.observation("rays"))
    np.testing.assert_array_equal(audio.read(viewers[:, [0, 1, 3]], sounds), episode.observation("audio"))
    assert episode.observation("audio").any()
    assert len(np.unique(episode.observation("rays")[..., 1])) > 3


def test_positions_kept_as_float32_lose_a_centimetre_at_most(game: ToyGame) -> None:
    """Recordings that keep positions in half the space read the same, but for rays that graze an edge."""
    level = (game.world.heights, game.world.surface_types)
    rounded = [each.astype(np.float32) for each in (game.viewers, game.bodies, game.spheres)]
    assert differing(game.play()["rays"], GRID.on_heights(*level, *rounded)) < 1e-3


def test_an_engines_own_ray_casts_give_the_live_readings(game: ToyGame) -> None:
    """An engine gets the directions, casts single rays in its own way, and its hits read as the game's own."""
    readings = []
    for viewer, bodies, spheres in zip(game.viewers, game.bodies, game.spheres, strict=True):
        engine = ToyWorld(game.world.heights, game.world.surface_types, bodies, spheres)
        readings.append(GRID.from_hits(*engine.cast(viewer[:3], GRID.directions(viewer[3], viewer[4]))))
    assert differing(game.play()["rays"], np.stack(readings)) < 1e-3


def test_the_mesh_of_the_level_gives_the_live_readings(game: ToyGame) -> None:
    """Embree over the level's triangles reads as the walk over its cells."""
    scene = TriangleScene(*heights_to_triangles(game.world.heights, game.world.surface_types))
    found = GRID.on_mesh(scene, game.viewers, game.bodies, game.spheres)
    assert differing(game.play()["rays"], found) < 1e-3


def differing(first: np.ndarray, second: np.ndarray) -> float:
    """The share of rays that read another type, or a distance more than a centimetre off."""
    return float((np.abs(first - second) > [1, 0]).any(axis=-1).mean())
