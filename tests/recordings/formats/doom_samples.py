"""Vanilla Doom demos: the beginning of a person's, cut short, with an end mark of its own."""

from __future__ import annotations

import random
from pathlib import Path

REPLAYS = True
_HEADER = 13


def sample_log(folder: Path, seed: int) -> Path:
    """Write the first tics of a Freedoom demo."""
    from understudy.envs.doom.lmp import Demo
    from understudy.envs.doom.sources import find_demo_wads
    from understudy.envs.doom.wad import Wad

    name = random.Random(seed).choice(("DEMO1", "DEMO2", "DEMO3"))
    whole = Demo.parse(Wad.open(find_demo_wads()[1]).read(name), name)
    path = folder / f"short-{seed}.lmp"
    # Of Freedoom 2's maps, only those from MAP10 on are surely not of the first game.
    header = bytearray(whole.header)
    header[3] = max(header[3], 10)
    path.write_bytes(Demo(bytes(header), whole.tics[: 20 + seed % 30]).to_bytes())
    return path
