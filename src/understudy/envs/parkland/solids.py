"""The boxes of a park, as arrays; what builds a park adds them one by one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

KINDS = ("wall", "floor", "roof", "step", "deck", "fence", "rail", "plinth", "rock", "boundary")
"""What a box of `Solids` is part of."""
TEXTURES = ("missing", "brick", "plaster", "stone", "wood", "slate", "metal", "planks", "marble", "painted", "bark")
"""Looks of solids and props; index 0 is what an engine shows in place of a picture that is not there."""


@dataclass(frozen=True)
class Solids:
    """Upright boxes, turned about the vertical only, as arrays of one length m.

    Attributes:
        centre: float32 (m, 3).
        half: float32 (m, 3), half the length along the heading, across it, and upwards.
        heading: float32 (m,), degrees.
        kind: uint8 (m,), index into `KINDS`.
        texture: uint8 (m,), index into `TEXTURES`.
        collides: bool (m,).
        visible: bool (m,).
    """

    centre: NDArray[np.float32]
    half: NDArray[np.float32]
    heading: NDArray[np.float32]
    kind: NDArray[np.uint8]
    texture: NDArray[np.uint8]
    collides: NDArray[np.bool_]
    visible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.centre)


@dataclass
class SolidsBuilder:
    """A growing list of boxes; all of them collide."""

    _rows: list[tuple[float, ...]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._rows)

    def box(
        self,
        centre: tuple[float, float, float],
        half: tuple[float, float, float],
        kind: str,
        texture: str,
        heading: float = 0.0,
        visible: bool = True,
    ) -> int:
        """Add a box that collides, and return its index.

        Args:
            centre: Metres.
            half: Half its length along its heading, across it, and upwards, metres.
            kind: One of `KINDS`.
            texture: One of `TEXTURES`.
            heading: Degrees counter-clockwise from +x.
            visible: Whether it is drawn.
        """
        self._rows.append((*centre, *half, heading, KINDS.index(kind), TEXTURES.index(texture), 1, visible))
        return len(self._rows) - 1

    def between(
        self, low: tuple[float, float, float], high: tuple[float, float, float], kind: str, texture: str
    ) -> int:
        """Add a box by its lowest and its highest corner, and return its index."""
        centre = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2)
        half = ((high[0] - low[0]) / 2, (high[1] - low[1]) / 2, (high[2] - low[2]) / 2)
        return self.box(centre, half, kind, texture)

    def along(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        span: tuple[float, float],
        thickness: float,
        kind: str,
        texture: str,
    ) -> int:
        """Add an upright slab from `start` to `end` (x, y) that reaches from `span[0]` up to `span[1]`."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        centre = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, (span[0] + span[1]) / 2)
        half = (float(np.hypot(dx, dy)) / 2, thickness / 2, (span[1] - span[0]) / 2)
        return self.box(centre, half, kind, texture, heading=float(np.degrees(np.arctan2(dy, dx))))

    def build(self) -> Solids:
        """Return the boxes as arrays."""
        rows = np.asarray(self._rows, np.float32).reshape(-1, 11)
        kinds, textures = rows[:, 7].astype(np.uint8), rows[:, 8].astype(np.uint8)
        return Solids(rows[:, :3], rows[:, 3:6], rows[:, 6], kinds, textures, rows[:, 9] > 0, rows[:, 10] > 0)
