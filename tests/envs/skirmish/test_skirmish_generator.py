"""Generated levels: the same from the same seed, and every one sound."""

import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.envs.skirmish.level import Level, load_level
from understudy.envs.skirmish.maps import generator, ways
from understudy.envs.skirmish.maps.generator import generate, is_sound
from understudy.envs.skirmish.maps.measures import count_parts, measure
from understudy.errors import GameError

GENERATED_0 = 545511933
"""A checksum of generated-0: recordings name levels by their seed, so that a seed must keep its level."""


def checksum(level: Level) -> int:
    """Of all that a round is played on."""
    arrays = (level.heights, level.places, level.spawns, *level.lanes.values())
    return zlib.crc32(b"".join(np.ascontiguousarray(each).tobytes() for each in arrays))


def check(level: Level) -> None:
    """Assert everything that is promised of a generated level."""
    of = measure(level)
    assert 53 <= min(level.heights.shape) <= max(level.heights.shape) <= 62
    assert of.whole
    assert count_parts(level.free) == 1
    assert not of.spawns_see
    assert min(of.attack_ways) >= 2
    assert all(8.5 <= seconds <= 12.5 for seconds in of.attack_seconds)
    assert all(3 <= seconds <= 7 for seconds in of.defend_seconds)
    assert all(a > d for a, d in zip(of.attack_seconds, of.defend_seconds, strict=True))
    assert 25 <= of.longest_sight <= 45
    assert 0.02 <= of.cover_share <= 0.08
    assert min(of.site_cover) > 0.01
    for points in level.lanes.values():
        legs = pairwise(points.astype(float))
        assert all(ways.walks_straight(level.free, *a, *b, ways.AGENT_RADIUS) for a, b in legs)


@given(seed=st.integers(0, 2**63))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_seed_gives_a_sound_level(seed: int) -> None:
    """Whatever the seed, everything can be walked to, spawns are hidden, and times and sight lines are in range."""
    check(generate(seed))


@pytest.mark.slow
def test_a_hundred_seeds_give_sound_levels_all_different() -> None:
    """The first hundred levels are sound, and no two are the same."""
    levels = [generate(seed) for seed in range(100)]
    for level in levels:
        check(level)
    assert len({checksum(level) for level in levels}) == 100


def test_a_seed_keeps_its_level() -> None:
    """The level of a seed is the same every time, by its name too, and is the one of the recordings."""
    assert checksum(generate(0)) == checksum(load_level("generated-0")) == GENERATED_0
    assert generate(0).name == "generated-0"
    assert load_level("generated-0") is load_level("generated-0")


def test_seeds_give_different_levels() -> None:
    """Neighbouring seeds differ in their walls, and some are turned."""
    levels = [generate(seed) for seed in range(6)]
    assert len({checksum(level) for level in levels}) == 6
    mostly_up = {abs(float(level.spawns[0, 0, 1] - level.spawns[1, 0, 1])) > 20 for level in levels}
    assert mostly_up == {True, False}


def test_an_unsound_draft_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that is too near for its attackers makes a level unsound, and a seed without a sound draft says so."""
    level = generate(1)
    assert is_sound(level)
    monkeypatch.setattr(generator, "ATTACK_SECONDS", (20.0, 30.0))
    assert not is_sound(level)
    monkeypatch.setattr(generator, "MOST_DRAFTS", 2)
    with pytest.raises(GameError, match="No sound level comes from the seed 1"):
        generate(1)


def test_a_negative_seed_is_refused() -> None:
    """Seeds start at 0."""
    with pytest.raises(GameError, match="from the seed -1; give one of 0 or above"):
        generate(-1)
