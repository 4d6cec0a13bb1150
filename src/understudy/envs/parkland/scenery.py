"""What stands in the park as triangles: trees, props, doors and boxes, in detail for near by or plain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.layout import PROP_SIZES, Door, Prop
from understudy.envs.parkland.meshes import Mesh, ball, box, boxes, lathe, merged
from understudy.envs.parkland.painting import COLOURS
from understudy.envs.parkland.solids import TEXTURES, Solids

Part = tuple[str, Mesh]
"""A material and what is made of it."""
WHITE = (1.0, 1.0, 1.0)
DOOR_DEPTH = 0.08
"""Of a door's panel, metres."""
_CONIFERS = 0.35  # of all trees
_CROWN_BASE = 0.28  # where the crown begins, of the tree's height


def solids_near(solids: Solids, picked: NDArray) -> list[Part]:
    """Return the visible boxes among `picked` (indices), by material."""
    picked = picked[solids.visible[picked]]
    parts = []
    for texture in np.unique(solids.texture[picked]):
        chosen = picked[solids.texture[picked] == texture]
        parts.append((TEXTURES[texture], _boxes(solids, chosen, np.ones((len(chosen), 3)))))
    return parts


def solids_far(solids: Solids, picked: NDArray) -> Mesh:
    """Return the visible boxes among `picked` (indices) in their materials' mean colours."""
    picked = picked[solids.visible[picked]]
    palette = np.array([COLOURS[each] for each in TEXTURES])
    return _boxes(solids, picked, palette[solids.texture[picked]])


def trees_near(trunks: NDArray) -> list[Part]:
    """Return trees, (k, 5) of `Layout.trunks`, by material."""
    conifer = _is_conifer(trunks)
    leafy, needled = trunks[~conifer], trunks[conifer]
    crown = merged([ball(WHITE, 4, 7), ball(WHITE, 3, 6).placed((0.25, 0.2, 0.55), 0.66)])
    spire = merged([lathe([(1, 0.0), (0, 0.62)], 7, WHITE), lathe([(0.72, 0.38), (0, 1.0)], 7, WHITE)])
    assert crown is not None
    assert spire is not None
    return [
        ("bark", _stems(trunks, lathe([(1.25, 0), (0.8, 1)], 6, WHITE), WHITE)),
        ("leaves", crown.copies(*_crowns(leafy))),
        ("needles", spire.copies(*_spires(needled))),
    ]


def trees_far(trunks: NDArray, sides: int) -> Mesh | None:
    """Return trees as plain bodies with so many `sides`."""
    conifer = _is_conifer(trunks)
    crown = lathe([(0.55, -0.9), (1, -0.1), (0.5, 0.85)], sides, COLOURS["leaves"])
    spire = lathe([(1, 0), (0, 1)], sides, COLOURS["needles"])
    stem = lathe([(1, 0), (1, 1)], 3, WHITE)
    return merged(
        [
            crown.copies(*_crowns(trunks[~conifer])),
            spire.copies(*_spires(trunks[conifer])),
            _stems(trunks, stem, COLOURS["bark"]),
        ]
    )


def prop_parts(prop: Prop) -> list[Part]:
    """Return a prop by material, where it stands."""
    place = prop.x, prop.y, prop.z
    return [(material, mesh.placed(place, 1.0, prop.heading)) for material, mesh in _shape(prop.kind, prop.texture)]


@cache
def _shape(kind: str, texture: int) -> tuple[Part, ...]:
    """The parts of a prop at the origin, its front towards +x."""
    width, depth, height = PROP_SIZES[kind]
    return tuple(_SHAPES[kind](TEXTURES[texture], (depth / 2, width / 2, height)))


def prop_far(prop: Prop) -> Mesh | None:
    """Return a prop in its materials' mean colours."""
    return merged(mesh.tinted(COLOURS[material]) for material, mesh in prop_parts(prop))


def door_panel(door: Door) -> Mesh:
    """Return the panel of a door with its hinge at the origin, pointing along +x."""
    half = (door.width / 2, DOOR_DEPTH / 2, door.height / 2)
    knob = box((door.width - 0.15, 0, 1.0), (0.05, 0.12, 0.05), (1.6, 1.4, 0.7))
    found = merged([box((half[0], 0, half[2]), half, WHITE), knob])
    assert found is not None
    return found


def _boxes(solids: Solids, picked: NDArray, colours: NDArray) -> Mesh:
    return boxes(solids.centre[picked], solids.half[picked], solids.heading[picked], colours)


def _is_conifer(trunks: NDArray) -> NDArray:
    return _chance(trunks, 1) < _CONIFERS


def _chance(trunks: NDArray, salt: int) -> NDArray:
    """A number in [0, 1) that depends on where the tree stands alone: the same in every tile and at every distance."""
    place = trunks[:, 0].astype(np.float64) * (12.9898 + salt) + trunks[:, 1] * 78.233
    return np.modf(np.abs(np.sin(place) * 43758.5453))[0]


def _tints(trunks: NDArray) -> NDArray:
    return (0.78 + 0.4 * _chance(trunks, 2))[:, None] * np.array([1.0, 1.0, 0.95]) + np.column_stack(
        [0.3 * (_chance(trunks, 3) - 0.4), np.zeros(len(trunks)), np.zeros(len(trunks))]
    )


def _crowns(trunks: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    height = trunks[:, 4]
    middle = trunks[:, :3] + np.column_stack([0 * height, 0 * height, height * (1 + _CROWN_BASE) / 2])
    wide = height * (0.24 + 0.10 * _chance(trunks, 4))
    return middle, np.column_stack([wide, wide, height * (1 - _CROWN_BASE) / 2]), _tints(trunks)


def _spires(trunks: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    height = trunks[:, 4]
    foot = trunks[:, :3] + np.column_stack([0 * height, 0 * height, height * 0.18])
    wide = height * (0.17 + 0.06 * _chance(trunks, 4))
    return foot, np.column_stack([wide, wide, height * 0.82]), _tints(trunks)


def _stems(trunks: NDArray, stem: Mesh, colour: Sequence[float]) -> Mesh:
    radius, height = trunks[:, 3], trunks[:, 4]
    scales = np.column_stack([radius, radius, height * 0.5 + 0.5])
    places = trunks[:, :3] - np.array([0, 0, 0.5])
    return stem.copies(places, scales, np.broadcast_to(np.array(colour), (len(trunks), 3)))


Half = tuple[float, float, float]
"""Half the depth along x, half the width along y, the height."""


def _bench(look: str, half: Half) -> list[Part]:
    x, y, height = half
    seat, back = box((0, 0, 0.45), (x, y, 0.04), WHITE), box((-x + 0.04, 0, (height + 0.5) / 2), (0.03, y, 0.18), WHITE)
    legs = [box((0, side * (y - 0.2), 0.21), (x * 0.8, 0.05, 0.21), WHITE) for side in (-1, 1)]
    return [*((look, each) for each in (seat, back)), *(("metal", each) for each in legs)]


def _statue(look: str, half: Half) -> list[Part]:
    x, y, height = half
    body = lathe([(0.24, 0.9), (0.30, 1.2), (0.20, 1.55), (0.32, 2.0), (0.12, 2.15)], 8, WHITE)
    head, arm = ball(WHITE).placed((0, 0, height - 0.22), 0.2), box((0.2, 0.3, 1.9), (0.3, 0.07, 0.07), WHITE)
    return [("stone", box((0, 0, 0.45), (x, y, 0.45), WHITE)), *((look, each) for each in (body, head, arm))]


def _fountain(look: str, half: Half) -> list[Part]:
    x, _, height = half
    basin = lathe([(x, 0), (x, 0.6), (x - 0.25, 0.6), (x - 0.25, 0.45)], 12, WHITE)
    column = lathe([(0.3, 0), (0.15, height * 0.7), (0.6, height * 0.8), (0.6, height * 0.88), (0, height)], 8, WHITE)
    pool = lathe([(x - 0.2, 0.5), (0, 0.5)], 12, (1.5, 1.5, 1.5))
    return [(look, basin), (look, column), ("water", pool)]


def _sign(look: str, half: Half) -> list[Part]:
    x, y, height = half
    posts = [box((0, side * (y - 0.08), height / 2), (0.04, 0.04, height / 2), WHITE) for side in (-1, 1)]
    board = box((0, 0, height - 0.45), (x, y, 0.4), WHITE)
    lines = [
        box((x + 0.005, 0, height - 0.25 - 0.2 * row), (0.01, y * 0.75, 0.04), (1.1, 1.1, 1.05)) for row in range(3)
    ]
    return [*(("wood", each) for each in posts), (look, board), *(("plaster", each) for each in lines)]


def _bin(look: str, half: Half) -> list[Part]:
    x, _, height = half
    return [(look, lathe([(x * 0.8, 0), (x, height * 0.85), (x * 0.6, height), (0, height)], 8, WHITE))]


def _lamp(look: str, half: Half) -> list[Part]:
    x, _, height = half
    pole = lathe([(x, 0), (0.06, 0.5), (0.05, height - 0.4)], 6, WHITE)
    return [(look, pole), ("plaster", ball((1.3, 1.25, 1.0)).placed((0, 0, height - 0.25), 0.24))]


def _table(look: str, half: Half) -> list[Part]:
    x, y, height = half
    legs = [
        box((i * (x - 0.06), j * (y - 0.06), height / 2), (0.04, 0.04, height / 2), WHITE)
        for i in (-1, 1)
        for j in (-1, 1)
    ]
    return [(look, box((0, 0, height - 0.03), (x, y, 0.03), WHITE)), *((look, each) for each in legs)]


def _shelf(look: str, half: Half) -> list[Part]:
    x, y, height = half
    boards = [box((0, 0, z), (x, y, 0.02), WHITE) for z in np.linspace(0.05, height - 0.02, 5)]
    sides = [box((0, side * y, height / 2), (x, 0.03, height / 2), WHITE) for side in (-1, 1)]
    back = box((-x + 0.02, 0, height / 2), (0.01, y, height / 2), (0.8, 0.8, 0.8))
    rng = np.random.default_rng(7)
    books = [
        box((0.02, rng.uniform(-y + 0.15, y - 0.15), z + 0.14), (x * 0.7, 0.12, 0.12), rng.uniform(0.4, 1.3, 3))
        for z in np.linspace(0.05, height - 0.4, 4)
        for _ in range(3)
    ]
    return [*((look, each) for each in (*boards, *sides, back)), *(("plaster", each) for each in books)]


def _painting(look: str, half: Half) -> list[Part]:
    x, y, height = half
    middle = 1 + height / 2
    canvas = box((x, 0, middle), (0.01, y - 0.08, height / 2 - 0.08), WHITE)
    return [("wood", box((0, 0, middle), (x, y, height / 2), WHITE)), (look, canvas)]


_SHAPES: dict[str, Callable[[str, Half], list[Part]]] = {
    "bench": _bench,
    "statue": _statue,
    "fountain": _fountain,
    "sign": _sign,
    "bin": _bin,
    "lamp": _lamp,
    "table": _table,
    "shelf": _shelf,
    "painting": _painting,
}
