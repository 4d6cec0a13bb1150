"""Grids of rays: how far a player sees in each direction of a field of view, and what is there.

A heading is mathematical: degrees counter-clockwise from +x. Azimuths are a player's: relative to the heading, positive
to the right (clockwise). Elevations are relative to the pitch, positive up. Both are added, not rotated: a ray points
to `heading - azimuth` along the floor and `pitch + elevation` above it, so that a column of the grid is one vertical
plane, and pitch moves the rows alone. Metres throughout; z = 0 is the floor.

After "Human-like Bots for Tactical Shooters Using Compute-Efficient Sensors", arXiv:2501.00078.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from understudy.errors import ObservationError, SpecError
from understudy.sensors.grid_inputs import NO_TYPE, are_known, check_ground, check_hits, check_things, check_viewers
from understudy.sensors.rays import _cos_sin
from understudy.spec import Json, SensorSpec

if TYPE_CHECKING:
    from understudy.sensors.meshes import TriangleScene

__all__ = ["NO_TYPE", "RAY_TYPES", "RayGrid"]

RAY_TYPES = (
    *("wall", "cover", "floor", "site", "spawn", "teammate", "enemy"),
    *("smoke", "bomb", "corpse", "device"),
)
"""What a ray of a tactical shooter can hit."""
_MOST_CM = np.iinfo(np.int16).max
_MOST_TYPES = 255


@dataclass(frozen=True)
class RayGrid:
    """Rays that leave a player's eye in a grid of directions.

    A reading is int16 of shape (elevations, azimuths, 2), rows from top to bottom and columns from left to right: the
    distance along the ray in centimetres, 0 to 100 × `reach`, and 0 where nothing was hit, else 1 + the index into
    `types`. A ray that hits nothing within `reach` reads `reach`.

    Attributes:
        azimuths: Degrees from the heading, rising: the first is the leftmost.
        elevations: Degrees from the pitch, falling: the first is the highest.
        reach: The longest distance, in metres; at most 327.
        types: Names of what a ray can hit.
    """

    azimuths: tuple[float, ...]
    elevations: tuple[float, ...]
    reach: float = 100.0
    types: tuple[str, ...] = RAY_TYPES

    def __post_init__(self) -> None:
        _check_angles("azimuths", "rise", self.azimuths, 180.0)
        _check_angles("elevations", "fall", tuple(-each for each in self.elevations), 90.0)
        if not 0 < self.reach * 100 <= _MOST_CM:
            raise SpecError(f"A ray grid reaches {self.reach} m; it must be above 0 and at most {_MOST_CM / 100} m.")
        if not 0 < len(self.types) <= _MOST_TYPES or len(set(self.types)) != len(self.types):
            raise SpecError(f"A ray grid needs 1 to {_MOST_TYPES} types of different names, not {self.types}.")

    @classmethod
    def foveated(
        cls,
        num_azimuths: int = 15,
        num_elevations: int = 15,
        *,
        fov: tuple[float, float] = (100.0, 70.0),
        power: float = 2.0,
        reach: float = 100.0,
        types: tuple[str, ...] = RAY_TYPES,
    ) -> RayGrid:
        """Return a grid whose rays lie closer together the nearer they are to the crosshair.

        The angles are `sign(u) |u|**power * fov / 2` for values of u evenly in [-1, 1], in each direction.

        Args:
            num_azimuths: Columns.
            num_elevations: Rows.
            fov: The field of view in degrees, horizontal and vertical, edges included.
            power: At least 1; 1 spreads the rays evenly.
            reach: The longest distance, in metres.
            types: Names of what a ray can hit.

        Raises:
            SpecError: If there is no ray, the field of view is not in (0, 360) × (0, 180) degrees, or the power is
                below 1.
        """
        if min(num_azimuths, num_elevations) < 1 or not (0 < fov[0] < 360 and 0 < fov[1] < 180) or power < 1:
            raise SpecError(
                f"A grid of {num_azimuths} × {num_elevations} rays over {fov} degrees with power {power} cannot be "
                "made: use at least 1 × 1 rays, 0 to 360 by 0 to 180 degrees and a power of at least 1."
            )
        azimuths, elevations = _spread(num_azimuths, fov[0], power), _spread(num_elevations, fov[1], power)
        return cls(azimuths, tuple(reversed(elevations)), reach, types)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one reading: (elevations, azimuths, 2)."""
        return (len(self.elevations), len(self.azimuths), 2)

    def spec(self, name: str = "rays") -> SensorSpec:
        """Return the sensor: int16 of `shape` with the table of angles, rebuilt from its spec by `from_spec`."""
        high = np.empty(self.shape, np.int16)
        high[..., 0] = math.floor(self.reach * 100 + 0.5)
        high[..., 1] = len(self.types)
        computed: dict[str, Json] = {
            "kind": "ray_grid",
            "azimuths": self.azimuths,
            "elevations": self.elevations,
            "reach": self.reach,
            "types": self.types,
        }
        return SensorSpec(name, spaces.Box(np.zeros_like(high), high, dtype=np.int16), "cm, type", computed=computed)

    @classmethod
    def from_spec(cls, spec: SensorSpec) -> RayGrid:
        """Rebuild from a sensor's spec; raises `SpecError` if the sensor is not a ray grid."""
        form: Any = spec.computed
        if form.get("kind") != "ray_grid":
            raise SpecError(f"Sensor '{spec.name}' is computed as {form.get('kind')!r}; it must be 'ray_grid'.")
        try:
            return cls(tuple(form["azimuths"]), tuple(form["elevations"]), form["reach"], tuple(form["types"]))
        except (KeyError, TypeError) as error:
            raise SpecError(f"Sensor '{spec.name}' is no ray grid: {type(error).__name__} at {error}.") from error

    def directions(self, heading_deg: np.ndarray | float, pitch_deg: np.ndarray | float) -> np.ndarray:
        """Return where the rays point, for an engine that casts them itself.

        Args:
            heading_deg: Degrees counter-clockwise from +x, of any shape.
            pitch_deg: Degrees, positive up, of the same shape.

        Returns:
            Unit vectors, float64, shape (*heading's, elevations, azimuths, 3), z up. No ray points further than 89
            degrees up or down, whatever the pitch.
        """
        headings, pitches = np.broadcast_arrays(np.asarray(heading_deg, np.float64), np.asarray(pitch_deg, np.float64))
        cos, sin = _cos_sin(headings[..., None] - np.asarray(self.azimuths))
        up = np.radians(np.clip(pitches[..., None] + np.asarray(self.elevations), -89.0, 89.0))
        level, out = np.cos(up)[..., :, None], np.empty((*headings.shape, *self.shape[:2], 3))
        out[..., 0], out[..., 1] = level * cos[..., None, :], level * sin[..., None, :]
        out[..., 2] = np.sin(up)[..., :, None]
        return out

    def from_hits(self, distances: np.ndarray, types: np.ndarray) -> np.ndarray:
        """Return the reading of rays that an engine has cast along `directions`.

        Args:
            distances: Metres along each ray, at least 0, shape (..., elevations, azimuths); anything where the type
                is -1.
            types: Index into `self.types`, or -1 where the ray met nothing, of the same shape.

        Returns:
            int16, shape (..., elevations, azimuths, 2). What lies beyond `reach` reads as nothing.

        Raises:
            ObservationError: If a shape is wrong, a type is not known, or a hit has no distance of 0 or more.
        """
        metres, kinds = check_hits(distances, types, self.shape[:2], len(self.types))
        hit = kinds != NO_TYPE
        hit[hit] = metres[hit] <= self.reach
        out = np.empty((*metres.shape, 2), np.int16)
        out[..., 0] = np.floor(np.where(hit, metres, self.reach) * 100 + 0.5)
        out[..., 1] = np.where(hit, kinds + 1, 0)
        return out

    def on_heights(
        self,
        heights: np.ndarray,
        surface_types: np.ndarray,
        viewers: np.ndarray,
        bodies: np.ndarray | None = None,
        spheres: np.ndarray | None = None,
    ) -> np.ndarray:
        """Cast each viewer's grid in a level made of cells of some height.

        Args:
            heights: Metres above the floor, at least 0, shape (rows, columns). Cell (row, column) is solid from the
                floor to its height over [column, column + 1) × [row, row + 1); outside there is nothing.
            surface_types: Index into `types` of each cell's side and top, whole numbers, shape (rows, columns).
            viewers: x, y and z of the eye, heading and pitch in degrees, shape (viewers, 5).
            bodies: What each viewer has around it as upright cylinders: x, y, lowest z, highest z, radius and index
                of the type, shape (viewers, bodies, 6). One whose radius is not above 0 is not there.
            spheres: The same for balls, such as smoke: x, y, z, radius and index of the type, shape
                (viewers, spheres, 5). From within one, all is at distance 0.

        Returns:
            int16, shape (viewers, elevations, azimuths, 2). Of things at the very same distance the level is seen
            first, then bodies, then spheres.

        Raises:
            ObservationError: If an array has another shape, or a value out of its range.
        """
        ground, kinds = check_ground(heights, surface_types, len(self.types))
        eyes, cylinders, balls = self._check_scene(viewers, bodies, spheres)
        from understudy.sensors import grid_casting  # numba takes a second to import, and a spec needs none of it

        out = np.empty((len(eyes), *self.shape), np.int16)
        grid_casting.cast_heights(ground, kinds, eyes, *self.tables, float(self.reach), cylinders, balls, out)
        return out

    def on_mesh(
        self,
        scene: TriangleScene,
        viewers: np.ndarray,
        bodies: np.ndarray | None = None,
        spheres: np.ndarray | None = None,
    ) -> np.ndarray:
        """Cast each viewer's grid in a mesh of triangles, by Embree.

        Args:
            scene: The mesh, with types that index into `types`.
            viewers: As for `on_heights`.
            bodies: As for `on_heights`; they are met before the mesh if they are nearer.
            spheres: As for `on_heights`.

        Returns:
            int16, shape (viewers, elevations, azimuths, 2), as `on_heights` returns it. Unlike a block of cells a mesh
            is hollow: from within it, its inner side is seen.

        Raises:
            ObservationError: If an array has another shape, or a value out of its range.
        """
        eyes, cylinders, balls = self._check_scene(viewers, bodies, spheres)
        if not are_known(scene.face_types, len(self.types)):
            raise ObservationError(
                f"The mesh has types up to {scene.face_types.max()}, but the grid knows 0 to {len(self.types) - 1}."
            )
        return scene.read(eyes, self.tables, float(self.reach), cylinders, balls)

    def _check_scene(
        self, viewers: np.ndarray, bodies: np.ndarray | None, spheres: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        eyes, num_types = check_viewers(viewers), len(self.types)
        cylinders = check_things("bodies", bodies, (len(eyes), 6), num_types)
        return eyes, cylinders, check_things("spheres", spheres, (len(eyes), 5), num_types)

    @cached_property
    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What kernels need: cosine and sine of the azimuths, and the elevations in degrees, float64."""
        return (*_cos_sin(np.asarray(self.azimuths, np.float64)), np.asarray(self.elevations, np.float64))


def _spread(num: int, fov: float, power: float) -> tuple[float, ...]:
    u = np.linspace(-1, 1, num) if num > 1 else np.zeros(1)
    return tuple((np.sign(u) * np.abs(u) ** power * (fov / 2)).tolist())


def _check_angles(name: str, word: str, rising: tuple[float, ...], limit: float) -> None:
    """Refuse angles that do not rise strictly, or leave ±limit."""
    good = bool(rising) and all(-limit <= each <= limit for each in rising)  # not a number is outside, too
    if not good or any(second <= first for first, second in pairwise(rising)):
        raise SpecError(f"A ray grid's {name} must {word} strictly within ±{limit:g} degrees; at least one is needed.")
