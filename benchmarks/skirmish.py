"""Promise: skirmish plays and senses at least 40,000 agent-steps a second on one core.

python benchmarks/skirmish.py [--rounds B] [--json]

The actions are those of a rehearsal in which agents walk the maps and shoot, so that what is timed is the game alone.
Only living agents are counted.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from _parts import to_json
from _table import Row, interleaved, report

from understudy.envs.skirmish.behavior import SENSORS
from understudy.envs.skirmish.level import MAP_NAMES
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.vector import SkirmishVector

ROUNDS, DECISIONS, REPEATS, SEED = 64, 240, 7, 0
FORWARD, RUN, WALK = 1, 0, 1


def rows(num_rounds: int = ROUNDS) -> list[Row]:
    """Time the same 15 seconds of play with all sensors and with none but the own state, in turn; medians."""
    actions, num_steps = rehearse(num_rounds)
    sensing, bare = player(num_rounds, actions, SENSORS), player(num_rounds, actions, ("self",))
    with_s, without_s = interleaved(sensing, bare, REPEATS)
    note = (
        f"{num_rounds} rounds on {len(MAP_NAMES)} maps, {DECISIONS} decisions, {num_steps} agent-steps of the living, "
        "one thread, medians"
    )
    return [
        Row("skirmish with all sensors", num_steps / with_s / 1e3, 40, "thousand agent-steps/s", note=note),
        Row("with all sensors against the same steps with the own state alone", without_s / with_s, 0.1, note=note),
        Row("skirmish with the own state alone", num_steps / without_s / 1e3, 40, "thousand agent-steps/s", note=note),
    ]


def player(num_rounds: int, actions: list[dict[str, np.ndarray]], sensors: tuple[str, ...]) -> Callable[[], None]:
    """Return what plays the actions from the start."""
    vector = SkirmishVector(MAP_NAMES, num_rounds, SEED, sensors=sensors, auto_reset=True)

    def play() -> None:
        vector.reset(SEED)
        for each in actions:
            vector.step(each)

    return play


def rehearse(num_rounds: int) -> tuple[list[dict[str, np.ndarray]], int]:
    """Let agents walk to places and shoot now and then; return their actions, and how many the living made."""
    vector = SkirmishVector(MAP_NAMES, num_rounds, SEED, sensors=("ways",), auto_reset=True)
    rng = np.random.default_rng(SEED)
    readings, actions, num_steps = vector.reset(SEED), [], 0
    shape = (num_rounds, NUM_AGENTS)
    goals = rng.integers(0, 5, shape)
    for _ in range(DECISIONS):
        goals = np.where(rng.random(shape) < 0.01, rng.integers(0, 5, shape), goals)
        actions.append(wander(readings["ways"], goals, rng))
        num_steps += int(vector.world.alive[~vector.over].sum())
        readings = vector.step(actions[-1])
    return actions, num_steps


def wander(ways: np.ndarray, goals: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Actions that follow the way to each agent's goal, with a wavering view and some shots."""
    way = np.take_along_axis(ways, goals[..., None, None], axis=2)[:, :, 0]
    turn = np.degrees(np.arctan2(way[..., 0], way[..., 1])) + rng.normal(0, 8, goals.shape)
    return {
        "move": np.full(goals.shape, FORWARD),
        "gait": np.where(rng.random(goals.shape) < 0.2, WALK, RUN),
        "turn": np.clip(turn, -60, 60).astype(np.float32),
        "pitch": np.clip(rng.normal(0, 1, goals.shape), -30, 30).astype(np.float32),
        "fire": (rng.random(goals.shape) < 0.05).astype(np.int64),
        "act": np.where(rng.random(goals.shape) < 0.01, 2, 0),
    }


def main() -> None:
    """Print a table and keep it, or print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how many rounds are stepped together")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead of keeping them")
    asked = parser.parse_args()
    found = rows(asked.rounds)
    if asked.json:
        print(to_json(found))
    else:
        report("skirmish", found)


if __name__ == "__main__":
    main()
