"""What a player of skirmish senses live, an engine's own ray casts and the recordings of that round give as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toy_engine import ToyWorld
from understudy.envs.skirmish.behavior import SELF_LABELS
from understudy.envs.skirmish.combat import CROWN
from understudy.envs.skirmish.env import SkirmishEnv
from understudy.envs.skirmish.level import Level, load_level
from understudy.envs.skirmish.measures import EXTRAS
from understudy.envs.skirmish.rules import AGENTS, Rules
from understudy.envs.skirmish.senses import WALL_HEIGHT, surface_types
from understudy.recordings import Episode, EpisodeWriter, Provenance
from understudy.sensors.audio import Audio
from understudy.sensors.hearing import wall_metres
from understudy.sensors.meshes import TriangleScene, heights_to_triangles
from understudy.sensors.raygrid import RAY_TYPES, RayGrid

STEPS, RULES = 40, Rules()
TEAMMATE, ENEMY, SMOKE = (RAY_TYPES.index(each) for each in ("teammate", "enemy", "smoke"))


def play(seed: int, *, smoke: bool) -> list[dict[str, Any]]:
    """Four players who meet on a site, turn, walk, crouch and run: each decision's state and readings."""
    env = SkirmishEnv("foundry")
    env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    sites = np.argwhere((env.world.places[0] == 2) & (env.world.heights[0] == 0))
    env.world.position[0] = sites[rng.choice(len(sites), 4, replace=False)][:, ::-1] + 0.5
    if smoke:
        env.world.smokes[0, 0] = (*env.world.position[0, 0] + 3.0, 12.0, 3.5)
    drawn, moments = draw_actions(seed), []
    for now in range(STEPS):
        actions = {
            agent: {name: np.asarray(values[now, index]) for name, values in drawn.items()}
            for index, agent in enumerate(AGENTS)
        }
        observations, _, _, _, infos = env.step(actions)
        world = env.world
        moments.append(
            {
                "observations": observations,
                "actions": actions,
                "infos": infos,
                "position": world.position[0].copy(),
                "view": np.stack((world.heading[0], world.pitch[0]), axis=-1),
                "crouched": world.crouched[0].copy(),
                "smokes": world.smokes[0].copy(),
                "sounds": world.sounds[0].copy(),
                "sound_position": world.sound_position[0].copy(),
            }
        )
    assert env.agents == list(AGENTS)  # nobody shot: the bodies are those of the living
    return moments


def draw_actions(seed: int) -> dict[str, np.ndarray]:
    """A way and a gait for half a second at a time, and turns at each decision, shape (STEPS, 4); no shots."""
    rng = np.random.default_rng(seed)
    moves, gaits = (np.repeat(rng.integers(0, num, (STEPS // 8, 4)), 8, axis=0) for num in (9, 3))
    turns, pitches = (rng.uniform(-most, most, (STEPS, 4)).astype(np.float32) for most in (15, 5))
    none = np.zeros((STEPS, 4), np.int64)
    return {"move": moves, "gait": gaits, "turn": turns, "pitch": pitches, "fire": none, "act": none}


def bodies_around(agent: int, position: np.ndarray, crouched: np.ndarray) -> np.ndarray:
    """The other three as a ray grid takes them, shape (3, 6)."""
    others = [each for each in range(4) if each != agent]
    eyes = np.where(crouched[others], RULES.eye_crouched, RULES.eye)
    kinds = [TEAMMATE if each // 2 == agent // 2 else ENEMY for each in others]
    radius = np.full(3, RULES.body_radius)
    return np.column_stack((position[others], np.zeros(3), eyes + CROWN, radius, kinds))


def viewer_of(agent: int, position: np.ndarray, view: np.ndarray, crouched: np.ndarray) -> np.ndarray:
    """A player's eye as a ray grid takes it, shape (5,)."""
    return np.array([*position[agent], RULES.eye_crouched if crouched[agent] else RULES.eye, *view[agent]])


def differing(first: np.ndarray, second: np.ndarray) -> float:
    """The share of rays that read another type, or a distance more than a centimetre off."""
    return float((np.abs(first - second) > [1, 0]).any(axis=-1).mean())


@pytest.fixture(scope="module")
def level() -> Level:
    """Where all is played."""
    return load_level("foundry")


def test_an_engines_own_ray_casts_give_what_players_saw(level: Level) -> None:
    """Single rays by the textbook formulas, among the players and a smoke, read as the game's own sensor did."""
    types, seen, cast = surface_types(level.heights, level.places), [], []
    for moment in play(2, smoke=True)[::5]:
        x, y, _, radius = moment["smokes"][0]
        spheres = np.array([[x, y, 1.0, radius, SMOKE]])
        for agent, name in enumerate(AGENTS):
            observation = moment["observations"][name]
            pose = (moment["position"], moment["view"], moment["crouched"])
            eye, bodies = viewer_of(agent, *pose), bodies_around(agent, pose[0], pose[2])
            grid = RayGrid.foveated(15, 15)
            engine = ToyWorld(level.heights, types, bodies, spheres)
            seen.append(observation["rays"])
            cast.append(grid.from_hits(*engine.cast(eye[:3], grid.directions(*eye[3:]))))
    assert differing(np.stack(seen), np.stack(cast)) < 1e-3
    assert {TEAMMATE + 1, ENEMY + 1, SMOKE + 1} <= set(np.stack(seen)[..., 1].ravel())


def test_a_rounds_recordings_give_what_was_recorded(level: Level, tmp_path: Path) -> None:
    """From the positions that four recordings of a round keep, each player's rays come out again, in cells and mesh."""
    episodes = [record(tmp_path, play(2, smoke=False), name) for name in AGENTS]
    position, view = (np.stack([each.extra(what) for each in episodes], axis=1) for what in ("position", "view"))
    crouched = np.stack([each.observation("self")[:, SELF_LABELS.index("crouched")] > 0 for each in episodes], axis=1)
    types = surface_types(level.heights, level.places)
    scene = TriangleScene(*heights_to_triangles(level.heights, types))
    kinds = set()
    for agent, episode in enumerate(episodes):
        grid = RayGrid.from_spec(episode.behavior.sensor("rays"))
        eyes = np.stack([viewer_of(agent, position[now], view[now], crouched[now]) for now in range(STEPS)])
        bodies = np.stack([bodies_around(agent, position[now], crouched[now]) for now in range(STEPS)])
        recorded = episode.observation("rays")
        assert differing(recorded, grid.on_heights(level.heights, types, eyes, bodies)) < 2e-3
        assert differing(recorded, grid.on_mesh(scene, eyes, bodies)) < 2e-3
        kinds |= set(np.unique(recorded[..., 1]))
    assert {TEAMMATE + 1, ENEMY + 1} <= kinds
    assert crouched.any()


def test_players_hear_what_the_sensor_hears(level: Level) -> None:
    """The sounds of a decision, given to the sensor that the spec describes, read as the players heard them."""
    heard = 0
    for moment in (*play(3, smoke=False), *play(4, smoke=False)):
        audio = Audio.from_spec(SkirmishEnv("foundry", sensors=("audio",)).behavior.sensor("audio"))
        for agent, name in enumerate(AGENTS):
            ear = np.array([*moment["position"][agent], moment["view"][agent, 0]])
            sources = [
                (*place, kind, moment["sounds"][maker, kind], wall_metres(level.heights, WALL_HEIGHT, *place, *ear[:2]))
                for maker in range(4)
                for kind in range(4)
                if maker != agent and moment["sounds"][maker, kind] > 0
                for place in [moment["sound_position"][maker, kind]]
            ]
            found = audio.read(ear[None], np.reshape(sources, (1, -1, 5)))[0]
            np.testing.assert_allclose(moment["observations"][name]["audio"], found, atol=1e-6)
            heard += int(found.any())
    assert heard > 10


def record(folder: Path, moments: list[dict[str, Any]], agent: str) -> Episode:
    """Write one player's recording of a round."""
    behavior = SkirmishEnv("foundry").behavior
    with EpisodeWriter(folder, behavior, Provenance("skirmish", player=agent), extras=EXTRAS) as writer:
        for moment in moments:
            of = {what: moment[what][agent] for what in ("observations", "actions", "infos")}
            writer.append(of["observations"], of["actions"], extras=of["infos"]["extras"])
        writer.finish(truncated=True)
    return Episode(writer.path)
