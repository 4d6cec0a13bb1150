"""Houses of two floors: a hall with stairs, rooms on both floors, doors that open, windows, and what stands inside.

A house is drawn in its own frame: u along the front, v into the house, the front wall at v = 0. Its walls lie on whole
metres, so that every cell of one metre lies in one room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.envs.parkland.layout import Building, Door, Prop, Room
from understudy.envs.parkland.solids import TEXTURES, SolidsBuilder

STOREY, SLAB = 3.0, 0.2
"""From floor to floor, and how thick a floor is, metres."""
PLINTH = 0.12
"""How far the ground floor lies over the ground, metres."""
WALL = 0.2
DOORWAY, LINTEL = 1.4, 2.2
"""Width and height of a doorway, metres."""
HALL = 5
"""Width of the hall, metres; the stairs take two of them."""
STAIRS = (3, 8)
"""From where to where the stairs go up, along v."""
ENTRANCE = 3.5
"""Where along the front the middle of the front door is."""
_STEPS = 15
_SILL = 1.0
_LAP = 0.06

_LOOKS = {"painting": "painted", "shelf": "wood", "table": "wood", "statue": "marble"}

Opening = tuple[float, float, float]
"""Of a wall: where its middle is along it, its width, and the height of its sill, metres."""


@dataclass(frozen=True)
class Frame:
    """Turns the house's u and v into the park's x and y; `quarter` turns counter-clockwise of a front to the south."""

    x: float
    y: float
    width: float
    depth: float
    quarter: int

    @property
    def footprint(self) -> tuple[float, float, float, float]:
        """X low, y low, x high, y high."""
        wide = self.quarter % 2 == 0
        across, along = (self.width, self.depth) if wide else (self.depth, self.width)
        return self.x, self.y, self.x + across, self.y + along

    def place(self, u: float, v: float) -> tuple[float, float]:
        """Return x and y."""
        low_x, low_y, high_x, high_y = self.footprint
        return ((low_x + u, low_y + v), (high_x - v, low_y + u), (high_x - u, high_y - v), (low_x + v, high_y - u))[
            self.quarter
        ]

    def heading(self, local: float) -> float:
        """Return a heading in the park, degrees."""
        return (local + 90.0 * self.quarter) % 360.0

    def rectangle(self, u0: float, v0: float, u1: float, v1: float) -> tuple[float, float, float, float]:
        """Return x low, y low, x high, y high."""
        (ax, ay), (bx, by) = self.place(u0, v0), self.place(u1, v1)
        return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)


@dataclass
class House:
    """A house being built at `z`, the height of its ground floor."""

    id: int
    frame: Frame
    z: float
    boxes: SolidsBuilder
    doors: list[Door]
    props: list[Prop]
    walls: str = "brick"

    def build(self, rng: np.random.Generator) -> Building:
        """Add everything to `boxes`, `doors` and `props`, the lists of the whole park."""
        self._slabs()
        self._stairs()
        for floor in (0, 1):
            self._shell(floor)
            self._partitions(floor)
        self._hang_doors()
        self._furnish(rng)
        floors = (self.z, self.z + STOREY)
        return Building(self.id, self.frame.footprint, floors, 2 * STOREY + SLAB, self._rooms())

    @property
    def _split(self) -> float:
        """Where along v the rooms beside the hall are parted."""
        return float(int(self.frame.depth) // 2)

    def _slab(
        self, u0: float, v0: float, u1: float, v1: float, top: float, thick: float, look: tuple[str, str]
    ) -> None:
        low_x, low_y, high_x, high_y = self.frame.rectangle(u0, v0, u1, v1)
        self.boxes.between((low_x, low_y, top - thick), (high_x, high_y, top), *look)

    def _slabs(self) -> None:
        width, depth = self.frame.width, self.frame.depth
        self._slab(0, 0, width, depth, self.z, 0.8, ("floor", "stone"))
        upper = self.z + STOREY
        for u0, v0, u1, v1 in ((0, 0, 2, STAIRS[0]), (0, STAIRS[1], 2, depth), (2, 0, width, depth)):
            self._slab(u0, v0, u1, v1, upper, SLAB, ("floor", "planks"))
        self._slab(-0.4, -0.4, width + 0.4, depth + 0.4, self.z + 2 * STOREY + SLAB, SLAB, ("roof", "slate"))

    def _stairs(self) -> None:
        tread, rise = (STAIRS[1] - STAIRS[0]) / _STEPS, STOREY / _STEPS
        for k in range(_STEPS):
            start = STAIRS[0] + k * tread
            self._slab(0, start, 2, start + tread, self.z + (k + 1) * rise, (k + 1) * rise, ("step", "wood"))
        upper = self.z + STOREY
        self._slab(1.95, STAIRS[0], 2.05, STAIRS[1], upper + 1.0, 1.0, ("rail", "wood"))
        self._slab(0, STAIRS[0] - 0.05, 2, STAIRS[0] + 0.05, upper + 1.0, 1.0, ("rail", "wood"))

    def _wall(self, start: tuple[float, float], end: tuple[float, float], floor: int, openings: list[Opening]) -> None:
        """A wall along u or v, with its openings in order along it."""
        along = 0 if start[1] == end[1] else 1
        # Upper walls reach into lower ones, whose tops stay under the floor: no slit, and no two faces in one place.
        low, high = self.z + floor * (STOREY - _LAP), self.z + (floor + 1) * STOREY - (1 - floor) * _LAP / 2
        at = start[along]
        for middle, width, sill in openings:
            left, right = middle - width / 2, middle + width / 2
            self._piece(start, along, at, left, low, high)
            foot = self.z + floor * STOREY
            self._piece(start, along, left, right, low, foot + sill if sill else low)
            self._piece(start, along, left, right, foot + LINTEL, high)
            at = right
        self._piece(start, along, at, end[along], low, high)

    def _piece(self, start: tuple[float, float], along: int, a: float, b: float, low: float, high: float) -> None:
        if b - a < 1e-6 or high - low < 1e-6:
            return
        u, v = start
        bounds = (a, v - WALL / 2, b, v + WALL / 2) if along == 0 else (u - WALL / 2, a, u + WALL / 2, b)
        low_x, low_y, high_x, high_y = self.frame.rectangle(*bounds)
        self.boxes.between((low_x, low_y, low), (high_x, high_y, high), "wall", self.walls)

    def _shell(self, floor: int) -> None:
        width, depth = self.frame.width, self.frame.depth
        windows: list[Opening] = [(width - 3.5, 1.6, _SILL)]
        entrance: list[Opening] = [(ENTRANCE, DOORWAY, 0.0)] if floor == 0 else [(ENTRANCE, 1.4, _SILL)]
        self._wall((0, 0), (width, 0), floor, entrance + windows)
        self._wall((0, depth), (width, depth), floor, [(3.5, 1.2, _SILL), *windows])
        self._wall((0, 0), (0, depth), floor, [])
        self._wall((width, 0), (width, depth), floor, [(2.5, 1.4, _SILL), (depth - 2.5, 1.4, _SILL)])

    def _partitions(self, floor: int) -> None:
        width, depth = self.frame.width, self.frame.depth
        openings: list[Opening] = [(2.5, DOORWAY, 0.0), (depth - 1.5, DOORWAY, 0.0)]
        self._wall((HALL, 0), (HALL, depth), floor, openings)
        self._wall((HALL, self._split), (width, self._split), floor, [])

    def _hang_doors(self) -> None:
        """The front door first, then one to the back room of the ground floor."""
        places = ((ENTRANCE - DOORWAY / 2, 0.0, 0.0), (float(HALL), self.frame.depth - 1.5 + DOORWAY / 2, -90.0))
        for u, v, heading in places:
            hinge = (*self.frame.place(u, v), self.z)
            self.doors.append(Door(len(self.doors), hinge, DOORWAY, self.frame.heading(heading), self.id, LINTEL))

    def _rooms(self) -> tuple[Room, ...]:
        width, depth, split = self.frame.width, self.frame.depth, self._split
        plan = ((0.0, 0.0, HALL, depth), (HALL, 0.0, width, split), (HALL, split, width, depth))
        rooms = []
        for floor in (0, 1):
            rooms += [Room(self.frame.rectangle(*each), self.z + floor * STOREY, floor) for each in plan]
        return tuple(rooms)

    def _furnish(self, rng: np.random.Generator) -> None:
        """Each room beside the halls gets something against its far wall and something in its middle."""
        middle = (HALL + self.frame.width) / 2 + 0.5
        for floor in (0, 1):
            for number, (near, far) in enumerate(((0.0, self._split), (self._split, self.frame.depth))):
                kind, off = (("painting", 0.16), ("shelf", 0.35))[(number + floor) % 2]
                self._put(kind, middle, far - off, floor)
                self._put(str(rng.choice(("table", "statue"))), middle, (near + far) / 2, floor)

    def _put(self, kind: str, u: float, v: float, floor: int) -> None:
        x, y = self.frame.place(u, v)
        where = (x, y, self.z + floor * STOREY, self.frame.heading(-90.0))
        texture = TEXTURES.index(_LOOKS[kind])
        self.props.append(Prop(len(self.props), kind, *where, kind != "shelf", texture, kind != "painting", self.id))
