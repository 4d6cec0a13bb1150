"""ViZDoom demos, recorded by the real engine, each with the configuration it was recorded with beside it."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import require

REPLAYS = True
BUTTONS = ("MOVE_LEFT", "MOVE_RIGHT", "ATTACK", "TURN_LEFT_RIGHT_DELTA", "MOVE_FORWARD")
VARIABLES = ("HEALTH", "AMMO2", "POSITION_X")
CONFIG = f"""# As in ViZDoom's own scenarios
doom_scenario_path = {{wad}}
living_reward = -1
death_penalty = 100
screen_resolution = RES_160X120
render_hud = false
available_buttons =
    {{{{
        {" ".join(BUTTONS)}
    }}}}
available_game_variables = {{{{ {" ".join(VARIABLES)} }}}}
"""


class Played:
    """What was seen and done while a demo was recorded: a row a decision."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []
        self.variables: list[np.ndarray] = []
        self.actions: list[list[float]] = []
        self.rewards: list[float] = []
        self.is_dead = False


def start_game(wad: str, seed: int) -> Any:
    """Start the engine as the configuration says."""
    vizdoom = require("vizdoom", "vizdoom")
    from understudy.envs.vizdoom.engine import ARGUMENTS, find_wad

    game = vizdoom.DoomGame()
    game.set_doom_game_path(str(find_wad("freedoom2.wad")))
    game.set_doom_scenario_path(str(find_wad(wad)))
    game.set_doom_map("MAP01")
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_render_hud(False)
    game.set_window_visible(False)
    game.set_doom_config_path(os.devnull)
    game.add_game_args(ARGUMENTS)
    game.set_available_buttons([getattr(vizdoom.Button, name) for name in BUTTONS])
    game.set_available_game_variables([getattr(vizdoom.GameVariable, name) for name in VARIABLES])
    game.set_living_reward(-1)
    game.set_death_penalty(100)
    game.set_seed(seed)
    game.init()
    return game


def record_demo(
    path: Path, *, wad: str = "deadly_corridor.wad", seed: int = 0, skip: int = 1, steps: int = 300
) -> Played:
    """Play at random and record a demo at `path`, with its configuration beside it."""
    game = start_game(wad, seed)
    rng = random.Random(seed)
    played = Played()
    game.new_episode(str(path))
    while not game.is_episode_finished() and len(played.actions) < steps:
        state = game.get_state()
        played.frames.append(state.screen_buffer.copy())
        played.variables.append(state.game_variables.copy())
        action = [rng.randrange(2), rng.randrange(2), rng.randrange(2), float(rng.randrange(-5, 6)), rng.randrange(2)]
        played.rewards.append(game.make_action(action, skip))
        played.actions.append(action)
    played.is_dead = game.is_player_dead()
    # The engine writes the demo when the next episode begins.
    game.new_episode()
    game.close()
    path.with_suffix(".cfg").write_text(CONFIG.format(wad=wad))
    return played


def sample_log(folder: Path, seed: int) -> Path:
    """Record a short demo."""
    path = folder / f"played-{seed}.lmp"
    record_demo(path, seed=seed, steps=20 + seed % 10)
    return path


def record_network_game(path: str, number: int, players: int, *, port: int = 5329, steps: int = 80) -> None:
    """Play a deathmatch as the player of this number, from 0; the first hosts it, and records it at `path`."""
    vizdoom = require("vizdoom", "vizdoom")
    from understudy.envs.vizdoom.engine import ARGUMENTS, find_wad

    game = vizdoom.DoomGame()
    game.set_doom_game_path(str(find_wad("freedoom2.wad")))
    game.set_doom_scenario_path(str(find_wad("cig.wad")))
    game.set_doom_map("map01")
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    game.set_window_visible(False)
    game.set_doom_config_path(os.devnull)
    game.set_available_buttons([vizdoom.Button.MOVE_FORWARD, vizdoom.Button.TURN_LEFT_RIGHT_DELTA])
    host = f"-host {players} -port {port} -deathmatch +timelimit 1 -record {path.removesuffix('.lmp')}"
    role = host if number == 0 else f"-join 127.0.0.1 -port {port}"
    game.add_game_args(f"{ARGUMENTS} {role} +name agent{number}")
    game.init()
    for _ in range(steps):
        game.make_action([1, -4.0 if number == 0 else 3.0])
    if number == 0:
        game.send_game_command("stop")
        game.make_action([0, 0.0])
    game.close()
