"""What stops a player: the layout's solids as static bodies of Bullet, asked by sweeps and rays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.behavior import RAYS
from understudy.envs.parkland.layout import PASSABLE, PROP_SIZES, Layout
from understudy.envs.parkland.panda import core
from understudy.envs.parkland.scenery import DOOR_DEPTH
from understudy.envs.parkland.solids import KINDS
from understudy.envs.parkland.state import State
from understudy.errors import require

bullet: Any = require("panda3d.bullet", "parkland")

WALLS, FLOORS, GROUND, SIGHTS = (core.BitMask32.bit(index) for index in range(4))
"""What bodies are: in the way; walked on, and gone where the ground has a hole; the height field; seen but not felt."""
SOLID = WALLS | FLOORS
SEEN = SOLID | GROUND | SIGHTS
_FLAT = np.isin(KINDS, ("floor", "step", "deck"))
_MARGIN = 2.0
"""How far around a body a player's step may touch it, metres, with room to spare."""


@dataclass(frozen=True)
class Hit:
    """Where something that moved along a line met a body: the share of the way, the unit normal, the body's name."""

    fraction: float
    normal: tuple[float, float, float]
    name: str


class Collision:
    """The bodies of a park. Nothing in it moves but its doors, so all that it remembers is which of them are open.

    Args:
        layout: The park.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.world = bullet.BulletWorld()
        self._root = core.NodePath("bodies")
        self._size = math.ceil(layout.side) + 1
        self._near = np.zeros((self._size, self._size), bool)
        self._shapes: dict[float, Any] = {}
        self._add_solids()
        self._add_trunks()
        self._add_props()
        self._doors = [self._add_door(index) for index in range(len(layout.doors))]
        self._add_ground()
        self._flags = self._near.tobytes()

    def is_near(self, x: float, y: float) -> bool:
        """Whether any body may be within reach of a player's step here; False saves the sweeps."""
        row, column, size = int(y), int(x), self._size
        return not (0 <= row < size and 0 <= column < size) or self._flags[row * size + column] != 0

    def sweep(
        self,
        height: float,
        radius: float,
        start: tuple[float, float, float],
        end: tuple[float, float, float],
        mask: Any,
    ) -> Hit | None:
        """Move an upright cylinder along a line and return what it meets first.

        Args:
            height: Metres.
            radius: Metres.
            start: Of its lowest point.
            end: The same.
            mask: Of the bodies that count.
        """
        middle = height / 2
        found = self.world.sweep_test_closest(
            self._cylinder(height, radius),
            core.TransformState.make_pos((start[0], start[1], start[2] + middle)),
            core.TransformState.make_pos((end[0], end[1], end[2] + middle)),
            mask,
            0.0,
        )
        return _hit(found)

    def ray(self, start: tuple[float, float, float], end: tuple[float, float, float], mask: Any) -> Hit | None:
        """Return the first body on a line."""
        return _hit(self.world.ray_test_closest(start, end, mask))

    def cast_rays(self, state: State) -> NDArray[np.float32]:
        """Read `behavior.RAYS`: distances on the level of the eyes, and what each ray meets."""
        reading = np.zeros(RAYS.shape, np.float32)
        reading[:, 0] = RAYS.reach
        x, y, z = state.walker.eyes
        for row, angle in enumerate(RAYS.angles):
            way = math.radians(state.heading - angle)
            end = x + RAYS.reach * math.cos(way), y + RAYS.reach * math.sin(way), z
            hit = self.ray((x, y, z), end, SOLID | GROUND)
            if hit:
                reading[row, 0] = min(max(hit.fraction, 0.0), 1.0) * RAYS.reach
                reading[row, 1 + RAYS.types.index(hit.name.partition("-")[0])] = 1
        return reading

    def turn_door(self, index: int, *, is_open: bool) -> None:
        """Let a door's panel stand open or closed."""
        for body, stands in zip(self._doors[index], (not is_open, is_open), strict=True):
            body.set_into_collide_mask(WALLS if stands else core.BitMask32.all_off())

    def door_would_touch(
        self, index: int, feet: tuple[float, float, float], height: float, radius: float, *, is_open: bool
    ) -> bool:
        """Whether a door's panel, open or closed, would overlap a player."""
        door = self._layout.doors[index]
        if not door.hinge[2] - height < feet[2] < door.hinge[2] + door.height:
            return False
        heading = door.heading + (90 if is_open else 0)
        return _distance_to_panel(door, heading, feet) < radius + DOOR_DEPTH / 2

    def _cylinder(self, height: float, radius: float) -> Any:
        key = height * 1000 + radius
        if key not in self._shapes:
            self._shapes[key] = bullet.BulletCylinderShape(radius, height, bullet.ZUp)
        return self._shapes[key]

    def _add(self, name: str, shape: Any, place: NDArray, reach: float, mask: Any, heading: float = 0.0) -> Any:
        body = bullet.BulletRigidBodyNode(name)
        body.add_shape(shape)
        path = self._root.attach_new_node(body)
        path.set_pos_hpr(*(float(each) for each in place), heading, 0, 0)
        body.set_into_collide_mask(mask)
        self.world.attach(body)
        low, high = (np.floor(np.asarray(place[:2]) + side * (reach + _MARGIN)).astype(int) for side in (-1, 1))
        self._near[max(0, low[1]) : max(0, high[1] + 1), max(0, low[0]) : max(0, high[0] + 1)] = True
        return body

    def _add_solids(self) -> None:
        solids = self._layout.solids
        for index in np.flatnonzero(solids.collides):
            half = solids.half[index]
            mask = FLOORS if _FLAT[solids.kind[index]] else WALLS
            shape = bullet.BulletBoxShape(tuple(float(each) for each in half))
            reach = float(np.hypot(half[0], half[1]))
            self._add(f"solid-{index}", shape, solids.centre[index], reach, mask, float(solids.heading[index]))

    def _add_trunks(self) -> None:
        for index, (x, y, z, radius, height) in enumerate(self._layout.trunks.tolist()):
            shape = bullet.BulletCylinderShape(radius, height, bullet.ZUp)
            self._add(f"tree-{index}", shape, np.array([x, y, z + height / 2]), radius, WALLS)

    def _add_props(self) -> None:
        for prop in self._layout.props:
            width, depth, height = PROP_SIZES[prop.kind]
            lift = 1.0 if prop.kind == "painting" else 0.0
            felt = prop.collides and prop.kind not in PASSABLE
            place = np.array([prop.x, prop.y, prop.z + lift + height / 2])
            shape = bullet.BulletBoxShape((depth / 2, width / 2, height / 2))
            reach = float(np.hypot(width, depth)) / 2
            self._add(f"prop-{prop.id}", shape, place, reach, WALLS if felt else SIGHTS, prop.heading)

    def _add_door(self, index: int) -> tuple[Any, Any]:
        """Two bodies, the closed panel and the open one, of which one stands at a time."""
        door = self._layout.doors[index]
        bodies = []
        for heading, mask in ((door.heading, WALLS), (door.heading + 90, core.BitMask32.all_off())):
            angle = math.radians(heading)
            reach = door.width / 2
            offset = np.array([reach * math.cos(angle), reach * math.sin(angle), door.height / 2])
            place = np.array(door.hinge) + offset
            shape = bullet.BulletBoxShape((door.width / 2, DOOR_DEPTH / 2, door.height / 2))
            bodies.append(self._add(f"door-{index}", shape, place, reach, mask, heading))
        return bodies[0], bodies[1]

    def _add_ground(self) -> None:
        """The height field for rays. Feet ask the layout itself, which is exact and knows holes."""
        heights, spacing = self._layout.heights, self._layout.spacing
        low, high = float(heights.min()) - 1, float(heights.max()) + 1
        # Bullet parts squares by the other diagonal: turned by a quarter, its ground is the layout's.
        levels = (np.ascontiguousarray(heights[:, ::-1].T) - low) / (high - low) * 65535
        picture = core.Texture()
        picture.setup_2d_texture(*heights.shape, core.Texture.T_unsigned_short, core.Texture.F_luminance)
        picture.set_ram_image(np.round(levels).astype("<u2").tobytes())
        image = core.PNMImage()
        picture.store(image)
        body = bullet.BulletRigidBodyNode("ground")
        body.add_shape(bullet.BulletHeightfieldShape(image, high - low, bullet.ZUp))
        path = self._root.attach_new_node(body)
        path.set_pos_hpr(self._layout.side / 2, self._layout.side / 2, (low + high) / 2, 90, 0, 0)
        path.set_scale(spacing, spacing, 1)
        body.set_into_collide_mask(GROUND)
        self.world.attach(body)


def _hit(found: Any) -> Hit | None:
    if not found.has_hit():
        return None
    x, y, z = found.get_hit_normal()
    return Hit(found.get_hit_fraction(), (x, y, z), found.get_node().name)


def _distance_to_panel(door: Any, heading: float, feet: tuple[float, float, float]) -> float:
    """From the feet to a door's panel turned to `heading`, on the level, metres."""
    angle = math.radians(heading)
    x, y = feet[0] - door.hinge[0], feet[1] - door.hinge[1]
    along = min(door.width, max(0.0, x * math.cos(angle) + y * math.sin(angle)))
    return math.hypot(x - along * math.cos(angle), y - along * math.sin(angle))
