"""The bomb, from hand to hand to its end, and who wins."""

from __future__ import annotations

import pytest
from skirmish_toys import ABILITY, MOVE, USE, Rules, count, give_bomb, play, put, toy_world

from understudy.envs.skirmish.rules import BOMB, BOMB_STATES, ENDINGS, SIDES
from understudy.envs.skirmish.world import World

RULES = Rules()


def state(world: World) -> str:
    """The bomb's state, as a word."""
    return BOMB_STATES[world.bomb_state[0]]


def result(world: World) -> tuple[str, str]:
    """Who has won, and how."""
    return SIDES[world.winner[0]], ENDINGS[world.ending[0]]


def kill(world: World, *agents: int) -> None:
    """Let agents fall in the next tick, as if shot."""
    for agent in agents:
        world.rounds["wounds"][0, 3 - agent, agent] = 1000


def on_site(x: float = 6, y: float = 6, **options: object) -> World:
    """Attacker 0 has the bomb on site a; the others are far away and look elsewhere."""
    world = toy_world(rules=RULES, **options)
    put(world, "attacker_0", x, y, heading=180)
    put(world, "attacker_1", 20, 40, heading=180)
    put(world, "defender_0", 50, 50)
    put(world, "defender_1", 55, 50)
    give_bomb(world, "attacker_0")
    return world


def planted(**options: object) -> World:
    """The bomb lies on site a, attacker 0 beside it."""
    world = on_site(**options)
    play(world, 3 * 16, attacker_0={"act": USE})
    assert state(world) == "planted"
    return world


def test_carried_to_planted_takes_three_seconds() -> None:
    """Planting begins with an event, ends with another, and leaves the bomb where the planter stands."""
    world = on_site()
    happened = play(world, 3 * 16 - 1, attacker_0={"act": USE})
    assert state(world) == "carried"
    assert count(happened, "attacker_0", "plant_started") == 1
    assert world.busy[0, 0]
    assert 0 < world.plant_left[0, 0] < 0.1
    happened = play(world, 1, attacker_0={"act": USE})

    assert state(world) == "planted"
    assert count(happened, "attacker_0", "planted") == 1
    assert world.carrier[0] == -1
    assert world.planter[0] == 0
    assert world.bomb_position[0] == pytest.approx([6, 6])


def test_letting_go_starts_over() -> None:
    """Half a plant is none."""
    world = on_site()
    play(world, 40, attacker_0={"act": USE})
    play(world, 1)
    assert world.plant_left[0, 0] == 0
    play(world, 40, attacker_0={"act": USE})

    assert state(world) == "carried"


def test_who_plants_neither_walks_nor_shoots() -> None:
    """Hands and feet are busy."""
    world = on_site()
    happened = play(world, 16, attacker_0={"act": USE, "move": MOVE["forward"], "fire": 1})

    assert world.position[0, 0] == pytest.approx([6, 6])
    assert count(happened, "attacker_0", "shot") == 0


@pytest.mark.parametrize("who", ["off site", "without the bomb", "a defender"])
def test_others_cannot_plant(who: str) -> None:
    """It takes the bomb, and a site."""
    world = on_site(x=20, y=20) if who == "off site" else on_site()
    agent = {"off site": "attacker_0", "without the bomb": "attacker_1", "a defender": "defender_0"}[who]
    if who != "off site":
        put(world, agent, 7, 7)
    happened = play(world, 64, **{agent: {"act": USE}})

    assert count(happened, agent, "plant_started") == 0
    assert state(world) == "carried"


def test_the_bomb_goes_with_its_carrier() -> None:
    """Carried, it is where its carrier is."""
    world = on_site(x=20, y=20)
    play(world, 16, attacker_0={"move": MOVE["back"]})

    assert world.bomb_position[0] == pytest.approx(world.position[0, 0])


def test_a_dead_carrier_drops_it_and_the_other_picks_it_up() -> None:
    """Dropped, it lies where the carrier fell until an attacker, not a defender, comes near."""
    world = on_site(x=20, y=20)
    kill(world, 0)
    play(world, 1)
    assert state(world) == "dropped"
    assert world.carrier[0] == -1
    assert world.bomb_position[0] == pytest.approx([20, 20])

    put(world, "defender_0", 20.8, 20)
    play(world, 1)
    assert state(world) == "dropped"
    put(world, "defender_0", 50, 50)
    put(world, "attacker_1", 20.8, 20, heading=180)
    play(world, 1)
    assert state(world) == "carried"
    assert world.carrier[0] == 1


def test_planted_to_exploded() -> None:
    """After thirty seconds of beeps it explodes and the attackers win, though the clock has run out."""
    world = planted()
    world.rounds["tick"][0] = 64 * 70
    beeps = 0
    for _ in range(30 * 16):
        assert world.winner[0] == -1
        play(world, 1)
        beeps += world.sounds[0, 0, BOMB] > 0

    assert world.clock[0] > RULES.round_s
    assert state(world) == "exploded"
    assert result(world) == ("attack", "exploded")
    assert beeps == pytest.approx(30, abs=1)


def test_planted_to_defused() -> None:
    """A defender who holds on for five seconds defuses it, and its side wins."""
    world = planted()
    put(world, "attacker_0", 30, 20, heading=0)
    put(world, "defender_0", 7, 6)
    happened = play(world, 5 * 16 - 1, defender_0={"act": USE})
    assert state(world) == "planted"
    assert count(happened, "defender_0", "defuse_started") == 1
    happened = play(world, 1, defender_0={"act": USE})

    assert count(happened, "defender_0", "defused") == 1
    assert result(world) == ("defend", "defused")


def test_defusing_takes_nearness_and_patience() -> None:
    """From 2 m away nothing happens; letting go starts over; attackers cannot."""
    world = planted()
    put(world, "defender_0", 8, 6, heading=0)
    assert count(play(world, 8, defender_0={"act": USE}), "defender_0", "defuse_started") == 0
    put(world, "defender_0", 7, 6, heading=0)
    play(world, 60, defender_0={"act": USE})
    play(world, 1)
    assert world.defuse_left[0, 2] == 0
    assert count(play(world, 8, attacker_0={"act": USE}), "attacker_0", "defuse_started") == 0


def test_work_at_the_bomb_is_heard() -> None:
    """Planting and defusing sound where they are done."""
    world = on_site()
    play(world, 1, attacker_0={"act": USE})
    assert world.sounds[0, 0, BOMB] == 1

    assert world.sound_position[0, 0, BOMB] == pytest.approx([6, 6])


def test_attackers_win_when_no_defender_lives() -> None:
    """Without a bomb planted, too."""
    world = on_site()
    kill(world, 2, 3)
    play(world, 1)

    assert result(world) == ("attack", "elimination")


def test_defenders_win_when_no_attacker_lives_and_nothing_ticks() -> None:
    """With the bomb on the ground, nobody is left to plant it."""
    world = on_site()
    kill(world, 0, 1)
    play(world, 1)

    assert result(world) == ("defend", "elimination")
    assert state(world) == "dropped"


def test_a_planted_bomb_outlives_the_attackers() -> None:
    """The defenders still have to defuse it."""
    world = planted()
    kill(world, 0, 1)
    play(world, 2)
    assert world.winner[0] == -1
    play(world, 30 * 16)

    assert result(world) == ("attack", "exploded")


def test_all_dead_at_once_is_the_defenders_round_unless_planted() -> None:
    """Nobody is left to plant; a planted bomb will explode."""
    world, ticking = on_site(), planted()
    for each in (world, ticking):
        kill(each, 0, 1, 2, 3)
        play(each, 1)

    assert result(world) == ("defend", "elimination")
    assert result(ticking) == ("attack", "elimination")


def test_time_out_is_the_defenders_round() -> None:
    """Even while somebody plants."""
    world = on_site()
    world.rounds["tick"][0] = 64 * 74
    play(world, 16, attacker_0={"act": USE})

    assert result(world) == ("defend", "timeout")


def test_defenders_learn_where_the_bomb_is_by_sight_or_by_ear() -> None:
    """Dropped out of sight it is unknown; seen, it is known; planted, it is known within 15 m."""
    world = planted()
    assert world.bomb_known[0].tolist() == [True, False]
    put(world, "defender_0", 18, 6, heading=0)
    play(world, 1)
    assert world.bomb_known[0, 1]

    world = on_site(x=20, y=20)
    kill(world, 0)
    play(world, 1)
    assert not world.bomb_known[0, 1]
    put(world, "defender_0", 28, 20, heading=180)
    play(world, 1)
    assert world.bomb_known[0, 1]


def test_an_ability_does_not_need_free_hands_but_the_act_is_one() -> None:
    """`act` is one choice: who throws does not plant."""
    world = on_site()
    play(world, 20, attacker_0={"act": USE})
    play(world, 1, attacker_0={"act": ABILITY})

    assert world.plant_left[0, 0] == 0
    assert world.charges[0, 0] == 0


def test_in_the_last_tick_the_hands_are_first() -> None:
    """A plant that ends with the clock counts, and so does the plant of who falls in that tick."""
    world = on_site()
    play(world, 47, attacker_0={"act": USE})
    world.tick[0] = 64 * 75 - 4
    play(world, 1, attacker_0={"act": USE})
    assert world.clock[0] == 75
    assert state(world) == "planted"
    assert world.winner[0] == -1

    world = on_site()
    play(world, 47, attacker_0={"act": USE})
    world.plant_left[0, 0] = 1 / 64
    kill(world, 0)
    play(world, 1, attacker_0={"act": USE})
    assert not world.alive[0, 0]
    assert state(world) == "planted"


def test_who_is_ready_as_the_bomb_goes_off_has_defused_it() -> None:
    """Defusing and the fuse end in the same tick; a tick less on the fuse, and it explodes."""
    endings = []
    for late in (0, 1):
        world = planted()
        put(world, "attacker_0", 50, 55)
        put(world, "defender_0", 6, 6)
        world.bomb_left[0] = 5 - late / 64
        play(world, 5 * 16, defender_0={"act": USE})
        endings.append(result(world))

    assert endings == [("defend", "defused"), ("attack", "exploded")]
