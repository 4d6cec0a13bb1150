from __future__ import annotations

import numpy as np
import pytest
from grid_world import GridWorld
from gymnasium import spaces

from understudy.errors import SpecError
from understudy.playtest.oracles import Crash, Stuck, Timeout, asks_to_move
from understudy.playtest.run.moment import Ended, Ending, Moment, Sighting
from understudy.playtest.spec import StuckSpec
from understudy.spec import ActionSpec

GRID = GridWorld().behavior
SIX_SECONDS = 60  # decisions of the grid world


def moment(tick: int, position: tuple[float, float], move: int = 4, **info: float) -> Moment:
    """A decision at a place, asking to go east unless told otherwise."""
    return Moment(tick, {"position": list(position), **info}, {"move": np.array(move)})


def watch(moments: list[Moment], **options: float) -> list[Sighting]:
    """What the stuck oracle sees in these decisions."""
    oracle = Stuck(StuckSpec(distance=5, seconds=2, **options))
    oracle.reset(GRID)
    return [seen for each in moments if (seen := oracle.observe(each))]


def test_stuck_fires_once_per_spell() -> None:
    """A player held at one place is seen once, when the time is up, however long it goes on."""
    assert [seen.tick for seen in watch([moment(tick, (7, 7)) for tick in range(SIX_SECONDS)])] == [20]


def test_stuck_fires_again_elsewhere() -> None:
    """A player who got away and is held at another place is seen again, there."""
    there = [moment(tick, (7, 7)) for tick in range(30)]
    elsewhere = [moment(tick, (90, 7)) for tick in range(30, 60)]
    assert [(seen.tick, seen.position) for seen in watch(there + elsewhere)] == [(20, (7, 7)), (50, (90, 7))]


def test_stuck_wants_the_player_to_ask() -> None:
    """A player who stands still on purpose, or asks less often than the share, is not stuck."""
    assert not watch([moment(tick, (7, 7), move=0) for tick in range(SIX_SECONDS)])
    assert not watch([moment(tick, (7, 7), move=tick % 2) for tick in range(SIX_SECONDS)])
    assert watch([moment(tick, (7, 7), move=tick % 2) for tick in range(SIX_SECONDS)], share=0.4)


def test_a_walking_or_dead_player_is_not_stuck() -> None:
    """Moving on, and lying dead, are not being stuck."""
    assert not watch([moment(tick, (tick, 7)) for tick in range(SIX_SECONDS)])
    assert not watch([moment(tick, (7, 7), dead=1.0) for tick in range(SIX_SECONDS)])


def test_stuck_is_silent_without_a_position() -> None:
    """A game that does not say where the player is gives no sightings."""
    assert not watch([Moment(tick, {}, {"move": np.array(4)}) for tick in range(SIX_SECONDS)])


def test_stuck_names_an_unknown_part() -> None:
    """An action part that the game does not have is a mistake of the spec, told with what there is."""
    with pytest.raises(SpecError, match=r"no action part 'walk'\. Known: 'move'"):
        Stuck(StuckSpec(parts=("walk",))).reset(GRID)


@pytest.mark.parametrize(
    ("space", "labels", "value", "asks"),
    [
        (spaces.Discrete(2), ("none", "forward"), 0, False),
        (spaces.Discrete(2), ("none", "forward"), 1, True),
        (spaces.Discrete(2), (), 0, True),
        (spaces.MultiBinary(2), (), [0, 0], False),
        (spaces.MultiBinary(2), (), [0, 1], True),
        (spaces.Box(-1, 1, (1,), np.float32), (), [0.0], False),
        (spaces.Box(-1, 1, (1,), np.float32), (), [-0.5], True),
    ],
)
def test_what_asking_to_move_is(space: spaces.Discrete, labels: tuple[str, ...], value: object, asks: bool) -> None:
    """A choice asks to move unless its label says otherwise, a button if pressed, a number if not zero."""
    part = ActionSpec("move", space, labels=labels)
    assert asks_to_move({"move": np.array(value)}, [part]) is asks


@pytest.mark.parametrize("how", list(Ended))
def test_each_ending_is_at_most_one_kind_of_bug(how: Ended) -> None:
    """A crash is an error or a death, a timeout a game that had to be killed; every other ending is none."""
    ending = Ending(how, 3, (1.0, 2.0), "why")
    kinds = [seen.kind for oracle in (Crash(), Timeout(), Stuck(StuckSpec())) if (seen := oracle.end(ending))]
    expected = {Ended.RAISED: ["crash"], Ended.DIED: ["crash"], Ended.HUNG: ["timeout"], Ended.OVERTIME: ["timeout"]}
    assert kinds == expected.get(how, [])


def test_same_bug_is_same_kind_and_near() -> None:
    """Two sightings are one bug if they are of one kind and within a cell's length; without places, of one message."""
    here, near, far = (Sighting("stuck", "", 0, (x, 0.0)) for x in (0.0, 9.0, 11.0))
    assert here.same_bug(near, 10)
    assert not here.same_bug(far, 10)
    assert not here.same_bug(Sighting("crash", "", 0, (0.0, 0.0)), 10)
    assert Sighting("crash", "a", 0).same_bug(Sighting("crash", "a", 9), 10)
    assert not Sighting("crash", "a", 0).same_bug(Sighting("crash", "b", 0), 10)
