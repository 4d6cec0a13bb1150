"""The personas: habits of play that set one kind of player apart from another, whatever the skill.

Habits say what a player wants; `skills.py` says how well it comes off. Both are scripted: no one's play was copied.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

from understudy.errors import GameError, suggest

Weights = tuple[float, float, float]


@dataclass(frozen=True)
class Habits:
    """How a player likes to play. Shares and eagerness are in [0, 1], distances in metres, durations in seconds."""

    lanes: Weights = (1.0, 1.0, 1.0)
    """Liking for lane a, mid and b: weights of a draw."""
    teamwork: float = 0.6
    """Chance of going where the team agreed to go."""
    spacing: float = 9.0
    """Distance to the teammate that feels right; further away, the player waits or catches up if `teamwork` is high."""
    patience_s: float = 6.0
    """Mean wait before the last metres to a site."""
    stealth: float = 0.3
    """Share of the way near the fight that is walked silently."""
    aggression: float = 0.5
    """Goes after an enemy that got out of sight, and peeks instead of waiting."""
    roaming: float = 0.2
    """Chance, as a defender, to leave the site and look for attackers."""
    rotation_s: float = 3.0
    """Mean hesitation before leaving for the other site."""
    range: float = 14.0
    """Distance of a fight that feels right: chooses places with sight lines of about that length."""
    cover: float = 0.5
    """Liking for places beside cover and walls."""
    retreat_health: float = 30.0
    """Below this health, backs off from a fight that can be left."""
    burst: float = 4.0
    """Mean number of shots before a pause, at a middling distance."""
    spray_within: float = 8.0
    """Nearer than this, the trigger stays down."""
    precision: float = 0.2
    """Aims at the head where skill allows, and waits until the aim is on it."""
    still: float = 0.6
    """Chance to stand still while shooting, before skill has its say."""
    crouching: float = 0.2
    """Chance to crouch in a fight."""
    glances: float = 0.25
    """Looks around a second while nothing happens."""
    crosshair_deg: float = 2.0
    """How far below the horizon the view rests."""
    fidgets: float = 0.1
    """Steps from side to side while standing, instead of keeping still."""
    reload_below: float = 0.5
    """Reloads out of a fight when less than this share of the magazine is left."""
    ability: float = 0.5
    """Eagerness to use the ability."""


@dataclass(frozen=True)
class Persona:
    """A kind of player: its name, a sentence about it, and its habits."""

    name: str
    summary: str
    habits: Habits


_ALL = (
    Persona(
        "rusher",
        "Runs the straightest way into a site and fights at arm's length.",
        Habits(
            lanes=(1.2, 0.5, 1.2), teamwork=0.65, spacing=6, patience_s=0.5, stealth=0.02, aggression=0.95,
            roaming=0.55, rotation_s=0.8, range=7, cover=0.1, retreat_health=5, burst=10, spray_within=14,
            precision=0.05, still=0.3, crouching=0.05, glances=0.05, crosshair_deg=4, fidgets=0.2, reload_below=0.25,
            ability=0.35,
        ),
    ),
    Persona(
        "lurker",
        "Goes alone and silently by another lane than the team, waits, and strikes from behind.",
        Habits(
            lanes=(0.9, 1.6, 0.9), teamwork=0.06, spacing=28, patience_s=22, stealth=0.85, aggression=0.35,
            roaming=0.45, rotation_s=5, range=11, cover=0.75, retreat_health=45, burst=4, spray_within=7, still=0.7,
            crouching=0.2, glances=0.4, crosshair_deg=1, fidgets=0.03, reload_below=0.6, ability=0.25,
        ),
    ),
    Persona(
        "anchor",
        "Stays at one site behind cover, and leaves it last.",
        Habits(
            lanes=(1.4, 0.3, 1.4), teamwork=0.7, spacing=14, patience_s=18, stealth=0.45, aggression=0.08,
            roaming=0.0, rotation_s=8, range=13, cover=0.95, retreat_health=40, burst=4, spray_within=8,
            precision=0.4, still=0.85, crouching=0.65, glances=0.25, crosshair_deg=2, fidgets=0.02, reload_below=0.7,
            ability=0.6,
        ),
    ),
    Persona(
        "support",
        "Keeps a few steps behind the teammate, uses the ability for both, and trades.",
        Habits(
            lanes=(1, 1, 1), teamwork=0.98, spacing=3.5, patience_s=7, stealth=0.4, aggression=0.4, roaming=0.1,
            rotation_s=1.2, range=13, cover=0.5, retreat_health=35, burst=5, spray_within=8, still=0.65,
            crouching=0.15, glances=0.4, crosshair_deg=2.5, fidgets=0.15, reload_below=0.6, ability=0.98,
        ),
    ),
    Persona(
        "sharpshooter",
        "Looks for long sight lines, stands still, and fires single shots.",
        Habits(
            lanes=(0.8, 1.8, 0.8), teamwork=0.45, spacing=16, patience_s=15, stealth=0.4, aggression=0.2,
            roaming=0.15, rotation_s=3, range=24, cover=0.65, retreat_health=50, burst=1.6, spray_within=6,
            precision=0.95, still=0.97, crouching=0.35, glances=0.12, crosshair_deg=0.3, fidgets=0.04,
            reload_below=0.5, ability=0.35,
        ),
    ),
    Persona(
        "novice",
        "Runs and stops without a plan, keeps the trigger down at any distance, and looks about.",
        Habits(
            lanes=(1, 1, 1), teamwork=0.4, spacing=11, patience_s=4, stealth=0.08, aggression=0.6, roaming=0.35,
            rotation_s=5, range=14, cover=0.2, retreat_health=15, burst=14, spray_within=25, precision=0.0,
            still=0.12, crouching=0.3, glances=0.7, crosshair_deg=11, fidgets=0.25, reload_below=0.95, ability=0.12,
        ),
    ),
    Persona(
        "roamer",
        "Never holds one place for long: changes lane, flanks, and looks for the fight on both sides.",
        Habits(
            lanes=(0.8, 1.8, 0.8), teamwork=0.25, spacing=17, patience_s=3, stealth=0.16, aggression=0.75,
            roaming=0.95, rotation_s=1, range=12, cover=0.35, retreat_health=35, burst=5, spray_within=9, still=0.5,
            crouching=0.1, glances=0.8, crosshair_deg=1.5, fidgets=0.75, reload_below=0.6, ability=0.45,
        ),
    ),
)  # fmt: skip

PERSONAS: Mapping[str, Persona] = MappingProxyType({each.name: each for each in _ALL})
"""All personas by name."""

_VARIATION = 0.15
"""Standard deviation of the logarithm of an individual's dial around the persona's."""
_NOT_SHARES = frozenset(
    (
        "spacing",
        "patience_s",
        "rotation_s",
        "range",
        "retreat_health",
        "burst",
        "spray_within",
        "glances",
        "crosshair_deg",
    )
)
"""Dials that may exceed 1."""


def find_persona(name: str) -> Persona:
    """Return the persona called `name`.

    Raises:
        GameError: If there is none; the message suggests one.
    """
    if name not in PERSONAS:
        raise GameError(f"There is no persona named '{name}'.{suggest(name, PERSONAS)}")
    return PERSONAS[name]


def draw_habits(persona: Persona, rng: random.Random) -> Habits:
    """Return one individual's habits: each of the persona's, a little more or less; lanes vary most."""
    changes: dict[str, float | Weights] = {}
    for field in fields(Habits):
        value = getattr(persona.habits, field.name)
        if field.name == "lanes":
            a, mid, b = (weight * rng.lognormvariate(0, 3 * _VARIATION) for weight in value)
            changes["lanes"] = (a, mid, b)
            continue
        drawn = value * rng.lognormvariate(0, _VARIATION)
        changes[field.name] = drawn if field.name in _NOT_SHARES else min(drawn, 1.0)
    return replace(persona.habits, **changes)  # type: ignore[arg-type]
