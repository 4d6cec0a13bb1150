"""Fans of rays: how far a player sees in each of some directions, and what is there.

Angles follow two conventions, both in degrees. A heading is mathematical: counter-clockwise from +x, as in Doom. A
fan's angles are a player's: relative to the heading, positive to the right (clockwise). A ray's direction is therefore
`heading - angle`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import ObservationError, SpecError
from understudy.spec import Json, SensorSpec


@dataclass(frozen=True)
class RayFan:
    """Rays that leave a player in fixed directions relative to the heading.

    A reading is float32 of shape (rays, 1 + types): the distance in [0, reach], and a one-hot of what was hit. A ray
    that hits nothing reads `reach` and zeros.

    Attributes:
        angles: Degrees from the heading, positive to the right.
        reach: The longest distance, in `units`.
        types: Names of what a ray can hit, in the order of the one-hot.
        units: Of the distances.
    """

    angles: tuple[float, ...]
    reach: float
    types: tuple[str, ...] = ("wall",)
    units: str = "map units"

    def __post_init__(self) -> None:
        if not self.angles or not all(math.isfinite(each) for each in self.angles):
            raise SpecError(f"A ray fan needs at least one finite angle, not {self.angles}.")
        if not 0 < self.reach < math.inf:
            raise SpecError(f"A ray fan reaches {self.reach} {self.units}; it must be above 0 and finite.")
        if not self.types or len(set(self.types)) != len(self.types):
            raise SpecError(f"A ray fan needs types of different names, not {self.types}.")

    @classmethod
    def even(
        cls,
        num: int,
        field_of_view: float,
        *,
        reach: float,
        types: tuple[str, ...] = ("wall",),
        units: str = "map units",
    ) -> RayFan:
        """Return `num` rays spread evenly over `field_of_view` degrees, edges included; below 360 degrees."""
        return cls.foveated(num, field_of_view, power=1, reach=reach, types=types, units=units)

    @classmethod
    def foveated(
        cls,
        num: int,
        field_of_view: float,
        *,
        power: float = 2,
        reach: float,
        types: tuple[str, ...] = ("wall",),
        units: str = "map units",
    ) -> RayFan:
        """Return `num` rays that lie closer together the nearer they are to the heading.

        The angles are `sign(u) |u|**power * field_of_view / 2` for `num` values of u evenly in [-1, 1].

        Raises:
            SpecError: If there is no ray, the field of view is not in (0, 360) degrees or the power is below 1.
        """
        if num < 1 or not 0 < field_of_view < 360 or power < 1:
            raise SpecError(
                f"A fan of {num} rays over {field_of_view} degrees with power {power} cannot be made: "
                "use at least 1 ray, 0 to 360 degrees and a power of at least 1."
            )
        u = np.linspace(-1, 1, num) if num > 1 else np.zeros(1)
        angles = np.sign(u) * np.abs(u) ** power * (field_of_view / 2)
        return cls(tuple(angles.tolist()), reach, types, units)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of one reading: (rays, 1 + types)."""
        return (len(self.angles), 1 + len(self.types))

    def spec(self, name: str = "rays") -> SensorSpec:
        """Return the sensor: float32 of `shape`, rebuilt from its spec by `from_spec`."""
        high = np.ones(self.shape, np.float32)
        high[:, 0] = self.reach
        computed: dict[str, Json] = {"kind": "rays", "angles": self.angles, "reach": self.reach, "types": self.types}
        return SensorSpec(name, spaces.Box(np.zeros_like(high), high, dtype=np.float32), self.units, computed=computed)

    @classmethod
    def from_spec(cls, spec: SensorSpec) -> RayFan:
        """Rebuild from a sensor's spec; raises `SpecError` if the sensor is not a ray fan."""
        form: Any = spec.computed
        if form.get("kind") != "rays":
            raise SpecError(f"Sensor '{spec.name}' is computed as {form.get('kind')!r}; it must be 'rays'.")
        try:
            return cls(tuple(form["angles"]), form["reach"], tuple(form["types"]), spec.units)
        except (KeyError, TypeError) as error:
            raise SpecError(f"Sensor '{spec.name}' is no ray fan: {type(error).__name__} at {error}.") from error

    def on_grid(self, grid: np.ndarray, positions: np.ndarray, headings_deg: np.ndarray) -> np.ndarray:
        """Cast the fan of each agent on a grid of cells.

        Args:
            grid: uint8, shape (height, width): 0 is empty, `n` is `types[n - 1]`. Cell (row, column) covers
                [column, column + 1) × [row, row + 1); outside the grid is empty.
            positions: x and y in cells, finite, shape (agents, 2).
            headings_deg: Degrees counter-clockwise from +x, finite, shape (agents,).

        Returns:
            float32, shape (agents, rays, 1 + types); distances in cells.

        Raises:
            ObservationError: If an array has another shape or dtype, or a value out of its range.
        """
        positions = _floats("positions", positions, 2)
        headings = np.atleast_1d(np.asarray(headings_deg, np.float64))
        if grid.dtype != np.uint8 or grid.ndim != 2 or (grid.size and grid.max() > len(self.types)):
            raise ObservationError(
                f"The grid should be 2-D uint8 with cells 0 to {len(self.types)}, got {grid.ndim}-D {grid.dtype}"
                f"{f' up to {grid.max()}' if grid.size else ''}."
            )
        if headings.shape != (len(positions),) or not np.isfinite(headings).all():
            raise ObservationError(f"{len(positions)} positions need as many finite headings, got {headings.shape}.")
        from understudy.sensors import casting  # numba takes a second to import, and a spec needs none of it

        out = np.empty((len(positions), *self.shape), np.float32)
        casting.cast_grid(
            np.ascontiguousarray(grid), positions, *_cos_sin(headings), *self._trigonometry, float(self.reach), out
        )
        return out

    def on_lines(
        self,
        position: np.ndarray,
        heading_deg: float,
        segments: np.ndarray,
        segment_types: np.ndarray,
        discs: np.ndarray,
        disc_types: np.ndarray,
    ) -> np.ndarray:
        """Cast one agent's fan against line segments and discs.

        Args:
            position: x and y, shape (2,).
            heading_deg: Degrees counter-clockwise from +x.
            segments: x1, y1, x2, y2, shape (segments, 4).
            segment_types: Index into `types`, whole numbers, shape (segments,).
            discs: x, y and radius, shape (discs, 3).
            disc_types: Index into `types`, whole numbers, shape (discs,).

        Returns:
            float32, shape (rays, 1 + types). From within a disc, or on a segment, the distance is 0.

        Raises:
            ObservationError: If an array has another shape, or a value out of its range.
        """
        place = _floats("the position", np.asarray(position)[None], 2)[0]
        heading = np.asarray(heading_deg, np.float64)
        if heading.shape != () or not np.isfinite(heading):
            raise ObservationError(f"The heading should be one finite number of degrees, got {heading_deg}.")
        lines, circles = _floats("segments", segments, 4), _floats("discs", discs, 3)
        line_types = self._indices("segments", segment_types, len(lines))
        circle_types = self._indices("discs", disc_types, len(circles))
        from understudy.sensors import casting

        out = np.empty(self.shape, np.float32)
        cos, sin = (float(each) for each in _cos_sin(heading))
        fan = self._trigonometry
        casting.cast_lines(place, cos, sin, *fan, lines, line_types, circles, circle_types, float(self.reach), out)
        return out

    @cached_property
    def _trigonometry(self) -> tuple[np.ndarray, np.ndarray]:
        return _cos_sin(np.asarray(self.angles, np.float64))

    def _indices(self, what: str, types: np.ndarray, num: int) -> np.ndarray:
        indices = np.ascontiguousarray(types, np.int64)
        if indices.shape != (num,) or (num and not 0 <= indices.min() <= indices.max() < len(self.types)):
            raise ObservationError(f"{num} {what} need as many types from 0 to {len(self.types) - 1}, got {types}.")
        return indices


def _floats(what: str, values: np.ndarray, columns: int) -> np.ndarray:
    """`values` as a finite float64 array of shape (any, columns)."""
    array = np.ascontiguousarray(values, np.float64)
    if array.ndim != 2 or array.shape[1] != columns or not np.isfinite(array).all():
        raise ObservationError(f"{what} should be finite, of shape (any, {columns}), got shape {array.shape}.")
    return array


def _cos_sin(degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine, exact at the multiples of 90 degrees."""
    quarter, rest = np.divmod(degrees, 90.0)
    cos, sin = np.cos(np.radians(rest)), np.sin(np.radians(rest))
    turns = quarter.astype(np.int64) % 4
    return np.choose(turns, (cos, -sin, -cos, sin)), np.choose(turns, (sin, cos, -sin, -cos))
