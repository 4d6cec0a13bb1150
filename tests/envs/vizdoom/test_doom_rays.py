from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from understudy.agents.scripted import RayWalker
from understudy.envs.doom.behavior import RAYS
from understudy.envs.vizdoom.env import DoomEnv
from understudy.envs.vizdoom.geometry import LevelGeometry
from understudy.envs.vizdoom.things import visible_discs
from understudy.spec import Action

Make = Callable[..., DoomEnv]
Press = Callable[..., Action]

SATURATED = 105
"""The depth buffer's value on the horizon for everything further than about 770 map units."""
UNITS_PER_STEP = 7.3
HORIZON = 41
"""Of the 100 rows of the halved depth buffer."""
WALL, MONSTER, ITEM = (1 + RAYS.types.index(kind) for kind in ("wall", "monster", "item"))


def _walls_and_depths(env: DoomEnv, decisions: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Walk about; return, for rays that hit walls, the distance along the view and the engine's depth, in map units."""
    walker = RayWalker(env.behavior)
    walker.reset(seed)
    angles = np.radians(RAYS.angles)
    columns = np.clip((80 + 80 * np.tan(angles)).astype(int), 0, 159)
    observation, _ = env.reset(seed=seed)
    pairs = []
    for index in range(decisions):
        if index % 5 == 0:
            rays, depth = observation["rays"], observation["depth"][HORIZON, columns, 0]
            kept = (rays[:, WALL] > 0) & (depth < SATURATED)
            pairs.append(np.stack((rays[:, 0] * np.cos(angles), depth * UNITS_PER_STEP))[:, kept])
        observation, _, terminated, truncated, _ = env.step(walker.act(observation))
        if terminated or truncated:
            observation, _ = env.reset(seed=seed + index)
    distances, depths = np.concatenate(pairs, axis=1)
    return distances, depths


@pytest.mark.parametrize(
    ("wad", "level"),
    [("my_way_home.wad", "MAP01"), ("freedoom2.wad", "MAP01"), ("freedoom2.wad", "MAP03"), ("freedoom2.wad", "MAP07")],
)
def test_rays_agree_with_the_engines_depth_buffer(make_doom: Make, wad: str, level: str) -> None:
    """On a walk, the distance to walls correlates with the depth drawn there by more than 0.99, half within 8 units.

    Measured over 400 decisions: 0.997, 0.996, 0.999 and 0.9997; deadly_corridor 0.991, MAP22 0.997, E3M1 0.994, E1M1
    0.985 (0.999 without its gratings). Not on levels full of gratings, which rays pass and the depth buffer shows (E1M6
    0.37, of which the rays past gratings 0.96; MAP05 0.81; E2M1 0.65, where a raised shotgun hides the horizon too).
    """
    env = make_doom(wad=wad, map=level, sensors=("rays", "depth"), skill=1, max_seconds=600)
    distances, depths = _walls_and_depths(env, 200, seed=0)
    assert len(distances) > 500
    assert np.corrcoef(distances, depths)[0, 1] > 0.99
    assert np.median(np.abs(distances - depths - UNITS_PER_STEP / 2)) < 8


def test_a_monster_ahead_is_seen_until_it_is_behind(make_doom: Make, press: Press) -> None:
    """Soldiers stand in the corridor ahead; a player who has turned round sees none of them, though they are near."""
    env = make_doom(wad="deadly_corridor.wad", map="MAP01", sensors=("rays",), skill=1)
    ahead = env.reset(seed=0)[0]["rays"]
    assert ahead[:, MONSTER].any()
    assert 100 < ahead[ahead[:, MONSTER] > 0, 0].min() < 500
    env.step(press(turn=90))
    behind = env.step(press(turn=90))[0]["rays"]
    assert not behind[:, MONSTER].any()
    assert behind[:, WALL].all()


def _sector(floor: float, ceiling: float, *lines: tuple[float, float, float, float, bool]) -> SimpleNamespace:
    names = ("x1", "y1", "x2", "y2", "is_blocking")
    return SimpleNamespace(
        floor_height=floor,
        ceiling_height=ceiling,
        lines=[SimpleNamespace(**dict(zip(names, line, strict=True))) for line in lines],
    )


def test_what_stops_a_look_is_what_is_at_the_height_of_the_eye() -> None:
    """A wall always does; a step, a window and a door depend on the eye and on where the floor is now."""
    wall, step, inner = (0, 0, 0, 9, True), (9, 0, 9, 9, False), (3, 3, 4, 4, False)
    room, ledge = _sector(0, 128, wall, step, inner), _sector(56, 100, step)
    level = LevelGeometry([room, ledge])
    assert level.lines.tolist() == [[0, 0, 0, 9], [9, 0, 9, 9], [3, 3, 4, 4]]
    assert level.stops_sight(41).tolist() == [True, True, False]
    assert level.stops_sight(70).tolist() == [True, False, False]
    assert level.stops_sight(110).tolist() == [True, True, False]
    ledge.floor_height = 0
    level.update([room, ledge])
    assert level.stops_sight(41).tolist() == [True, False, False]
    ledge.ceiling_height = 0
    level.update([room, ledge])
    assert level.stops_sight(41).tolist() == [True, True, False]


def test_only_things_with_a_body_become_discs() -> None:
    """Monsters and items are seen; corpses, blood, smoke and the player are not."""
    labels = [
        SimpleNamespace(object_name=name, object_category=category, object_position_x=x, object_position_y=0.0)
        for x, (name, category) in enumerate(
            [
                ("DoomPlayer", "Self"),
                ("Demon", "Monster"),
                ("DeadMarine", "Gore"),
                ("BulletPuff", "Explosive"),
                ("Clip", "Ammo"),
                ("DoomImpBall", "Explosive"),
            ]
        )
    ]
    discs, types = visible_discs(labels, RAYS.types)
    assert discs.tolist() == [[1, 0, 30], [4, 0, 16], [5, 0, 16]]
    assert (1 + types).tolist() == [MONSTER, ITEM, 1 + RAYS.types.index("other")]
