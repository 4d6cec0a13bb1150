"""Lives of agents, their seeds, and versions that may meet."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.errors import ServingError
from understudy.serving.dialects.mlagents import lives as module
from understudy.serving.dialects.mlagents.lives import Lives, life_seed, rounds, to_bot
from understudy.serving.dialects.mlagents.unity import agent_info
from understudy.serving.dialects.mlagents.versions import package_version_for, require_compatible


def test_a_seed_is_of_server_behavior_agent_and_life() -> None:
    """Each of the four changes the seed, and nothing else does; so it can be written down."""
    seed = life_seed(1, "Walker?team=0", 2, 3)
    assert seed == life_seed(1, "Walker?team=0", 2, 3)
    others = [life_seed(0, "Walker?team=0", 2, 3), life_seed(1, "Walker?team=1", 2, 3)]
    others += [life_seed(1, "Walker?team=0", 3, 3), life_seed(1, "Walker?team=0", 2, 4)]
    assert len({seed, *others}) == 5
    assert life_seed(0, "Walker?team=0", 0, 0) == 10693631056347190822


def test_an_agent_that_is_done_is_born_again() -> None:
    """An agent is born at its first decision, and once more, with another seed, after it was done."""
    lives = Lives("b", 5)
    assert [each.bot for each in lives.begin([1, 2])] == [1, 2]
    assert lives.begin([2, 1]) == []
    assert lives.end([2, 7]) == [2]
    again = lives.begin([1, 2])
    assert [(each.bot, each.seed) for each in again] == [(2, life_seed(5, "b", 2, 1))]


def test_what_is_remembered_of_the_dead_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the life that ended first is forgotten."""
    monkeypatch.setattr(module, "MAX_REMEMBERED", 3)
    lives = Lives("b", 0)
    for agent in range(4):
        lives.begin([agent])
        lives.end([agent])
    seeds = [each.seed for each in lives.begin([0, 1])]
    assert seeds == [life_seed(0, "b", 0, 0), life_seed(0, "b", 1, 1)]


@given(ids=st.lists(st.integers(0, 3), max_size=12))
def test_rounds_keep_the_order_and_never_repeat(ids: list[int]) -> None:
    """Cutting a list keeps it whole and in order, no run names an agent twice, and none could be longer."""
    runs = [[each.id for each in run] for run in rounds([agent_info(each, []) for each in ids])]
    assert [each for run in runs for each in run] == ids
    assert all(len(set(run)) == len(run) > 0 for run in runs)
    assert all(after[0] in before for before, after in itertools.pairwise(runs))


@given(ids=st.sets(st.integers(-(2**31), 2**31 - 1), max_size=9))
def test_bots_are_as_many_as_agents(ids: set[int]) -> None:
    """No two ids are one bot."""
    assert len({to_bot(each) for each in ids}) == len(ids)
    assert all(0 <= to_bot(each) < 2**32 for each in ids)


@pytest.mark.parametrize("version", ["1.0.0", "1.5.0", "1.9.3", "1.2.0-preview"])
def test_the_same_major_version_is_welcome(version: str) -> None:
    """Any communicator from 1.0 on, below 2, is understood."""
    require_compatible(version)


@pytest.mark.parametrize("version", ["0.15.0", "0.5.0", "2.0.0", "", "API-14", "1", "9" * 500])
def test_other_versions_are_refused(version: str) -> None:
    """Every other version is refused with both versions, cut to a length that can be read."""
    with pytest.raises(ServingError, match=r"communicator, this server 1\.5\.0; build") as refusal:
        require_compatible(version)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize(
    ("package", "announced"),
    [
        ("1.0.8", "0.20.0"),
        ("1.9.1-preview", "0.20.0"),
        ("2.0.1", "0.26.0"),
        ("3.0.0", "1.0.0"),
        ("4.0.0", "1.0.0"),
        ("0.15.0-preview", "0.20.0"),
        ("", "0.20.0"),
        ("new", "0.20.0"),
    ],
)
def test_each_package_hears_of_a_trainer_it_knows(package: str, announced: str) -> None:
    """What is announced is never above what the game's package is content with."""
    assert package_version_for(package) == announced
