"""Where each episode of an exploration went, and with which style: one line of JSON each, for maps of what was covered.

Positions are the game's own (privileged): they are for people to look at, and no agent reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from understudy.training.exploration.vector import Step

FILE = "trails.jsonl"


@dataclass(frozen=True)
class Trail:
    """Where one episode went.

    Attributes:
        iteration: It was played in, from 1.
        game: Its number.
        style: Alpha, then a weight for each preference.
        positions: One per decision, rounded; none where the game does not tell.
    """

    iteration: int
    game: int
    style: tuple[float, ...]
    positions: list[list[float]]


def cut_trails(steps: Sequence[Step], iteration: int) -> list[Trail]:
    """Cut an iteration into its episodes."""
    trails = []
    for game in range(len(steps[0].starts)):
        starts = [at for at, step in enumerate(steps) if step.starts[game]]
        for start, stop in zip(starts, [*starts[1:], len(steps)], strict=True):
            told = [step.positions[game] for step in steps[start:stop]]
            positions = [np.round(each, 2).tolist() for each in told if each is not None]
            trails.append(Trail(iteration, game, tuple(steps[start].styles[game].tolist()), positions))
    return trails


def append_trails(folder: Path, trails: Iterable[Trail]) -> None:
    """Add lines."""
    with (folder / FILE).open("a") as file:
        file.writelines(json.dumps(asdict(each)) + "\n" for each in trails)


def read_trails(folder: Path, upto: int | None = None) -> list[Trail]:
    """Read the lines of iterations up to `upto`, or of all; a last line that was cut off is left out."""
    path = folder / FILE
    trails = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            form = json.loads(line)
        except ValueError:
            break
        trails.append(Trail(form["iteration"], form["game"], tuple(form["style"]), form["positions"]))
    return [each for each in trails if upto is None or each.iteration <= upto]


def keep_trails(folder: Path, upto: int) -> None:
    """Drop the lines of iterations after `upto`, which will be played again."""
    kept = read_trails(folder, upto)
    partial = (folder / FILE).with_suffix(".part")
    partial.write_text("".join(json.dumps(asdict(each)) + "\n" for each in kept))
    partial.rename(folder / FILE)
