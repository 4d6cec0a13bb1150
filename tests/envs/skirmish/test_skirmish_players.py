from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.players import PERSONAS, ScriptedPlayer, View, look
from understudy.envs.skirmish.players.chart import chart_of
from understudy.envs.skirmish.players.matches import team_call
from understudy.envs.skirmish.players.perception import Perception
from understudy.envs.skirmish.players.personas import draw_habits, find_persona
from understudy.envs.skirmish.players.skills import draw_skills
from understudy.envs.skirmish.players.view import Sighting
from understudy.envs.skirmish.players.walker import Walker, step_towards
from understudy.envs.skirmish.rules import SHOT
from understudy.envs.skirmish.world import World, idle_actions, new_world, step
from understudy.errors import GameError

HIDDEN = Sighting(False, False, True, 0.0, 0.0, 0.0, 0.0, False, 0.0)
LEVELS = ("foundry", "harbour", "terrace")


def _view(clock: float, enemy: Sighting = HIDDEN) -> View:
    """Somebody at (10, 10) who looks along +x and sees one enemy, or none."""
    return View(
        *(10.0, 10.0, 0.0, 0.0, 0.0, 0.0), False, 100.0, True, 1, 25, 0.0, 0.0, 1, False, 0.0, 0.0, clock, 0, 0.0,
        None, None, None, (enemy, HIDDEN),
    )  # fmt: skip


def _seen(x: float, y: float, vy: float = 0.0) -> Sighting:
    return Sighting(True, True, True, x, y, 0.0, vy, False, -math.degrees(math.atan2(y - 10, x - 10)))


@dataclass
class Played:
    """Rounds that were played, and what was measured of each decision of each living agent."""

    world: World
    speed: dict[str, list[float]] = field(default_factory=dict)
    silent: dict[str, list[bool]] = field(default_factory=dict)
    mate: dict[str, list[float]] = field(default_factory=dict)
    shots: dict[str, list[bool]] = field(default_factory=dict)
    num_planted: int = 0
    deeds: list[tuple[float, ...]] = field(default_factory=list)


def _play(
    seats: Sequence[Sequence[tuple[str, float, int]]],
    seed: int = 0,
    levels: Sequence[str] = LEVELS,
    team_sizes: tuple[int, int] = (2, 2),
) -> Played:
    """Play one round for each row of four individuals."""
    seeds = [seed + index for index in range(len(seats))]
    world = new_world([load_level(name) for name in levels], len(seats), seeds, team_sizes=team_sizes)
    players = [[ScriptedPlayer(*seat) for seat in row] for row in seats]
    for index, row in enumerate(players):
        for agent, player in enumerate(row):
            side, slot = divmod(agent, 2)
            player.begin(levels[world.level[index]], side, slot, seed + index, team_call(seed + index, side))
    played = Played(world)
    while (world.winner < 0).any():
        actions = idle_actions(len(seats))
        acting = []
        for index, views in enumerate(look(world)):
            for agent, view in enumerate(views):
                if view is not None:
                    deed = players[index][agent].act(view)
                    acting.append((index, agent, deed.move > 0 and deed.gait == 1))
                    played.deeds.append((index, agent, *deed))
                    for name, value in zip(deed._fields, deed, strict=True):
                        actions[name][index, agent] = value
        step(world, actions)
        _measure(played, players, acting)
    played.num_planted = int((world.planter >= 0).sum())
    return played


def _measure(played: Played, players: list[list[ScriptedPlayer]], acting: list[tuple[int, int, bool]]) -> None:
    world = played.world
    for index, agent, silent in acting:
        persona = players[index][agent].persona
        played.speed.setdefault(persona, []).append(math.hypot(*world.velocity[index, agent]))
        played.silent.setdefault(persona, []).append(silent)
        played.shots.setdefault(persona, []).append(bool(world.events[index, agent] >> SHOT & 1))
        if world.alive[index].reshape(2, 2)[agent // 2].all():
            apart = math.dist(world.position[index, agent], world.position[index, agent ^ 1])
            played.mate.setdefault(persona, []).append(apart)


@pytest.fixture(scope="module")
def played() -> Played:
    """Thirty rounds of personas and skills at random."""
    rng = random.Random(4)
    names = list(PERSONAS)
    return _play([[(rng.choice(names), rng.random(), rng.randrange(10)) for _ in range(4)] for _ in range(30)])


def test_there_are_at_least_seven_personas() -> None:
    """Each has a name, a summary and habits of its own."""
    assert len(PERSONAS) >= 7
    assert {"rusher", "lurker", "anchor", "support", "sharpshooter", "novice", "roamer"} <= set(PERSONAS)
    assert len({persona.habits for persona in PERSONAS.values()}) == len(PERSONAS)


def test_an_unknown_persona_is_named_with_a_suggestion() -> None:
    """The sentence says what was asked for, and what was meant."""
    with pytest.raises(GameError, match=r"no persona named 'rushr'\. Did you mean 'rusher'"):
        ScriptedPlayer("rushr")


@pytest.mark.parametrize("skill", [-0.1, 1.1, math.nan])
def test_skill_lies_between_0_and_1(skill: float) -> None:
    """Anything else is refused in a sentence."""
    with pytest.raises(GameError, match="skill is between 0 and 1"):
        ScriptedPlayer("anchor", skill)


def test_an_individual_is_always_the_same_and_never_another() -> None:
    """The identity draws all dials; another one draws others, not far from the persona's."""
    one, again, other = (ScriptedPlayer("lurker", 0.5, identity) for identity in (3, 3, 4))
    assert one.name == "lurker-03"
    assert (one.habits, one.skills) == (again.habits, again.skills)
    assert one.habits != other.habits
    assert one.skills.reaction_s != other.skills.reaction_s
    assert 0.5 < one.habits.range / PERSONAS["lurker"].habits.range < 2


def test_skill_improves_every_dial() -> None:
    """For the same individual, more skill is faster, steadier, better disciplined, and remembers longer."""
    rungs = [draw_skills(skill, random.Random(7)) for skill in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for less, more in itertools.pairwise(rungs):
        assert more.reaction_s < less.reaction_s
        assert more.motor.fitts_slope_s < less.motor.fitts_slope_s
        assert more.motor.endpoint_noise_s < less.motor.endpoint_noise_s
        assert more.motor.tremor_deg < less.motor.tremor_deg
        assert more.discipline > less.discipline
        assert more.awareness > less.awareness
        assert more.memory_s > less.memory_s


def test_reactions_stay_between_150_and_350_ms() -> None:
    """Of every individual, at every skill."""
    for skill in (0.0, 0.5, 1.0):
        for identity in range(50):
            assert 0.15 <= draw_skills(skill, random.Random(identity)).reaction_s <= 0.35


@pytest.mark.parametrize("skill", [0.0, 1.0])
def test_an_enemy_is_acted_on_after_the_reaction_time(skill: float) -> None:
    """An enemy that comes into view ahead is believed visible no sooner than about the reaction time, and then is."""
    delays = []
    for seed in range(30):
        skills = draw_skills(skill, random.Random(seed))
        perception = Perception(skills, random.Random(seed))
        perception.update(_view(0.0))
        for decision in range(1, 40):
            perception.update(_view(decision / 16, _seen(20.0, 10.0)))
            if perception.contacts[0].visible:
                delays.append((decision - 1) / 16)
                break
    assert len(delays) == 30
    assert min(delays) > 0.1
    assert np.mean(delays) < (0.65 if skill == 0 else 0.3)


def test_a_moving_enemy_is_seen_where_it_was() -> None:
    """What is believed of an enemy that crosses lies behind where it is, and less so with skill."""
    lags = {}
    for skill in (0.0, 1.0):
        perception = Perception(draw_skills(skill, random.Random(1)), random.Random(1))
        for decision in range(60):
            y = 8 + decision / 16 * 2.0
            perception.update(_view(decision / 16, _seen(20.0, y, vy=2.0)))
        lags[skill] = y - perception.contacts[0].y
    assert 0 <= lags[1.0] < lags[0.0] < 1.0


def test_memory_of_an_enemy_fades() -> None:
    """Out of sight, an enemy stays believed where it was, and is trusted half as much after each half-life."""
    skills = draw_skills(0.5, random.Random(1))
    perception = Perception(skills, random.Random(1))
    for decision in range(30):
        perception.update(_view(decision / 16, _seen(20.0, 10.0)))
    for decision in range(30, 60):
        perception.update(_view(decision / 16))
    contact = perception.contacts[0]
    assert not contact.visible
    assert (contact.x, contact.y) == (20.0, 10.0)
    sure = contact.sure(contact.known_at + 1.0, skills.memory_s)
    assert contact.sure(contact.known_at + 1.0 + skills.memory_s, skills.memory_s) == pytest.approx(sure / 2)


def test_what_is_hidden_changes_nothing() -> None:
    """Moving an enemy whom nobody of the team sees or hears leaves a player's view as it was."""
    world = new_world(load_level("foundry"), 1, [5])
    before = look(world)[0][0]
    world.position[0, 2] += (0.4, 0.3)
    world.health[0, 2], world.magazine[0, 3], world.heading[0, 2] = 30, 2, 10
    assert not world.visible[0, :2, 2:].any()
    assert look(world)[0][0] == before


def test_the_dead_see_nothing() -> None:
    """Neither do players of a round that is over."""
    world = new_world(load_level("foundry"), 2, [5, 6])
    world.alive[0, 1], world.winner[1] = False, 0
    first, second = look(world)
    assert [view is None for view in first] == [False, True, False, False]
    assert second == [None] * 4


@pytest.mark.parametrize("name", [*LEVELS, "generated-3"])
def test_a_chart_knows_places_to_stand_and_ways_in(name: str) -> None:
    """Each site has spots on free floor that see what they watch, and each approach ends at its site."""
    chart = chart_of(name)
    for site in range(2):
        assert len(chart.spots[site]) >= 8
        for spot in chart.spots[site]:
            assert chart.free[int(spot.y), int(spot.x)]
            assert chart.sees((spot.x, spot.y), (spot.watch_x, spot.watch_y))
    for (site, _), way in chart.approaches.items():
        assert chart.metres(site, way[-1]) == 0
        assert chart.metres(site, way[0]) > 15


def test_walking_gets_there() -> None:
    """A walker who does what it is told, in eight directions, comes from spawn to site."""
    chart = chart_of("harbour")
    x, y = chart.spawns[0]
    walker = Walker(chart, random.Random(0))
    assert walker.go((x, y), chart.site_middle[1])
    for decision in range(600):
        heading = walker.heading((x, y), decision / 16)
        if heading is None or walker.arrived((x, y)):
            break
        radians = math.radians(-45 * (step_towards(0.0, heading) - 1))
        x, y = x + 5 / 16 * math.cos(radians), y + 5 / 16 * math.sin(radians)
    assert math.dist((x, y), chart.site_middle[1]) < 1.0


def test_who_runs_into_a_wall_soon_steps_aside() -> None:
    """A walker who gets nowhere walks on somewhere else within half a second."""
    chart = chart_of("harbour")
    walker = Walker(chart, random.Random(0))
    assert walker.go(chart.spawns[0], chart.site_middle[1])
    headings = [walker.heading(chart.spawns[0], decision / 16) for decision in range(9)]
    assert abs(headings[-1] - headings[0]) > 45


@pytest.mark.parametrize(("heading", "want", "move"), [(0, 0, 1), (0, -90, 3), (0, 90, 7), (90, 270, 5), (350, 5, 1)])
def test_moves_are_relative_to_the_heading(heading: float, want: float, move: int) -> None:
    """1 is forward, and it goes on clockwise."""
    assert step_towards(heading, want) == move


def test_the_same_seeds_give_the_same_play() -> None:
    """Action by action, whatever is played beside it."""
    rows = [[(name, 0.4, 2) for name in ("rusher", "support", "anchor", "sharpshooter")], [("roamer", 0.6, 1)] * 4]
    alone, beside = _play(rows[:1], seed=3), _play(rows, seed=3)
    assert alone.deeds == [deed for deed in beside.deeds if deed[0] == 0]


def test_rounds_come_to_an_end_as_rounds_do(played: Played) -> None:
    """Both sides win some, bombs are planted in some, and people die in some but not always everybody."""
    wins = (played.world.winner == 0).mean()
    assert 0.2 < wins < 0.8
    assert 0.15 < played.num_planted / 30 < 0.85
    assert 1.2 < played.world.kills.sum(axis=1).mean() < 3.6
    assert len(set(played.world.ending.tolist())) >= 2


@pytest.mark.parametrize("team_sizes", [(1, 1), (2, 1)])
def test_a_team_of_one_plays_on_a_map_never_seen(team_sizes: tuple[int, int]) -> None:
    """Rounds on a generated level end with a winner, also if nobody is there to play with."""
    rows = [[(name, 0.5, 0) for name in ("support", "roamer", "anchor", "lurker")]] * 2
    world = _play(rows, levels=["generated-4"], team_sizes=team_sizes).world
    assert (world.winner >= 0).all()


def test_actions_are_within_their_ranges(played: Played) -> None:
    """Choices are known ones, and angles within what a decision allows."""
    deeds = np.array(played.deeds)[:, 2:]
    assert (deeds[:, 0].min(), deeds[:, 0].max()) == (0, 8)
    assert set(deeds[:, 1]) == {0, 1, 2}
    assert np.abs(deeds[:, 2]).max() <= 60
    assert np.abs(deeds[:, 3]).max() <= 30
    assert set(deeds[:, 5]) == {0, 1, 2, 3}


def test_personas_differ_as_they_say(played: Played) -> None:
    """Rushers are fast, lurkers silent, anchors slow, and supports near their teammates."""
    speed = {name: np.mean(values) for name, values in played.speed.items()}
    silent = {name: np.mean(values) for name, values in played.silent.items()}
    mate = {name: np.mean(values) for name, values in played.mate.items()}
    assert speed["rusher"] > speed["support"] > speed["anchor"]
    assert silent["lurker"] > 2 * silent["roamer"]
    assert silent["lurker"] > 5 * silent["rusher"]
    assert mate["support"] < min(mate["lurker"], mate["sharpshooter"])


def test_habits_vary_around_the_personas() -> None:
    """Individuals scatter, and shares stay shares."""
    drawn = [draw_habits(find_persona("support"), random.Random(seed)) for seed in range(60)]
    assert np.std([each.range for each in drawn]) > 0.5
    assert max(each.teamwork for each in drawn) <= 1
    assert np.mean([each.range for each in drawn]) == pytest.approx(13, rel=0.1)


def test_a_plan_varies_from_round_to_round() -> None:
    """The same individual does not always take the same site."""
    sites = set()
    for seed in range(12):
        player = ScriptedPlayer("roamer", 0.5, 1)
        player.begin("foundry", 0, 0, seed, seed)
        sites.add(player.role.plan.site)
    assert sites == {0, 1}


def test_a_view_can_be_copied_with_a_change() -> None:
    """Views are plain data: whoever writes a test can make one."""
    assert replace(_view(1.0), health=50.0).health == 50.0


@pytest.mark.slow
def test_skill_wins() -> None:
    """Teams of high skill beat teams of low skill clearly, from either side."""
    rng, names = random.Random(2), list(PERSONAS)
    rows, sides = [], []
    for index in range(120):
        good, bad = ([(rng.choice(names), skill, rng.randrange(10)) for _ in range(2)] for skill in (0.9, 0.1))
        rows.append([*good, *bad] if index % 2 == 0 else [*bad, *good])
        sides.append(index % 2)
    assert (_play(rows).world.winner == np.array(sides)).mean() > 0.75
