"""The replaying process: plays one player's part of a demo in ViZDoom and writes what was seen and done in each tic.

A demo that ViZDoom cannot replay ends this process, sometimes by a crash, and not its parent.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, BinaryIO

import numpy as np

from understudy.envs.vizdoom.engine import ARGUMENTS, vizdoom
from understudy.envs.vizdoom.replay import RECORD, Part


def main() -> None:
    """Replay the part named on the command line, in JSON."""
    part = Part.from_json(sys.argv[1])
    # What the engine prints must not get between the records; the parent ends this process, not Ctrl-C.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    game = _start(part)
    try:
        game.replay_episode(part.demo, part.player)
        _write_tics(game, part.player, out)
    except BrokenPipeError:
        pass  # nobody reads any more
    finally:
        game.close()


def _start(part: Part) -> Any:
    game = vizdoom.DoomGame()
    game.set_doom_game_path(part.game)
    if part.scenario:
        game.set_doom_scenario_path(part.scenario)
    game.set_doom_map(part.map_name)
    game.set_doom_skill(part.skill)
    game.set_available_buttons([getattr(vizdoom.Button, name) for name in part.buttons])
    game.set_available_game_variables([getattr(vizdoom.GameVariable, name) for name in part.variables])
    for name, value in part.rewards.items():
        getattr(game, f"set_{name}")(value)
    game.set_screen_resolution(getattr(vizdoom.ScreenResolution, part.resolution))
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_render_hud(part.draws_hud)
    # The engine tells of the end of a demo on the screen.
    game.set_render_messages(False)
    game.set_window_visible(False)
    game.add_game_args(" ".join([ARGUMENTS, *part.arguments]))
    game.set_doom_config_path(os.devnull)
    game.set_mode(vizdoom.Mode.PLAYER)
    game.init()
    return game


def _write_tics(game: Any, player: int, out: BinaryIO) -> None:
    while not game.is_episode_finished():
        # In the first tics of a network game everybody is shown the first player's view.
        if player and game.get_game_variable(vizdoom.GameVariable.PLAYER_NUMBER) != player - 1:
            game.advance_action(1)
            continue
        state = game.get_state()
        variables = np.array([] if state.game_variables is None else state.game_variables, np.float64)
        game.advance_action(1)
        action = np.array(game.get_last_action(), np.float64)
        out.write(RECORD.pack(state.tic, False, game.get_last_reward()))
        out.write(variables.tobytes() + action.tobytes() + state.screen_buffer.tobytes())
    out.write(RECORD.pack(-1, game.is_player_dead(), 0.0))
    out.flush()


if __name__ == "__main__":
    main()
