"""Letting an agent play a game to record it: episodes by seed, each one whole or not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import gymnasium
import numpy as np
from gymnasium import spaces

from understudy.agents.agent import Agent
from understudy.recordings import Episode, EpisodeWriter, Provenance
from understudy.spec import BehaviorSpec

Progress = Callable[[str, int, int], None]
KEPT = ("position", "heading", "pitch", "inside", "interacted")
"""Numbers of `info` that are kept as extras where a game tells them: for maps and scores, never for agents."""


@runtime_checkable
class Told(Protocol):
    """A privileged agent, such as a scripted tester: before each decision it is told `info`."""

    def tell(self, info: Mapping[str, Any]) -> None:
        """Take in what is true now."""
        ...


def record_episodes(
    env: gymnasium.Env,
    agent: Agent,
    out: Path,
    provenance: Provenance,
    seeds: Sequence[int],
    *,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Record one episode per seed to `out/GAME-MAP-PLAYER-SEED.arrows`, skipping those that are there and whole.

    Args:
        env: With a `behavior`.
        agent: Who plays; a `Told` one is told the infos.
        out: The folder of recordings.
        provenance: Of all episodes; the seed is filled in.
        seeds: One episode each.
        options: Handed to the environment's `reset`.
        progress: Called with what is done, episodes done, and episodes in all.
    """
    behavior: BehaviorSpec = env.get_wrapper_attr("behavior")
    agent.behavior.require_from(behavior, expected=f"the player '{provenance.player}'", where="the game")
    stem = "-".join(
        re.sub(r"\W+", "-", each).strip("-") for each in (provenance.game, provenance.map, provenance.player)
    )
    written = []
    for index, seed in enumerate(seeds):
        path = out / f"{stem.strip('-')}-{seed}.arrows"
        if not (path.exists() and Episode(path).complete):
            path.unlink(missing_ok=True)
            _record(env, agent, path, provenance, behavior, seed, dict(options or {}))
        written.append(path)
        if progress is not None:
            progress(f"Recording {stem}", index + 1, len(seeds))
    return written


def _record(
    env: gymnasium.Env,
    agent: Agent,
    path: Path,
    provenance: Provenance,
    behavior: BehaviorSpec,
    seed: int,
    options: dict[str, Any],
) -> None:
    agent.reset(seed)
    observation, info = env.reset(seed=seed, options=options)
    stamped = Provenance(**{**vars(provenance), "seed": seed})
    shapes = {name: np.shape(info[name]) for name in KEPT if name in info}
    extras = {name: spaces.Box(-np.inf, np.inf, shape, np.float32) for name, shape in shapes.items()}
    with EpisodeWriter(path.parent, behavior, stamped, name=path.stem, reveal_player=True, extras=extras) as writer:
        terminated = truncated = False
        while not (terminated or truncated):
            if isinstance(agent, Told):
                agent.tell(info)
            action = agent.act(observation)
            told = {name: np.asarray(info[name], np.float32) for name in shapes}
            after, reward, terminated, truncated, info = env.step(action)
            writer.append(observation, action, reward=float(reward), extras=told)
            observation = after
        writer.finish(terminated=terminated, truncated=truncated, final_observation=observation)
