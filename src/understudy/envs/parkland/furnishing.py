"""What stands along the trails and at the sights: fountains, statues, signs, benches, bins and lamps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.clearings import Clearings
from understudy.envs.parkland.layout import PROP_SIZES, TEXTURES, Prop, elevation
from understudy.envs.parkland.plan import Sight
from understudy.envs.parkland.trails import Way

INTERESTING = ("statue", "fountain", "sign", "painting", "table")
"""Kinds of props that a tester inspects."""
EVERY = {"golden": 22.0, "perimeter": 45.0, "spur": 34.0}
"""How often something stands beside a trail, metres."""
_LOOKS = {
    "bench": "wood", "statue": "marble", "fountain": "stone", "sign": "painted", "bin": "metal", "lamp": "metal"
}  # fmt: skip
_BESIDE = {
    "golden": (("bench", 3), ("lamp", 4), ("bin", 2), ("sign", 2), ("statue", 1)),
    "perimeter": (("bench", 2), ("sign", 2), ("statue", 1), ("bin", 1)),
    "spur": (("sign", 1), ("bench", 1), ("lamp", 1)),
}
"""What stands beside which trail, and how often against each other."""
_ASIDE = 1.3
"""From the edge of a trail to the middle of a prop, metres."""


@dataclass
class Furnisher:
    """Puts props into a park, each only where it is free."""

    side: float
    heights: NDArray
    clearings: Clearings
    props: list[Prop]

    def put(self, kind: str, x: float, y: float, heading: float) -> None:
        """Put a prop on the ground."""
        z = float(elevation(self.heights, self.side / (len(self.heights) - 1), x, y))
        texture = TEXTURES.index(_LOOKS[kind])
        self.props.append(Prop(len(self.props), kind, x, y, z, heading % 360.0, kind in INTERESTING, texture))
        self.clearings.take(x, y, max(PROP_SIZES[kind][:2]) / 2 + 1.0)

    def furnish_sight(self, rng: np.random.Generator, sight: Sight) -> None:
        """Put what makes the sight: a fountain with benches around it, or a statue with its sign."""
        if sight.kind == "plaza":
            self.put("fountain", sight.x, sight.y, 0.0)
            for angle in (60.0, 120.0, 240.0, 300.0):
                self._around(sight, "bench", angle, 7.0)
        elif sight.kind == "monument":
            self.put("statue", sight.x, sight.y, float(rng.uniform(0, 360)))
            self._around(sight, "sign", 150.0, 2.6)
        elif sight.kind == "lake":
            self._around(sight, "statue", float(rng.uniform(0, 360)), 4.6)

    def line(self, rng: np.random.Generator, way: Way) -> None:
        """Put things beside a trail, on both sides by turns, where it is free."""
        name = way.name.split("-")[0]
        kinds, weights = zip(*_BESIDE[name], strict=True)
        shares = np.asarray(weights) / sum(weights)
        step = max(4, int(EVERY[name] / 2))
        for number, k in enumerate(range(step, len(way.points) - step, step)):
            left = 1.0 if number % 2 else -1.0
            forward = way.points[k + 1] - way.points[k - 1]
            aside = np.asarray([-forward[1], forward[0]]) / np.hypot(*forward) * left
            x, y = way.points[k] + aside * (way.width / 2 + _ASIDE)
            self._beside(str(rng.choice(kinds, p=shares)), float(x), float(y), np.degrees(np.arctan2(*-aside[::-1])))

    def _beside(self, kind: str, x: float, y: float, heading: float) -> None:
        ground = elevation(self.heights, self.side / (len(self.heights) - 1), x, y)
        if ground > 0.6 and self.clearings.free(np.asarray([[x, y]]), 2.2, 1.2)[0]:
            self.put(kind, x, y, float(heading))

    def _around(self, sight: Sight, kind: str, angle: float, away: float) -> None:
        """Put a prop beside the middle of a sight that looks at the middle, unless a trail runs there."""
        x, y = sight.x + np.cos(np.radians(angle)) * away, sight.y + np.sin(np.radians(angle)) * away
        if self.clearings.from_trail(np.asarray([[x, y]]))[0] > 2.0:
            self.put(kind, float(x), float(y), angle + 180.0)
