"""A round as a whole: its chance, its end, its teams, and what it refuses."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from skirmish_toys import (
    EMPTY,
    MOVE,
    Rules,
    play,
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


def test_half_a_choice_is_refused() -> None:
    """A choice that is no whole number is not rounded to another."""
    with pytest.raises(ObservationError, match="'fire' must be whole numbers, not float64"):
        step(toy_world(), {**idle_actions(1), "fire": np.full((1, 4), 0.9)})


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
    with pytest.raises(GameError, match="so fast one would"):
        Rules(run=30.0)
    with pytest.raises(GameError, match="'charges' is 200"):
        Rules(charges=200)
    with pytest.raises(GameError, match="no whole number"):
        Rules(ticks_hz=60)


_PLAY = """
import hashlib
import numpy as np
from understudy.envs.skirmish.vector import SkirmishVector
from understudy.envs.skirmish.world import idle_actions
vector, rng, digest = SkirmishVector("foundry", 2, seed=7), np.random.default_rng(7), hashlib.sha256()
for _ in range(60):
    actions = idle_actions(2)
    for name, choices in (("move", 9), ("gait", 3), ("fire", 2), ("act", 4)):
        actions[name] = rng.integers(0, choices, (2, 4))
    for values in vector.step(actions).values():
        digest.update(values.tobytes())
print(digest.hexdigest())
"""


def test_another_process_plays_the_same() -> None:
    """Seed and actions decide every byte that is read, whichever process plays."""
    command = [sys.executable, "-c", _PLAY]
    digests = {
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": str(salt)}, capture_output=True, text=True, check=True
        ).stdout
        for salt in (1, 2)
    }

    assert len(digests) == 1
