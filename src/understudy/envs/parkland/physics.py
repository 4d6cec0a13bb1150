"""How a player moves: walking, running, crouching, jumping, stairs, slopes and water, against `Collision`."""

from __future__ import annotations

import math
from typing import Any

from understudy.envs.parkland import body
from understudy.envs.parkland.body import Pit, Walker, Wish
from understudy.envs.parkland.collision import FLOORS, SOLID, WALLS, Collision, Hit
from understudy.envs.parkland.layout import Layout, Point

GRAVITY = 9.81
"""Metres per second squared."""
FASTEST_FALL = 50.0
"""Metres per second."""
BEDROCK = 8.0
"""How far under the lowest ground everything ends, metres."""
EDGE = 150.0
"""How far out of the park one can get at all, metres."""
_GRIP, _AIR_GRIP = 40.0, 6.0  # how fast the velocity follows the keys, metres per second squared
_SKIN = 0.02  # kept between the body and what it meets, metres
_BELOW = 0.3  # who is deeper under the ground than this is under the world
_SLIDES = 3
_STEEPEST = math.tan(math.radians(body.MAX_SLOPE))


class Physics:
    """Moves walkers through a layout.

    Args:
        layout: The park.
        collision: Its bodies.
        pits: Where the ground is missing.
    """

    def __init__(self, layout: Layout, collision: Collision, pits: tuple[Pit, ...] = ()) -> None:
        self._collision, self._pits = collision, pits
        self._heights = layout.heights.tolist()
        self._spacing, self._side, self._water = layout.spacing, layout.side, layout.water_level
        self._bedrock = float(layout.heights.min()) - BEDROCK

    def step(self, walker: Walker, wish: Wish, seconds: float) -> Walker:
        """Return the walker a moment later."""
        walker = self._crouch(walker, wish.crouch)
        jumps = wish.jump and walker.grounded and not walker.crouched
        walker = walker._replace(
            velocity=self._velocity(walker, wish, jumps, seconds), grounded=walker.grounded and not jumps
        )
        moved = self._move(walker, seconds)
        if walker.grounded:
            return self._settle(walker, moved, seconds)
        return self._fly(moved, seconds)

    def ground(self, x: float, y: float) -> float:
        """Return the elevation of the ground; `Layout.ground` of numbers, without arrays."""
        last = len(self._heights) - 1
        column = min(max(x / self._spacing, 0.0), last)
        row = min(max(y / self._spacing, 0.0), last)
        i, j = min(int(column), last - 1), min(int(row), last - 1)
        u, v = column - i, row - j
        near, far = self._heights[j], self._heights[j + 1]
        low, high = near[i], far[i + 1]
        if u >= v:
            return low + u * (near[i + 1] - low) + v * (high - near[i + 1])
        return low + v * (far[i] - low) + u * (high - far[i])

    def is_wading(self, walker: Walker) -> bool:
        """Whether it stands in water deeper than a step."""
        return walker.z < self._water - body.STEP and walker.z > self._bedrock + _BELOW

    def _crouch(self, walker: Walker, crouch: bool) -> Walker:
        if crouch == walker.crouched:
            return walker
        if not crouch and self._ceiling(walker, body.STANDING - body.CROUCHING):
            return walker
        return walker._replace(crouched=crouch)

    def _velocity(self, walker: Walker, wish: Wish, jumps: bool, seconds: float) -> Point:
        x, y, z = walker.velocity
        share = body.WADING if self.is_wading(walker) else 1.0
        change_x, change_y = wish.velocity[0] * share - x, wish.velocity[1] * share - y
        most = (_GRIP if walker.grounded else _AIR_GRIP) * seconds
        change = math.hypot(change_x, change_y)
        part = 1.0 if change <= most else most / change
        if jumps:
            z = math.sqrt(2 * GRAVITY * body.JUMP)
        elif walker.grounded:
            z = 0.0
        return x + change_x * part, y + change_y * part, z

    def _move(self, walker: Walker, seconds: float) -> Walker:
        """Move on the level, sliding along what is in the way."""
        way = walker.velocity[0] * seconds, walker.velocity[1] * seconds
        if way == (0.0, 0.0):
            return walker
        x, y = walker.x, walker.y
        if self._collision.is_near(x, y):
            x, y = self._slide(walker, way)
        else:
            x, y = x + way[0], y + way[1]
        x, y = min(max(x, -EDGE), self._side + EDGE), min(max(y, -EDGE), self._side + EDGE)
        if self._too_steep(walker, x, y):
            x, y = walker.x, walker.y
        velocity = (x - walker.x) / seconds, (y - walker.y) / seconds, walker.velocity[2]
        return walker._replace(x=x, y=y, velocity=velocity)

    def _slide(self, walker: Walker, way: tuple[float, float]) -> tuple[float, float]:
        lift = body.STEP if walker.grounded else _SKIN  # steps are for feet on the ground
        x, y, z = walker.x, walker.y, walker.z + lift
        height, mask = walker.height - lift, self._mask(walker)
        for _ in range(_SLIDES):
            length = math.hypot(*way)
            if length < 1e-6:
                break
            reach = (length + _SKIN) / length
            end = x + way[0] * reach, y + way[1] * reach, z
            hit = self._collision.sweep(height, body.RADIUS, (x, y, z), end, mask)
            if hit is None:
                return x + way[0], y + way[1]
            done = max(0.0, hit.fraction * reach - _SKIN / length)
            x, y = x + way[0] * min(done, 1.0), y + way[1] * min(done, 1.0)
            way = _along(hit, (way[0] * max(0.0, 1 - done), way[1] * max(0.0, 1 - done)))
        return x, y

    def _too_steep(self, walker: Walker, x: float, y: float) -> bool:
        """Whether the ground rises faster than one can climb; what was jumped over or lies above does not count."""
        ground = self.ground(x, y)
        if ground <= walker.z + 1e-3 or self._is_below(walker) or self._pit(x, y, walker.z):
            return False
        rise = ground - max(walker.z, self.ground(walker.x, walker.y))
        return rise > math.hypot(x - walker.x, y - walker.y) * _STEEPEST + 1e-4

    def _settle(self, before: Walker, walker: Walker, seconds: float) -> Walker:
        """Stay on the ground, up and down steps and slopes, or begin to fall."""
        drop = body.STEP + math.hypot(walker.x - before.x, walker.y - before.y)
        support = self._support(walker, drop)
        if support is None:
            return self._fly(walker._replace(grounded=False), seconds)
        rise = support - walker.z
        if rise > 1e-3 and self._collision.is_near(walker.x, walker.y) and self._ceiling(walker, rise):
            return before._replace(velocity=(0.0, 0.0, 0.0))
        return walker._replace(z=support, grounded=True)

    def _fly(self, walker: Walker, seconds: float) -> Walker:
        vx, vy, before = walker.velocity
        after = max(before - GRAVITY * seconds, -FASTEST_FALL)
        change = (before + after) / 2 * seconds
        if change > 0:
            return self._rise(walker._replace(velocity=(vx, vy, after)), change)
        support = self._support(walker, -change)
        if support is not None:
            return walker._replace(z=support, velocity=(vx, vy, 0.0), grounded=True)
        pit = self._pit(walker.x, walker.y, walker.z)
        abyss = walker.abyss or (pit is not None and pit.bottomless)
        return walker._replace(z=walker.z + change, velocity=(vx, vy, after), grounded=False, abyss=abyss)

    def _rise(self, walker: Walker, change: float) -> Walker:
        if self._collision.is_near(walker.x, walker.y) and self._ceiling(walker, change):
            return walker._replace(velocity=(walker.velocity[0], walker.velocity[1], 0.0))
        return walker._replace(z=walker.z + change)

    def _support(self, walker: Walker, drop: float) -> float | None:
        """The height of what is under the feet, from a step above them down to `drop` below; None if nothing is."""
        level = self._floor(walker)
        if self._collision.is_near(walker.x, walker.y):
            top = walker.z + body.STEP
            start, end = (walker.x, walker.y, top), (walker.x, walker.y, walker.z - drop)
            hit = self._collision.sweep(walker.height - body.STEP, body.RADIUS, start, end, self._mask(walker))
            if hit is not None and hit.fraction > 0:
                level = max(level, top - hit.fraction * (body.STEP + drop))
        return level if level >= walker.z - drop else None

    def _floor(self, walker: Walker) -> float:
        """The elevation of the ground under a walker, or of the bedrock if it is in a hole or under the world."""
        ground, pit = self.ground(walker.x, walker.y), self._pit(walker.x, walker.y, walker.z)
        if not pit and walker.z >= ground - _BELOW:
            return ground
        return -math.inf if walker.abyss or (pit and pit.bottomless) else self._bedrock

    def _is_below(self, walker: Walker) -> bool:
        return walker.z < self.ground(walker.x, walker.y) - _BELOW

    def _ceiling(self, walker: Walker, rise: float) -> bool:
        start = walker.x, walker.y, walker.z + body.STEP
        end = walker.x, walker.y, walker.z + body.STEP + rise
        return self._collision.sweep(walker.height - body.STEP, body.RADIUS, start, end, SOLID) is not None

    def _pit(self, x: float, y: float, z: float) -> Pit | None:
        for each in self._pits:
            if each.holds(x, y, z):
                return each
        return None

    def _mask(self, walker: Walker) -> Any:
        return WALLS if self._pits and self._pit(walker.x, walker.y, walker.z) else WALLS | FLOORS


def _along(hit: Hit, way: tuple[float, float]) -> tuple[float, float]:
    """What is left of a way, along what was met."""
    x, y = hit.normal[0], hit.normal[1]
    length = math.hypot(x, y)
    if length < 1e-6:
        return 0.0, 0.0
    x, y = x / length, y / length
    into = way[0] * x + way[1] * y
    return way[0] - into * x, way[1] - into * y
