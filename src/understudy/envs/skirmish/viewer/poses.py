"""From an agent to the capsules that it is drawn with: legs that stride, a torso, arms on a weapon, a head.

Torso and head fill the cylinders that shots hit; arms and legs reach out of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from understudy.envs.skirmish.viewer.figures import COLUMNS

Color = tuple[int, int, int]

FRIEND: Color = (64, 148, 235)
ENEMY: Color = (226, 62, 50)
_STANDING = {"hip": 0.86, "shoulder": 1.36, "head": 1.58}
_CROUCHED = {"hip": 0.46, "shoulder": 0.78, "head": 0.98}
_SKIN: Color = (205, 160, 128)
_DARK: Color = (44, 46, 52)
_CLOTH: Color = (86, 84, 78)
_GUN: Color = (34, 35, 38)
_BARREL_M = (0.28, 0.62, 0.85)
"""How far each weapon reaches before the shoulder."""


@dataclass(frozen=True)
class Figure:
    """One agent as it is seen.

    Attributes:
        x: Metres.
        y: Metres.
        heading: Degrees, counter-clockwise from +x.
        pitch: Degrees, positive up.
        color: Of its armour.
        crouched: True if it is.
        alive: False draws it lying on the floor.
        stride: Where it is in its stride, in turns; stands still if `speed` is 0.
        speed: Metres a second.
        weapon: 0 pistol, 1 rifle, 2 sniper.
        firing: True draws a flash at its muzzle.
    """

    x: float
    y: float
    heading: float
    pitch: float
    color: Color
    crouched: bool = False
    alive: bool = True
    stride: float = 0.0
    speed: float = 0.0
    weapon: int = 0
    firing: bool = False


def capsule(
    start: Iterable[float], end: Iterable[float], radius: float, color: Color, rim: float = 0.0, glow: float = 0.0
) -> tuple[float, ...]:
    """Return a row for `figures.draw_figure`."""
    return (*start, *end, radius, *color, rim, glow)


def pose(figure: Figure) -> np.ndarray:
    """Return an agent's capsules, float64, shape (n, COLUMNS)."""
    rows = _standing(figure) if figure.alive else _lying(figure)
    return np.asarray(rows, np.float64).reshape(-1, COLUMNS)


def _standing(figure: Figure) -> list[tuple[float, ...]]:
    high = _CROUCHED if figure.crouched else _STANDING
    at = _Frame(figure.x, figure.y, figure.heading)
    head = at(0.0, 0.0, high["head"])
    return [
        *_legs(at, figure, high["hip"]),
        capsule(at(0, 0, high["hip"]), at(0, 0, high["shoulder"] - 0.1), 0.19, figure.color, rim=1.0),
        capsule(at(0, 0.15, high["shoulder"]), at(0, -0.15, high["shoulder"]), 0.11, figure.color, rim=1.0),
        capsule(at(-0.17, 0, high["hip"] + 0.15), at(-0.15, 0, high["shoulder"] - 0.06), 0.1, _DARK),
        capsule(head, head, 0.122, _SKIN),
        capsule(at(0.08, 0.05, high["head"] + 0.01), at(0.08, -0.05, high["head"] + 0.01), 0.055, _DARK),
        capsule(at(-0.02, 0, high["head"] + 0.045), at(-0.02, 0, high["head"] + 0.05), 0.135, figure.color, 1.0),
        *_arms(at, figure, high["shoulder"]),
    ]  # fmt: skip


def _legs(at: _Frame, figure: Figure, hip: float) -> list[tuple[float, ...]]:
    swing = 0.3 * min(1.0, figure.speed / 4) * math.sin(2 * math.pi * figure.stride)
    rows = []
    for side, step in ((0.1, swing), (-0.1, -swing)):
        knee = at((0.22 if figure.crouched else 0.05) + 0.55 * step, side, hip * 0.52)
        foot = at(step - 0.04, side, 0.08)
        rows.append(capsule(at(0, side, hip), knee, 0.1, _CLOTH))
        rows.append(capsule(knee, foot, 0.08, _CLOTH))
        rows.append(capsule(foot, at(step + 0.1, side, 0.06), 0.065, _DARK))
    return rows


def _arms(at: _Frame, figure: Figure, shoulder: float) -> list[tuple[float, ...]]:
    """Both hands hold the weapon, which points where the agent looks."""
    up, ahead = math.sin(math.radians(figure.pitch)), math.cos(math.radians(figure.pitch))
    grip = shoulder - 0.02

    def along(metres: float) -> tuple[float, float, float]:
        return at(0.16 + metres * ahead, -0.12, grip + metres * up)

    reach = _BARREL_M[figure.weapon]
    rows = []
    for side, hand in ((-0.23, along(0.1)), (0.23, along(min(0.36, reach * 0.6)))):
        elbow = at(0.12, side * 1.12, shoulder - 0.26)
        rows.append(capsule(at(0.0, side, shoulder - 0.02), elbow, 0.065, figure.color, 0.6))
        rows.append(capsule(elbow, hand, 0.05, _SKIN))
    rows += [
        capsule(along(0.0), along(reach * 0.6), 0.038, _GUN),
        capsule(along(reach * 0.6), along(reach), 0.022, _GUN),
    ]
    if figure.firing:
        rows.append(capsule(along(reach + 0.06), along(reach + 0.2), 0.07, (255, 224, 130), glow=1.0))
    return rows


def _lying(figure: Figure) -> list[tuple[float, ...]]:
    at = _Frame(figure.x, figure.y, figure.heading)
    muted = tuple(int(0.55 * each + 30) for each in figure.color)
    color = (muted[0], muted[1], muted[2])
    head = at(0.72, 0.05, 0.13)
    return [
        capsule(at(0.0, 0, 0.17), at(0.45, 0.02, 0.18), 0.18, color),
        capsule(at(0, 0.1, 0.12), at(-0.8, 0.24, 0.09), 0.09, _CLOTH),
        capsule(at(0, -0.1, 0.12), at(-0.82, -0.16, 0.09), 0.09, _CLOTH),
        capsule(at(0.45, 0.15, 0.14), at(0.2, 0.55, 0.07), 0.06, color),
        capsule(at(0.45, -0.15, 0.14), at(0.75, -0.48, 0.07), 0.06, color),
        capsule(head, head, 0.13, color),
    ]


@dataclass(frozen=True)
class _Frame:
    """Coordinates of a body: metres ahead, to its left, and up, from the point between its feet."""

    x: float
    y: float
    heading: float

    def __call__(self, ahead: float, left: float, up: float) -> tuple[float, float, float]:
        cos, sin = math.cos(math.radians(self.heading)), math.sin(math.radians(self.heading))
        return self.x + ahead * cos - left * sin, self.y + ahead * sin + left * cos, up


def bomb(x: float, y: float, planted: bool, blink: bool) -> np.ndarray:
    """Return the bomb's capsules: a case on the floor, with a lamp."""
    lamp: Color = (255, 60, 40) if blink else (90, 20, 20)
    rows = [
        capsule((x - 0.14, y, 0.1), (x + 0.14, y, 0.1), 0.1, (52, 56, 48), rim=0.4),
        capsule((x - 0.1, y + 0.07, 0.13), (x + 0.1, y + 0.07, 0.13), 0.07, (150, 120, 60)),
        capsule((x, y, 0.22), (x, y, 0.23), 0.05 if planted else 0.03, lamp, glow=1.0),
    ]
    return np.asarray(rows, np.float64)


def device(x: float, y: float, pulse: float) -> np.ndarray:
    """Return the capsules of a scanning device: a pin with a ball that glows by `pulse`, 0 to 1."""
    ball: Color = (int(90 + 120 * pulse), 255, int(190 + 60 * pulse))
    rows = [
        capsule((x, y, 0.05), (x, y, 0.5), 0.035, (60, 64, 70)),
        capsule((x, y, 0.6), (x, y, 0.6), 0.09 + 0.03 * pulse, ball, glow=1.0),
    ]
    return np.asarray(rows, np.float64)
