"""Small parks made by hand, so that a test knows where one can walk."""

from __future__ import annotations

from functools import cache

import numpy as np

from understudy.envs.parkland.generator import generate
from understudy.envs.parkland.layout import Building, Door, Layout, Prop, Trail
from understudy.envs.parkland.solids import SolidsBuilder
from understudy.envs.parkland.walkable import WalkGrid, walk_grid

SIDE = 32.0


def toy_park(
    boxes: SolidsBuilder | None = None,
    *,
    heights: np.ndarray | None = None,
    props: tuple[Prop, ...] = (),
    doors: tuple[Door, ...] = (),
    buildings: tuple[Building, ...] = (),
) -> Layout:
    """A square of 32 m, flat if no heights are given, with a trail along y = 2 and the start at (2, 2)."""
    ground = np.zeros((17, 17), np.float32) if heights is None else heights.astype(np.float32)
    trail = np.asarray([[x, 2.0, 0.0] for x in range(2, 31, 2)], np.float32)
    return Layout(
        0,
        SIDE,
        ground,
        np.zeros((len(ground) - 1, len(ground) - 1), np.uint8),
        -5.0,
        (0.0, 0.0, SIDE, SIDE),
        (Trail("golden", trail, 4.0), Trail("perimeter", trail, 3.0)),
        (boxes or SolidsBuilder()).build(),
        np.zeros((0, 5), np.float32),
        props,
        doors,
        buildings,
        (),
        (),
        (2.5, 2.5, 0.0, 0.0),
    )


@cache
def park(seed: int) -> Layout:
    """The small park of a seed."""
    return generate(seed)


@cache
def grid(seed: int) -> WalkGrid:
    """Where one can walk in it."""
    return walk_grid(park(seed))
