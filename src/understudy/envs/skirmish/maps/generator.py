"""New levels of the same topology as the drawn ones, by seed: for playing where nobody ever trained.

Three lanes lead from the attackers' spawn at the bottom to two sites at the left and the right; a yard in mid joins
the lanes, a hall above it the sites, and the defenders' spawn lies above. Widths, bends, rooms and cover are random,
and the whole is mirrored or turned at random. Drafts that are unfair or unsound are thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.envs.skirmish.level import Level, build_level
from understudy.envs.skirmish.maps.ascii import Drawing
from understudy.envs.skirmish.maps.measures import SITES, attack_ways, is_whole, seconds_to, sees_farther, spawns_see
from understudy.envs.skirmish.maps.sketch import Point, Room, Sketch
from understudy.errors import GameError

ATTACK_SECONDS = (8.5, 12.5)
"""What attackers may need to the middle of a site, at a run."""
DEFEND_SECONDS = (3.0, 7.0)
"""What defenders may need."""
SIDE_GAP = 2.0
"""Seconds by which one site may be farther than the other, for either side."""
SIGHT = (25.0, 45.0)
"""Metres of the longest line of sight."""
MOST_DRAFTS = 500
"""The first hundred seeds take 13 in the median and 86 at most."""

_EDGE = 3
_PIECES: tuple[tuple[Point, ...], ...] = (
    ((0, 0),),
    ((0, 0), (1, 0)),
    ((0, 0), (0, 1)),
    ((0, 0), (1, 0), (0, 1)),
    ((0, 0), (0, 1), (1, 1)),
)


def generate(seed: int) -> Level:
    """Return the level `"generated-<seed>"`, the same every time.

    Args:
        seed: At least 0.

    Raises:
        GameError: If `seed` is negative, or no draft is sound (never seen).
    """
    if seed < 0:
        raise GameError(f"No level can be generated from the seed {seed}; give one of 0 or above.")
    for attempt in range(MOST_DRAFTS):
        level = _attempt(f"generated-{seed}", np.random.default_rng([seed, attempt]))
        if level is not None and is_sound(level):
            return level
    raise GameError(f"No sound level comes from the seed {seed}; give another.")


def is_sound(level: Level) -> bool:
    """Whether a level is one to play a fair round on, by the limits above."""
    return is_whole(level) and _is_fair(level) and _looks_right(level)


def _is_fair(level: Level) -> bool:
    """Whether both sides need the right time to both sites."""
    attack, defend = np.array([seconds_to(level, site) for site in SITES]).T
    in_range = all(
        least <= seconds.min() and seconds.max() <= most
        for seconds, (least, most) in ((attack, ATTACK_SECONDS), (defend, DEFEND_SECONDS))
    )
    return bool(in_range and max(np.ptp(attack), np.ptp(defend)) <= SIDE_GAP)


def _looks_right(level: Level) -> bool:
    """Whether no line of sight is too long, spawns are hidden, and each site has two ways in."""
    in_range = sees_farther(level, SIGHT[0]) and not sees_farther(level, SIGHT[1])
    return in_range and not spawns_see(level) and all(attack_ways(level, site) >= 2 for site in SITES)


@dataclass(frozen=True)
class _Rooms:
    """The rooms of one draft, before it is turned; site `a` is at the left."""

    attack: Room
    defend: Room
    a: Room
    b: Room
    yard: Room
    hall: Room


def _attempt(name: str, rng: np.random.Generator) -> Level | None:
    drawing = _draft(rng)
    try:
        return build_level(name, drawing)
    except GameError:  # a lane that leads nowhere
        return None


def _draft(rng: np.random.Generator) -> Drawing:
    """Draw one map, sound or not."""
    sketch = Sketch(_pick(rng, 55, 62), _pick(rng, 53, 56))
    rooms = _place_rooms(rng, *sketch.cells.shape)
    for room in vars(rooms).values():
        sketch.clear(room)
    marks = {"m": _mid(rng, sketch, rooms)}
    for letter in "ab":
        marks[letter] = _lane(rng, sketch, rooms, letter)
        _behind(rng, sketch, rooms, letter)
    _blocks(rng, sketch, rooms)
    _covers(rng, sketch, rooms, [point for points in marks.values() for point in points])
    _mark(sketch, rooms, marks)
    return sketch.drawing(_pick(rng, 0, 3), bool(rng.integers(2)))


def _pick(rng: np.random.Generator, least: int, most: int) -> int:
    """A whole number from `least` to `most`, both included."""
    return int(rng.integers(least, max(least, most) + 1))


def _place_rooms(rng: np.random.Generator, num_rows: int, num_columns: int) -> _Rooms:
    centre, top = num_columns // 2, num_rows - 1 - _EDGE

    def room(middle: int, y0: int, width: tuple[int, int], height: tuple[int, int]) -> Room:
        x0 = middle - (across := _pick(rng, *width)) // 2
        return Room(x0, x0 + across - 1, y0, y0 + _pick(rng, *height) - 1)

    attack = room(centre + _pick(rng, -4, 4), _EDGE - 1, (12, 15), (7, 8))
    defend = room(centre + _pick(rng, -3, 3), top - 4, (10, 13), (5, 5))
    a, b = (room(x, top - _pick(rng, 16, 19), (14, 16), (12, 13)) for x in (_EDGE + 7, num_columns - _EDGE - 8))
    yard = room(centre + _pick(rng, -3, 3), attack.y1 + _pick(rng, 6, 9), (13, 17), (9, 11))
    hall = room(centre + _pick(rng, -3, 3), yard.y1 + _pick(rng, 5, 8), (8, 11), (4, 6))
    return _Rooms(attack, defend, a, b, yard, hall)


def _mid(rng: np.random.Generator, sketch: Sketch, rooms: _Rooms) -> list[Point]:
    """Draw the lane through the middle; nobody sees along all of it."""
    enter = _inside(rng, rooms.attack, rooms.yard)
    leave = _inside(rng, rooms.yard, rooms.hall, away_from=enter)
    sketch.corridor([(enter, rooms.attack.y1), (enter, rooms.yard.y0)], _pick(rng, 3, 5))
    sketch.corridor([(leave, rooms.yard.y1), (leave, rooms.hall.y0)], _pick(rng, 3, 4))
    up, down = _inside(rng, rooms.hall, rooms.hall, away_from=leave), _inside(rng, rooms.defend, rooms.defend)
    bend = _pick(rng, rooms.hall.y1 + 3, rooms.defend.y0 - 3)
    sketch.corridor([(up, rooms.hall.y1), (up, bend), (down, bend), (down, rooms.defend.y0)], 3)
    return [(enter, rooms.yard.y0 - 2), (leave, rooms.yard.y1 + 2), rooms.hall.middle]


def _inside(rng: np.random.Generator, room: Room, other: Room, away_from: int | None = None) -> int:
    """A column that two rooms have in common, and, if it can be, well away from another column."""
    columns = np.arange(max(room.x0, other.x0) + 2, min(room.x1, other.x1) - 1)
    if away_from is not None and (np.abs(columns - away_from) >= 5).any():
        columns = columns[np.abs(columns - away_from) >= 5]
    return int(rng.choice(columns)) if len(columns) else room.middle[0]


def _lane(rng: np.random.Generator, sketch: Sketch, rooms: _Rooms, letter: str) -> list[Point]:
    """Draw the lane of one site, its way from the yard, and the site's way from the hall."""
    site, outwards = getattr(rooms, letter), -1 if letter == "a" else 1
    gate = rooms.attack.x0 if letter == "a" else rooms.attack.x1
    y = _pick(rng, rooms.attack.y0 + 1, rooms.attack.y1 - 1)
    far = site.middle[0] + outwards * _pick(rng, 0, 5)
    into = site.middle[0] - outwards * _pick(rng, 1, 5)
    bend = _pick(rng, rooms.yard.y0 + 2, rooms.yard.y1)
    sketch.corridor([(gate, y), (far, y), (far, bend)], _pick(rng, 4, 5))
    sketch.corridor([(far, bend), (into, bend)], _pick(rng, 4, 6))
    sketch.corridor([(into, bend), (into, site.y0)], _pick(rng, 3, 4))
    across = _pick(rng, rooms.yard.y0 + 1, rooms.yard.y1 - 1)
    if letter == "a" or rng.random() < 0.7:
        sketch.corridor([(into, bend), (into, across), (rooms.yard.middle[0], across)], 3)
    _from_hall(rng, sketch, rooms.hall, site, outwards)
    return [(far, y), (far, (y + bend) // 2), (into, bend), (into, (bend + site.y0) // 2)]


def _from_hall(rng: np.random.Generator, sketch: Sketch, hall: Room, site: Room, outwards: int) -> None:
    """Draw the way from the hall in mid into a site, with a bend that stops a look from site to site."""
    wall, door = (hall.x0, site.x1) if outwards < 0 else (hall.x1, site.x0)
    y, into = _pick(rng, hall.y0 + 1, hall.y1 - 1), _pick(rng, site.y0 + 2, site.y1 - 3)
    bend = (wall + door) // 2
    sketch.corridor([(wall, y), (bend, y), (bend, into), (door, into)], 3)


def _behind(rng: np.random.Generator, sketch: Sketch, rooms: _Rooms, letter: str) -> None:
    """Draw the defenders' way into a site, from above."""
    site, wall = getattr(rooms, letter), rooms.defend.x0 if letter == "a" else rooms.defend.x1
    y, x = _pick(rng, rooms.defend.y0 + 1, rooms.defend.y1 - 1), _pick(rng, site.x0 + 2, site.x1 - 2)
    sketch.corridor([(wall, y), (x, y), (x, site.y1)], _pick(rng, 3, 4))


def _blocks(rng: np.random.Generator, sketch: Sketch, rooms: _Rooms) -> None:
    """Leave wall standing in the yard and on the sites: something to walk around."""
    for room, size in ((rooms.yard, 4), (rooms.a, 2), (rooms.b, 2)):
        inner = room.inset(4, 3)
        x, y = _pick(rng, inner.x0, inner.x1 - size + 1), _pick(rng, inner.y0, inner.y1 - 1)
        sketch.block(Room(x, x + size - 1, y, y + _pick(rng, 1, 2)))


def _covers(rng: np.random.Generator, sketch: Sketch, rooms: _Rooms, along: list[Point]) -> None:
    """Put cover on the sites, in the rooms between, and along the lanes."""
    lanes = [Room(x - 3, x + 3, y - 4, y + 4) for x, y in along]
    wanted = [(rooms.a, 7), (rooms.b, 7), (rooms.yard, 4), (rooms.hall, 1), (rooms.attack, 2), (rooms.defend, 1)]
    for room, pieces in [*wanted, *((each, 2) for each in lanes)]:
        for _ in range(30):
            x, y = _pick(rng, room.x0, room.x1), _pick(rng, room.y0, room.y1)
            piece = _PIECES[_pick(rng, 0, len(_PIECES) - 1)]
            pieces -= sketch.cover([(x + right, y + down) for right, down in piece])
            if not pieces:
                break


def _mark(sketch: Sketch, rooms: _Rooms, marks: dict[str, list[Point]]) -> None:
    """Mark the places, where the players start, and what the lanes pass."""
    for letter, points in marks.items():
        for point in points:
            sketch.mark(letter, point)
    for digits, letter, room in (("1234", "T", rooms.attack), ("5678", "D", rooms.defend)):
        (x, y), out = room.middle, room.inset(1, 1)
        for digit, point in zip(digits, ((x - 1, y), (x + 1, y), (out.x0, out.y0), (out.x1, out.y1)), strict=True):
            sketch.mark(digit, point)
        sketch.zone(letter, out)
    sketch.zone("A", rooms.a.inset(3, 3))
    sketch.zone("B", rooms.b.inset(3, 3))
