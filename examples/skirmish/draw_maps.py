"""Draws the levels of skirmish for `docs/skirmish/maps.md`, and prints its table.

Run `python examples/skirmish/draw_maps.py docs/images`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from understudy.envs.skirmish.level import COVER, LANES, MAP_NAMES, PLACES_MARKED, WALL, Level, load_level
from understudy.envs.skirmish.maps.measures import measure

GENERATED = tuple(f"generated-{seed}" for seed in range(6))
FLOOR, WALLS, COVERS = "#f3f1ec", "#3b4048", "#b08d57"
PLACE_COLOURS = ("#f2c9c9", "#c9d8f2", "#e8b27a", "#9fcf9f")
LANE_COLOURS = ("#c0392b", "#7d5ba6", "#1f5fbf")


def main(folder: Path) -> None:
    """Draw one picture of each map and one of some generated levels, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in MAP_NAMES:
        _save([load_level(name)], (1, 1), folder / f"skirmish-{name}.png")
    _save([load_level(name) for name in GENERATED], (2, 3), folder / "skirmish-generated.png")
    print(table([load_level(name) for name in (*MAP_NAMES, *GENERATED)]))


def table(levels: list[Level]) -> str:
    """Return the levels' measures as a Markdown table."""
    rows = [
        "| level | size, m | attackers to a, b, s | defenders to a, b, s | longest and median sight, m "
        "| cover, at a, at b, % | attackers' ways into a, b |",
        "|---|---|---|---|---|---|---|",
    ]
    for level in levels:
        of = measure(level)
        cover = " / ".join(f"{100 * share:.1f}" for share in (of.cover_share, *of.site_cover))
        rows.append(
            f"| {level.name} | {level.num_cols} × {level.num_rows} "
            f"| {of.attack_seconds[0]:.1f}, {of.attack_seconds[1]:.1f} "
            f"| {of.defend_seconds[0]:.1f}, {of.defend_seconds[1]:.1f} "
            f"| {of.longest_sight:.0f}, {of.median_sight:.0f} | {cover} | {of.attack_ways[0]}, {of.attack_ways[1]} |"
        )
    return "\n".join(rows)


def _save(levels: list[Level], shape: tuple[int, int], out: Path) -> None:
    """Draw levels side by side to a PNG."""
    figure, axes = plt.subplots(*shape, figsize=(4.6 * shape[1], 4.6 * shape[0]), layout="constrained", squeeze=False)
    for each, level in zip(axes.flat, levels, strict=True):
        _draw(each, level)
    figure.savefig(out, dpi=80 if len(levels) > 1 else 100, bbox_inches="tight")
    plt.close(figure)
    print(f"Wrote {out}")


def _draw(axes: mpl.axes.Axes, level: Level) -> None:
    axes.imshow(_picture(level), origin="lower", extent=(0, level.num_cols, 0, level.num_rows))
    for lane, colour in zip(LANES, LANE_COLOURS, strict=True):
        axes.plot(*level.lanes[lane].T, color=colour, linewidth=1.4, label=f"lane {lane}")
    for side, colour in zip(level.spawns, ("#b3541e", "#2b8a4b"), strict=True):
        turns = np.radians(side[:, 2])
        axes.quiver(side[:, 0], side[:, 1], np.cos(turns), np.sin(turns), color=colour, scale=28, width=0.008)
    for letter, site in (("A", 1), ("B", 2)):
        rows, columns = np.nonzero(level.places == site)
        axes.text(
            columns.mean() + 0.5, rows.mean() + 0.5, letter, fontsize=18, color="#00000070", ha="center", va="center"
        )
    axes.set_title(f"{level.name}, metres", fontsize=10)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=6, loc="lower right", framealpha=0.8)


def _picture(level: Level) -> np.ndarray:
    """The cells' colours, shape (rows, columns, 3)."""
    colours = mpl.colors.to_rgb
    picture = np.full((*level.heights.shape, 3), colours(FLOOR))
    for index, colour in enumerate(PLACE_COLOURS[: len(PLACES_MARKED)]):
        picture[level.places == index + 1] = colours(colour)
    picture[level.heights == COVER] = colours(COVERS)
    picture[level.heights == WALL] = colours(WALLS)
    return picture


if __name__ == "__main__":
    main(Path(sys.argv[1]))
