"""Directional audio: how near the nearest sound of each type is, on each side of a player.

Sector 0 is centred ahead, the others follow clockwise. Headings are mathematical: degrees counter-clockwise from +x.

After "Human-like Bots for Tactical Shooters Using Compute-Efficient Sensors", arXiv:2501.00078.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import ObservationError, SpecError
from understudy.sensors.rays import _floats
from understudy.spec import Json, SensorSpec

SOUNDS = ("steps", "shots", "bomb", "ability")
"""What a player of a tactical shooter hears."""
REACHES = (25.0, 80.0, 50.0, 40.0)
"""Metres that each of `SOUNDS` carries."""


@dataclass(frozen=True)
class Audio:
    """What a player hears of each type of sound, from each side.

    A reading is float32 of shape (sectors, types) in [0, 1]: `1 - d / reach` of the loudest source of that type in
    that sector, 0 if it is silent or out of reach. `d` is the straight distance and `muffling` metres more for each
    metre of wall in between; a source of half the loudness carries half as far.

    Attributes:
        sectors: How many sides are told apart.
        types: Names of the sounds.
        reaches: Metres that a sound of each type carries at loudness 1.
        muffling: How many metres of air a metre of wall counts as.
    """

    sectors: int = 8
    types: tuple[str, ...] = SOUNDS
    reaches: tuple[float, ...] = REACHES
    muffling: float = 4.0

    def __post_init__(self) -> None:
        if not isinstance(self.sectors, int) or self.sectors < 1:
            raise SpecError(f"Audio needs a whole number of sectors, at least one, not {self.sectors}.")
        if not self.types or len(set(self.types)) != len(self.types) or len(self.reaches) != len(self.types):
            raise SpecError(f"Audio needs types of different names and a reach for each, not {self.types}.")
        if not all(0 < each < math.inf for each in self.reaches) or not 0 <= self.muffling < math.inf:
            raise SpecError(f"Audio reaches {self.reaches} m, muffled by {self.muffling}; use reaches above 0.")

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of one reading: (sectors, types)."""
        return (self.sectors, len(self.types))

    def spec(self, name: str = "audio") -> SensorSpec:
        """Return the sensor: float32 of `shape`, rebuilt from its spec by `from_spec`."""
        computed: dict[str, Json] = {
            "kind": "audio",
            "sectors": self.sectors,
            "types": self.types,
            "reaches": self.reaches,
            "muffling": self.muffling,
        }
        return SensorSpec(name, spaces.Box(0.0, 1.0, self.shape, np.float32), "1", computed=computed)

    @classmethod
    def from_spec(cls, spec: SensorSpec) -> Audio:
        """Rebuild from a sensor's spec; raises `SpecError` if the sensor is not directional audio."""
        form: Any = spec.computed
        if form.get("kind") != "audio":
            raise SpecError(f"Sensor '{spec.name}' is computed as {form.get('kind')!r}; it must be 'audio'.")
        try:
            return cls(form["sectors"], tuple(form["types"]), tuple(form["reaches"]), form["muffling"])
        except (KeyError, TypeError) as error:
            raise SpecError(f"Sensor '{spec.name}' is no audio: {type(error).__name__} at {error}.") from error

    def read(self, listeners: np.ndarray, sources: np.ndarray) -> np.ndarray:
        """Return what each listener hears.

        Args:
            listeners: x and y in metres and heading in degrees, shape (listeners, 3).
            sources: What sounds around each: x, y, index of the type, loudness of at least 0 (0 is silent), and the
                metres of wall in between, shape (listeners, sources, 5).

        Returns:
            float32, shape (listeners, sectors, types). A source on the very spot is heard ahead.

        Raises:
            ObservationError: If an array has another shape, or a value out of its range.
        """
        ears = _floats("listeners", listeners, 3)
        around = np.ascontiguousarray(sources, np.float64)
        if around.ndim != 3 or around.shape[::2] != (len(ears), 5) or not np.isfinite(around).all():
            raise ObservationError(f"sources should be finite, of shape ({len(ears)}, any, 5), got {around.shape}.")
        kinds = around[..., 2]
        if not ((kinds >= 0) & (kinds < len(self.types)) & (kinds == np.floor(kinds))).all():
            raise ObservationError(f"sources need types from 0 to {len(self.types) - 1} in their third column.")
        if (around[..., 3:] < 0).any():
            raise ObservationError("sources need a loudness and metres of wall of at least 0.")
        from understudy.sensors import hearing  # numba takes a second to import, and a spec needs none of it

        out = np.empty((len(ears), *self.shape), np.float32)
        hearing.hear_all(ears, around, self.table, float(self.muffling), out)
        return out

    @cached_property
    def table(self) -> np.ndarray:
        """What kernels need: the reaches, float64."""
        return np.asarray(self.reaches, np.float64)
