"""Scripted testers in the real park: each plays as its preference says, and no two episodes are the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from parkland_toys import grid, park

from understudy.envs.parkland.behavior import parkland_actions
from understudy.envs.parkland.env import ParklandEnv
from understudy.envs.parkland.layout import PROP_SIZES, Layout
from understudy.envs.parkland.testers.hands import Hands, Temper, wrap
from understudy.envs.parkland.testers.inspection import SIDES, vantages
from understudy.envs.parkland.testers.legs import Task
from understudy.envs.parkland.testers.preferences import PREFERENCES
from understudy.envs.parkland.testers.tester import ScriptedTester
from understudy.errors import GameError

SEED = 1
Episode = list[dict[str, Any]]


@pytest.fixture(scope="module")
def env() -> Iterator[ParklandEnv]:
    """The small park of `SEED`, with the smallest picture there is."""
    game = ParklandEnv(layout=park(SEED), size=16, max_seconds=10_000)
    yield game
    game.close()


def _play(
    env: ParklandEnv, preference: str, seed: int, seconds: float, layout: Layout | None = None, **start: Any
) -> Episode:
    """Return the infos of an episode; `layout` is the park as the tester knows it."""
    tester = ScriptedTester(layout or park(SEED), preference, grid(SEED))
    tester.reset(seed)
    infos = [env.reset(options=start)[1]]
    for _ in range(int(seconds * 10)):
        infos.append(env.step(tester.act(infos[-1]))[-1])
    return infos


def _positions(infos: Episode) -> np.ndarray:
    return np.asarray([each["position"] for each in infos])


def _from(points: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The distance of each position to the nearest of `points`, on the level."""
    return np.hypot(*(positions[:, None, :2] - points[None, :, :2]).transpose(2, 0, 1)).min(axis=1)


def _before(door: int) -> tuple[float, float, float]:
    """A place a few steps in front of a front door."""
    (x, y, z), angle = park(SEED).doors[door].middle, np.radians(park(SEED).doors[door].heading)
    return x + 4 * float(np.sin(angle)), y - 4 * float(np.cos(angle)), z


def test_golden_path_follows_the_golden_trail(env: ParklandEnv) -> None:
    """The golden-path tester stays near the trail and covers a good part of it."""
    walked = _positions(_play(env, "golden_path", 0, 60))
    golden = park(SEED).trail("golden").points
    assert (_from(golden, walked) < 4.0).mean() > 0.9
    assert (_from(walked, golden) < 4.0).mean() > 0.1


def test_perimeter_goes_along_the_boundary(env: ParklandEnv) -> None:
    """The perimeter tester stays in the outer strip once it is there, and touches the boundary now and then."""
    layout = park(SEED)
    x, y, z = layout.trail("perimeter").points[40].tolist()
    walked = _positions(_play(env, "perimeter", 1, 60, position=(x, y, z)))
    low_x, low_y, high_x, high_y = layout.bounds
    gap = np.min([walked[:, 0] - low_x, walked[:, 1] - low_y, high_x - walked[:, 0], high_y - walked[:, 1]], axis=0)
    assert gap.max() < 25
    assert 0 < gap.min() < 1.0
    assert np.ptp(walked[:, :2], axis=0).sum() > 120


def test_off_road_keeps_off_the_trails(env: ParklandEnv) -> None:
    """The off-road tester is far from trails for most of the time, and gets about."""
    walked = _positions(_play(env, "off_road", 0, 60))
    trails = np.concatenate([each.points for each in park(SEED).trails])
    assert (_from(trails, walked) > 5.0).mean() > 0.6
    assert np.ptp(walked[:, :2], axis=0).max() > 60


def test_indoors_opens_doors_and_visits_both_floors(env: ParklandEnv) -> None:
    """The indoors tester opens the front door, and walks through most rooms of the house on both floors."""
    house = park(SEED).buildings[0]
    only = replace(park(SEED), buildings=(house,))
    infos = _play(env, "indoors", 0, 80, only, position=_before(0))
    walked = _positions(infos)
    assert max(each["doors"] for each in infos) == 2
    rooms = 0
    for room in house.rooms:
        low_x, low_y, high_x, high_y = room.bounds
        inside = (walked[:, 0] > low_x) & (walked[:, 0] < high_x) & (walked[:, 1] > low_y) & (walked[:, 1] < high_y)
        rooms += bool((inside & (np.abs(walked[:, 2] - room.z) < 0.3)).any())
    assert rooms >= 5


def test_inspection_looks_at_things_and_touches_them(env: ParklandEnv) -> None:
    """In a house full of things the inspection tester interacts with several objects of interest within a minute."""
    infos = _play(env, "inspection", 0, 60, position=_before(2))
    touched = {each["interacted"] for each in infos} - {-1}
    assert len(touched) >= 3
    assert all(park(SEED).props[each].of_interest for each in touched)


def test_no_two_episodes_are_the_same_but_each_can_be_repeated(env: ParklandEnv) -> None:
    """Two seeds walk differently; the same seed walks the same to the last bit."""
    one, same, other = (_positions(_play(env, "golden_path", seed, 15)) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("preference", PREFERENCES)
def test_testers_are_seldom_stuck(env: ParklandEnv, preference: str) -> None:
    """In 40 seconds a tester gets about, and never stands on one spot for long."""
    walked = _positions(_play(env, preference, 3, 40))
    steps = np.linalg.norm(walked[60:] - walked[:-60], axis=1)
    assert (steps < 0.3).mean() < 0.1
    assert np.linalg.norm(np.diff(walked, axis=0), axis=1).sum() > 40


def test_actions_are_those_of_the_behaviour() -> None:
    """Whatever the hands are asked for is an action of Parkland, and moves lead where they should."""
    rng = np.random.default_rng(0)
    hands = Hands(rng, Temper.draw(rng))
    spaces = {part.name: part.space for part in parkland_actions()}
    for _ in range(300):
        left, up, way = (float(each) for each in rng.uniform(-400, 400, 3))
        action = hands.act(left, up, way, "run", jump=True, interact=True)
        assert action.keys() == spaces.keys()
        assert all(spaces[name].contains(np.asarray(value, spaces[name].dtype)) for name, value in action.items())
        actual = -(int(action["move"]) - 1) * 45.0
        assert abs(wrap(actual - (way + float(action["turn"]) / 2))) <= 30.0


def test_vantages_are_on_different_sides_and_near() -> None:
    """Things of interest are seen from up to three sides, from within reach, and nearly all from two at least."""
    layout = park(SEED)
    rng = np.random.default_rng(0)
    counts = []
    for prop in layout.props:
        if not prop.of_interest:
            continue
        spots = np.asarray(vantages(Task(layout, grid(SEED), rng, lambda: layout.start[:3]), prop))
        counts.append(len(spots))
        away = np.hypot(spots[:, 0] - prop.x, spots[:, 1] - prop.y) if len(spots) else np.zeros(0)
        assert (away < max(PROP_SIZES[prop.kind][:2]) / 2 + 2.3).all()
    assert max(counts) == SIDES
    assert np.mean(np.asarray(counts) >= 2) > 0.8
    assert min(counts) >= 1


def test_unknown_preference_is_named() -> None:
    """A preference that nobody has is refused with a suggestion."""
    with pytest.raises(GameError, match="Did you mean 'off_road'"):
        ScriptedTester(park(SEED), "offroad", grid(SEED))
