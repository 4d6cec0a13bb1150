"""What a park's designers meant, as checks for a playtest: things are solid, nothing holds in the open, quests count.

A playtest's `checks.py` makes one and names its methods; see examples/parkland/checks.py. It knows the clean park and
nothing of what is planted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from understudy.envs.parkland.generator import generate
from understudy.envs.parkland.layout import PROP_SIZES, Layout
from understudy.envs.parkland.walkable import WalkGrid, walk_grid

_DEPTH = 0.15
"""So far inside a thing the feet are when one clips, metres; a capsule's middle never gets inside a solid thing."""
_BLOCKED, _MOVED = 4, 0.03
"""Decisions without getting anywhere, and how far that is, metres."""
_COUNTS = 3
"""Decisions at a stage after which it must have counted."""
Moment = Mapping[str, Any]


class Design:
    """The park as it was designed.

    Args:
        seed: Of the park.
        area_km2: Of the park.
    """

    def __init__(self, seed: int, area_km2: float = 0.25) -> None:
        self.layout: Layout = generate(seed, area_km2)
        self._last: tuple[int, tuple[float, ...]] = (0, ())
        self._blocked = 0
        self._blocked_tick = 0
        self._due: dict[int, int] = {}

    def things_are_solid(self, moment: Moment) -> str | None:
        """Say so if the player stands inside something that should not let anybody in."""
        x, y, z = moment["position"]
        middles, halves, ways, bottoms, tops = self._things
        away, (cos, sin) = np.array([x, y]) - middles, ways
        along = np.abs(away[:, 0] * cos + away[:, 1] * sin)
        across = np.abs(away[:, 1] * cos - away[:, 0] * sin)
        inside = (along < halves[:, 0] - _DEPTH) & (across < halves[:, 1] - _DEPTH)
        inside &= (z < tops - 0.5) & (z > bottoms - 0.7)
        return f"The player is inside something solid at ({x:.0f}, {y:.0f})." if inside.any() else None

    def nothing_holds(self, moment: Moment) -> str | None:
        """Say so if the player was held for a while in the open and then got away another way."""
        tick, place = int(moment["tick"]), tuple(moment["position"])
        before, self._last = self._last, (tick, place)
        if tick != before[0] + 1:
            self._blocked = 0
            return None
        asked = moment["action"] is not None and int(moment["action"]["move"]) > 0
        still = math.dist(place, before[1]) < _MOVED
        if asked and still and self._is_open(place):
            self._blocked += 1
            return None
        held, self._blocked = self._blocked, 0
        if held >= _BLOCKED and not still:
            return f"Something that is not there held the player at ({place[0]:.0f}, {place[1]:.0f})."
        return None

    def quests_count(self, moment: Moment) -> str | None:
        """Say so if the player is at the next stage of a quest and it does not count."""
        if int(moment["tick"]) == 0:
            self._due = {}
        done = np.atleast_1d(moment["quest"]).astype(int)
        for quest in self.layout.quests:
            stage = int(done[quest.id])
            if stage >= len(quest.stages):
                continue
            x, y, z, radius = quest.stages[stage]
            at = math.dist(moment["position"], (x, y, z)) < 0.8 * radius
            self._due[quest.id] = self._due.get(quest.id, 0) + 1 if at else 0
            if self._due[quest.id] > _COUNTS:
                return f"Stage {stage + 1} of the quest '{quest.name}' does not count."
        return None

    @cached_property
    def _grid(self) -> WalkGrid:
        return walk_grid(self.layout)

    def _is_open(self, place: tuple[float, ...]) -> bool:
        """Whether one stands where one can go all ways."""
        node = int(self._grid.nearest(place))
        near = math.dist(place, self._grid.places[node].tolist()) < 0.9
        around = self._grid.links[node]
        return near and not self._grid.narrow[node] and not self._grid.narrow[around].any()

    @cached_property
    def _things(self) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
        """Middles, half sizes, directions, bottoms and tops of everything upright that collides."""
        solids = self.layout.solids
        boxes = [(*c[:2], *h[:2], a, c[2] - h[2], c[2] + h[2]) for c, h, a in _collide(solids)]
        props = []
        for each in self.layout.props:
            width, depth, height = PROP_SIZES[each.kind]
            if each.collides:
                props.append((each.x, each.y, depth / 2, width / 2, each.heading, each.z, each.z + height))
        table = np.array([*boxes, *props], np.float64)
        turned = np.radians(table[:, 4])
        return table[:, :2], table[:, 2:4], (np.cos(turned), np.sin(turned)), table[:, 5], table[:, 6]


def _collide(solids: Any) -> list[tuple[list[float], list[float], float]]:
    """Centre, half size and heading of the boxes that collide and are higher than a step."""
    chosen = np.flatnonzero(solids.collides & (solids.half[:, 2] > 0.3))
    return [(solids.centre[k].tolist(), solids.half[k].tolist(), float(solids.heading[k])) for k in chosen]
