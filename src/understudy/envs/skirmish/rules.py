"""The numbers of a skirmish: who plays, with what, how fast, how long. Change them by `replace(Rules(), ...)`.

Units are metres, seconds, degrees and hundredths of a life.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from understudy.errors import GameError

Record: TypeAlias = Any
"""A numpy record as a numba kernel takes it: its fields are attributes."""

SIDES = ("attack", "defend")
AGENTS = ("attacker_0", "attacker_1", "defender_0", "defender_1")
"""Agents by index: two of each side, the attackers first."""
CLASSES = ("controller", "initiator")
"""The class of slot 0 and of slot 1 of each side."""
WEAPONS = ("pistol", "rifle", "sniper")
PISTOL, RIFLE, SNIPER = range(3)
SOUNDS = ("steps", "shots", "bomb", "ability")
STEPS, SHOTS, BOMB, ABILITY = range(4)
BOMB_STATES = ("carried", "dropped", "planted", "defused", "exploded")
CARRIED, DROPPED, PLANTED, DEFUSED, EXPLODED = range(5)
ENDINGS = ("none", "elimination", "exploded", "defused", "timeout")
NO_END, ELIMINATION, BOOM, DEFUSAL, TIMEOUT = range(5)
EVENTS = (
    *("shot", "hit", "headshot", "kill", "death", "hurt", "plant_started", "planted", "defuse_started", "defused"),
    *("reload", "ability", "footstep", "saw_enemy"),
)
"""What can happen to an agent in a decision; event `i` is bit `1 << i` of the mask."""
(SHOT, HIT, HEADSHOT, KILL, DEATH, HURT, PLANT_STARTED, PLANT_DONE, DEFUSE_STARTED, DEFUSE_DONE) = range(10)
(RELOADED, USED_ABILITY, FOOTSTEP, SAW_ENEMY) = range(10, 14)


_MOST_CHARGES = 100


@dataclass(frozen=True)
class Weapon:
    """One kind of weapon; whoever holds it has as many magazines as there is time to load.

    Attributes:
        body: Damage of a shot to the body.
        head: Damage of a shot to the head.
        interval: Seconds between shots while the trigger is held.
        magazine: Shots in a magazine.
        reload: Seconds that reloading takes.
        spread: Standard deviation of a shot's direction, standing still, in degrees.
        spread_moving: What full speed adds to it.
        kick: Degrees by which a shot raises the next one.
        kick_most: How far shots rise at most.
        recovery: Degrees a second by which the rise goes back.
        speed: Share of an agent's speed that is left with it in hand.
        price: Money it costs at the start of a round.
    """

    body: float
    head: float
    interval: float
    magazine: int
    reload: float
    spread: float
    spread_moving: float
    kick: float
    kick_most: float
    recovery: float
    speed: float
    price: int


ARSENAL: Mapping[str, Weapon] = MappingProxyType(
    {
        "pistol": Weapon(18, 60, 0.2, 12, 1.5, 0.35, 2.0, 0.6, 3.0, 4.0, 1.0, 0),
        "rifle": Weapon(27, 105, 0.1, 25, 2.2, 0.15, 4.0, 0.75, 5.0, 3.0, 0.96, 2900),
        "sniper": Weapon(105, 150, 1.5, 5, 3.2, 0.03, 8.0, 3.0, 3.0, 4.0, 0.88, 4500),
    }
)


@dataclass(frozen=True)
class Economy:
    """Money decides the weapon at the start of a round; it passes from round to round of a match.

    Attributes:
        start: Money at the start of each half.
        most: More than this nobody keeps.
        win: For each of the side that won.
        loss: For each of the side that lost.
        loss_streak: On top for each further round lost in a row, at most twice.
        kill: For a kill.
        plant: For each attacker if the bomb was planted.
    """

    start: int = 800
    most: int = 9000
    win: int = 3000
    loss: int = 1900
    loss_streak: int = 500
    kill: int = 200
    plant: int = 300


@dataclass(frozen=True)
class Rules:
    """Everything that is fixed during a round.

    Attributes:
        ticks_hz: Ticks of the simulation a second; a multiple of `decision_hz`.
        decision_hz: Decisions a second.
        round_s: Seconds until the defenders win if no bomb is planted.
        bomb_s: From plant to explosion.
        plant_s: How long planting takes.
        defuse_s: How long defusing takes.
        run: Speed of a runner, who is heard.
        walk: Of a walker, who is not.
        crouch: Of one who crouches, who is not.
        acceleration: How fast speed changes, in m/s².
        radius: Of an agent's cylinder, towards walls and each other.
        body_radius: Of the cylinder that shots hit, up to the neck.
        head_radius: Of the cylinder from neck to crown.
        eye: Height of the eyes, standing; the neck is 0.15 below and the crown 0.05 above.
        eye_crouched: The same, crouched.
        pitch_most: Nobody looks further up or down, in degrees.
        view_width: Field of view, in degrees.
        view_height: Field of view, in degrees.
        stride: Metres a runner goes between two audible steps.
        pick_up: How near an attacker must come to a dropped bomb.
        defuse_reach: How near a defender must be to a planted bomb.
        bomb_heard: How near a defender must come to know by the beeps where the bomb is.
        beep_s: Seconds between beeps of a planted bomb.
        health: Of everyone at the start.
        charges: Uses of the ability in a round.
        throw_reach: How far an ability is thrown at most.
        smoke_s: How long a smoke lasts.
        smoke_radius: Of its sphere.
        bloom_s: How long a smoke takes to reach its size.
        scan_s: How long a scan lasts.
        scan_radius: How far it reveals.
        economy: Money, for matches.
    """

    ticks_hz: int = 64
    decision_hz: int = 16
    round_s: float = 75.0
    bomb_s: float = 30.0
    plant_s: float = 3.0
    defuse_s: float = 5.0
    run: float = 5.0
    walk: float = 2.5
    crouch: float = 1.7
    acceleration: float = 30.0
    radius: float = 0.35
    body_radius: float = 0.3
    head_radius: float = 0.14
    eye: float = 1.6
    eye_crouched: float = 1.0
    pitch_most: float = 50.0
    view_width: float = 100.0
    view_height: float = 70.0
    stride: float = 1.6
    pick_up: float = 0.9
    defuse_reach: float = 1.5
    bomb_heard: float = 15.0
    beep_s: float = 1.0
    health: float = 100.0
    charges: int = 1
    throw_reach: float = 25.0
    smoke_s: float = 12.0
    smoke_radius: float = 3.5
    bloom_s: float = 0.5
    scan_s: float = 5.0
    scan_radius: float = 12.0
    economy: Economy = field(default_factory=Economy)

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name != "economy" and not 0 < value < math.inf:
                raise GameError(f"The rule '{each.name}' is {value}; it must be above 0 and finite.")
        for name in ("run", "walk", "crouch"):
            if getattr(self, name) > self.radius * self.ticks_hz:
                raise GameError(f"The rule '{name}' is {getattr(self, name)}; so fast one would pass through walls.")
        if self.charges > _MOST_CHARGES:
            raise GameError(f"The rule 'charges' is {self.charges}; it must be at most {_MOST_CHARGES}.")
        if self.ticks_hz % self.decision_hz:
            raise GameError(f"{self.ticks_hz} ticks a second are no whole number for each of {self.decision_hz} Hz.")

    @property
    def ticks_per_decision(self) -> int:
        """Ticks of the simulation in a decision."""
        return self.ticks_hz // self.decision_hz

    @cached_property
    def record(self) -> Record:
        """The numbers as a record for the kernels."""
        values = tuple(getattr(self, name) for name in RULES_TYPE.names or ())
        return np.array([values], RULES_TYPE)[0]


RULES_TYPE = np.dtype(
    [(each.name, np.int64 if each.type == "int" else np.float64) for each in fields(Rules) if each.name != "economy"]
)
WEAPON_TYPE = np.dtype([(each.name, np.float64) for each in fields(Weapon)])
WEAPON_TABLE = np.array([astuple(ARSENAL[name]) for name in WEAPONS], WEAPON_TYPE)
"""The arsenal for the kernels, in the order of `WEAPONS`."""


def event_names(mask: int) -> tuple[str, ...]:
    """Return the words of `EVENTS` whose bits are set in `mask`."""
    return tuple(name for bit, name in enumerate(EVENTS) if mask >> bit & 1)


def affordable_weapon(money: float, preference: str = "rifle") -> str:
    """Return the preferred weapon if `money` pays for it, else the dearest that it pays for.

    Args:
        money: What there is.
        preference: One of `WEAPONS`; nobody is handed a dearer weapon than this.
    """
    most = max(0, min(money, ARSENAL[preference].price))
    return max((name for name in WEAPONS if ARSENAL[name].price <= most), key=lambda name: ARSENAL[name].price)
