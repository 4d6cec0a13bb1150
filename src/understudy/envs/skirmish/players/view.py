"""What one player may know at one decision: its screen, its minimap and its ears, taken from a `World`.

This is the only door between the simulation and the scripted players: whatever is not in a `View`, they cannot use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


class Sighting(NamedTuple):
    """One enemy, as far as the screen shows it.

    `x` to `bearing` count if it is `visible`; `x` and `y` also if it is `marked`: on the minimap, because a teammate
    sees it or a scan reveals it. That it is not `alive` any more everybody is told.
    """

    visible: bool
    marked: bool
    alive: bool
    x: float
    y: float
    vx: float
    vy: float
    crouched: bool
    bearing: float
    """Degrees from the heading, positive to the right."""


class Sound(NamedTuple):
    """An enemy's sound, the nearest of its type."""

    kind: int
    """Index into `rules.SOUNDS`."""
    bearing: float
    """Degrees from the heading, positive to the right; a player does not know it as well."""
    distance: float
    """Metres, as its loudness tells; a player does not know it as well."""
    loudness: float
    """1 at its source, 0 where it cannot be heard."""


@dataclass(slots=True)
class View:
    """One decision as one player's screen shows it. Metres, seconds, degrees; headings counter-clockwise from +x."""

    x: float
    y: float
    vx: float
    vy: float
    heading: float
    pitch: float
    crouched: bool
    health: float
    alive: bool
    weapon: int
    magazine: int
    reload_left: float
    recoil: float
    charges: int
    has_bomb: bool
    plant_left: float
    defuse_left: float
    clock: float
    bomb_state: int
    bomb_left: float
    bomb_place: tuple[float, float] | None
    """Where the bomb is, if this team knows."""
    mate: tuple[float, float] | None
    """Where the teammate is, None if there is none alive."""
    hurt_bearing: float | None
    """Where a shot that hurt came from, positive to the right, None if none did."""
    enemies: tuple[Sighting, Sighting]
    sounds: tuple[Sound, ...] = ()
    decision_hz: float = 16.0

    @property
    def at(self) -> tuple[float, float]:
        """Where the player stands."""
        return self.x, self.y

    @property
    def speed(self) -> float:
        """In m/s."""
        return math.hypot(self.vx, self.vy)

    @property
    def num_enemies(self) -> int:
        """Enemies alive, as the scoreboard says."""
        return self.enemies[0].alive + self.enemies[1].alive
