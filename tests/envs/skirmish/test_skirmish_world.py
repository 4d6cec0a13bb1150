"""Movement, sight, sound and chance: the laws of a round."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skirmish_toys import (
    COVER,
    CROUCH,
    EMPTY,
    MOVE,
    RUN,
    WALK,
    WALL,
    Rules,
    play,
    put,
    random_actions,
    replace,
    toy_level,
    toy_world,
)

from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.rules import ENDINGS
from understudy.envs.skirmish.world import World, idle_actions, new_world, step
from understudy.errors import GameError, ObservationError

SHORT = Rules(round_s=6.0, bomb_s=3.0)
MAPS = ("foundry", "generated-3")


def play_at_random(world: World, decisions: int, seed: int = 0) -> None:
    """Each round's actions hang on its own seed, not on how many rounds there are."""
    rngs = [np.random.default_rng((seed, int(each))) for each in world.seed]
    for _ in range(decisions):
        rows = [random_actions(rng, 1) for rng in rngs]
        step(world, {name: np.concatenate([row[name] for row in rows]) for name in rows[0]})


@pytest.mark.parametrize("name", MAPS)
def test_batch_size_changes_nothing(name: str) -> None:
    """The same seed and actions give the same bytes, alone or among others."""
    level = load_level(name)
    together = new_world(level, 5, range(5))
    play_at_random(together, 60)
    for seed in range(5):
        alone = new_world(level, 1, [seed])
        play_at_random(alone, 60)
        assert alone.rounds[0].tobytes() == together.rounds[seed].tobytes()


def test_another_seed_is_another_round() -> None:
    """Seeds decide where one starts and who carries the bomb."""
    world = new_world(EMPTY, 40, range(40))

    assert len({row.tobytes() for row in world.position}) > 10
    assert set(world.carrier.tolist()) == {0, 1}


@pytest.mark.parametrize("name", MAPS)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=5)
def test_nobody_enters_a_wall_or_another(name: str, seed: int) -> None:
    """Whatever agents do, they stay out of walls and cover by their radius, and apart."""
    world = new_world(load_level(name), 1, [seed])
    rng = np.random.default_rng(seed)
    for _ in range(80):
        actions = random_actions(rng, 1)
        actions["move"][:] = MOVE["forward"]
        step(world, actions)
        for x, y in world.position[0]:
            assert gap_to_solid(world.heights[0], x, y) > world.rules.radius - 0.02
    apart = [np.hypot(*(world.position[0, a] - world.position[0, b])) for a in range(4) for b in range(a)]
    assert min(apart) > 2 * world.rules.radius - 0.05


def gap_to_solid(heights: np.ndarray, x: float, y: float) -> float:
    """How far it is to the nearest cell that is not free."""
    rows, columns = np.nonzero(heights)
    dx, dy = x - np.clip(x, columns, columns + 1), y - np.clip(y, rows, rows + 1)
    return float(np.hypot(dx, dy).min())


@pytest.mark.parametrize(("gait", "speed"), [(RUN, 4.8), (WALK, 2.4), (CROUCH, 1.632)])
def test_gaits_have_their_speed(gait: int, speed: float) -> None:
    """A second of each gait with a rifle in hand goes as far as the rules say, but for the start."""
    world = toy_world()
    put(world, "attacker_0", 20, 30, heading=0)
    play(world, 16, attacker_0={"move": MOVE["forward"], "gait": gait})

    assert world.velocity[0, 0] == pytest.approx([speed, 0], abs=1e-9)
    assert 0.8 * speed < world.position[0, 0, 0] - 20 < speed


def test_move_is_relative_to_the_heading() -> None:
    """Right of +x is -y: headings turn the other way than a player's right."""
    world = toy_world()
    put(world, "attacker_0", 30, 30, heading=0)
    play(world, 8, attacker_0={"move": MOVE["right"]})

    assert world.position[0, 0, 0] == pytest.approx(30)
    assert world.position[0, 0, 1] < 29


def test_turns_are_spread_and_bounded() -> None:
    """A decision turns by what was asked, to the right, and nobody looks further up than the rules allow."""
    world = toy_world()
    put(world, "attacker_0", 30, 30, heading=10)
    play(world, 1, attacker_0={"turn": 40, "pitch": 30})

    assert world.heading[0, 0] == pytest.approx(330)
    assert world.pitch[0, 0] == pytest.approx(30)
    play(world, 3, attacker_0={"pitch": 30})
    assert world.pitch[0, 0] == world.rules.pitch_most


def test_agents_slide_along_walls() -> None:
    """Who runs into a wall at an angle goes on along it."""
    world = toy_world(toy_level((0, 40, 59, 40, WALL)))
    put(world, "attacker_0", 20, 38, heading=45)
    play(world, 32, attacker_0={"move": MOVE["forward"]})

    assert world.position[0, 0, 1] == pytest.approx(40 - 0.35, abs=0.01)
    assert world.position[0, 0, 0] > 25
    assert world.velocity[0, 0, 1] == pytest.approx(0, abs=0.05)


def test_cover_is_not_walked_over() -> None:
    """Cover stops a runner as a wall does."""
    world = toy_world(toy_level((20, 30, 30, 30, COVER)))
    put(world, "attacker_0", 25.5, 28, heading=90)
    play(world, 32, attacker_0={"move": MOVE["forward"]})

    assert world.position[0, 0, 1] < 30 - 0.34


def test_agents_block_each_other() -> None:
    """One who stands is pushed, never passed through."""
    world = toy_world()
    put(world, "attacker_0", 20, 30, heading=0)
    put(world, "defender_0", 22, 30, heading=180)
    play(world, 32, attacker_0={"move": MOVE["forward"]})

    assert world.position[0, 2, 0] - world.position[0, 0, 0] == pytest.approx(0.7, abs=0.05)


def test_every_round_ends() -> None:
    """Rounds of agents who do nothing end by the clock, with the defenders as winners."""
    world = new_world(EMPTY, 3, range(3), SHORT)
    idle = idle_actions(3)
    for _ in range(6 * 16):
        assert (world.winner == -1).all()
        step(world, idle)

    assert (world.winner == 1).all()
    assert {ENDINGS[each] for each in world.ending} == {"timeout"}


def test_a_round_that_is_over_stays_as_it_is() -> None:
    """Steps after the end change nothing but that no event or sound is left."""
    world = toy_world(rules=replace(SHORT, round_s=0.5))
    play(world, 8)
    assert world.winner[0] == 1
    before = world.position.copy(), world.tick.copy()
    play(world, 3, attacker_0={"move": MOVE["forward"], "fire": 1})

    assert np.array_equal(before[0], world.position)
    assert np.array_equal(before[1], world.tick)
    assert not world.events.any()


@pytest.mark.parametrize("sizes", [(1, 1), (1, 2), (2, 1)])
def test_a_team_of_one_plays(sizes: tuple[int, int]) -> None:
    """Who is not present is not alive, is not seen, has no bomb, and does not move."""
    world = toy_world(team_sizes=sizes)
    assert world.present[0].tolist() == [True, sizes[0] == 2, True, sizes[1] == 2]
    assert world.present[0, world.carrier[0]]
    play_at_random(world, 40)

    absent = ~world.present[0]
    assert not world.alive[0, absent].any()
    assert not world.visible[0][:, absent].any()
    assert world.winner[0] == -1


def test_levels_of_different_size_play_in_one_world() -> None:
    """A small level among large ones is filled up with wall, and plays as it does alone."""
    small, large = toy_level(name="small", size=60), load_level("foundry")
    world = new_world([small, large], 2, [5, 6])
    play_at_random(world, 30)
    alone = new_world([small], 1, [5])
    play_at_random(alone, 30)

    assert alone.rounds[0].tobytes() == world.rounds[0].tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_rounds": 0}, "0 rounds"),
        ({"seeds": [1, 2]}, "one seed for each"),
        ({"levels": []}, "0 levels"),
        ({"team_sizes": (0, 2)}, "each side needs 1 or 2"),
        ({"team_sizes": (2, 3)}, "each side needs 1 or 2"),
        ({"weapons": (0, 1, 2, 3)}, "numbers below 3"),
        ({"level_indices": [7]}, "There is no level 7"),
    ],
)
def test_a_world_that_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    """What is wrong is said in one sentence."""
    options = {"levels": EMPTY, "num_rounds": 1, "seeds": [0], **change}
    with pytest.raises(GameError, match=message):
        new_world(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "values"),
    [("move", 9), ("move", -1), ("act", 4), ("turn", 61.0), ("pitch", -31.0), ("turn", math.nan), ("fire", 2)],
)
def test_actions_out_of_range_are_refused(name: str, values: float) -> None:
    """A choice that is none, too far a turn, and not a number are named."""
    world = toy_world()
    actions = idle_actions(1)
    actions[name][:] = values
    if isinstance(values, float):
        actions[name] = np.full((1, 4), values, np.float32)
    with pytest.raises(ObservationError, match=f"'{name}' must lie between"):
        step(world, actions)


def test_actions_of_another_shape_are_refused() -> None:
    """Actions need a row for each round."""
    with pytest.raises(ObservationError, match=r"'move' with shape \(1, 4\)"):
        step(toy_world(), idle_actions(2))
    with pytest.raises(ObservationError, match="'move' with shape"):
        step(toy_world(), {})


def test_rules_out_of_range_are_refused() -> None:
    """A rule must be above 0, and ticks must fit decisions."""
    with pytest.raises(GameError, match="'round_s' is 0"):
        Rules(round_s=0)
    with pytest.raises(GameError, match="no whole number"):
        Rules(ticks_hz=60)
