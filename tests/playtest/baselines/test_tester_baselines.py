"""The testers to compare with, on a small field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from field_world import COLUMN_MOVES, FIELD, MOVES, START, WALLS, FieldWorld, path_cells, shown_walk
from understudy.agents.agent import Agent
from understudy.agents.random import RandomAgent
from understudy.errors import PlaytestError
from understudy.playtest.baselines import (
    GoExplore,
    NavmeshWalker,
    PictureEmbedding,
    RetrievalReplay,
    Shown,
    StickyRandom,
    TurnAndWalk,
    WalkGrid,
)
from understudy.spec import Action, ActionSpec, BehaviorSpec, SensorSpec

Place = tuple[int, int]
REACHABLE = int((~WALLS).sum())


def play(agent: Agent, seed: int, decisions: int) -> list[Place]:
    """Where an agent was in each decision."""
    env = FieldWorld()
    seen, _ = env.reset(seed=seed)
    agent.reset(seed)
    places = [env.place]
    for _ in range(decisions - 1):
        seen, *_ = env.step(agent.act(seen))
        places.append(env.place)
    return places


def test_sticky_random_gets_further_than_dice() -> None:
    """It keeps at what it does, the same for the same seed, and so is in more cells than uniform play."""
    sticky = StickyRandom(FIELD, keep=0.5)
    assert play(sticky, 3, 40) == play(sticky, 3, 40)
    cells = [np.mean([len(set(play(agent, seed, 60))) for seed in range(40)]) for agent in (sticky, RandomAgent(FIELD))]
    assert cells[0] > 1.1 * cells[1]
    with pytest.raises(PlaytestError, match="from 0 up to"):
        StickyRandom(FIELD, keep=1.0)


@pytest.mark.parametrize("name", ["golden", "edge"])
def test_retrieval_replays_what_was_shown(name: str) -> None:
    """From the demonstrations' start it walks their whole path, and nothing else."""
    shown = shown_walk(name, 0)
    agent = RetrievalReplay(FIELD, [shown], PictureEmbedding("frame"))
    places = play(agent, 1, len(shown.actions["move"]) + 1)
    assert set(places) == path_cells(name)


def test_retrieval_finds_its_place_from_another_start() -> None:
    """Put down in the middle of a path, it goes on from there."""
    agent = RetrievalReplay(FIELD, [shown_walk("golden", 0)], PictureEmbedding("frame"))
    env = FieldWorld()
    env.reset(seed=0)
    seen, _ = env.set_state((2, 3))  # on the leg to the north, and on the way back
    agent.reset(0)
    for _ in range(4):
        seen, *_ = env.step(agent.act(seen))
    assert env.place in path_cells("golden") - {(2, 3)}


def test_retrieval_needs_something_to_replay() -> None:
    """Without a demonstration it says so."""
    with pytest.raises(PlaytestError, match="no demonstration"):
        RetrievalReplay(FIELD, [], PictureEmbedding("frame"))


def cell_of(info: Mapping[str, Any]) -> Place:
    """The cell that the player is in."""
    return int(info["position"][0]), int(info["position"][1])


def test_go_explore_covers_far_more_than_random() -> None:
    """In as many decisions it is in half as many cells again as sticky random play that begins anew each time."""
    explorer = GoExplore(FieldWorld(), cell_of, seed=0, excursion=8, keep=0.7)
    explorer.explore(400)
    random = set().union(*(play(StickyRandom(FIELD, 0.7), seed, 8) for seed in range(50)))
    assert len(explorer.cells) > 1.5 * len(random)
    assert len(explorer.growth) == 400
    assert explorer.growth == sorted(explorer.growth)
    assert explorer.uses_engine_state


def test_go_explore_tells_how_it_got_there() -> None:
    """The inputs of every cell lead there from a fresh start, without the engine's state."""
    explorer = GoExplore(FieldWorld(), cell_of, seed=1)
    explorer.explore(300)
    for cell in sorted(explorer.cells):
        env = FieldWorld()
        env.reset(seed=1)
        for action in explorer.inputs(cell):
            env.step(action)
        assert env.place == cell


def test_go_explore_is_the_same_for_a_seed() -> None:
    """The seed says where it goes."""
    growths = []
    for seed in (4, 4, 5):
        explorer = GoExplore(FieldWorld(), cell_of, seed=seed)
        explorer.explore(150)
        growths.append(explorer.growth)
    assert growths[0] == growths[1] != growths[2]


def test_go_explore_refuses_a_game_without_state() -> None:
    """A game that cannot be restored is named."""

    class Forgetful:
        behavior = FIELD

    with pytest.raises(PlaytestError, match=r"'field' has no get_state"):
        GoExplore(Forgetful(), cell_of)  # type: ignore[arg-type]


def steer_cells(info: Mapping[str, Any], target: tuple[float, float]) -> Action:
    """Walk the field's cells, across first."""
    across, down = (int(np.sign(round(to - at - 0.5))) for to, at in zip(target, info["position"], strict=True))
    return {"move": np.asarray(COLUMN_MOVES[across, 0] if across else COLUMN_MOVES[0, down])}


def test_the_navmesh_walker_goes_everywhere() -> None:
    """It is in every reachable cell, in less than twice as many decisions as there are cells."""
    env, walker = FieldWorld(), NavmeshWalker(WalkGrid(~WALLS), steer_cells)
    _, info = env.reset(seed=0)
    walker.reset(0)
    for _ in range(2 * REACHABLE):
        _, _, _, _, info = env.step(walker.act(info))
    assert len(walker.visited) == REACHABLE
    assert walker.privileged


def test_the_navmesh_walker_gives_up_what_it_cannot_reach() -> None:
    """A wall that its map lacks does not hold it for ever."""
    open_map = ~WALLS
    open_map[3, 3] = True  # a pillar
    env, walker = FieldWorld(), NavmeshWalker(WalkGrid(open_map), steer_cells, patience=4)
    _, info = env.reset(seed=0)
    for _ in range(3 * REACHABLE):
        _, _, _, _, info = env.step(walker.act(info))
    assert len(walker.visited) == REACHABLE


def test_first_person_steering_turns_to_the_point_then_walks() -> None:
    """A point to the left gives a turn to the left (negative), one ahead a step; other parts rest."""
    turn = ActionSpec("turn", spaces.Box(-45, 45, (), np.float32))
    move = ActionSpec("move", spaces.Discrete(3), labels=("none", "forward", "back"))
    jump = ActionSpec("jump", spaces.Discrete(2), labels=("no", "yes"))
    sensor = SensorSpec("frame", spaces.Box(0, 255, (2, 2, 3), np.uint8))
    steer = TurnAndWalk(BehaviorSpec("walk", (sensor,), (move, turn, jump), 10))
    left = steer({"position": [0, 0, 1], "heading": 0.0}, (0.0, 5.0))
    assert left["turn"] == -45
    assert left["move"] == 0
    ahead = steer({"position": [0, 0, 1], "heading": np.float32(350)}, (5.0, 0.0))
    np.testing.assert_allclose(ahead["turn"], -10, atol=1e-4)
    assert (ahead["move"], ahead["jump"]) == (1, 0)
    with pytest.raises(PlaytestError, match="no 'turn'"):
        TurnAndWalk(FIELD)


def test_shown_walks_start_where_players_do() -> None:
    """The demonstrations of this file are of the game as it is."""
    assert START in path_cells("golden")
    assert isinstance(shown_walk("golden", 0), Shown)
    assert len(MOVES) == FIELD.action("move").num_labels
