"""Promise: parkland plays at 0.7 or more of the frame rate at which the bare engine draws the same pictures.

python benchmarks/parkland.py [--size PIXELS] [--decisions N]

A scripted player runs along the main trail and in and out of what stands there. The bare engine then draws, and reads
back, the very same pictures from the same places: no physics, no rules, no sensors, no checks.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from _parts import to_json
from _table import Row, interleaved, report

from understudy.envs.parkland.env import ParklandEnv
from understudy.envs.parkland.panda import Screen
from understudy.envs.parkland.scene import Scene
from understudy.envs.parkland.state import State

SIZE, DECISIONS, REPEATS, SEED = 84, 600, 7, 0
FORWARD, RUN = 1, 1
AHEAD = 3.0
"""How far ahead on the trail the player aims, metres."""


def rows(size: int = SIZE, decisions: int = DECISIONS) -> list[Row]:
    """Time play and bare drawing in turn; medians."""
    env = ParklandEnv(seed=SEED, size=size, max_seconds=decisions)
    actions, states = rehearse(env, decisions)
    playing_s, drawing_s = interleaved(player(env, actions), drawer(env, states), REPEATS)
    note = (
        f"{size}×{size}, {decisions} decisions of six physics steps each, {num_things(env)} things, one thread, medians"
    )
    return [
        Row("parkland against the bare engine at the same pictures", drawing_s / playing_s, 0.7, note=note),
        Row("decisions with their pictures", decisions / playing_s, 1000, "decisions/s", note=note),
        Row("pictures of the bare engine", decisions / drawing_s, 1000, "pictures/s", note=note),
    ]


def rehearse(env: ParklandEnv, decisions: int) -> tuple[list[dict[str, np.ndarray]], list[State]]:
    """Run along the main trail with a wavering view; return the actions and the states they led to."""
    trail, rng = env.layout.trail("golden").points, np.random.default_rng(SEED)
    actions: list[dict[str, np.ndarray]] = []
    states: list[State] = []
    env.reset()
    aim = int(np.argmin(np.linalg.norm(trail[:, :2] - env.get_state().walker.feet[:2], axis=1)))
    for _ in range(decisions):
        state = env.get_state()
        while math.dist(state.walker.feet[:2], trail[aim, :2]) < AHEAD:
            aim = (aim + 1) % len(trail)
        way = math.degrees(math.atan2(trail[aim, 1] - state.walker.y, trail[aim, 0] - state.walker.x))
        turn = (state.heading - way + 180) % 360 - 180 + rng.normal(0, 6)
        actions.append(action(turn, rng.normal(0, 2), rng))
        env.step(actions[-1])
        states.append(env.get_state())
    return actions, states


def action(turn: float, pitch: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Run ahead, now and then with a jump or a look at things."""
    chosen: dict[str, Any] = {
        "move": FORWARD,
        "gait": RUN,
        "jump": rng.random() < 0.05,
        "interact": rng.random() < 0.05,
    }
    angles = {"turn": np.clip(turn, -45, 45), "pitch": np.clip(pitch, -30, 30)}
    return {
        **{name: np.array(value, np.int64) for name, value in chosen.items()},
        **{name: np.array(value, np.float32) for name, value in angles.items()},
    }


def player(env: ParklandEnv, actions: list[dict[str, np.ndarray]]) -> Callable[[], None]:
    """Return what plays the actions from the start."""

    def play() -> None:
        env.reset()
        for each in actions:
            env.step(each)

    return play


def drawer(env: ParklandEnv, states: list[State]) -> Callable[[], None]:
    """Return what draws a scene of the same park from where the player was, and reads each picture back as bytes."""
    size = env.behavior.sensor("frame").shape
    scene, screen = Scene(env.layout), Screen(*size[:2])
    screen.camera.reparent_to(scene.root)
    scene.prepare(screen.gsg)
    scene.look_from(*states[0].walker.eyes)
    places = [(*state.walker.eyes, state.heading - 90, state.pitch, 0) for state in states]
    camera, engine, picture = screen.camera, screen.engine, screen.picture

    def draw() -> None:
        for place in places:
            camera.set_pos_hpr(*place)
            engine.render_frame()
            picture.get_ram_image_as("RGB")

    return draw


def num_things(env: ParklandEnv) -> int:
    """Count the boxes, trees, props and doors of the park."""
    park = env.layout
    return len(park.solids) + len(park.trunks) + len(park.props) + len(park.doors)


def main() -> None:
    """Print a table and keep it, or print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=SIZE, help="of the picture, pixels")
    parser.add_argument("--decisions", type=int, default=DECISIONS, help="how many are played")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # as another benchmark's: its rows as JSON
    asked = parser.parse_args()
    found = rows(asked.size, asked.decisions)
    if asked.part:
        print(to_json(found))
    else:
        report("parkland", found)


if __name__ == "__main__":
    main()
