"""The weapon in the player's own hands, as capsules before the eye."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from understudy.envs.skirmish.viewer.poses import Color, capsule

_METAL: Color = (46, 48, 54)
_GRIP: Color = (70, 62, 52)
_LENS: Color = (40, 120, 150)
_GLOVE: Color = (58, 60, 66)
_FLASH: Color = (255, 226, 140)
_RIGHT, _BELOW = -0.2, -0.19


class Place(Protocol):
    """From metres ahead, to the left and up of the middle of a weapon to a point before the eye."""

    def __call__(self, ahead: float, left: float = 0.0, up: float = 0.0) -> tuple[float, float, float]:
        """Return the point."""
        ...


def held(weapon: int, sleeve: Color, *, firing: bool, kick: float, stride: float, lowered: float) -> np.ndarray:
    """Return the capsules of a weapon and of the hands on it, float64, shape (n, `figures.COLUMNS`).

    They lie in the eye's own coordinates, metres ahead, to the left and up.

    Args:
        weapon: 0 pistol, 1 rifle, 2 sniper.
        sleeve: Colour of the arms.
        firing: True draws a flash at the muzzle.
        kick: Degrees of recoil, which push the weapon back and up.
        stride: Where the player is in its stride, in turns: the weapon sways.
        lowered: 0 to 1: how far it is taken down, to load it.
    """
    sway = 0.008 * math.sin(2 * math.pi * stride)
    back = -0.012 * min(kick, 3.0)
    down = _BELOW - 0.22 * lowered - abs(sway) + 0.004 * kick

    def at(ahead: float, left: float = 0.0, up: float = 0.0) -> tuple[float, float, float]:
        return ahead + back, _RIGHT + left + sway + (ahead - 0.4) * 0.06, down + up + (ahead - 0.4) * 0.1

    muzzle, rows = (_pistol, _rifle, _sniper)[weapon](at)
    rows += _arms(at, sleeve, both_ahead=weapon > 0)
    if firing:
        rows.append(capsule(at(muzzle + 0.03, 0, 0.02), at(muzzle + 0.1, 0, 0.02), 0.022, _FLASH, glow=1.0))
    return np.asarray(rows, np.float64)


def _pistol(at: Place) -> tuple[float, list[tuple[float, ...]]]:
    return 0.58, [
        capsule(at(0.37, 0, 0.022), at(0.58, 0, 0.022), 0.0125, _METAL, 0.3),
        capsule(at(0.37, 0, 0.004), at(0.53, 0, 0.006), 0.012, _GRIP),
        capsule(at(0.57, 0, 0.037), at(0.575, 0, 0.037), 0.003, _METAL),
        capsule(at(0.385, 0, -0.01), at(0.365, 0, -0.075), 0.015, _GRIP),
    ]


def _rifle(at: Place) -> tuple[float, list[tuple[float, ...]]]:
    return 0.95, [
        capsule(at(0.2, 0, 0.0), at(0.56, 0, 0.02), 0.026, _METAL, 0.3),
        capsule(at(0.56, 0, 0.02), at(0.76, 0, 0.02), 0.022, _GRIP),
        capsule(at(0.76, 0, 0.02), at(0.95, 0, 0.02), 0.009, _METAL),
        capsule(at(0.48, 0, -0.02), at(0.54, 0, -0.12), 0.018, _METAL),
        capsule(at(0.34, 0, 0.05), at(0.46, 0, 0.05), 0.012, _METAL),
        capsule(at(0.74, 0, 0.04), at(0.74, 0, 0.06), 0.006, _METAL),
    ]


def _sniper(at: Place) -> tuple[float, list[tuple[float, ...]]]:
    return 1.2, [
        capsule(at(0.2, 0, 0.0), at(0.66, 0, 0.01), 0.028, _GRIP, 0.3),
        capsule(at(0.6, 0, 0.02), at(1.2, 0, 0.02), 0.011, _METAL),
        capsule(at(0.34, 0, 0.065), at(0.54, 0, 0.065), 0.018, _METAL),
        capsule(at(0.32, 0, 0.065), at(0.33, 0, 0.065), 0.022, _LENS, glow=0.5),
        capsule(at(0.46, 0, -0.02), at(0.47, 0, -0.08), 0.018, _METAL),
    ]


def _arms(at: Place, sleeve: Color, *, both_ahead: bool) -> list[tuple[float, ...]]:
    """The right hand at the grip, the left one on the barrel, or both at the grip of a pistol."""
    left_hand = at(0.62, 0.02, -0.02) if both_ahead else at(0.38, 0.03, -0.06)
    right_hand = at(0.36, 0, -0.04)
    return [
        capsule(right_hand, at(0.38, 0, -0.05), 0.032, _GLOVE),
        capsule(right_hand, at(0.12, -0.1, -0.2), 0.036, sleeve, 0.3),
        capsule(left_hand, left_hand, 0.034, _GLOVE),
        capsule(left_hand, at(0.25, 0.22, -0.24), 0.036, sleeve, 0.3),
    ]
