"""The plan of a round: which site by which lane, how long to wait, where to stand; drawn from habits, so plans vary."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from understudy.envs.skirmish.level import LANES
from understudy.envs.skirmish.players.chart import SITES, Chart, Point, Spot
from understudy.envs.skirmish.players.mind import Mind

_SPLIT = 0.75
"""How often the defenders agree to take a site each."""
_PATIENCE_MOST_S = 45.0
_LONER = 0.3
"""Who has less teamwork than this keeps away from where the team goes."""


@dataclass(frozen=True)
class AttackPlan:
    """Where an attacker goes, and when it goes in."""

    site: int
    lane: str
    wait_s: float


@dataclass(frozen=True)
class DefencePlan:
    """Where a defender stands, and whether it leaves to look for attackers."""

    site: int
    roams: bool


def draw_attack(mind: Mind) -> AttackPlan:
    """Draw an attacker's plan: the team's with the chance of its teamwork, else one of its own liking."""
    call = random.Random(mind.briefing.call)
    agreed_site, agreed_lane = call.randrange(2), call.choice(LANES)
    if not mind.chance(mind.habits.teamwork):
        apart = mind.habits.teamwork < _LONER
        likings = [
            0.0 if apart and lane == agreed_lane else liking
            for lane, liking in zip(LANES, mind.habits.lanes, strict=True)
        ]
        lane = mind.rng.choices(LANES, likings)[0]
        site = SITES.index(lane) if lane in SITES else mind.rng.randrange(2)
        # Another way to the same site is as much a plan of one's own as another site.
        site = agreed_site if mind.chance(0.55) else site
    else:
        site, lane = agreed_site, agreed_lane
        if mind.chance(0.3):
            lane = mind.rng.choices(LANES, mind.habits.lanes)[0]
    if lane not in ("mid", SITES[site]):
        lane = SITES[site]
    return AttackPlan(site, lane, min(mind.hesitation(mind.habits.patience_s), _PATIENCE_MOST_S))


def draw_defence(mind: Mind) -> DefencePlan:
    """Draw a defender's plan."""
    call = random.Random(mind.briefing.call)
    first = call.randrange(2)
    split = call.random() < _SPLIT
    site = (first + mind.briefing.slot) % 2 if split else first
    if not mind.chance(max(mind.habits.teamwork, 0.5)):
        site = mind.rng.choices(range(2), (mind.habits.lanes[0], mind.habits.lanes[2]))[0]
    return DefencePlan(site, mind.chance(mind.habits.roaming))


def draw_spot(mind: Mind, site: int, near: Point | None = None, view_of: Point | None = None) -> Spot | None:
    """Draw a place to stand at a site: of sight lines and cover as the player likes them.

    Args:
        mind: Whose.
        site: 0 or 1.
        near: Prefer places near to this point.
        view_of: Only places that see this point.

    Returns:
        The place, or None if there is none.
    """
    spots = mind.chart.spots[site]
    if view_of is not None:
        spots = tuple(each for each in spots if mind.chart.sees((each.x, each.y), view_of))
    if not spots:
        return None
    weights = [_liking(mind, site, index, spot, near, view_of) for index, spot in enumerate(spots)]
    return mind.rng.choices(spots, weights)[0]


def draw_plant_cell(mind: Mind, site: int) -> Point:
    """Draw where to plant: any cell of the site, rather one with something around it if cover is liked."""
    cells = mind.chart.plant_cells[site]
    weights = [0.3 + 4 * mind.habits.cover * cover for _, cover in cells]
    return mind.rng.choices(cells, weights)[0][0]


def _liking(mind: Mind, site: int, index: int, spot: Spot, near: Point | None, view_of: Point | None) -> float:
    habits = mind.habits
    sight = spot.sight if view_of is None else math.dist((spot.x, spot.y), view_of)
    fits = math.exp(-0.5 * ((sight - habits.range) / (2 + 0.2 * habits.range)) ** 2)
    covered = (0.15 + 1.5 * spot.cover) ** (4 * habits.cover)
    close = math.exp(-math.dist((spot.x, spot.y), near) / 6) if near else 1.0
    return 1e-4 + fits * covered * close * _taste(mind.briefing.taste, mind.chart, site, index)


def _taste(taste: int, chart: Chart, site: int, index: int) -> float:
    """An individual's own liking for a place, the same in every round: 0.2 to about 5."""
    mixed = (taste * 2654435761 + len(chart.level.name) * 97 + site * 7919 + index * 104729) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 2246822519) & 0xFFFFFFFF
    return 0.2 + 5 * (((mixed ^ (mixed >> 13)) & 0xFFFF) / 65536) ** 3
