"""Imports people's Doom demos: every demo becomes one recording of what its player saw and did.

The demos in the Freedoom WADs were recorded by Freedoom's players and are under its BSD-3-Clause licence.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import numpy as np
from gymnasium import spaces

from understudy.envs.doom.actions import decisions_from_tics, pair_tics
from understudy.envs.doom.behavior import FRAME, TIC_HZ, TICS_PER_DECISION, doom_behavior
from understudy.envs.doom.lmp import Demo
from understudy.envs.doom.replay import Replay, replay_pictures
from understudy.envs.doom.sources import DemoSource, find_demo_wads, open_demos
from understudy.errors import RecordingError
from understudy.recordings import Episode, EpisodeWriter
from understudy.recordings.layout import SUFFIX

__all__ = ["Progress", "find_demo_wads", "import_demos"]

Progress = Callable[[str, int, int], None]

_NS_PER_TIC = 1_000_000_000 / TIC_HZ


def import_demos(
    sources: Sequence[Path | str],
    out: Path | str,
    *,
    iwad: Path | str | None = None,
    progress: Progress | None = None,
    salvage: bool = False,
) -> list[Path]:
    """Replay demos and write one recording of each to `out`; return the paths of all of them.

    A recording has the sensor `frame` and the parts of `doom_actions`, at 17.5 decisions a second. `tick` counts tics
    from 0, `time_ns` is game time. Decision `d` was taken on the picture drawn after `2 d` tics; the first shares the
    picture of the second, for the engine draws none earlier. Extras hold the exact commands: `ticcmd`, uint8, shape
    (2, 4), of the player, and in multiplayer `others`, shape (2, players - 1, 4). Every recording ends truncated, with
    a final observation.

    A recording that is there already and complete is kept, so an interrupted import can be repeated. Only whole
    recordings appear in `out`.

    Args:
        sources: WADs, of which every demo lump is imported, and `.lmp` files.
        out: Folder, made if it is not there.
        iwad: The game that the `.lmp` files were recorded on.
        progress: Called with (name of the recording, decisions done, decisions in all).
        salvage: Import the whole tics of a truncated demo instead of refusing it.

    Raises:
        MissingExtraError: If the engine is not installed.
        RecordingError: If a source is not what it should be, a demo does not replay, or a recording of another demo has
            the name.
    """
    # Everything is parsed before the first replay, so that a mistake shows at once.
    demos = open_demos(sources, iwad=iwad, salvage=salvage)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    return [_import_once(demo, out, progress or (lambda _name, _done, _total: None)) for demo in demos]


def _import_once(source: DemoSource, out: Path, progress: Progress) -> Path:
    path = out / f"{source.name}{SUFFIX}"
    if _is_imported(source, path):
        total = _num_decisions(source.demo)
        progress(source.name, total, total)
        return path
    # Beside the folder, not in it: whoever opens the folder meanwhile must not find half a recording.
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.absolute().parent) as folder:
        _record(source, Path(folder), progress)
        shutil.move(Path(folder) / path.name, path)
    return path


def _is_imported(source: DemoSource, path: Path) -> bool:
    """Whether `path` holds the whole of this demo; a part of it, or what cannot be read, may be replaced."""
    if not path.exists():
        return False
    try:
        episode = Episode(path)
    except RecordingError:
        return False
    same = (episode.behavior, episode.provenance.notes) == (doom_behavior(FRAME.spec()), source.provenance().notes)
    if not same:
        raise RecordingError(
            f"{path} holds another recording than that of {source.demo.source}; move it away, or import to another "
            "folder."
        )
    return episode.complete


def _record(source: DemoSource, folder: Path, progress: Progress) -> None:
    actions = decisions_from_tics(source.demo.viewer_tics)
    commands = _commands(source.demo)
    total = _num_decisions(source.demo)
    replay = replay_pictures(source.iwad.path, source.demo, every=TICS_PER_DECISION)
    with closing(replay), _writer(source, folder, commands) as writer:
        seen = _observations(replay)
        for index in range(total):
            writer.append(
                next(seen),
                {part: column[index] for part, column in actions.items()},
                extras={extra: column[index] for extra, column in commands.items()},
                tick=index * TICS_PER_DECISION,
                time_ns=round(index * TICS_PER_DECISION * _NS_PER_TIC),
            )
            progress(source.name, index + 1, total)
        writer.finish(truncated=True, final_observation=next(seen))


def _writer(source: DemoSource, folder: Path, commands: dict[str, np.ndarray]) -> EpisodeWriter:
    extras = {name: spaces.Box(0, 255, column.shape[1:], np.uint8) for name, column in commands.items()}
    behavior = doom_behavior(FRAME.spec())
    # The player's id says no more than the recording's name does.
    return EpisodeWriter(folder, behavior, source.provenance(), name=source.name, extras=extras, reveal_player=True)


def _observations(replay: Replay) -> Iterator[dict[str, np.ndarray]]:
    """Yield what was seen before each decision, then what was seen after the last."""
    pictures = (FRAME(picture) for _, picture in replay)
    first = next(pictures)
    return ({"frame": picture} for picture in chain([first, first], pictures))


def _commands(demo: Demo) -> dict[str, np.ndarray]:
    """Return the columns of the extras: the viewer's commands, and those of the others if there are any."""
    columns = {"ticcmd": pair_tics(demo.viewer_tics)}
    if demo.num_players > 1:
        others = np.delete(demo.tics, demo.player_numbers.index(demo.viewer), axis=1)
        columns["others"] = pair_tics(others)
    return columns


def _num_decisions(demo: Demo) -> int:
    return -(-demo.num_tics // TICS_PER_DECISION)
