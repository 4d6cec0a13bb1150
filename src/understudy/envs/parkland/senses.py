"""What the bodies of a park tell beside the picture: rays for a player, lines for a map."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.behavior import RAYS
from understudy.envs.parkland.collision import GROUND, SOLID, Collision
from understudy.envs.parkland.layout import Layout
from understudy.envs.parkland.state import State

_RAY_TYPES = {name: index for index, name in enumerate(RAYS.types)}


def cast_rays(collision: Collision, state: State) -> NDArray[np.float32]:
    """Read `behavior.RAYS`: distances on the level of the eyes, and what each ray meets."""
    reading = np.zeros(RAYS.shape, np.float32)
    reading[:, 0] = RAYS.reach
    eyes = state.walker.eyes
    for row, angle in enumerate(RAYS.angles):
        way = math.radians(state.heading - angle)
        end = eyes[0] + RAYS.reach * math.cos(way), eyes[1] + RAYS.reach * math.sin(way), eyes[2]
        hit = collision.ray(eyes, end, SOLID | GROUND)
        if hit:
            reading[row, 0] = min(max(hit.fraction, 0.0), 1.0) * RAYS.reach
            reading[row, 1 + _RAY_TYPES[hit.name.partition("-")[0]]] = 1
    return reading


def outlines(layout: Layout) -> tuple[NDArray, NDArray]:
    """Return the outlines of the boxes that stand in the way: float64 (lines, 4), and that all of them do, bool."""
    solids = layout.solids
    tall = np.flatnonzero(solids.collides & solids.visible & (solids.half[:, 2] > 0.4))
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])[None] * solids.half[tall, None, :2]
    angle = np.radians(solids.heading[tall])[:, None]
    x = corners[..., 0] * np.cos(angle) - corners[..., 1] * np.sin(angle) + solids.centre[tall, :1]
    y = corners[..., 0] * np.sin(angle) + corners[..., 1] * np.cos(angle) + solids.centre[tall, 1:2]
    points = np.stack([x, y], -1)
    lines = np.concatenate([points, np.roll(points, -1, axis=1)], -1).reshape(-1, 4).astype(np.float64)
    return lines, np.ones(len(lines), bool)
