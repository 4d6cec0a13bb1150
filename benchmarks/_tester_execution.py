"""Test execution in parks that were not learned in: whether an agent inspects an object as a tester does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.agents.agent import Agent
from understudy.envs.parkland.env import ParklandEnv
from understudy.envs.parkland.layout import Layout, Prop
from understudy.envs.parkland.testers.tester import ScriptedTester
from understudy.envs.parkland.walkable import WalkGrid, walk_grid
from understudy.evaluation.paths import poses, warped_distance
from understudy.recordings import Episode, Recordings
from understudy.spec import Action

_NEAR, _FAR, _DECISIONS, _TRIES = 5.0, 8.0, 400, 12
_IN_VIEW, _CLEAR, _SIGHT = 20.0, 50.0, 25.0
_CLOSE, _SIDES = 4.5, 60.0
_OBJECT_FRAMES, _OTHER_FRAMES = 20, 120
Act = Callable[[Mapping[str, Any], Mapping[str, Any]], Action]


@dataclass(frozen=True)
class Trial:
    """One object, inspected by an agent.

    Attributes:
        done: Whether the agent looked at that object from two sides and then inspected it.
        ratio: Distance of its path to testers' over theirs to one another.
    """

    done: bool
    ratio: float


def trials(world: int, pixels: int, objects: int, agent: Agent) -> list[Trial]:
    """Let an agent inspect objects of a park, each from a place from which it is in sight."""
    env = ParklandEnv(seed=world, size=pixels, max_seconds=_DECISIONS)
    grid = walk_grid(env.layout)
    things = [each for each in env.layout.props if each.of_interest and each.building < 0]
    rng, found = np.random.default_rng([world, 5]), list[Trial]()
    for k in rng.permutation(len(things)):
        start = _start(grid, things[k], rng)
        pair = _testers(env, grid, things[k], start) if start else []
        if len(pair) == 2 and start:
            found.append(_trial(env, agent, things[k], start, pair, seed=int(k)))
        if len(found) == objects:
            break
    env.close()
    return found


def labels(recordings: Recordings, layouts: Mapping[int, Layout]) -> dict[str, dict[str, list[int]]]:
    """Label frames of testers' recordings as a person would, by whether an object of interest is in view."""
    found = {}
    for episode in recordings:
        layout = layouts[int(episode.provenance.notes["args"]["seed"])]
        near, none = _in_view(episode, layout)
        rng = np.random.default_rng(episode.provenance.seed)
        found[episode.name] = {
            "object": _some(np.flatnonzero(near), _OBJECT_FRAMES, rng),
            "nothing": _some(np.flatnonzero(none), _OTHER_FRAMES, rng),
        }
    return {name: {kind: each for kind, each in kinds.items() if each} for name, kinds in found.items()}


def _trial(env: ParklandEnv, agent: Agent, thing: Prop, start: dict[str, Any], pair: list[Any], seed: int) -> Trial:
    agent.reset(seed)
    path, touched = _play(env, lambda seen, _: agent.act(seen), start, thing)
    apart = warped_distance(*pair)
    done = touched == thing.id and _sides(path, thing) > _SIDES
    return Trial(done, float(np.mean([warped_distance(path, each) for each in pair])) / max(apart, 1e-6))


def _sides(path: np.ndarray, thing: Prop) -> float:
    """How far apart the sides are from which an object was looked at near by, degrees."""
    way = np.array([thing.x, thing.y]) - path[:, :2]
    away, looks = np.linalg.norm(way, axis=1), np.linalg.norm(path[:, 3:5], axis=1)
    ahead = (way * path[:, 3:5]).sum(axis=1) > np.cos(np.radians(_IN_VIEW)) * away * looks
    sides = np.degrees(np.arctan2(way[:, 1], way[:, 0]))[ahead & (away < _CLOSE)]
    apart = np.abs((sides[:, None] - sides[None] + 180) % 360 - 180)
    return float(apart.max(initial=0.0))


def _testers(env: ParklandEnv, grid: WalkGrid, thing: Prop, start: dict[str, Any]) -> list[np.ndarray]:
    """The paths of two testers who inspect that object first."""
    tester, found = ScriptedTester(env.layout, "inspection", grid), list[np.ndarray]()
    for seed in range(_TRIES):
        tester.reset(seed)
        path, touched = _play(env, lambda _, info: tester.act(info), start, thing)
        found += [path] if touched == thing.id else []
        if len(found) == 2:
            break
    return found


def _play(env: ParklandEnv, act: Act, start: dict[str, Any], thing: Prop) -> tuple[np.ndarray, int]:
    """Play until something is inspected; return the path of poses and what it was, -1 for nothing."""
    seen, info = env.reset(options=start)
    infos = [info]
    while len(infos) < _DECISIONS:
        seen, _, _, _, info = env.step(act(seen, info))
        infos.append(info)
        # Another object is passed by: a tester may look at that one too.
        if info["interacted"] == thing.id:
            break
    columns = [[each[name] for each in infos] for name in ("position", "heading", "pitch")]
    return poses(*columns), int(info["interacted"])


def _start(grid: WalkGrid, thing: Prop, rng: np.random.Generator) -> dict[str, Any] | None:
    """A place near an object from which the way to it is straight, and the look to it."""
    away = np.linalg.norm(grid.places - (thing.x, thing.y, thing.z), axis=1)
    near = np.flatnonzero((away > _NEAR) & (away < _FAR) & grid.reachable & ~grid.narrow)
    for node in rng.permutation(near)[:8]:
        place = grid.places[node]
        way = grid.path(place, (thing.x, thing.y, thing.z))
        if np.linalg.norm(np.diff(way, axis=0), axis=1).sum() < 1.3 * away[node]:
            heading = float(np.degrees(np.arctan2(thing.y - place[1], thing.x - place[0])))
            return {"position": tuple(place.tolist()), "heading": heading}
    return None


def _in_view(episode: Episode, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """By step: whether an object is near and ahead, and whether none is anywhere in sight."""
    places, headings = episode.extra("position")[:, :2], episode.extra("heading").reshape(-1)
    inside = episode.extra("inside").reshape(-1)
    near, any_ = np.zeros(len(places), bool), np.zeros(len(places), bool)
    for thing in (each for each in layout.props if each.of_interest):
        way = np.array([thing.x, thing.y]) - places
        away = np.linalg.norm(way, axis=1)
        off = np.abs((np.degrees(np.arctan2(way[:, 1], way[:, 0])) - headings + 180) % 360 - 180)
        near |= (away < _FAR) & (off < _IN_VIEW) & (inside == thing.building)
        any_ |= (away < _SIGHT) & (off < _CLEAR)
    return near, ~any_


def _some(steps: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    return sorted(int(each) for each in rng.choice(steps, min(count, len(steps)), replace=False))
