"""What the playtest runner costs a fast Gymnasium game: CPU time per decision, beside a bare loop of `env.step`.

    python benchmarks/playtest_overhead.py

The worker's loop and a bare loop play the same game with the same player, neither recorded. The parent works beside the
worker, on another core; what it takes per decision bounds how fast all workers of a playtest can be together.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import gymnasium
import numpy as np
from _table import Row, report

from understudy.playtest.run.builder import TraceBuilder
from understudy.playtest.run.game import Game
from understudy.playtest.run.job import Job
from understudy.playtest.run.keeper import Keeper
from understudy.playtest.run.reports import ReportReader, ReportWriter
from understudy.playtest.run.ring import Ring, make_ring_file
from understudy.playtest.run.trace import Run
from understudy.playtest.run.worker import _Loop
from understudy.playtest.spec import GameSpec, PlaytestSpec
from understudy.spec import Action, BehaviorSpec, Observation

GAMES = ("CartPole-v1", "MountainCar-v0", "Acrobot-v1")
DECISIONS = 5000
REPEATS = 7
TARGET = 0.05


class Coin:
    """A random player that costs next to nothing, since it is not what is measured."""

    def __init__(self, behavior: BehaviorSpec) -> None:
        self.behavior = behavior
        count = int(behavior.actions[0].space.n)  # type: ignore[union-attr]
        choices = np.random.default_rng(0).integers(0, count, DECISIONS)
        self._actions: list[Action] = [{"action": np.int64(each)} for each in choices]
        self._next = 0

    def reset(self, seed: int) -> None:  # noqa: ARG002
        """Start from the first choice."""
        self._next = 0

    def act(self, observation: Observation) -> Action:  # noqa: ARG002
        """Return the next choice."""
        self._next = (self._next + 1) % DECISIONS
        return self._actions[self._next]

    def close(self) -> None:
        """Nothing to release."""


class Endless(gymnasium.Wrapper):
    """The game without an end, so that one run is long enough to be timed."""

    def step(self, action):  # type: ignore[no-untyped-def]
        """Step, and go on."""
        seen, reward, _, _, info = self.env.step(action)
        return seen, reward, False, False, info


def make(name: str) -> gymnasium.Env:
    """The bare game."""
    return Endless(gymnasium.make(name, disable_env_checker=True, max_episode_steps=10**9).unwrapped)


def bare_us(name: str) -> float:
    """Microseconds a decision of the bare loop."""
    env = make(name)
    env.reset(seed=0)
    choices = [int(each["action"]) for each in Coin(Game(GameSpec(id=name), Path(), pictures=False).behavior)._actions]
    begun = time.thread_time()
    for choice in choices:
        env.step(choice)
    return (time.thread_time() - begun) / DECISIONS * 1e6


def worker_us(name: str) -> tuple[float, bytes]:
    """Microseconds a decision of the worker's loop, and what it reported."""
    spec = GameSpec(id=name)
    game = Game(spec, Path(), pictures=False)
    game.env = make(name)
    descriptor = make_ring_file(16 << 20)
    ring = Ring(descriptor)
    reports = ReportWriter(ring.write)
    seen, info = game.reset(0)
    reports.ready(game.behavior, {"lines": [], "survey": {}})
    job = Job(game=spec, folder=Path(), seed=0, steps=DECISIONS, recording=Path("none"), record=False, pictures=False)
    loop = _Loop(game, Coin(game.behavior), Keeper(job, game, info), None, ring, reports)
    begun = time.thread_time()
    loop.run(DECISIONS, seen, info)
    spent = time.thread_time() - begun
    reader = Ring(descriptor)
    os.close(descriptor)
    return spent / DECISIONS * 1e6, reader.take()


def parent_us(name: str, stream: bytes) -> float:
    """Microseconds a decision that the parent takes: reading, the usual oracles, coverage."""
    personas = [{"name": "coin", "agent": "random"}]
    spec = PlaytestSpec.model_validate({"game": {"id": name}, "personas": personas})
    builder = TraceBuilder(spec, Run(spec.personas[0], 0, Path("none")))
    begun = time.thread_time()
    for each in ReportReader().feed(stream):
        builder.take(each)
    return (time.thread_time() - begun) / DECISIONS * 1e6


def rows() -> list[Row]:
    """By game, what the worker's loop adds to a step of the bare one."""
    gymnasium.logger.min_level = gymnasium.logger.ERROR  # CartPole minds being played on
    found = []
    for name in GAMES:
        bare = min(bare_us(name) for _ in range(REPEATS))
        worker, stream = min((worker_us(name) for _ in range(REPEATS)), key=lambda each: each[0])
        parent = min(parent_us(name, stream) for _ in range(REPEATS))
        adds = max(worker - bare, 1e-3)
        note = f"{bare:.1f} µs bare, {adds:.1f} more in the worker; the parent beside it {parent:.1f}"
        note += f"; under 5 % of games up to {TARGET / adds * 1e6:,.0f} steps/s"
        found.append(Row(f"runner overhead on {name}", adds / bare, TARGET, "share", at_most=True, note=note))
    return found


if __name__ == "__main__":
    report("playtest-overhead", rows())
