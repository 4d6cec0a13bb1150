"""A person's visit to a park: make it, open the window, and say what was recorded."""

from __future__ import annotations

from pathlib import Path

from understudy.envs.parkland.behavior import SIZE
from understudy.envs.parkland.build import load_build
from understudy.envs.parkland.env import ParklandEnv
from understudy.envs.parkland.viewer.game import Game
from understudy.envs.parkland.viewer.window import Window


def visit(
    build: Path | None = None,
    seed: int = 0,
    area_km2: float = 0.25,
    *,
    record: Path | None = None,
    player: str = "player",
    size: int = SIZE,
    max_seconds: float = 600.0,
    sensitivity: float = 1.0,
    most_frames: int | None = None,
) -> list[Path]:
    """Let a person walk through a park until the window is closed.

    Args:
        build: A build's manifest; None plays the clean park of `seed`.
        seed: Of the park, if there is no build.
        area_km2: Of the park, if there is no build.
        record: The folder of recordings; None keeps nothing.
        player: Who plays; recordings keep only a keyed hash of it.
        size: Of the recorded picture, pixels along each side.
        max_seconds: Game time after which one walk ends and another begins.
        sensitivity: Of the mouse.
        most_frames: End after so many pictures, for tests.

    Returns:
        The recordings.

    Raises:
        GameError: If there is no such park, or no display.
        RecordingError: If the walk cannot be recorded.
    """
    asked = load_build(build, seed, area_km2)
    env = ParklandEnv(layout=asked.layout(), size=size, max_seconds=max_seconds)
    game = Game(env, record, player=player, build=asked.name)
    kept = "Nothing is recorded" if record is None else f"Recorded in {record}"
    try:
        Window(game, [f"Park {env.layout.seed}, build {asked.name}. {kept}."], sensitivity).run(most_frames)
    finally:
        game.close()
    return game.recorded
