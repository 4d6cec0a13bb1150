"""The park as a Panda3D scene: fine tiles near by, plainer ones farther off, so that what is far costs little."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland import painting, scenery
from understudy.envs.parkland.layout import Layout
from understudy.envs.parkland.meshes import Mesh, lathe
from understudy.envs.parkland.panda import BACKGROUND, Screen, core, look, node, texture
from understudy.envs.parkland.state import State
from understudy.envs.parkland.tiles import COARSE, FINE, MIDDLE, PIXELS, TileMaker, material

FINE_WITHIN, MIDDLE_WITHIN = 25.0, 90.0
"""How far beyond its rim a tile is drawn in the finer resolution, metres."""
MOST_FINE = 320
"""Fine tiles kept. Those of a small park are all made at the start, so that neither time nor memory move in play."""
_SKY_RADIUS = 300.0
_HORIZON, _HORIZON_RADIUS = 12.0, 600.0  # how far under the eyes the land around lies, and how far it goes, metres

_Tile = tuple[int, int]
"""Column and row of a fine tile, counted in fine tiles."""


class Scene:
    """What a layout looks like.

    What is drawn depends on where one looks from and on the doors, and not on where one has been.

    Args:
        layout: The park.
        pixels: Along a side of the picture of a fine tile's ground.

    Attributes:
        root: Of the scene; cameras go there.
        doors: The panels, by the doors' ids.
    """

    def __init__(self, layout: Layout, pixels: int = PIXELS) -> None:
        self._layout, self._maker = layout, TileMaker(layout, pixels)
        self._cells = len(layout.heights) - 1
        self.root = core.NodePath("park")
        self._sky = self.root.attach_new_node(_sky())
        self._sky.attach_new_node(_surroundings()).set_z(-_HORIZON)
        self._groups: dict[_Tile, Any] = {}
        self._fine: OrderedDict[_Tile, Any] = OrderedDict()
        self._stand: _Tile | None = None
        self._ahead: list[_Tile] = []
        for row in range(0, self._cells, COARSE):
            for column in range(0, self._cells, COARSE):
                self._add_coarse(column, row)
        self.doors = [self._add_door(index) for index in range(len(layout.doors))]
        if (self._cells // FINE) ** 2 <= MOST_FINE:
            for tile in self._around((0, 0), self._cells // FINE):
                self._keep_fine(tile)

    def look_from(self, x: float, y: float, z: float) -> None:
        """Make what is near a point ready to be drawn, and carry the sky there."""
        self._sky.set_pos(x, y, z)
        size = FINE * self._layout.spacing
        here = int(x // size), int(y // size)
        if here != self._stand:
            self._stand = here
            # A group of four tiles is drawn fine when its middle is near: its corner may be a tile farther off.
            reach = math.ceil(FINE_WITHIN / size + math.sqrt(2) + 1)
            for tile in self._around(here, reach):
                self._keep_fine(tile)
            self._ahead = [tile for tile in self._around(here, reach + 1) if tile not in self._fine]
        elif self._ahead:
            # One at a time, so that no frame has to wait for all of them when the next tile is entered.
            self._keep_fine(self._ahead.pop())

    def turn_door(self, index: int, *, is_open: bool) -> None:
        """Show a door open or closed."""
        door = self._layout.doors[index]
        self.doors[index].set_h(door.heading + (90.0 if is_open else 0.0))

    def prepare(self, gsg: Any) -> None:
        """Hand textures and triangles to a renderer now, rather than when they are first seen."""
        self.root.prepare_scene(gsg)

    def close(self) -> None:
        """Forget the triangles."""
        self.root.remove_node()
        self._fine.clear()
        self._groups.clear()

    def _around(self, middle: _Tile, reach: int) -> list[_Tile]:
        """The park's fine tiles up to `reach` away, in no direction's favour."""
        columns, rows = (
            range(max(0, at - reach), min(self._cells // FINE, at + reach + 1)) for at in (middle[0], middle[1])
        )
        return [(column, row) for row in rows for column in columns]

    def _add_coarse(self, column: int, row: int) -> None:
        """A tile of the coarsest resolution, with the four finer ones that replace it near by."""
        finer = core.NodePath("finer")
        for each_row in range(row, row + COARSE, MIDDLE):
            for each_column in range(column, column + COARSE, MIDDLE):
                self._add_middle(finer, each_column, each_row)
        coarse = core.NodePath(self._maker.coarse(column, row))
        self._add_choice(self.root, finer, coarse, (column, row, COARSE), MIDDLE_WITHIN)

    def _add_middle(self, parent: Any, column: int, row: int) -> None:
        """The same of the middle resolution; its finer ones come later."""
        finer = self._groups[column // MIDDLE, row // MIDDLE] = core.NodePath("finer")
        middle = core.NodePath(self._maker.middle(column, row))
        self._add_choice(parent, finer, middle, (column, row, MIDDLE), FINE_WITHIN)

    def _add_choice(self, parent: Any, near: Any, far: Any, tile: tuple[int, int, int], within: float) -> None:
        """Show `near` up to `within` metres beyond the tile's corners, and `far` from there on."""
        column, row, cells = tile
        middle = (column + cells / 2) * self._layout.spacing, (row + cells / 2) * self._layout.spacing
        border = within + cells * self._layout.spacing / math.sqrt(2)
        choice = core.LODNode("choice")
        choice.set_center((*middle, float(self._layout.ground(*middle))))
        choice.add_switch(border, 0)
        choice.add_switch(1e9, border)
        path = parent.attach_new_node(choice)
        near.reparent_to(path)
        far.reparent_to(path)

    def _keep_fine(self, tile: _Tile) -> None:
        """Make a fine tile if it is missing, and forget the one not needed for longest if there are too many."""
        if tile not in self._fine:
            column, row = tile
            group = self._groups[column * FINE // MIDDLE, row * FINE // MIDDLE]
            made = self._maker.fine(column * FINE, row * FINE)
            # Drawn in this order whichever came first: where tiles meet, the picture hangs on it.
            self._fine[tile] = group.attach_new_node(made, row % 2 * 2 + column % 2)
        self._fine.move_to_end(tile)
        if len(self._fine) > MOST_FINE:
            self._fine.popitem(last=False)[1].remove_node()

    def _add_door(self, index: int) -> Any:
        door = self._layout.doors[index]
        size = MIDDLE * self._layout.spacing
        group = self._groups[int(door.hinge[0] // size), int(door.hinge[1] // size)]
        path = group.attach_new_node(node("door", [(scenery.door_panel(door), material("painted"))]), 4 + index)
        path.set_pos(*door.hinge)
        path.set_h(door.heading)
        return path


class View:
    """A park as somebody sees it: its scene and a picture of it.

    Args:
        layout: The park.
        size: (height, width) of the picture, pixels.

    Raises:
        GameError: If the renderer does not start.
    """

    def __init__(self, layout: Layout, size: tuple[int, int]) -> None:
        # The ground's pictures have no more pixels than can be seen.
        self._scene, self._screen = Scene(layout, PIXELS if max(size) <= PIXELS else 2 * PIXELS), Screen(*size)
        self._open = (False,) * len(layout.doors)
        self._screen.camera.reparent_to(self._scene.root)
        self._scene.prepare(self._screen.gsg)

    def draw(self, state: State) -> NDArray[np.uint8]:
        """Return what the player sees in a state, RGB uint8 (height, width, 3)."""
        for index, (is_open, was_open) in enumerate(zip(state.open, self._open, strict=True)):
            if is_open != was_open:
                self._scene.turn_door(index, is_open=is_open)
        self._open = state.open
        eyes = state.walker.eyes
        self._scene.look_from(*eyes)
        # Panda3D's headings begin at +y.
        self._screen.camera.set_pos_hpr(*eyes, state.heading - 90, state.pitch, 0)
        return self.draw_again()

    def draw_again(self) -> NDArray[np.uint8]:
        """Return the same picture, drawn once more."""
        return self._screen.draw()

    def close(self) -> None:
        """Give everything back."""
        self._scene.close()
        self._screen.close()


def _background(mesh: Mesh, picture: Any) -> Any:
    state = look(picture, BACKGROUND)
    for attribute in (
        core.DepthTestAttrib.make(core.RenderAttrib.M_none),
        core.DepthWriteAttrib.make(core.DepthWriteAttrib.M_off),
        core.CullFaceAttrib.make(core.CullFaceAttrib.M_cull_none),
    ):
        state = state.set_attrib(attribute)
    made = node("background", [(mesh, state)])
    made.set_bounds(core.OmniBoundingVolume())
    return made


def _sky() -> Any:
    angles = np.radians([-2, 0, 8, 20, 40, 65, 90])
    profile = [(_SKY_RADIUS * float(np.cos(each)), _SKY_RADIUS * float(np.sin(each))) for each in angles]
    dome = lathe(profile, 12, (1, 1, 1))
    heights = np.clip(np.repeat(angles, len(dome.points) // len(angles)) / (np.pi / 2), 0.01, 0.99)
    uvs = np.column_stack([dome.uvs[:, 0], heights]).astype(np.float32)
    return _background(Mesh(dome.points, np.ones_like(dome.points), uvs, dome.triangles), texture(painting.sky()))


def _surroundings() -> Any:
    """Fields all around, seen where the park ends."""
    disc = lathe([(_HORIZON_RADIUS, 0), (0, 0)], 12, painting.GROUNDS["meadow"])
    return _background(disc, None)
