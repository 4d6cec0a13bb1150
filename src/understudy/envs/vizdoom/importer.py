"""Imports what ViZDoom records (`new_episode(file)`), by replaying it in ViZDoom.

A multiplayer game is only recorded by the engine's own `-record`; it gives an episode for each of its players.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from understudy.envs.doom.wad import Wad
from understudy.envs.vizdoom.recorded import DEFAULT_RESOLUTION, Recorded, choose_recorded
from understudy.envs.vizdoom.replay import Part, Tic, replay_tics
from understudy.envs.vizdoom.scenario import Scenario, find_config, find_wad_beside, read_scenario
from understudy.envs.vizdoom.zdemo import ZDemo, is_zdemo
from understudy.errors import GameError, RecordingError, suggest
from understudy.recordings import Provenance
from understudy.recordings.formats import Ending, ImportOptions, LogDescription, LogEpisode, Loss, Rows, Settings
from understudy.recordings.formats.guards import head

_ROWS_AT_ONCE = 64
_MAX_DEMO_BYTES = 64 * 1024 * 1024
_WORDS = re.compile(r"[,\s]+")


class VizdoomSettings(Settings):
    """What a ViZDoom demo does not say."""

    config: Path | None = Field(
        None, description="the ViZDoom configuration (.cfg) it was recorded with; by default one beside it"
    )
    wad: str = Field("", description="the scenario or game: a path, or a name in the vizdoom wheel; else the config's")
    buttons: str = Field("", description="names, with commas between; by default the config's, else all")
    variables: str = Field("", description="game variables to keep, with commas between; by default the config's")
    tics: int = Field(1, ge=1, le=35, description="tics of one decision: the frame skip it was played with")
    resolution: str = Field("", description="of the picture, such as 160X120; by default the config's")


class VizdoomImporter:
    """Replays demos in the ViZDoom engine, which runs in a process of its own.

    A recording has the sensor `frame`, uint8 RGB, and one for each game variable; the parts `buttons` (held in any tic
    of the decision) and `deltas` (added up over its tics). A demo ends terminated if the player was dead then, else
    truncated: it does not say whether the level was left, or the recorder. The last observation is not drawn.
    """

    name: ClassVar[str] = "vizdoom"
    title: ClassVar[str] = "ViZDoom demos (.lmp), replayed"
    Settings: ClassVar[type[Settings]] = VizdoomSettings

    def sniff(self, path: Path) -> bool:
        """Whether it begins as the ZDoom family's demos do."""
        return is_zdemo(head(path, 12))

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Read the demo's header; raises `RecordingError` if it is not whole, or its WAD is not known."""
        demo = _parse(path)
        settings = _settings(options)
        config = settings.config or find_config(path)
        part = _part(path, demo, settings)
        files = [path, config, Path(part.scenario or part.game)]
        players = "one player" if len(demo.players) == 1 else f"{len(demo.players)} players"
        notes = (f"ViZDoom {demo.map_name}, skill {demo.skill}, {players}, seed {demo.seed}",)
        return LogDescription(tuple(file for file in files if file is not None), len(demo.players), notes=notes)

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield an episode for each player; its replay starts with its first row, and ends with its last or unread."""
        demo, settings = _parse(path), _settings(options)
        part = _part(path, demo, settings)
        recorded = choose_recorded(part.buttons, part.variables, part.picture_shape, settings.tics)
        for number, name in sorted(demo.players.items()):
            losses = [Loss(path.name, recorded.what_is_lost())] if recorded.lost else []
            player = number if len(demo.players) > 1 else 0
            own = replace(part, player=player, buttons=recorded.asked, variables=recorded.variables)
            with closing(_rows(own, recorded, options.salvage, losses)) as rows:
                yield LogEpisode(
                    _name(part, path, player, demo.players.values()),
                    recorded.behavior,
                    _provenance(demo, part, name, number),
                    rows,
                    losses=losses,
                )


def _settings(options: ImportOptions) -> VizdoomSettings:
    return options.settings if isinstance(options.settings, VizdoomSettings) else VizdoomSettings()


def _parse(path: Path) -> ZDemo:
    if not path.is_file():
        raise RecordingError(f"{path} is not a file; give the path of a ViZDoom demo (.lmp).")
    if path.stat().st_size > _MAX_DEMO_BYTES:
        raise RecordingError(f"{path} has {path.stat().st_size:,} bytes; no demo has above {_MAX_DEMO_BYTES:,}.")
    return ZDemo.parse(path.read_bytes(), str(path))


def _part(path: Path, demo: ZDemo, settings: VizdoomSettings) -> Part:
    config = settings.config or find_config(path)
    scenario = read_scenario(config) if config else Scenario()
    wad = _wad(path, settings.wad or scenario.wad or str(find_wad_beside(path) or ""))
    if demo.map_name not in wad.maps:
        raise RecordingError(f"{path} plays {demo.map_name}, which {wad.path.name} does not have; give its own WAD.")
    is_game = wad.kind == "IWAD"
    resolution = settings.resolution or scenario.resolution or DEFAULT_RESOLUTION
    return Part(
        demo=str(path.resolve()),
        player=0,
        game=str(wad.path.resolve() if is_game else _wad(path, scenario.game or _base()).path.resolve()),
        scenario="" if is_game else str(wad.path.resolve()),
        map_name=demo.map_name,
        skill=demo.skill,
        buttons=_words(settings.buttons) or scenario.buttons,
        variables=_words(settings.variables) or scenario.variables,
        rewards=scenario.rewards,
        resolution=_resolution(resolution),
        draws_hud=scenario.draws_hud,
        arguments=_arguments(demo),
    )


def _resolution(text: str) -> str:
    from understudy.envs.vizdoom.engine import vizdoom

    name = f"RES_{text.upper().removeprefix('RES_')}"
    known = vizdoom.ScreenResolution.__members__
    if name not in known:
        raise RecordingError(f"ViZDoom draws no pictures of {text}.{suggest(name, known)}")
    return name


def _base() -> str:
    from understudy.envs.vizdoom.engine import SCENARIO_BASE

    return SCENARIO_BASE


def _wad(path: Path, name: str) -> Wad:
    if not name:
        raise RecordingError(
            f"{path} does not say which WAD it was recorded on; give it, or its configuration: --format vizdoom "
            "--set wad=basic.wad, or --set config=basic.cfg"
        )
    from understudy.envs.vizdoom.engine import find_wad

    try:
        return Wad.open(find_wad(name))
    except GameError as error:
        raise RecordingError(f"{path}: {error}") from error


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.upper() for word in _WORDS.split(text) if word)


def _arguments(demo: ZDemo) -> tuple[str, ...]:
    """The engine crashes on a network game's demo unless it thinks it hosts one, of the same kind."""
    if not demo.is_multiplayer:
        return ()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kind = ("-deathmatch",) if demo.rules.get("deathmatch", "0") != "0" else ()
    return ("-host 1", f"-port {port}", *kind)


def _name(part: Part, path: Path, player: int, people: Iterable[str]) -> str:
    """Name an episode by its scenario and file, which may be called after one of the players."""
    stem = path.stem
    for name in sorted(filter(None, people), key=len, reverse=True):
        stem = re.sub(re.escape(name), "player", stem, flags=re.IGNORECASE)
    words = f"{Path(part.scenario or part.game).stem}-{stem}" + (f"-p{player}" if player else "")
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", words)


def _provenance(demo: ZDemo, part: Part, player: str, number: int) -> Provenance:
    wad = Wad.open(part.scenario or part.game)
    return Provenance(
        game="doom",
        build=f"ViZDoom's engine {demo.engine}, {wad.path.name}, sha256 {wad.sha256[:12]}",
        map=demo.map_name,
        seed=demo.seed,
        player=player,
        source=f"vizdoom demo of engine {demo.engine}",
        notes={"skill": demo.skill, "players": len(demo.players), "viewer": number, "wad_sha256": wad.sha256},
    )


def _rows(part: Part, recorded: Recorded, salvage: bool, losses: list[Loss]) -> Generator[Rows, None, None]:
    """Replay a part. If the engine stops, the decisions before that are kept, or the error is raised."""
    decisions = _decisions(part, recorded.tics)
    group: list[Sequence[Tic]] = []
    ending = Ending(truncated=True)
    while True:
        try:
            group.append(next(decisions))
        except StopIteration as end:
            ending = Ending(terminated=bool(end.value), truncated=not end.value)
            break
        except RecordingError as error:
            if not salvage:
                raise
            losses.append(Loss(Path(part.demo).name, str(error).rstrip(".")))
            break
        # One is held back, for the last rows say how it ended.
        if len(group) > _ROWS_AT_ONCE:
            yield recorded.rows(group[:-1], None)
            del group[:-1]
    if group:
        yield recorded.rows(group, ending)


def _decisions(part: Part, tics: int) -> Generator[Sequence[Tic], None, bool]:
    """Yield the tics of each decision; of a decision that the engine did not finish, nothing."""
    with closing(replay_tics(part)) as replay:
        group: list[Tic] = []
        while True:
            try:
                group.append(next(replay))
            except StopIteration as end:
                if group:
                    yield group
                return bool(end.value)
            if len(group) == tics:
                yield group
                group = []
