"""Plants bugs into a park, with their ground truth, each where testers of one preference come by and others do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from understudy.envs.parkland.layout import BUGS, Layout, PlantedBug, Point
from understudy.envs.parkland.solids import KINDS, TEXTURES, Solids
from understudy.envs.parkland.venues import VENUES, Venues, heading_of
from understudy.errors import GameError, suggest

APART, FROM_START = 9.0, 20.0
"""The least distance between two bugs, and of a bug from where players start, metres."""
MB_PER_SECOND, DELAY_MS = 25.0, 120.0

_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "out_of_bounds": ("perimeter",),
    "soft_lock": ("indoors",),
    "invisible_wall": ("golden", "perimeter", "wild"),
    "endless_fall": ("golden", "perimeter", "wild"),
}
_RADII: Mapping[str, Mapping[str, float]] = {
    "hole": {"golden": 1.2, "perimeter": 1.2, "wild": 3.5, "indoors": 1.2},
    "endless_fall": {"golden": 1.2, "perimeter": 1.2, "wild": 3.5},
    "stuck_spot": {"golden": 1.2, "perimeter": 1.2, "wild": 2.5, "indoors": 1.0},
    "leak": {"golden": 8.0, "perimeter": 10.0, "wild": 10.0, "indoors": 3.0},
    "slow_spot": {"golden": 8.0, "perimeter": 10.0, "wild": 10.0, "indoors": 3.0},
}
_Details = Mapping[str, float | int | str]
_Candidate = tuple[Point, float, _Details]


def plant(layout: Layout, seed: int, kinds: Mapping[str, int] | Iterable[str] = BUGS) -> Layout:
    """Return the park with bugs planted in it; the same arguments always plant the same.

    Args:
        layout: A clean park.
        seed: Of the places.
        kinds: How many of each kind, or kinds to plant one of each.

    Raises:
        GameError: If a kind is unknown, the layout has bugs already, or there is no room for so many.
    """
    wanted = dict(kinds) if isinstance(kinds, Mapping) else dict.fromkeys(kinds, 1)
    for kind, count in wanted.items():
        if kind not in BUGS:
            raise GameError(f"There is no kind of bug '{kind}'.{suggest(kind, BUGS)}")
        if count < 0:
            raise GameError(f"{count} bugs of the kind '{kind}' cannot be planted; give 0 or more.")
    if layout.bugs:
        raise GameError("This park has planted bugs already; plant into a clean one.")
    return _Planter(layout, np.random.default_rng([seed, 77])).plant(wanted)


class _Planter:
    def __init__(self, layout: Layout, rng: np.random.Generator) -> None:
        self.layout, self.rng, self.venues = layout, rng, Venues(layout)
        self.bugs: list[PlantedBug] = []
        self.load = dict.fromkeys(VENUES, 0)

    def plant(self, wanted: Mapping[str, int]) -> Layout:
        """Plant the kinds with the least choice of venue first, the others where there are the fewest bugs yet."""
        order = sorted((kind for kind in BUGS if wanted.get(kind)), key=lambda kind: len(_ALLOWED.get(kind, VENUES)))
        for kind in order:
            for _ in range(wanted[kind]):
                self._plant(kind)
        return replace(self.layout, bugs=tuple(self.bugs))

    def _plant(self, kind: str) -> None:
        allowed = _ALLOWED.get(kind, VENUES)
        for k in sorted(self.rng.permutation(len(allowed)), key=lambda k: self.load[allowed[k]]):
            venue = allowed[k]
            for place, radius, details in _FINDERS.get(kind, _Planter._zones)(self, kind, venue):
                if self._is_free(place):
                    self.load[venue] += 1
                    details = {"venue": venue, **details, **self._change(kind, place, venue, details)}
                    self.bugs.append(PlantedBug(len(self.bugs), kind, place, radius, details))
                    return
        raise GameError(
            f"This park has no room for another bug of the kind '{kind}'; plant fewer, or in a larger park."
        )

    def _is_free(self, place: Point) -> bool:
        if np.hypot(place[0] - self.layout.start[0], place[1] - self.layout.start[1]) < FROM_START:
            return False
        apart = [np.hypot(place[0] - each.position[0], place[1] - each.position[1]) for each in self.bugs]
        levels = [abs(place[2] - each.position[2]) for each in self.bugs]
        return all(flat >= APART or high > 2.0 for flat, high in zip(apart, levels, strict=True))

    def _zones(self, kind: str, venue: str) -> list[_Candidate]:
        details: _Details = {"leak": {"mb_per_second": MB_PER_SECOND}, "slow_spot": {"delay_ms": DELAY_MS}}.get(
            kind, {}
        )
        return [(place, _RADII[kind][venue], details) for place in self.venues.spots(venue, self.rng)]

    def _walls(self, kind: str, venue: str) -> list[_Candidate]:
        del kind
        return [(place, 3.5, {}) for place in self.venues.spots(venue, self.rng)]

    def _panels(self, kind: str, venue: str) -> list[_Candidate]:
        del kind, venue
        solids = self.layout.solids
        panels = self.rng.permutation(np.flatnonzero(solids.kind == KINDS.index("boundary"))[1:-1])
        # The panels on both sides give way too: a gap that is met by who walks along the boundary.
        inner = [int(k) for k in panels if len(set(solids.heading[k - 1 : k + 2].tolist())) == 1]
        return [(self._foot(k), 3.0 * float(solids.half[k, 0]), {"solid": k - 1, "panels": 3}) for k in inner]

    def _things(self, kind: str, venue: str) -> list[_Candidate]:
        """Props, and off the trails rocks too."""
        shown = kind == "missing_texture"
        props = [self.layout.props[k] for k in self.rng.permutation(self.venues.props(venue))]
        found: list[_Candidate] = [((p.x, p.y, p.z), 2.0, {"prop": p.id}) for p in props if shown or _is_big(p.kind)]
        if venue == "wild":
            rocks = self.rng.permutation(np.flatnonzero(self.layout.solids.kind == KINDS.index("rock")))
            wild = [(int(k), self._foot(int(k))) for k in rocks]
            found += [(foot, 2.0, {"solid": k}) for k, foot in wild if self.venues.venue_of(foot) == "wild"]
        return found

    def _doors(self, kind: str, venue: str) -> list[_Candidate]:
        del kind, venue
        fronts = {each.building: each for each in reversed(self.layout.doors)}
        doors = [fronts[k] for k in self.rng.permutation(sorted(fronts))]
        return [(each.middle, 1.5, {"door": each.id, "building": each.building}) for each in doors]

    def _bells(self, kind: str, venue: str) -> list[_Candidate]:
        del kind
        bells = [self.layout.triggers[k] for k in self.rng.permutation(self.venues.triggers(venue))]
        return [(each.position, each.radius, {"trigger": each.id}) for each in bells]

    def _stages(self, kind: str, venue: str) -> list[_Candidate]:
        del kind
        quest = self.layout.quests[VENUES.index(venue)]
        places = [(int(k), quest.stages[k]) for k in self.rng.permutation(len(quest.stages))]
        return [((x, y, z), radius, {"quest": quest.id, "stage": k}) for k, (x, y, z, radius) in places]

    def _foot(self, solid: int) -> Point:
        x, y = (float(each) for each in self.layout.solids.centre[solid, :2])
        return x, y, float(self.layout.ground(x, y))

    def _change(self, kind: str, place: Point, venue: str, details: _Details) -> _Details:
        """Change the layout where the bug is geometry, and return what there is to add to its details."""
        if kind == "invisible_wall":
            trail = self.layout.trail(venue if venue != "wild" else "golden")
            self.layout = replace(self.layout, solids=_with_wall(self.layout.solids, place, trail.points))
            return {"solid": len(self.layout.solids) - 1}
        if kind in ("clipping", "out_of_bounds"):
            self.layout = _altered(self.layout, details, collides=False)
        if kind == "missing_texture":
            self.layout = _altered(self.layout, details, texture=TEXTURES.index("missing"))
        return {}


_FINDERS: Mapping[str, Callable[[_Planter, str, str], list[_Candidate]]] = {
    "invisible_wall": _Planter._walls,
    "out_of_bounds": _Planter._panels,
    "clipping": _Planter._things,
    "missing_texture": _Planter._things,
    "soft_lock": _Planter._doors,
    "crash": _Planter._bells,
    "broken_quest": _Planter._stages,
}


def _is_big(kind: str) -> bool:
    """Whether walking through such a prop is noticed."""
    return kind in ("statue", "fountain", "bench", "table", "shelf")


def _with_wall(solids: Solids, place: Point, trail: np.ndarray) -> Solids:
    """Add a wall across the way to those of `solids`."""
    x, y, z = place
    return Solids(
        np.concatenate([solids.centre, np.asarray([[x, y, z + 1.2]], np.float32)]),
        np.concatenate([solids.half, np.asarray([[0.15, 3.5, 1.6]], np.float32)]),
        np.append(solids.heading, np.float32(heading_of(trail, place))),
        np.append(solids.kind, np.uint8(KINDS.index("wall"))),
        np.append(solids.texture, np.uint8(TEXTURES.index("stone"))),
        np.append(solids.collides, True),
        np.append(solids.visible, False),
    )


def _altered(layout: Layout, details: _Details, **change: Any) -> Layout:
    """Set `collides` or `texture` of the prop or the box that `details` name."""
    ((name, value),) = change.items()
    if "prop" in details:
        number = int(details["prop"])
        changed = replace(layout.props[number], **change)
        return replace(layout, props=(*layout.props[:number], changed, *layout.props[number + 1 :]))
    array = getattr(layout.solids, name).copy()
    first = int(details["solid"])
    array[first : first + int(details.get("panels", 1))] = value
    return replace(layout, solids=replace(layout.solids, **{name: array}))
