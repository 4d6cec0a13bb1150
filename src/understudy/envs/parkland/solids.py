"""Boxes in the making: what builds a park adds them one by one, and gets them as arrays in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from understudy.envs.parkland.layout import KINDS, TEXTURES, Solids


@dataclass
class SolidsBuilder:
    """A growing list of boxes."""

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
