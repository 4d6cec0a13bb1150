"""A small world for imitation: walk to a flag between pillars.

Its scripted player records demonstrations, some with stretches that have nothing to do with the errand: spinning for
fun, pacing to and fro, standing idle.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from gymnasium import spaces

from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import Action, ActionSpec, BehaviorSpec, Observation, SensorSpec

SIZE, PILLARS, RADIUS, REACH = 10.0, 5, 0.9, 0.6
STRIDE, TURN = 0.25, np.radians(20)
RAYS = np.radians([-90, -45, -20, 0, 20, 45, 90])
MAX_STEPS = 150
NONE, FORWARD, LEFT, RIGHT, BACK = range(5)
BEHAVIOR = BehaviorSpec(
    "errand",
    (
        SensorSpec("flag", spaces.Box(-1, 1, (3,), np.float32)),
        SensorSpec("rays", spaces.Box(0, 1, (len(RAYS),), np.float32), "tenths of the field"),
    ),
    (ActionSpec("move", spaces.Discrete(5), labels=("none", "forward", "left", "right", "back")),),
    10.0,
)


class Errand:
    """The world. The flag is seen by its direction and distance, pillars and walls by rays.

    Args:
        seed: Of the pillars, the start and the flag.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.pillars = rng.uniform(1.5, SIZE - 1.5, (PILLARS, 2))
        self.place, self.flag = (self._free(rng) for _ in range(2))
        while np.linalg.norm(self.place - self.flag) < SIZE / 2:
            self.place, self.flag = (self._free(rng) for _ in range(2))
        self.heading = rng.uniform(-np.pi, np.pi)

    def observe(self) -> Observation:
        """What is seen from here."""
        gap = self.flag - self.place
        angle = np.arctan2(gap[1], gap[0]) - self.heading
        seen = [np.cos(angle), np.sin(angle), min(1.0, np.linalg.norm(gap) / SIZE)]
        rays = [self._cast(self.heading + ray) / SIZE for ray in RAYS]
        return {"flag": np.array(seen, np.float32), "rays": np.clip(rays, 0, 1).astype(np.float32)}

    def step(self, move: int) -> bool:
        """Do a move; returns whether the flag is reached."""
        self.heading += TURN * ((move == LEFT) - (move == RIGHT))
        stride = STRIDE * ((move == FORWARD) - 0.6 * (move == BACK))
        there = self.place + stride * np.array([np.cos(self.heading), np.sin(self.heading)])
        if ((there > 0.2) & (there < SIZE - 0.2)).all() and self._clear(there, RADIUS):
            self.place = there
        return bool(np.linalg.norm(self.place - self.flag) < REACH)

    def _free(self, rng: np.random.Generator) -> np.ndarray:
        while True:
            place = rng.uniform(0.5, SIZE - 0.5, 2)
            if self._clear(place, RADIUS + 0.4):
                return place

    def _clear(self, place: np.ndarray, radius: float) -> bool:
        return bool((np.linalg.norm(self.pillars - place, axis=1) > radius).all())

    def _cast(self, angle: float) -> float:
        way = np.array([np.cos(angle), np.sin(angle)])
        with np.errstate(divide="ignore"):
            walls = np.where(way > 0, (SIZE - self.place) / way, -self.place / way)
        gaps = self.pillars - self.place
        along = gaps @ way
        inside = RADIUS**2 - (gaps**2).sum(1) + along**2
        hits = along - np.sqrt(np.maximum(inside, 0))
        return float(min(walls.min(), *hits[(inside > 0) & (hits > 0)], SIZE))


def errand_player(world: Errand, rng: np.random.Generator) -> int:
    """Walk in the free direction nearest to the flag; hesitate now and then."""
    if rng.random() < 0.05:
        return int(rng.integers(5))
    seen = world.observe()
    angle = np.arctan2(seen["flag"][1], seen["flag"][0])
    needed = min(1.3 / SIZE, seen["flag"][2])
    away = np.abs(np.angle(np.exp(1j * (RAYS - angle)))) + 0.15 * (RAYS != 0)
    free = seen["rays"] > needed
    if not free.any() or abs(angle) > np.radians(100):
        return LEFT if angle > 0 else RIGHT
    wanted = RAYS[np.where(free, away, np.inf).argmin()]
    if wanted == 0:
        return FORWARD
    return LEFT if wanted > 0 else RIGHT


def extraneous(kind: int, length: int) -> Iterator[int]:
    """Moves that have nothing to do with the errand."""
    for step in range(length):
        if kind == 0:
            yield RIGHT
        elif kind == 1:
            yield FORWARD if step // 4 % 2 else BACK
        else:
            yield NONE


def demonstrate(folder: Path, seeds: range, affected: float, seed: int) -> dict[str, list[tuple[int, int]]]:
    """Record a demonstration of each world in which the player succeeds; returns where segments lie, by recording.

    Args:
        folder: For the recordings.
        seeds: Of the worlds.
        affected: Share of the demonstrations that get segments.
        seed: Of the player's hesitations and the segments.
    """
    rng = np.random.default_rng(seed)
    done = [number for number in seeds if _succeeds(number, seed)]
    chosen = set(rng.choice(done, round(affected * len(done)), replace=False).tolist())
    segments: dict[str, list[tuple[int, int]]] = {}
    for number in done:
        name = f"errand-{number:04d}"
        moves = _segments(rng) if number in chosen else {}
        segments[name] = _record(folder, name, Errand(number), np.random.default_rng((seed, number)), moves)
    return segments


def _succeeds(number: int, seed: int) -> bool:
    """Whether the player reaches the flag of this world; where it does not, there is nothing to learn from it."""
    world, rng = Errand(number), np.random.default_rng((seed, number))
    return any(world.step(errand_player(world, rng)) for _ in range(MAX_STEPS))


def _segments(rng: np.random.Generator) -> dict[int, tuple[int, int]]:
    """At which step of the errand which kind of segment of what length begins."""
    starts = rng.choice(np.arange(2, 20), 3, replace=False)
    return {int(start): (int(rng.integers(3)), int(rng.integers(30, 80))) for start in starts}


def _record(
    folder: Path, name: str, world: Errand, rng: np.random.Generator, moves: dict[int, tuple[int, int]]
) -> list[tuple[int, int]]:
    found = []
    with EpisodeWriter(folder, BEHAVIOR, Provenance("errand", player=name), name=name) as writer:
        for step in range(MAX_STEPS):
            if step in moves:
                kind, length = moves[step]
                found.append((writer.num_steps, writer.num_steps + length))
                for move in extraneous(kind, length):
                    _do(writer, world, move)
            if _do(writer, world, errand_player(world, rng)):
                break
        writer.finish(truncated=True)
    return found


def _do(writer: EpisodeWriter, world: Errand, move: int) -> bool:
    writer.append(world.observe(), {"move": np.int64(move)}, reward=0.0, time_ns=round(writer.num_steps * 1e8))
    return world.step(move)


def play(act: object, worlds: range, max_steps: int = MAX_STEPS) -> float:
    """Return the share of worlds in which an agent reaches the flag in time."""
    reached = 0
    for number in worlds:
        world = Errand(number)
        act.reset(number)  # type: ignore[attr-defined]
        for _ in range(max_steps):
            action: Action = act.act(world.observe())  # type: ignore[attr-defined]
            if world.step(int(action["move"])):
                reached += 1
                break
    return reached / len(worlds)
