"""A park as plain arrays and small frozen records: what a seed makes, and everything that uses a park reads.

Metres, degrees; x east, y north, z up; the park's corner is the origin. Headings are mathematical: counter-clockwise
from +x. Parks are made by `generator.generate`, bugs are put into them by `bugs.plant`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.solids import Solids

SURFACES = ("grass", "trail", "sand", "water", "paving", "meadow")
"""What the ground is covered with; `water` is the bed of the lake."""
PROP_SIZES: Mapping[str, tuple[float, float, float]] = {
    "bench": (1.6, 0.5, 0.9),
    "statue": (0.9, 0.9, 2.6),
    "fountain": (3.0, 3.0, 1.6),
    "sign": (1.0, 0.15, 1.8),
    "bin": (0.5, 0.5, 1.0),
    "lamp": (0.3, 0.3, 3.5),
    "table": (1.4, 0.8, 0.8),
    "shelf": (1.6, 0.4, 1.9),
    "painting": (1.2, 0.1, 1.0),
}
"""Kinds of props: width across the heading, depth along it, height over `Prop.z`, in metres.

A painting hangs 1 m over its `z`.
"""
PASSABLE = ("sign", "painting")
"""Kinds of props that nobody bumps into; all others stand in the way."""
BUGS = (
    *("hole", "stuck_spot", "invisible_wall", "out_of_bounds", "endless_fall", "clipping"),
    *("missing_texture", "soft_lock", "crash", "leak", "slow_spot", "broken_quest"),
)
"""The kinds of planted bugs; see `PlantedBug`."""

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Trail:
    """A path over the ground and over decks.

    Attributes:
        name: `"golden"` (the loop past every sight), `"perimeter"` (along the boundary), or `"spur-<n>"`.
        points: float32 (k, 3), about two metres apart, z on the walked surface; a loop ends where it begins.
        width: Metres.
    """

    name: str
    points: NDArray[np.float32]
    width: float


@dataclass(frozen=True)
class Prop:
    """A thing that stands on the ground or a floor; `z` is where it stands, `heading` where its front looks.

    `of_interest` marks what a tester inspects; `texture` is an index into `TEXTURES`; `building` is an id or -1.
    """

    id: int
    kind: str
    x: float
    y: float
    z: float
    heading: float
    of_interest: bool
    texture: int
    collides: bool = True
    building: int = -1


@dataclass(frozen=True)
class Door:
    """A panel in a doorway, closed at the start, that `interact` opens and closes.

    Attributes:
        id: Index into `Layout.doors`.
        hinge: The foot of its hinge.
        width: From the hinge to the free edge, metres.
        heading: Where the closed panel points from its hinge; open, it is turned a quarter left, into the room behind.
        building: Id.
        height: Metres.
    """

    id: int
    hinge: Point
    width: float
    heading: float
    building: int
    height: float = 2.2

    @property
    def middle(self) -> Point:
        """The foot of the closed panel's middle."""
        angle = np.radians(self.heading)
        x, y, z = self.hinge
        return x + float(np.cos(angle)) * self.width / 2, y + float(np.sin(angle)) * self.width / 2, z


@dataclass(frozen=True)
class Room:
    """A room: `bounds` is (x low, y low, x high, y high) between its walls, `z` its floor, `floor` 0 or 1."""

    bounds: tuple[float, float, float, float]
    z: float
    floor: int


@dataclass(frozen=True)
class Building:
    """A house; `footprint` is (x low, y low, x high, y high) of its outer walls, `floors` the z of each floor."""

    id: int
    footprint: tuple[float, float, float, float]
    floors: tuple[float, ...]
    height: float
    rooms: tuple[Room, ...]


@dataclass(frozen=True)
class Quest:
    """Places to visit in order: (x, y, z, radius) each. A stage counts once the ones before it are done."""

    id: int
    name: str
    stages: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Trigger:
    """Something that happens (a bell rings) when a player comes within `radius` of `position`; harmless as built."""

    id: int
    position: Point
    radius: float


@dataclass(frozen=True)
class PlantedBug:
    """The ground truth of one planted bug; no agent sees it.

    What a kind does within `radius` (metres) of `position`, and what `details` tell:

    - `hole`: the collision of ground, decks and floors is missing; one falls onto the bedrock and stays there.
    - `endless_fall`: the same, and there is no bedrock either.
    - `stuck_spot`: whoever is inside can neither walk nor jump any more.
    - `invisible_wall`: a box that collides and is not visible. `solid`: its index.
    - `out_of_bounds`: panels of the boundary that do not collide. `solid`: the first one's index, `panels`: how many.
    - `clipping`: a prop or a box that does not collide. `prop` or `solid`.
    - `missing_texture`: a prop or a box with texture 0. `prop` or `solid`.
    - `soft_lock`: a front door: once someone has come in by it, all doors of its house are shut for good. `door`,
      `building`.
    - `crash`: the process dies when a trigger fires. `trigger`.
    - `leak`: the process grows while one is inside. `mb_per_second`.
    - `slow_spot`: each frame takes longer. `delay_ms`.
    - `broken_quest`: a stage that never counts. `quest`, `stage`.
    """

    id: int
    kind: str
    position: Point
    radius: float
    details: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Layout:
    """A whole park.

    Attributes:
        seed: What made it.
        side: Metres, 500 to 2,933.
        heights: float32 (n, n), elevation at the corners of the ground's squares; row y, column x; n = 2^k + 1.
            Each square is two triangles, parted by the diagonal from its low-x, low-y corner to the opposite one.
        surface: uint8 (n - 1, n - 1), index into `SURFACES` for each square.
        water_level: Elevation of the lakes' surface. They are shallow enough to wade.
        bounds: (x low, y low, x high, y high) within the boundary; whoever is outside is out of bounds.
        trails: The golden one first, then the perimeter, then spurs.
        solids: The boxes.
        trunks: float32 (t, 5), trees: x, y, z of the ground, radius, height. Only trunks collide.
        props: In order of their ids; so are doors, buildings, quests and triggers.
        doors: Of the buildings.
        buildings: Houses to enter.
        quests: Things to do.
        triggers: Places where something happens.
        start: x, y, z and heading of a player at the start.
        bugs: Planted ones, none in a clean build.
    """

    seed: int
    side: float
    heights: NDArray[np.float32]
    surface: NDArray[np.uint8]
    water_level: float
    bounds: tuple[float, float, float, float]
    trails: tuple[Trail, ...]
    solids: Solids
    trunks: NDArray[np.float32]
    props: tuple[Prop, ...]
    doors: tuple[Door, ...]
    buildings: tuple[Building, ...]
    quests: tuple[Quest, ...]
    triggers: tuple[Trigger, ...]
    start: tuple[float, float, float, float]
    bugs: tuple[PlantedBug, ...] = ()

    @property
    def spacing(self) -> float:
        """Metres between the samples of `heights`."""
        return self.side / (len(self.heights) - 1)

    def ground(self, x: Any, y: Any) -> Any:
        """Return the elevation of the ground at `x` and `y` (numbers or arrays), clamped to the park."""
        return elevation(self.heights, self.spacing, x, y)

    def trail(self, name: str) -> Trail:
        """Return the trail of that name.

        Raises:
            KeyError: If there is none.
        """
        return {each.name: each for each in self.trails}[name]


def elevation(heights: NDArray, spacing: float, x: Any, y: Any) -> Any:
    """Return the height of the triangulated ground at `x` and `y`; see `Layout.heights`."""
    last = len(heights) - 1
    column, row = np.clip(np.asarray(x) / spacing, 0, last), np.clip(np.asarray(y) / spacing, 0, last)
    i, j = np.minimum(column.astype(int), last - 1), np.minimum(row.astype(int), last - 1)
    u, v = column - i, row - j
    low, high = heights[j, i], heights[j + 1, i + 1]
    below, above = heights[j, i + 1], heights[j + 1, i]
    lower_right = low + u * (below - low) + v * (high - below)
    upper_left = low + v * (above - low) + u * (high - above)
    return np.where(u >= v, lower_right, upper_left)
