"""A small park made by hand: gentle ground, a house with a door and stairs, trees, a pond, and whatever a test adds."""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.envs.parkland.env import ParklandEnv
from understudy.envs.parkland.layout import (
    SURFACES,
    Building,
    Door,
    Layout,
    PlantedBug,
    Prop,
    Quest,
    Room,
    Trail,
    Trigger,
)
from understudy.envs.parkland.solids import KINDS, TEXTURES, Solids

FORWARD, RUN = 1, 1
SIDE = 128.0
LEVEL = 5.0
"""Elevation of the ground, but for the pond and the hill."""
DOORWAY = (60.0, 54.0)
"""Middle of the house's doorway, in its south wall; the house is 60 ± 5 and 60 ± 6."""


def box(
    kind: str, low: tuple[float, float, float], high: tuple[float, float, float], texture: str = "brick", **flags: bool
) -> dict[str, Any]:
    """Return one box from corner to corner."""
    ends = np.array([low, high], np.float32)
    return {
        "centre": ends.mean(0),
        "half": (ends[1] - ends[0]) / 2,
        "heading": 0.0,
        "kind": KINDS.index(kind),
        "texture": TEXTURES.index(texture),
        "collides": flags.get("collides", True),
        "visible": flags.get("visible", True),
    }


def solids(boxes: list[dict[str, Any]]) -> Solids:
    """Return boxes as arrays."""
    kinds = {"kind": np.uint8, "texture": np.uint8, "collides": bool, "visible": bool}
    rows = {
        name: np.array([each[name] for each in boxes], kinds.get(name, np.float32)) for name in Solids.__annotations__
    }
    rows["centre"], rows["half"] = rows["centre"].reshape(-1, 3), rows["half"].reshape(-1, 3)
    return Solids(**rows)


def house() -> list[dict[str, Any]]:
    """Return four walls with a doorway in the south, two floors, stairs between them, and a roof."""
    z = LEVEL
    walls = [
        box("wall", (55, 66, z), (65, 66.3, z + 6)),
        box("wall", (55, 54, z), (55.3, 66, z + 6)),
        box("wall", (64.7, 54, z), (65, 66, z + 6)),
        box("wall", (55, 53.9, z), (59.4, 54.1, z + 6)),
        box("wall", (60.6, 53.9, z), (65, 54.1, z + 6)),
        box("wall", (59.4, 53.9, z + 2.2), (60.6, 54.1, z + 6)),
    ]
    steps = [box("step", (63.2, 56 + 0.3 * i, z), (64.6, 56.3 + 0.3 * i, z + 0.2 * (i + 1)), "wood") for i in range(15)]
    upper = box("floor", (55.3, 54.1, z + 2.9), (63.2, 66, z + 3.1), "planks")
    landing = box("floor", (63.2, 60.5, z + 2.9), (64.7, 66, z + 3.1), "planks")
    return [*walls, *steps, upper, landing, box("roof", (54.5, 53.4, z + 6), (65.5, 66.8, z + 6.3), "slate")]


def toy_layout(
    extra: tuple[dict[str, Any], ...] = (),
    bugs: tuple[PlantedBug, ...] = (),
    props: tuple[Prop, ...] = (),
) -> Layout:
    """Return a park of 128 m with a house, a pond in the west, a hill in the north-east, trees in the south-east."""
    n = 65
    ys, xs = np.mgrid[0:n, 0:n] * (SIDE / (n - 1))
    pond = 1.6 * np.exp(-((xs - 25) ** 2 + (ys - 64) ** 2) / 120)
    hill = 12 * np.exp(-((xs - 105) ** 2 + (ys - 105) ** 2) / 150)
    heights = (LEVEL - pond + hill).astype(np.float32)
    heights[np.abs(heights - LEVEL) < 0.02] = LEVEL
    surface = np.full((n - 1, n - 1), SURFACES.index("grass"), np.uint8)
    surface[:, 28:32] = SURFACES.index("trail")
    rng = np.random.default_rng(0)
    trunks = np.column_stack(
        [
            *rng.uniform([80, 8], [120, 48], (30, 2)).T,
            np.full(30, LEVEL),
            np.full(30, 0.25),
            rng.uniform(5, 9, 30),
        ]
    )
    walk = np.array([[60, y, LEVEL] for y in range(4, 54, 2)], np.float32)
    bench = Prop(0, "bench", 57.0, 40.0, LEVEL, 0.0, True, TEXTURES.index("wood"))
    statue = Prop(1, "statue", 64.0, 40.0, LEVEL, 180.0, True, TEXTURES.index("marble"))
    return Layout(
        seed=0,
        side=SIDE,
        heights=heights,
        surface=surface,
        water_level=LEVEL - 0.4,
        bounds=(4.0, 4.0, SIDE - 4, SIDE - 4),
        trails=(Trail("golden", walk, 2.5),),
        solids=solids([*house(), *extra]),
        trunks=trunks.astype(np.float32),
        props=(bench, statue, *props),
        doors=(Door(0, (59.4, 54.0, LEVEL), 1.2, 0.0, 0),),
        buildings=(
            Building(0, (55, 54, 65, 66.3), (LEVEL, LEVEL + 3.1), 6.3, (Room((55.3, 54.1, 64.7, 66), LEVEL, 0),)),
        ),
        quests=(Quest(0, "stroll", ((60, 30, LEVEL, 2.0), (60, 40, LEVEL, 2.0))),),
        triggers=(Trigger(0, (60.0, 48.0, LEVEL), 1.5),),
        start=(60.0, 20.0, LEVEL, 90.0),
        bugs=bugs,
    )


def bug(
    kind: str, position: tuple[float, float, float] = (60.0, 30.0, LEVEL), radius: float = 1.2, **details: Any
) -> PlantedBug:
    """Return a planted bug; by default it lies north of the start, on the way to the house."""
    return PlantedBug(0, kind, position, radius, details)


def act(
    move: int = 0, gait: int = 0, turn: float = 0, pitch: float = 0, jump: int = 0, interact: int = 0
) -> dict[str, np.ndarray]:
    """Return an action; by default one stands."""
    choices = {"move": move, "gait": gait, "jump": jump, "interact": interact}
    angles = {"turn": turn, "pitch": pitch}
    return {
        **{name: np.array(value, np.int64) for name, value in choices.items()},
        **{name: np.array(value, np.float32) for name, value in angles.items()},
    }


def make(*bugs: PlantedBug, **layout: Any) -> ParklandEnv:
    """Return an environment of the toy park with bugs, reset, with a small picture."""
    env = ParklandEnv(layout=toy_layout(bugs=bugs, **layout), size=16)
    env.reset()
    return env


def run_north(env: ParklandEnv, decisions: int, **action: int) -> dict[str, Any]:
    """Run ahead, from the start to the north, and return the last info."""
    for _ in range(decisions):
        info = env.step(act(FORWARD, RUN, **action))[4]
    return info
