"""Starting the ViZDoom engine so that it plays, and draws, like the vanilla game."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from understudy.envs.doom.wad import Wad
from understudy.errors import GameError, require, suggest

vizdoom: Any = require("vizdoom", "vizdoom")

PACKAGE = Path(vizdoom.__path__[0])
WAD_FOLDERS = (PACKAGE, PACKAGE / "scenarios")
SCENARIO_BASE = "freedoom2.wad"
"""The game a scenario (a PWAD) is added to."""
HELD_TICS = 7
"""Tics at the start of a level in which the engine ignores the player."""

BUTTONS = (
    vizdoom.Button.MOVE_FORWARD_BACKWARD_DELTA,
    vizdoom.Button.MOVE_LEFT_RIGHT_DELTA,
    vizdoom.Button.TURN_LEFT_RIGHT_DELTA,
    vizdoom.Button.ATTACK,
    vizdoom.Button.USE,
    *(getattr(vizdoom.Button, f"SELECT_WEAPON{slot}") for slot in range(1, 8)),
)

# The engine ignores set_sound_enabled(False) on some maps and aborts in its sound library: -nosound keeps it away.
# As in the vanilla game, 320x200 is a 4:3 picture with a field of view of 90 degrees, and the sky is not stretched.
ARGUMENTS = "-nosound +vid_aspect 3 +r_stretchsky 0"


def find_wad(name: str) -> Path:
    """Return the file of a WAD: a path, or the name of one in the vizdoom wheel.

    Raises:
        GameError: If there is none.
    """
    for path in (Path(name), *(folder / name for folder in WAD_FOLDERS)):
        if path.is_file():
            return path
    shipped = [path.name for folder in WAD_FOLDERS for path in folder.glob("*.wad")]
    raise GameError(f"There is no WAD '{name}'.{suggest(name, shipped)} Or give the path of a file.")


def start_engine(wad: str, map_name: str, skill: int, *, depth: bool, geometry: bool) -> Any:
    """Return a started `vizdoom.DoomGame` that draws 320×200 RGB with the status bar and without sound or window.

    Args:
        wad: Name of a WAD in the vizdoom wheel, or a path.
        map_name: Such as `"E1M6"` or `"MAP03"`.
        skill: 1 (easiest) to 5.
        depth: Whether to draw the depth buffer.
        geometry: Whether to tell the level's sectors and which things are in the picture; it costs a large level
            two thirds of its speed.

    Raises:
        GameError: If the WAD, the map or the skill does not exist, or the engine does not start.
        RecordingError: If the file is not a WAD, or damaged.
    """
    path = find_wad(wad)
    archive = Wad.open(path)
    if map_name.upper() not in archive.maps:
        raise GameError(f"The WAD '{wad}' has no map '{map_name}'.{suggest(map_name.upper(), archive.maps)}")
    if skill not in range(1, 6):
        raise GameError(f"There is no skill {skill}; it goes from 1 (easiest) to 5.")
    game = vizdoom.DoomGame()
    is_game = archive.kind == "IWAD"
    game.set_doom_game_path(str(path if is_game else find_wad(SCENARIO_BASE)))
    if not is_game:
        game.set_doom_scenario_path(str(path))
    game.set_doom_map(map_name.upper())
    game.set_doom_skill(skill)
    _set_picture(game)
    game.set_depth_buffer_enabled(depth)
    game.set_labels_buffer_enabled(geometry)
    game.set_sectors_info_enabled(geometry)
    game.set_episode_start_time(1 + HELD_TICS)
    game.set_available_buttons(list(BUTTONS))
    game.set_mode(vizdoom.Mode.PLAYER)
    _init(game)
    return game


def _set_picture(game: Any) -> None:
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_320X200)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.add_game_args(ARGUMENTS)
    game.set_render_hud(True)
    game.set_render_weapon(True)
    game.set_render_messages(True)
    game.set_render_screen_flashes(True)
    game.set_render_effects_sprites(True)
    game.set_render_corpses(True)
    game.set_render_crosshair(False)
    game.set_render_decals(False)
    game.set_render_particles(False)


def _init(game: Any) -> None:
    # The engine reads its settings at the start and writes them at the end: the null device keeps games independent.
    game.set_doom_config_path(os.devnull)
    # Of two engines that start at once where it is not there, both would make this folder, and one would crash.
    with suppress(OSError):
        Path("_vizdoom").mkdir(exist_ok=True)
    try:
        game.init()
    except (vizdoom.ViZDoomErrorException, vizdoom.ViZDoomUnexpectedExitException) as error:
        raise GameError(f"The ViZDoom engine did not start: {error}.") from error
