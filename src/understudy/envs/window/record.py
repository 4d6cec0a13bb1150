"""Recording a person who plays a window's game: what was on the screen, and what their hands did."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from understudy.envs.window.env import WindowEnv
from understudy.recordings import EpisodeWriter, Provenance

Progress = Callable[[str, int, int], None]


def record_play(
    env: WindowEnv,
    out: Path | str,
    provenance: Provenance,
    *,
    episodes: int = 1,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Record a person's episodes while they play; each ends with the game's own, the panic key, or after `seconds`.

    Args:
        env: The window.
        out: The folder of recordings.
        provenance: Of all episodes; the player's name is kept as a keyed hash.
        episodes: How many at most; the panic key ends the last one early.
        seconds: Of one episode, at most.
        progress: Called with what is done, episodes done, and episodes in all.

    Returns:
        The recordings' files.

    Raises:
        GameError: If the window is gone or changed; what was recorded until then reads back.
        RecordingError: If a recording cannot be written.
    """
    written = []
    for number in range(episodes):
        path, panicked = _record_one(env, Path(out), provenance, seconds)
        written.append(path)
        if progress is not None:
            progress("Recording", number + 1, episodes)
        if panicked:
            break
    return written


def _record_one(env: WindowEnv, out: Path, provenance: Provenance, seconds: float | None) -> tuple[Path, bool]:
    seen, info = env.reset()
    begun = time.monotonic()
    with EpisodeWriter(out, env.behavior, provenance) as writer:
        terminated = truncated = False
        while not (terminated or truncated):
            action, (after, reward, terminated, truncated, info) = env.watch()
            writer.append(seen, action, reward=reward)
            seen = after
            truncated = truncated or (not terminated and seconds is not None and time.monotonic() - begun >= seconds)
        writer.finish(terminated=terminated, truncated=truncated, final_observation=seen)
    return writer.path, bool(info["panic"])
