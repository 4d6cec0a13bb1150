"""Square tiles of the park in three resolutions, each one node: its ground, what stands there, its water."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland import painting, scenery
from understudy.envs.parkland.ground import coarsest_stride, ground_piece, water_piece
from understudy.envs.parkland.layout import Layout, Prop
from understudy.envs.parkland.meshes import Mesh, merged
from understudy.envs.parkland.panda import CLEAR, core, look, node, texture

FINE, MIDDLE, COARSE = 16, 32, 64
"""Squares of the height field along a side of a tile of each resolution; each holds four of the one before."""
PIXELS = 128
"""Along a side of the picture of a tile's ground; fine tiles may have more."""
_MIDDLE_STRIDE, _COARSE_STRIDE = 4, 8
_OFF = 0.08  # how far the drawn ground may be off the real one near by, metres
_TALL = 1.0  # half the height or length of boxes that are seen from afar, metres
_WATER_ALPHA = 0.75


@cache
def material(name: str) -> Any:
    """Return the state of a material; all scenes of the process share it."""
    return look(texture(painting.material(name)))


class TileMaker:
    """Makes tiles as Panda3D nodes; a tile is named by its first square of `Layout.heights`, column and row.

    Args:
        layout: The park.
        pixels: Along a side of the picture of a fine tile's ground.
    """

    def __init__(self, layout: Layout, pixels: int = PIXELS) -> None:
        self._layout, self._pixels = layout, pixels
        self._painter, self._water = painting.GroundPainter(layout), _water()
        self._solids = _Index(layout, layout.solids.centre)
        self._trunks = _Index(layout, layout.trunks)
        self._props = _Index(layout, np.array([(each.x, each.y) for each in layout.props], np.float32).reshape(-1, 2))

    def fine(self, column: int, row: int) -> Any:
        """Return a tile with everything in it and all its textures."""
        solids, trunks, props = self._pick(column, row, FINE)
        parts = [*scenery.solids_near(self._layout.solids, solids), *scenery.trees_near(trunks)]
        for prop in props:
            parts += scenery.prop_parts(prop)
        names = sorted({name for name, _ in parts})
        meshes = [(merged(mesh for each, mesh in parts if each == name), material(name)) for name in names]
        stride = coarsest_stride(self._layout, column, row, FINE, _OFF)
        return self._node(column, row, FINE, stride, self._pixels, meshes)

    def middle(self, column: int, row: int) -> Any:
        """Return a tile in which all but the ground is plain, without what is inside buildings."""
        solids, trunks, props = self._pick(column, row, MIDDLE)
        outside = [scenery.prop_far(each) for each in props if each.building < 0]
        meshes = scenery.solids_far(self._layout.solids, solids), scenery.trees_far(trunks, 5), *outside
        return self._node(column, row, MIDDLE, _MIDDLE_STRIDE, PIXELS, [(_whole(meshes), look())])

    def coarse(self, column: int, row: int) -> Any:
        """Return a tile with nothing but the ground, large boxes and trees of the plainest form."""
        solids, trunks, _ = self._pick(column, row, COARSE)
        tall = solids[self._layout.solids.half[solids].max(axis=1, initial=0) > _TALL]
        meshes = scenery.solids_far(self._layout.solids, tall), scenery.trees_far(trunks, 3)
        return self._node(column, row, COARSE, _COARSE_STRIDE, PIXELS, [(_whole(meshes), look())])

    def _pick(self, column: int, row: int, cells: int) -> tuple[NDArray[np.int64], NDArray, list[Prop]]:
        """Return the boxes (indices), trees (k, 5) and props in a tile."""
        solids, trunks, props = (each(column, row, cells) for each in (self._solids, self._trunks, self._props))
        return solids, self._layout.trunks[trunks], [self._layout.props[index] for index in props]

    def _node(
        self, column: int, row: int, cells: int, stride: int, pixels: int, parts: list[tuple[Mesh | None, Any]]
    ) -> Any:
        painted = look(texture(self._painter.paint(column, row, cells, pixels), repeat=False))
        ground = ground_piece(self._layout, column, row, cells, stride)
        water = water_piece(self._layout, column, row, cells)
        return node("tile", [(ground, painted), *parts, (water, self._water)])


class _Index:
    """Finds the points in a tile without going through the whole park each time."""

    def __init__(self, layout: Layout, points: NDArray) -> None:
        last = (len(layout.heights) - 1) // FINE - 1
        self._found: dict[tuple[int, int], list[int]] = {}
        tiles = np.clip(points[:, :2] // (FINE * layout.spacing), 0, last).astype(int)
        for index, (x, y) in enumerate(tiles.tolist()):
            self._found.setdefault((x, y), []).append(index)

    def __call__(self, column: int, row: int, cells: int) -> NDArray[np.int64]:
        first_column, first_row, span = column // FINE, row // FINE, cells // FINE
        keys = [(first_column + i, first_row + j) for j in range(span) for i in range(span)]
        return np.array([index for key in keys for index in self._found.get(key, ())], np.int64)


def _whole(meshes: Iterable[Mesh | None]) -> Mesh | None:
    return merged(each for each in meshes if each is not None)


def _water() -> Any:
    state = look(texture(painting.material("water")), CLEAR)
    for attribute in (
        core.TransparencyAttrib.make(core.TransparencyAttrib.M_alpha),
        core.ColorScaleAttrib.make((1, 1, 1, _WATER_ALPHA)),
        core.CullFaceAttrib.make(core.CullFaceAttrib.M_cull_none),
    ):
        state = state.set_attrib(attribute)
    return state
