"""Demos of the vanilla engine (`.lmp`): the inputs of every player in every tic, from which the engine replays a game.

A header of 13 bytes is followed by four bytes for each tic and player (forward, side, turn, buttons), an end mark, and
sometimes a footer of a newer engine.

Source: https://doomwiki.org/wiki/Demo, and `G_ReadDemoTiccmd` of linuxdoom-1.10.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

import numpy as np

from understudy.envs.doom.wad import Wad
from understudy.errors import RecordingError

HEADER_SIZE = 13
END_MARK = 0x80
FORWARD, SIDE, TURN, BUTTONS = range(4)
"""The bytes of one command: forward, side and turn are signed, turn counts 1/256 of a circle, positive to the left."""

_COMMAND_SIZE = 4
_MAX_PLAYERS = 4
_VERSIONS = range(104, 110)
_FOREIGN = {
    110: "a demo of Doom 1.10 (version 110)",
    111: "a demo with long tics (version 111), whose commands have five bytes",
    200: "a demo of Boom 2.00",
    201: "a demo of Boom 2.01",
    202: "a demo of Boom 2.02",
    203: "a demo of MBF",
    221: "a demo of MBF21",
    ord("F"): "a demo of the ZDoom family, which ViZDoom records",
}
_MODES = ("co-op", "deathmatch", "altdeath")


@dataclass(frozen=True, eq=False)
class Demo:
    """One parsed demo.

    Attributes:
        header: The 13 bytes before the first tic.
        tics: Every command, uint8, shape (tics, players, 4): see `FORWARD`, `SIDE`, `TURN`, `BUTTONS`. The players are
            those in the game, in the order of their numbers.
        footer: What follows the end mark.
        source: Where it comes from, such as `"freedoom1.wad:DEMO1"`; named in errors.
    """

    header: bytes
    tics: np.ndarray
    footer: bytes = b""
    source: str = "demo"

    @classmethod
    def parse(cls, data: bytes, source: str, *, salvage: bool = False) -> Demo:
        """Take a demo apart; `Demo.parse(data, source).to_bytes() == data` if it was whole.

        Args:
            data: All of its bytes.
            source: What to call it in errors.
            salvage: Take the whole tics of a demo without an end mark, instead of refusing it.

        Raises:
            RecordingError: If it is of a version with another layout, damaged, or (without `salvage`) truncated.
        """
        header = _checked_header(data, source)
        num_players = sum(map(bool, header[9:13]))
        commands = np.frombuffer(data, np.uint8, offset=HEADER_SIZE)
        starts = commands[::_COMMAND_SIZE]
        ends = np.flatnonzero(starts == END_MARK)
        num_commands = int(ends[0]) if ends.size else len(commands) // _COMMAND_SIZE
        num_tics, rest = divmod(num_commands, num_players)
        if (rest or not ends.size) and not salvage:
            raise RecordingError(
                f"{source} is truncated: no end mark follows its {num_tics} whole tics; get the file again, or import "
                "with salvage to keep those tics."
            )
        whole = num_tics * num_players * _COMMAND_SIZE
        tics = commands[:whole].reshape(num_tics, num_players, _COMMAND_SIZE)
        footer = b"" if rest or not ends.size else data[HEADER_SIZE + whole + 1 :]
        return cls(header, tics, footer, source)

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        return self.header + self.tics.astype(np.uint8).tobytes() + bytes([END_MARK]) + self.footer

    @property
    def num_tics(self) -> int:
        """How many 35ths of a second were played."""
        return len(self.tics)

    @property
    def version(self) -> int:
        """Of the engine, such as 109 for 1.9."""
        return self.header[0]

    @property
    def skill(self) -> int:
        """As in the menu: 1 is the easiest, 5 Nightmare."""
        return self.header[1] + 1

    @property
    def mode(self) -> str:
        """`"single"`, `"co-op"`, `"deathmatch"` or `"altdeath"`."""
        return "single" if self.num_players == 1 and not self.header[4] else _MODES[min(self.header[4], 2)]

    @property
    def respawn(self) -> bool:
        """Whether monsters come back."""
        return bool(self.header[5])

    @property
    def fast(self) -> bool:
        """Whether monsters are fast."""
        return bool(self.header[6])

    @property
    def nomonsters(self) -> bool:
        """Whether there are none."""
        return bool(self.header[7])

    @property
    def player_numbers(self) -> tuple[int, ...]:
        """The numbers, from 1 to 4, of the players in the game: what `tics` holds, in order."""
        return tuple(number for number in range(1, _MAX_PLAYERS + 1) if self.header[8 + number])

    @property
    def num_players(self) -> int:
        """How many play."""
        return len(self.player_numbers)

    @property
    def viewer(self) -> int:
        """The number, from 1 to 4, of the player who recorded the demo and whose view it shows."""
        return self.header[8] + 1

    @property
    def viewer_tics(self) -> np.ndarray:
        """The viewer's commands, uint8, shape (tics, 4)."""
        return self.tics[:, self.player_numbers.index(self.viewer)]

    def map_name(self, iwad: Wad) -> str:
        """Return the name of the map it starts on in `iwad`: `"E1M6"`, or `"MAP03"` in a game of the Doom 2 kind.

        Raises:
            RecordingError: If that game has no such map.
        """
        episode, number = self.header[2], self.header[3]
        episodic = any(name.startswith("E") for name in iwad.maps)
        name = f"E{episode}M{number}" if episodic else f"MAP{number:02}"
        if name not in iwad.maps:
            raise RecordingError(
                f"{self.source} plays {name}, which {iwad.path.name} does not have; give the WAD it was recorded on."
            )
        return name


def _checked_header(data: bytes, source: str) -> bytes:
    if not data:
        raise RecordingError(f"{source} is empty; give a vanilla Doom demo (.lmp).")
    version = data[0]
    if version not in _VERSIONS:
        raise RecordingError(
            f"{source} is {_foreign(version)}; only vanilla demos replay here, of versions {_VERSIONS[0]} to "
            f"{_VERSIONS[-1]}."
        )
    if len(data) < HEADER_SIZE:
        raise RecordingError(
            f"{source} has {len(data)} bytes, fewer than a demo's header of {HEADER_SIZE}; get the file again."
        )
    skill, console, players = data[1], data[8], data[9:13]
    if skill > 4 or console >= _MAX_PLAYERS or not players[console]:
        raise RecordingError(
            f"{source} has a damaged header: skill {skill} (0 to 4), recording player {console} of players "
            f"{list(players)}; get the file again."
        )
    return data[:HEADER_SIZE]


def _foreign(version: int) -> str:
    if version in _FOREIGN:
        return _FOREIGN[version]
    if version <= 4:
        return "a demo of Doom 1.2 or older, which has no version byte"
    if 210 <= version <= 214:
        return f"a demo of PrBoom (version {version})"
    letter = chr(version) if chr(version) in string.ascii_letters else f"byte {version}"
    return f"no demo known here (it starts with {letter!r})"
