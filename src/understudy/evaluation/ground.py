"""A level as measures need it: where walls and cover stand, and the lanes and sites that a route is named by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

_LANE_MARGIN = 1.5


@dataclass(frozen=True)
class Ground:
    """A level's plan, in cells of a side of 1 m.

    Attributes:
        name: Of the level.
        heights: Metres above the floor, 0 where one walks, float32, shape (rows, cols).
        sites: Where things are decided, by name: bool masks of cells, shape (rows, cols).
        lanes: The ways there, by name: waypoints, float32, shape (n, 2) of x, y.
    """

    name: str
    heights: np.ndarray
    sites: Mapping[str, np.ndarray] = field(default_factory=dict)
    lanes: Mapping[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def _clearance(self) -> np.ndarray:
        from scipy.ndimage import distance_transform_edt

        # Half a cell, since distances are from centre to centre.
        return np.maximum(
            distance_transform_edt(np.pad(self.heights, 1, constant_values=1.0) <= 0)[1:-1, 1:-1] - 0.5, 0
        )

    @cached_property
    def _to_sites(self) -> dict[str, np.ndarray]:
        from scipy.ndimage import distance_transform_edt

        return {name: distance_transform_edt(~mask) for name, mask in self.sites.items() if mask.any()}

    def clearance(self, positions: np.ndarray) -> np.ndarray:
        """Return the distance to the nearest wall or cover in metres, shape (n,), of positions of shape (n, 2)."""
        return self._look_up(self._clearance, positions)

    def site_distances(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Return the distance to each site in metres as the crow flies, by its name, shape (n,)."""
        return {name: self._look_up(table, positions) for name, table in self._to_sites.items()}

    def lane(self, positions: np.ndarray) -> str:
        """Return the lane that positions, shape (n, 2), kept nearest to where lanes are apart; "" if there is none."""
        if not self.lanes or not len(positions):
            return ""
        distances = np.stack([_to_line(positions, line) for line in self.lanes.values()])
        ranked = np.sort(distances, axis=0)
        clear = ranked[1] - ranked[0] > _LANE_MARGIN if len(ranked) > 1 else np.ones(len(positions), bool)
        if not clear.any():
            return ""
        return list(self.lanes)[int(np.bincount(distances[:, clear].argmin(0)).argmax())]

    def _look_up(self, table: np.ndarray, positions: np.ndarray) -> np.ndarray:
        columns, rows = np.floor(positions).astype(int).T
        return table[np.clip(rows, 0, table.shape[0] - 1), np.clip(columns, 0, table.shape[1] - 1)]


GroundOf = Callable[[str], Ground | None]
"""From a map's name to its plan, if it is known."""


def no_ground(_name: str) -> Ground | None:
    """Know no level's plan."""
    return None


def _to_line(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """The distance of each point to a line of waypoints, shape (n,)."""
    starts, steps = line[:-1].astype(float), np.diff(line.astype(float), axis=0)
    if not len(steps):
        return np.linalg.norm(points - line[0], axis=1)
    lengths = np.maximum((steps**2).sum(1), 1e-9)
    along = np.clip(((points[:, None] - starts) * steps).sum(2) / lengths, 0, 1)
    return np.linalg.norm(points[:, None] - starts - along[..., None] * steps, axis=2).min(1)
