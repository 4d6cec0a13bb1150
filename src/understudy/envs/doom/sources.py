"""Where demos come from: the WADs that hold them as lumps, and `.lmp` files beside their game."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from understudy.envs.doom.behavior import TICS_PER_DECISION
from understudy.envs.doom.lmp import Demo
from understudy.envs.doom.wad import Wad
from understudy.errors import MissingExtraError, RecordingError
from understudy.recordings import Provenance
from understudy.spec import Json

MAX_DEMO_BYTES = 64 * 1024 * 1024
"""A day of play by four people."""


@dataclass(frozen=True)
class DemoFile:
    """One demo before it is taken apart, with the game it was recorded on.

    Attributes:
        name: Such as `"freedoom1-DEMO1"`.
        data: All of its bytes.
        label: What to call it in errors, such as `"freedoom1.wad:DEMO1"`.
        iwad: The game.
        notes: What else a recording of it should say.
    """

    name: str
    data: bytes
    label: str
    iwad: Wad
    notes: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class DemoSource:
    """One demo with the game it was recorded on.

    Attributes:
        name: Such as `"freedoom1-DEMO1"`.
        demo: The parsed demo.
        iwad: The game.
        map_name: Of the map it starts on, such as `"E1M6"`.
        whole: False if only the whole decisions before a cut are here.
        notes: What else a recording of it should say.
    """

    name: str
    demo: Demo
    iwad: Wad
    map_name: str
    whole: bool = True
    notes: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def parse(cls, file: DemoFile, *, salvage: bool) -> DemoSource:
        """Take a demo apart; raises `RecordingError` if it or its map is wrong."""
        demo = Demo.parse(file.data, file.label, salvage=salvage)
        whole = demo.to_bytes() == file.data
        if not whole:
            # Half a decision is not what the player did.
            kept = demo.num_tics // TICS_PER_DECISION * TICS_PER_DECISION
            demo = Demo(demo.header, demo.tics[:kept], b"", file.label)
        return cls(file.name, demo, file.iwad, demo.map_name(file.iwad), whole, file.notes)

    def provenance(self) -> Provenance:
        """Return what a recording of this demo says of its origin.

        The notes hold the demo's rules and everything needed to rebuild it. Who recorded which demo is not known, so
        the player's id names the demo and the number of the player.
        """
        version = (
            self.iwad.read("FREEDOOM").decode("ascii", "replace").strip("\0\n ") if "FREEDOOM" in self.iwad else ""
        )
        game = f"Freedoom {version}" if version else self.iwad.path.stem
        demo = self.demo
        return Provenance(
            game="doom",
            build=f"{game}, WAD sha256 {self.iwad.sha256[:12]}",
            map=self.map_name,
            player=f"{self.name}/p{demo.viewer}",
            source=demo.source,
            notes={
                "skill": demo.skill,
                "mode": demo.mode,
                "players": demo.num_players,
                "viewer": demo.viewer,
                "version": demo.version,
                "respawn": demo.respawn,
                "fast": demo.fast,
                "nomonsters": demo.nomonsters,
                "tics": demo.num_tics,
                "header": demo.header.hex(),
                "footer": demo.footer.hex(),
                "wad_sha256": self.iwad.sha256,
                "licence": "BSD-3-Clause, the Freedoom project" if version else "",
                **self.notes,
            },
        )


def find_demo_wads() -> list[Path]:
    """Return the Freedoom WADs inside the installed `vizdoom` package, which hold eight demos; nothing is loaded.

    Raises:
        MissingExtraError: If `vizdoom` is not installed.
    """
    found = importlib.util.find_spec("vizdoom")
    if found is None or found.origin is None:
        raise MissingExtraError(
            "The Freedoom demos come with the package 'vizdoom', which is not installed. "
            "Run: pip install 'understudy[doom]'"
        )
    return sorted(Path(found.origin).parent.glob("freedoom[12].wad"))


def open_demos(source: Path, iwad: Path | None = None) -> list[DemoFile]:
    """Return the demos of a WAD, of which all demo lumps count, or the one of an `.lmp` file.

    Args:
        source: The file.
        iwad: The game that an `.lmp` file was recorded on; if not given, it is looked for as `find_game` says.

    Raises:
        RecordingError: If the file is not there, holds no demo, or lacks its game.
    """
    if source.suffix.lower() == ".lmp":
        return [_demo_file(source, iwad)]
    wad = Wad.open(source)
    demos = wad.demos()
    if not demos:
        raise RecordingError(
            f"{source} holds no demo (a lump named DEMO1, DEMO2, ...); give another WAD or a .lmp file."
        )
    if wad.kind != "IWAD":
        raise RecordingError(
            f"{source} is a {wad.kind}, an addition to a game; only the demos of a game itself (an IWAD) replay here."
        )
    return [DemoFile(f"{source.stem}-{name}", data, f"{source.name}:{name}", wad) for name, data in demos]


def _demo_file(source: Path, iwad: Path | None) -> DemoFile:
    if not source.is_file():
        raise RecordingError(f"{source} is not a file; give the path of a demo (.lmp) or of a WAD.")
    if source.stat().st_size > MAX_DEMO_BYTES:
        raise RecordingError(f"{source} has {source.stat().st_size:,} bytes; no demo has above {MAX_DEMO_BYTES:,}.")
    data = source.read_bytes()
    # Only the header is needed here: a demo that is cut still says what it plays.
    demo = Demo.parse(data, source.name, salvage=True)
    game, is_guess = find_game(source, demo, iwad)
    notes: dict[str, Json] = {"game_guessed": True} if is_guess else {}
    return DemoFile(f"{game.path.stem}-{source.stem}", data, source.name, game, notes)


def find_game(source: Path, demo: Demo, iwad: Path | None) -> tuple[Wad, bool]:
    """Return the game that a demo was recorded on, and whether that is only a guess, for a demo names no game.

    It is `iwad`; or else the one WAD beside the demo that has its map; or else, as a guess, the Freedoom that has it.

    Raises:
        RecordingError: If there is none, or two would do.
    """
    if iwad is not None:
        return Wad.open(iwad), False
    wads = (each for each in sorted(source.parent.iterdir()) if each.suffix.lower() == ".wad")
    beside = list(_games_with_map(demo, wads))
    try:
        games = beside or list(_games_with_map(demo, find_demo_wads()))
    except MissingExtraError:
        games = []
    if len(games) == 1:
        return games[0], not beside
    why = f"{' and '.join(each.path.name for each in games)} would do" if games else "none beside it has its map"
    raise RecordingError(
        f"{source} names no game, and {why}; say which WAD it was recorded on: --format doom --set iwad=WAD"
    )


def _games_with_map(demo: Demo, paths: Iterator[Path] | list[Path]) -> Iterator[Wad]:
    for path in paths:
        try:
            wad = Wad.open(path)
            demo.map_name(wad)
        except RecordingError:
            continue
        if wad.kind == "IWAD":
            yield wad
