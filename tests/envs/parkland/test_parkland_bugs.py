"""Planted bugs: their ground truth, and that each preference meets its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parkland_toys import grid, park

from understudy.envs.parkland.bugs import APART, FROM_START, plant
from understudy.envs.parkland.build import Build, load_build
from understudy.envs.parkland.layout import BUGS, Layout, PlantedBug
from understudy.envs.parkland.solids import KINDS
from understudy.envs.parkland.venues import VENUES, Venues
from understudy.envs.parkland.walkable import walk_grid
from understudy.errors import GameError


def _bug(layout: Layout, kind: str) -> PlantedBug:
    return next(each for each in layout.bugs if each.kind == kind)


@pytest.mark.parametrize("seed", range(6))
def test_one_of_each_kind_spread_over_the_venues(seed: int) -> None:
    """Twelve kinds make twelve bugs, three for each preference, apart from each other and from the start."""
    layout = plant(park(seed), seed)
    assert sorted(each.kind for each in layout.bugs) == sorted(BUGS)
    assert [each.id for each in layout.bugs] == list(range(len(BUGS)))
    venues = [each.details["venue"] for each in layout.bugs]
    assert all(venues.count(venue) == len(BUGS) // len(VENUES) for venue in VENUES)
    for one in layout.bugs:
        assert np.hypot(one.position[0] - layout.start[0], one.position[1] - layout.start[1]) >= FROM_START
        for other in layout.bugs[: one.id]:
            flat = np.hypot(one.position[0] - other.position[0], one.position[1] - other.position[1])
            assert flat >= APART or abs(one.position[2] - other.position[2]) > 2


@pytest.mark.parametrize("seed", range(6))
def test_bugs_lie_where_their_testers_come_by(seed: int) -> None:
    """A bug is on or beside its trail, off all trails or in a house, as its venue says, and can be reached."""
    layout = plant(park(seed), seed)
    venues = Venues(park(seed))
    for bug in layout.bugs:
        assert grid(seed).is_near(bug.position, 3.0), bug
        if bug.kind not in ("out_of_bounds", "broken_quest", "soft_lock"):
            assert (venues.venue_of(bug.position) or "wild") == bug.details["venue"], bug


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_same_seed_plants_the_same(seed: int) -> None:
    """Bugs hang on the seed alone, and every seed has room for one of each."""
    one, same = plant(park(0), seed), plant(park(0), seed)
    assert one.bugs == same.bugs
    assert len(one.bugs) == len(BUGS)
    assert np.array_equal(one.solids.centre, same.solids.centre)


def test_clean_layout_is_left_as_it_was() -> None:
    """Planting makes a new layout."""
    collides, props = park(0).solids.collides.copy(), park(0).props
    plant(park(0), 0, dict.fromkeys(BUGS, 3))
    assert np.array_equal(park(0).solids.collides, collides)
    assert park(0).props is props
    assert park(0).bugs == ()


@pytest.mark.parametrize("seed", range(4))
def test_geometry_says_what_the_details_say(seed: int) -> None:
    """Walls that are not seen, panels and things that do not stop one, and lost textures are in the layout itself."""
    clean, layout = park(seed), plant(park(seed), seed)
    wall = int(_bug(layout, "invisible_wall").details["solid"])
    assert layout.solids.collides[wall]
    assert not layout.solids.visible[wall]
    assert layout.solids.visible.sum() == len(clean.solids)
    gap = _bug(layout, "out_of_bounds").details
    panels = np.arange(int(gap["panels"])) + int(gap["solid"])
    assert all(KINDS[kind] == "boundary" for kind in layout.solids.kind[panels])
    assert not layout.solids.collides[panels].any()
    things = [each for each in layout.props if not each.collides and clean.props[each.id].collides]
    stopped = np.flatnonzero(~layout.solids.collides[: len(clean.solids)])
    assert len(things) + len(np.setdiff1d(stopped, panels)) == 1
    lost = sum(each.texture == 0 for each in layout.props) + int((layout.solids.texture == 0).sum())
    assert lost == 1


@pytest.mark.parametrize("seed", range(4))
def test_details_name_what_is_there(seed: int) -> None:
    """Triggers, quests, stages and doors of the details exist, and lie where the bug lies."""
    layout = plant(park(seed), seed)
    assert layout.triggers[int(_bug(layout, "crash").details["trigger"])].position == _bug(layout, "crash").position
    quest = _bug(layout, "broken_quest").details
    stage = layout.quests[int(quest["quest"])].stages[int(quest["stage"])]
    assert stage[:3] == _bug(layout, "broken_quest").position
    lock = _bug(layout, "soft_lock")
    door = layout.doors[int(lock.details["door"])]
    assert door.building == lock.details["building"]
    assert door.middle == lock.position
    assert float(_bug(layout, "leak").details["mb_per_second"]) > 0
    assert float(_bug(layout, "slow_spot").details["delay_ms"]) > 0


def test_testers_do_not_see_the_bugs() -> None:
    """The walkable grid is the same whether bugs are planted or not."""
    buggy = walk_grid(plant(park(1), 1))
    assert np.array_equal(buggy.places, grid(1).places)
    assert np.array_equal(buggy.links, grid(1).links)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"hloe": 1}, "no kind of bug 'hloe'. Did you mean 'hole'"),
        ({"hole": -1}, "give 0 or more"),
        ({"soft_lock": 50}, "no room for another bug of the kind 'soft_lock'"),
    ],
)
def test_impossible_bugs_are_named(kinds: dict[str, int], message: str) -> None:
    """Unknown kinds, counts below 0 and more than there is room for are refused in words."""
    with pytest.raises(GameError, match=message):
        plant(park(0), 0, kinds)


def test_bugs_are_planted_once() -> None:
    """A park with bugs is not planted again."""
    with pytest.raises(GameError, match="already"):
        plant(plant(park(0), 0, ("hole",)), 1)


def test_build_is_read_from_yaml_and_json(tmp_path: Any) -> None:
    """Both forms of a manifest give the same build, and the build gives the planted park."""
    (tmp_path / "build.yaml").write_text("name: v2\nseed: 3\nbug_seed: 5\nbugs: {hole: 2, crash: 1}\n")
    (tmp_path / "build.json").write_text('{"name": "v2", "seed": 3, "bug_seed": 5, "bugs": {"hole": 2, "crash": 1}}')
    build = load_build(tmp_path / "build.yaml")
    assert build == load_build(tmp_path / "build.json") == Build("v2", 3, 0.25, {"hole": 2, "crash": 1}, 5)
    assert sorted(each.kind for each in build.layout().bugs) == ["crash", "hole", "hole"]


def test_build_says_which_bugs() -> None:
    """`all`, a list, counts and nothing are all ways to say which bugs there are."""
    assert dict(load_build({"bugs": "all"}).bugs) == dict.fromkeys(BUGS, 1)
    assert dict(load_build({"bugs": ["leak"]}).bugs) == {"leak": 1}
    assert load_build({}).layout().bugs == ()
    assert dataclasses.replace(load_build({}), seed=1).layout().seed == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed: 1", "unknown key 'sed'. Did you mean 'seed'"),
        ("seed: -1", "'seed' should be a whole number"),
        ("seed: yes", "'seed' should be a whole number"),
        ("area_km2: big", "'area_km2' should be a number"),
        ("bugs: some", "'bugs' should be 'all', a list of kinds or counts by kind"),
        ("bugs: [holes]", "unknown kind of bug 'holes'. Did you mean 'hole'"),
        ("bugs: {leak: many}", "the number of 'leak' should be a whole number"),
        ("- seed", "should be a mapping"),
        ("{", "is not YAML or JSON"),
    ],
)
def test_wrong_build_is_named(tmp_path: Any, text: str, message: str) -> None:
    """An error in a manifest is one sentence with the file, what is wrong and what would be right."""
    path = tmp_path / "build.yaml"
    path.write_text(text)
    with pytest.raises(GameError, match=r"build\.yaml") as error:
        load_build(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_build_is_named(tmp_path: Any) -> None:
    """A manifest that is not there is named."""
    with pytest.raises(GameError, match=r"none\.yaml' cannot be read"):
        load_build(tmp_path / "none.yaml")
