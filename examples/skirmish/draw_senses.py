"""Draws docs/images/senses-*.png: where the rays of the ray grid point, and one reading as a picture.

Run: python examples/skirmish/draw_senses.py docs/images
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap

from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.senses import surface_types
from understudy.sensors.raygrid import RAY_TYPES, RayGrid

GRID = RayGrid.foveated(15, 15)
LEVEL = "foundry"
VIEWER = np.array([[37.6, 36.9, 1.6, 26.0, -4.0]])
TEAMMATE, ENEMY, SMOKE = (RAY_TYPES.index(each) for each in ("teammate", "enemy", "smoke"))
BODIES = np.array([[[39.3, 38.9, 0, 1.7, 0.3, TEAMMATE], [42.6, 38.6, 0, 1.7, 0.3, ENEMY]]])
SPHERES = np.array([[[48.0, 41.5, 1.0, 2.5, SMOKE]]])
COLOURS = (
    *("#ffffff", "#5b6470", "#a9793f", "#d8d3c6", "#f1d36b", "#b7d3a8", "#3f7fd0", "#d03f3f", "#b9b9d6", "#000000"),
    *("#7d2b2b", "#8a3fd0"),
)


def draw(folder: Path) -> None:
    """Write both pictures."""
    figure, axes = plt.subplots(figsize=(7, 5))
    draw_directions(axes)
    save(figure, folder / "senses-directions.png")
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.6), width_ratios=(1.1, 1, 1))
    level = load_level(LEVEL)
    types = surface_types(level.heights, level.places)
    reading = GRID.on_heights(level.heights, types, VIEWER, BODIES, SPHERES)[0]
    draw_place(left, types, reading)
    draw_reading(middle, right, reading)
    save(figure, folder / "senses-reading.png")


def draw_directions(axes: Axes) -> None:
    """All rays as a player looks along them."""
    azimuths, elevations = np.meshgrid(GRID.azimuths, GRID.elevations)
    axes.scatter(azimuths, elevations, s=14, color="#3f7fd0")
    axes.axhline(0, lw=0.5, color="grey")
    axes.axvline(0, lw=0.5, color="grey")
    axes.set(
        xlabel="azimuth from the heading, degrees, positive to the right",
        ylabel="elevation from the pitch, degrees, positive up",
        title="15 × 15 rays over 100 × 70 degrees",
        aspect="equal",
    )


def draw_place(axes: Axes, types: np.ndarray, reading: np.ndarray) -> None:
    """The level from above, with the rays of the middle row."""
    axes.imshow(types + 1, origin="lower", extent=(0, types.shape[1], 0, types.shape[0]), **colours())
    x, y, _, heading, _ = VIEWER[0]
    row = len(GRID.elevations) // 2
    for azimuth, (cm, _) in zip(GRID.azimuths, reading[row], strict=True):
        angle = np.radians(heading - azimuth)
        axes.plot([x, x + np.cos(angle) * cm / 100], [y, y + np.sin(angle) * cm / 100], lw=0.8, color="#204a87")
    for thing in (*BODIES[0], *SPHERES[0]):
        radius = thing[-2]
        axes.add_patch(plt.Circle(thing[:2], radius, color=COLOURS[int(thing[-1]) + 1], alpha=0.9))
    axes.set(
        xlim=(x - 2, x + 18),
        ylim=(y - 6, y + 12),
        title=f"{LEVEL} from above, and the middle row of rays",
        xlabel="x, m",
        ylabel="y, m",
    )


def draw_reading(distances: Axes, kinds: Axes, reading: np.ndarray) -> None:
    """The two channels, each ray as a pixel."""
    shown = distances.imshow(reading[..., 0] / 100, cmap="viridis_r", norm="log", vmin=1, vmax=100)
    distances.figure.colorbar(shown, ax=distances, label="metres")
    distances.set(title="distance", xlabel="left to right", ylabel="top to bottom")
    shown = kinds.imshow(reading[..., 1], **colours())
    bar = kinds.figure.colorbar(shown, ax=kinds, ticks=range(len(RAY_TYPES) + 1))
    bar.ax.set_yticklabels(("nothing", *RAY_TYPES))
    kinds.set(title="type", xlabel="left to right")
    for axes in (distances, kinds):
        axes.set(xticks=(0, 7, 14), yticks=(0, 7, 14))


def colours() -> dict[str, object]:
    """A colour for nothing and for each type."""
    return {"cmap": ListedColormap(COLOURS), "norm": BoundaryNorm(np.arange(len(COLOURS) + 1) - 0.5, len(COLOURS))}


def save(figure: plt.Figure, path: Path) -> None:
    """Write a picture, and say so."""
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)
    print(path)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
