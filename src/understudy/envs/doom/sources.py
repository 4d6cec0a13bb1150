"""Where demos come from: the WADs that hold them as lumps, and `.lmp` files beside their game."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from understudy.envs.doom.lmp import Demo
from understudy.envs.doom.wad import Wad
from understudy.errors import MissingExtraError, RecordingError
from understudy.recordings import Provenance


@dataclass(frozen=True)
class DemoSource:
    """One demo with the game it was recorded on.

    Attributes:
        name: Such as `"freedoom1-DEMO1"`.
        demo: The parsed demo.
        iwad: The game.
        map_name: Of the map it starts on, such as `"E1M6"`.
    """

    name: str
    demo: Demo
    iwad: Wad
    map_name: str

    @classmethod
    def parse(cls, name: str, data: bytes, source: str, iwad: Wad, *, salvage: bool) -> DemoSource:
        """Parse the demo `data`, called `source` in errors; raises `RecordingError` if it or its map is wrong."""
        demo = Demo.parse(data, source, salvage=salvage)
        return cls(f"{iwad.path.stem}-{name}", demo, iwad, demo.map_name(iwad))

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


def open_demos(
    sources: Sequence[Path | str], *, iwad: Path | str | None = None, salvage: bool = False
) -> list[DemoSource]:
    """Parse every demo of `sources`: WADs, of which all demo lumps count, and `.lmp` files recorded on `iwad`.

    Raises:
        RecordingError: If a file is not there or damaged, holds no demo, lacks its game, or two would share a name.
    """
    game = Wad.open(iwad) if iwad else None
    demos = [demo for source in sources for demo in _demos_of(Path(source), game, salvage)]
    names = [demo.name for demo in demos]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise RecordingError(
            f"Two demos would be called '{min(twice)}'; rename one file, or import them to two folders."
        )
    return demos


def _demos_of(source: Path, iwad: Wad | None, salvage: bool) -> list[DemoSource]:
    if source.suffix.lower() == ".lmp":
        return [_demo_file(source, iwad, salvage)]
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
    return [DemoSource.parse(name, data, f"{wad.path.name}:{name}", wad, salvage=salvage) for name, data in demos]


def _demo_file(source: Path, iwad: Wad | None, salvage: bool) -> DemoSource:
    if not source.is_file():
        raise RecordingError(f"{source} is not a file; give the path of a demo (.lmp) or of a WAD.")
    if iwad is None:
        raise RecordingError(f"{source} names no game; say which WAD it was recorded on (iwad).")
    return DemoSource.parse(source.stem, source.read_bytes(), source.name, iwad, salvage=salvage)
