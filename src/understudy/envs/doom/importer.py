"""Imports people's Doom demos: every demo becomes one recording of what its player saw and did.

The demos in the Freedoom WADs were recorded by Freedoom's players and are under its BSD-3-Clause licence.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import numpy as np
from gymnasium import spaces
from pydantic import Field

from understudy.envs.doom.actions import decisions_from_tics, pair_tics
from understudy.envs.doom.behavior import FRAME, TIC_HZ, TICS_PER_DECISION, doom_behavior
from understudy.envs.doom.lmp import HEADER_SIZE, Demo
from understudy.envs.doom.replay import Replay, replay_pictures
from understudy.envs.doom.sources import DemoFile, DemoSource, find_demo_wads, open_demos
from understudy.envs.doom.wad import DEMO_NAME
from understudy.errors import RecordingError
from understudy.recordings import Provenance
from understudy.recordings.formats import Ending, ImportOptions, LogDescription, LogEpisode, Loss, Rows, Settings
from understudy.recordings.formats.guards import head

__all__ = ["DoomImporter", "DoomSettings", "find_demo_wads"]

_ROWS_AT_ONCE = 64
_WAD_HEADER = struct.Struct("<4sii")
_WAD_ENTRY = struct.Struct("<ii8s")
_SNIFFED_LUMPS = 4000  # 64 KB of the directory; a game's demos are among its first lumps


class DoomSettings(Settings):
    """What only the user may know of Doom demos."""

    iwad: Path | None = Field(
        None, description="the game that .lmp demos were recorded on; by default a WAD beside them, else Freedoom"
    )


class DoomImporter:
    """Replays demos in the vanilla engine, which runs in a process of its own.

    A recording has the sensor `frame` and the parts of `doom_actions`, at 17.5 decisions a second. `tick` counts tics
    from 0, `time_ns` is game time. Decision `d` was taken on the picture drawn after `2 d` tics; the first shares the
    picture of the second, for the engine draws none earlier. Extras hold the exact commands: `ticcmd`, uint8, shape
    (2, 4), of the player, and in multiplayer `others`, shape (2, players - 1, 4). Every recording ends truncated, with
    a final observation.
    """

    name: ClassVar[str] = "doom"
    title: ClassVar[str] = "Vanilla Doom demos (.lmp, and those inside IWADs), replayed"
    Settings: ClassVar[type[Settings]] = DoomSettings

    def sniff(self, path: Path) -> bool:
        """Whether it is a game with demos, or a vanilla demo."""
        return _is_game_with_demos(path) or (path.suffix.lower() == ".lmp" and _is_demo(head(path, HEADER_SIZE)))

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Count the decisions in its demos; raises `RecordingError` if there is none to replay."""
        sources, broken = _parse(open_demos(path, _iwad(options)), options)
        if not sources:
            raise RecordingError(broken[0].losses[0].what + ".")
        games = {each.iwad.path for each in sources} - {path}
        steps = sum(_num_decisions(each.demo) for each in sources)
        notes = [_summary(each) for each in sources] + [each.losses[0].what for each in broken]
        return LogDescription((path, *sorted(games)), len(sources), steps, tuple(notes))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield an episode for each demo; its replay starts with its first row, and ends with its last or unread."""
        sources, broken = _parse(open_demos(path, _iwad(options)), options)
        yield from broken
        for source in sources:
            losses = _cut(source)
            with closing(_rows(source, options.salvage, losses)) as rows:
                yield LogEpisode(
                    source.name,
                    doom_behavior(FRAME.spec()),
                    source.provenance(),
                    rows,
                    num_steps=_num_decisions(source.demo),
                    extras=_extra_spaces(source.demo),
                    losses=losses,
                    player_is_public=True,
                )


def _iwad(options: ImportOptions) -> Path | None:
    return options.settings.iwad if isinstance(options.settings, DoomSettings) else None


def _is_game_with_demos(path: Path) -> bool:
    start = head(path, _WAD_HEADER.size)
    if start[:4] != b"IWAD" or len(start) < _WAD_HEADER.size:
        return False
    _, count, place = _WAD_HEADER.unpack(start)
    if count <= 0 or place <= 0:
        return False
    directory = head(path, min(count, _SNIFFED_LUMPS) * _WAD_ENTRY.size, start=place)
    whole = directory[: len(directory) // _WAD_ENTRY.size * _WAD_ENTRY.size]
    names = (name.split(b"\0")[0].decode("latin-1").upper() for _, _, name in _WAD_ENTRY.iter_unpack(whole))
    return any(DEMO_NAME.fullmatch(name) for name in names)


def _is_demo(header: bytes) -> bool:
    try:
        demo = Demo.parse(header, "", salvage=True)
    except RecordingError:
        return False
    episode, level, *flags = demo.header[2:8]
    # Vanilla writes nothing but these; the bytes of another format seldom pass for them all.
    return 1 <= episode <= 4 and 1 <= level <= 32 and flags[0] <= 2 and max(*flags[1:], *demo.header[9:13]) <= 1


def _parse(files: Sequence[DemoFile], options: ImportOptions) -> tuple[list[DemoSource], list[LogEpisode]]:
    """Take all demos apart before the first replay, so that a mistake shows at once."""
    sources, broken = [], []
    for file in files:
        try:
            sources.append(DemoSource.parse(file, salvage=options.salvage))
        except RecordingError as error:
            if not options.salvage:
                raise
            broken.append(_without_rows(file, error))
    return sources, broken


def _without_rows(file: DemoFile, error: RecordingError) -> LogEpisode:
    """The demo that cannot be replayed, so that its loss is told while the others come in."""
    loss = Loss(file.label, str(error).rstrip("."))
    return LogEpisode(
        file.name,
        doom_behavior(FRAME.spec()),
        Provenance("doom", source=file.label),
        iter(()),
        num_steps=0,
        losses=[loss],
        player_is_public=True,
    )


def _cut(source: DemoSource) -> list[Loss]:
    if source.whole:
        return []
    what = f"it is cut: no end mark follows; its first {source.demo.num_tics} tics are kept"
    return [Loss(source.demo.source, what)]


def _summary(source: DemoSource) -> str:
    minutes, seconds = divmod(_num_decisions(source.demo) * TICS_PER_DECISION // TIC_HZ, 60)
    players = "one player" if source.demo.num_players == 1 else f"{source.demo.num_players} players"
    summary = f"{source.name}: {source.map_name}, {players}, {minutes}:{seconds:02d}"
    if not source.notes.get("game_guessed"):
        return summary
    return (
        f"{summary}. It does not say which game it was recorded on: {source.iwad.path.name} is a guess, and on another "
        "its pictures are wrong; say which with --format doom --set iwad=WAD"
    )


def _rows(source: DemoSource, salvage: bool, losses: list[Loss]) -> Generator[Rows, None, None]:
    """Replay a demo. If the engine stops, the rows before that are kept, or the error is raised."""
    columns = (decisions_from_tics(source.demo.viewer_tics), _commands(source.demo))
    total = _num_decisions(source.demo)
    with closing(replay_pictures(source.iwad.path, source.demo, every=TICS_PER_DECISION)) as replay:
        pictures = _pictures(replay)
        for start in range(0, total, _ROWS_AT_ONCE):
            stop = min(start + _ROWS_AT_ONCE, total)
            # The last rows come with what was seen after them.
            taken, error = _take(pictures, stop - start + (stop == total))
            frames = taken[: stop - start]
            if error is not None:
                if not salvage:
                    raise error
                losses.append(Loss(source.demo.source, str(error).rstrip("."), total - start - len(frames)))
                stop = start + len(frames)
            if frames:
                final = {"frame": taken[-1]} if len(taken) > len(frames) else None
                ending = Ending(truncated=True, final_observation=final) if final or error else None
                yield _rows_between(start, stop, frames, *columns, ending)
            if error is not None:
                return


def _take(pictures: Iterator[np.ndarray], number: int) -> tuple[list[np.ndarray], RecordingError | None]:
    taken: list[np.ndarray] = []
    try:
        while len(taken) < number:
            taken.append(next(pictures))
    except RecordingError as error:
        return taken, error
    return taken, None


def _rows_between(
    start: int,
    stop: int,
    frames: list[np.ndarray],
    actions: dict[str, np.ndarray],
    commands: dict[str, np.ndarray],
    ending: Ending | None,
) -> Rows:
    return Rows(
        {"frame": np.stack(frames)},
        {part: column[start:stop] for part, column in actions.items()},
        ticks=np.arange(start, stop) * TICS_PER_DECISION,
        extras={extra: column[start:stop] for extra, column in commands.items()},
        ending=ending,
    )


def _pictures(replay: Replay) -> Iterator[np.ndarray]:
    """Yield what was seen before each decision, then what was seen after the last."""
    for index, (_, picture) in enumerate(replay):
        frame = FRAME(picture)
        yield frame
        if index == 0:
            yield frame


def _commands(demo: Demo) -> dict[str, np.ndarray]:
    """Return the columns of the extras: the viewer's commands, and those of the others if there are any."""
    columns = {"ticcmd": pair_tics(demo.viewer_tics)}
    if demo.num_players > 1:
        others = np.delete(demo.tics, demo.player_numbers.index(demo.viewer), axis=1)
        columns["others"] = pair_tics(others)
    return columns


def _extra_spaces(demo: Demo) -> dict[str, spaces.Box]:
    shapes: dict[str, tuple[int, ...]] = {"ticcmd": (TICS_PER_DECISION, 4)}
    if demo.num_players > 1:
        shapes["others"] = (TICS_PER_DECISION, demo.num_players - 1, 4)
    return {name: spaces.Box(0, 255, shape, np.uint8) for name, shape in shapes.items()}


def _num_decisions(demo: Demo) -> int:
    return -(-demo.num_tics // TICS_PER_DECISION)
