"""The README's picture: what the served bot saw in the demo, and where each player went. Run by `make picture`."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from understudy.envs import make
from understudy.recordings import Episode, open_recordings

COLOURS = {"cloned": "#1f5fbf", "scripted": "#d06a1b", "random": "#2b8a4b"}
FRAMES = 6


def main(report: Path, out: Path) -> None:
    """Draw the runs of a playtest's report to a PNG."""
    runs = {each.name: each for each in open_recordings(report / "runs")}
    figure = plt.figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.45, 1))
    _frames(left, runs["cloned-0"])
    _map(right, runs)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    print(f"Wrote {out}")


def _frames(figure: mpl.figure.SubFigure, run: Episode) -> None:
    figure.suptitle("What the cloned bot saw, and did, through the gRPC server", fontsize=11)
    for axes, step in zip(
        figure.subplots(2, FRAMES // 2).flat, np.linspace(12, run.num_steps - 12, FRAMES), strict=True
    ):
        axes.imshow(run.observation("frame", slice(int(step), int(step) + 1))[0], aspect=1.2)
        axes.set_title(_words(run, int(step)), fontsize=8, color="#444444")
        axes.axis("off")


def _words(run: Episode, step: int) -> str:
    """One decision in words."""
    said = [f"{step / run.behavior.decision_hz:.1f} s"]
    for name in ("move", "strafe"):
        label = run.behavior.action(name).labels[int(run.action(name)[step])]
        said += [] if label == "none" else [label]
    turn = float(run.action("turn")[step, 0])
    said += [f"turn {turn:+.1f}°"] if turn else []
    said += ["fire"] if run.action("fire")[step] else []
    return ", ".join(said)


def _map(figure: mpl.figure.SubFigure, runs: dict[str, Episode]) -> None:
    figure.suptitle("Where the players went in E1M6", fontsize=11)
    axes = figure.subplots()
    env = make("understudy/Doom-v0", map="E1M6")
    lines, solid = env.get_wrapper_attr("level_lines")()
    env.close()
    for (x1, y1, x2, y2), wall in zip(lines, solid, strict=True):
        axes.plot([x1, x2], [y1, y2], color="#777777" if wall else "#d8d8d8", linewidth=0.8, zorder=1)
    for name, run in runs.items():
        who = name.rsplit("-", 1)[0]
        path = run.extra("position")
        label = who if name.endswith("-0") else None
        axes.plot(path[:, 0], path[:, 1], color=COLOURS[who], linewidth=1.2, alpha=0.8, label=label, zorder=2)
    places = np.concatenate([run.extra("position")[:, :2] for run in runs.values()])
    low, high = places.min(0) - 250, places.max(0) + 250
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    axes.axis("off")
    axes.legend(loc="lower left", fontsize=9, frameon=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
