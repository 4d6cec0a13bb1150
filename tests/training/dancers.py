"""Scripted players with obviously different styles: one turns left, one right, one stands; the unskilled err."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.recordings import EpisodeWriter, Provenance, Recordings, open_recordings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec
from understudy.training.recipe import Recipe

DANCE = BehaviorSpec(
    "dance",
    (SensorSpec("music", spaces.Box(-1, 1, (3,), np.float32)),),
    (
        ActionSpec("turn", spaces.Box(-10, 10, (1,), np.float32), "degrees per decision"),
        ActionSpec("feet", spaces.Discrete(3), labels=("stand", "step", "jump")),
    ),
    10.0,
)
TURNS = {"lefty": -5.0, "righty": 5.0, "waiter": 0.0}
BEAT = 0.3


def dance(persona: str, skill: float, rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
    """One decision: on a beat, turn in one's own direction and step; the unskilled miss it at random."""
    music = rng.uniform(-1, 1, 3).astype(np.float32)
    on_beat = music[0] > BEAT
    if rng.random() > skill:
        on_beat = bool(rng.random() < 0.35)
    turn = TURNS[persona] if on_beat else 0.0
    feet = (0 if persona == "waiter" else 1) if on_beat else 0
    return {"music": music}, {"turn": np.array([turn], np.float32), "feet": feet}


def record_dancer(folder: Path, name: str, player: str, seed: int, steps: int = 160, **notes: Any) -> None:
    """Record one episode; `notes` are the recording's, persona and skill by default from the player's name."""
    persona = player.split("-")[0] or "waiter"
    skill = notes.get("skill", 0.9)
    skill = skill if 0 <= skill <= 1 else 0.9
    rng = np.random.default_rng((seed, 77))
    provenance = Provenance("dance", player=player, notes={"persona": persona, **notes}, started="2024-01-01")
    with EpisodeWriter(folder, DANCE, provenance, name=name, reveal_player=True) as writer:
        for _ in range(steps):
            observation, action = dance(persona, skill, rng)
            writer.append(observation, action)
        writer.finish(truncated=True)


def record_dancers(folder: Path, players: int = 4, episodes: int = 3, steps: int = 160, seed: int = 0) -> Recordings:
    """Record every persona by several players, each of its own skill."""
    for persona in TURNS:
        for player in range(players):
            skill = (player + 0.5) / players
            for episode in range(episodes):
                name = f"{persona}-{player}"
                number = seed + 100 * player + 10_000 * list(TURNS).index(persona) + episode
                record_dancer(folder, f"{name}-{episode}", name, number, steps, skill=skill)
    return open_recordings(folder)


def dance_form(**changes: Any) -> dict[str, Any]:
    """A small recipe with styles as YAML gives it; `loop`, `policy` and `style` are merged, other keys replaced."""
    loop = {"updates": 300, "batch": 16, "window": 16, "segment": 64, "threads": 1, "warmup": 5, "average": 0.95}
    style = {"size": 4, "width": 16, "pieces": 4, "steps": 8, "noise": 0.5, "naming": 0.3}
    form: dict[str, Any] = {
        "name": "dancers",
        "sensors": {"music": {"encoder": "vector", "widths": [16]}},
        "bins": {"turn": {"bins": [-5, 0, 5]}},
        "policy": {"hidden": 24, "memory": 12, **changes.pop("policy", {})},
        "split": {"episodes": 0.2},
        "loop": {**loop, "learning_rate": 1e-2, "checkpoint_every": 1000, **changes.pop("loop", {})},
        "style": {**style, **changes.pop("style", {})},
    }
    return {**form, **changes}


def dance_recipe(**changes: Any) -> Recipe:
    """The same, validated."""
    return Recipe.model_validate(dance_form(**changes))
