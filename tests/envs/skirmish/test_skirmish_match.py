"""Score, sides and money of a match."""

from __future__ import annotations

import pytest
from skirmish_toys import EMPTY, PISTOL, RIFLE, SNIPER, toy_world

from understudy.envs.skirmish.match import Match
from understudy.envs.skirmish.rules import AGENTS, ARSENAL, Economy, affordable_weapon
from understudy.envs.skirmish.world import World, new_world
from understudy.errors import GameError


def end(world: World, winner: int, *, kills: tuple[int, ...] = (0, 0, 0, 0), dead: tuple[str, ...] = ()) -> None:
    """End the round as a test wants it."""
    world.winner[0] = winner
    world.kills[0] = kills
    for agent in dead:
        world.alive[0, AGENTS.index(agent)] = False


def test_money_buys_the_dearest_weapon_up_to_the_one_preferred() -> None:
    """Who can pay for the rifle has it, who prefers the sniper rifle takes what comes next below it."""
    assert affordable_weapon(800) == "pistol"
    assert affordable_weapon(2900) == "rifle"
    assert affordable_weapon(9000) == "rifle"
    assert affordable_weapon(9000, "sniper") == "sniper"
    assert affordable_weapon(4000, "sniper") == "rifle"
    assert affordable_weapon(9000, "pistol") == "pistol"


def test_the_economy_of_two_rounds() -> None:
    """Winners earn more than losers, kills and plants pay, survivors keep their weapons, who died buys again."""
    match, world = Match(seed=1), toy_world()
    seats = match.begin(world, 0)
    assert seats.weapons == (PISTOL,) * 4
    assert seats.teams == (0, 0, 1, 1)
    world.planter[0] = 0
    end(world, 0, kills=(1, 1, 0, 0), dead=("defender_0", "defender_1"))
    match.finish(world, 0)
    assert match.score == [1, 0]
    assert match.money.tolist() == [[800 + 3000 + 200 + 300] * 2, [800 + 1900] * 2]

    seats = match.begin(world, 0)
    assert seats.weapons == (RIFLE, RIFLE, PISTOL, PISTOL)
    assert world.weapon[0].tolist() == list(seats.weapons)
    assert match.money[0].tolist() == [4300 - 2900] * 2
    end(world, 1, dead=("attacker_0",))
    match.finish(world, 0)
    assert match.money[0].tolist() == [1400 + 1900] * 2
    assert match.money[1].tolist() == [2700 + 3000] * 2
    assert match.begin(world, 0).weapons == (RIFLE, RIFLE, RIFLE, RIFLE)
    assert match.money[0].tolist() == [3300 - 2900, 3300]


def test_losing_again_and_again_pays_more() -> None:
    """Each further loss in a row adds, at most twice; a win ends it."""
    match, world = Match(rounds=20), toy_world()
    paid = []
    for winner in (0, 0, 0, 0, 1, 0):
        before = match.money[1].copy()
        match.begin(world, 0)
        spent = before - match.money[1]
        end(world, winner, dead=AGENTS)
        match.money[1] = 0
        match.finish(world, 0)
        paid.append(int(match.money[1, 0]))
        assert (spent >= 0).all()

    assert paid == [1900, 2400, 2900, 2900, 3000, 1900]


def test_sides_are_swapped_half_way_with_fresh_money() -> None:
    """In the second half team 1 attacks, and everybody begins with a pistol."""
    match, world = Match(rounds=4), toy_world()
    for _ in range(2):
        assert match.begin(world, 0).teams == (0, 0, 1, 1)
        end(world, 0)
        match.finish(world, 0)
    seats = match.begin(world, 0)

    assert seats.teams == (1, 1, 0, 0)
    assert seats.weapons == (PISTOL,) * 4
    assert (match.money == Economy().start).all()
    end(world, 0)
    match.finish(world, 0)
    assert match.score == [2, 1]


def test_a_match_ends_with_a_majority_or_a_draw() -> None:
    """More than half of the rounds win it at once; half each is a draw."""
    match, world = Match(rounds=6), toy_world()
    for winner in (0, 0, 0, 1):
        match.begin(world, 0)
        end(world, winner)
        match.finish(world, 0)
    assert match.score == [4, 0]
    assert match.over
    assert match.winner == 0
    with pytest.raises(GameError, match="over"):
        match.begin(world, 0)

    match = Match(rounds=2)
    for winner in (0, 0):
        assert match.winner is None
        match.begin(world, 0)
        end(world, winner)
        match.finish(world, 0)
    assert match.over
    assert match.winner is None


def test_debts_buy_a_pistol() -> None:
    """It costs nothing, so that nobody is without a weapon."""
    assert affordable_weapon(-5.0) == affordable_weapon(float("nan")) == "pistol"


def test_no_money_is_kept_above_the_limit() -> None:
    """However much one wins."""
    match, world = Match(rounds=20, preferences=(("pistol", "pistol"), ("sniper", "rifle"))), toy_world()
    for _ in range(6):
        match.begin(world, 0)
        end(world, 0, kills=(2, 2, 0, 0))
        match.finish(world, 0)

    assert match.money[0].tolist() == [Economy().most] * 2
    assert match.seats().weapons == (PISTOL, PISTOL, SNIPER, RIFLE)
    assert ARSENAL["pistol"].price == 0


def test_the_same_seed_is_the_same_match() -> None:
    """Rounds draw their seeds from the match's."""
    worlds = [new_world(EMPTY, 1, [each]) for each in range(2)]
    seeds = [Match(seed=4).begin(world, 0).seed for world in worlds]

    assert seeds[0] == seeds[1] == worlds[0].seed[0]
    assert worlds[0].rounds.tobytes() == worlds[1].rounds.tobytes()
    assert Match(seed=5).seats().seed != seeds[0]


def test_wrong_use_is_refused() -> None:
    """Odd lengths, unknown weapons and unfinished rounds are named."""
    for rounds in (0, 3):
        with pytest.raises(GameError, match="even number"):
            Match(rounds=rounds)
    with pytest.raises(GameError, match="no weapon 'axe'"):
        Match(preferences=(("axe", "rifle"), ("rifle", "rifle")))
    with pytest.raises(GameError, match="seed is -1"):
        Match(seed=-1)
    with pytest.raises(GameError, match="no winner yet"):
        Match().finish(toy_world(), 0)
