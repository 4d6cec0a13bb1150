"""Demos of the ZDoom family, as ViZDoom's `new_episode(file)` writes them: who played what, before the engine is asked.

An IFF file: `FORM`, its length, `ZDEM`, and chunks of a name, a big-endian length and data: `ZDHD` (engine, map, seed,
the recording player), `UINF` for each player, `NETD` in a multiplayer game, `VARS` (the rules), and `COMP` and `BODY`,
the commands, deflated. Only the engine that wrote them knows what the commands do.

Source: `G_BeginRecording` and `G_CheckDemoStatus` of ZDoom's g_game.cpp; files of ViZDoom 1.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from understudy.errors import RecordingError

MAX_BODY_BYTES = 256 * 1024 * 1024
_CHUNK = struct.Struct(">4sI")
_START = 12
_NOBODY = "Player"
"""What the engine calls a player without a name."""


@dataclass(frozen=True)
class ZDemo:
    """What a demo says of itself.

    Attributes:
        engine: The version of the engine that wrote it, such as `"2.29"`.
        map_name: In capitals, such as `"MAP01"`.
        seed: Of the game.
        viewer: The number, from 1, of the player who recorded it.
        players: By number, from 1, their names; empty where the engine gave one.
        rules: The engine's settings, such as `{"skill": "2", "deathmatch": "0"}`.
        is_multiplayer: Whether it was recorded in a network game, be it of one player.
    """

    engine: str
    map_name: str
    seed: int
    viewer: int
    players: Mapping[int, str]
    rules: Mapping[str, str]
    is_multiplayer: bool

    @classmethod
    def parse(cls, data: bytes, where: str) -> ZDemo:
        """Read all but the commands, which are only checked to be whole.

        Raises:
            RecordingError: If it is none, or not whole.
        """
        if not is_zdemo(data):
            raise RecordingError(f"{where} is no demo of ViZDoom; it should begin with FORM and ZDEM.")
        players: dict[int, str] = {}
        found: dict[bytes, bytes] = {}
        for name, body in _chunks(data, where):
            found[name] = body
            if name == b"UINF" and body:
                players[body[0] + 1] = _player_name(body[1:])
        missing = [name.decode() for name in (b"ZDHD", b"UINF", b"VARS", b"BODY") if name not in found]
        if missing:
            raise _cut(where, f"it has no {missing[0]} chunk")
        _check_body(found.get(b"COMP", b""), found[b"BODY"], where)
        engine, map_name, seed, viewer = _header(found[b"ZDHD"], where)
        if viewer not in players:
            raise RecordingError(f"{where} was recorded by player {viewer}, of whom it says nothing; get it again.")
        return cls(engine, map_name, seed, viewer, players, _pairs(found[b"VARS"]), b"NETD" in found)

    @property
    def skill(self) -> int:
        """As in the menu, from 1 to 5."""
        text = self.rules.get("skill", "")
        return min(int(text), 4) + 1 if text.isdecimal() and len(text) < 3 else 3


def is_zdemo(data: bytes) -> bool:
    """Whether bytes begin like a demo of the ZDoom family."""
    return data[:4] == b"FORM" and data[8:12] == b"ZDEM"


def _cut(where: str, why: str) -> RecordingError:
    return RecordingError(
        f"{where} is not whole: {why}. The engine writes a demo at the end of its game, so nothing of it can be "
        "replayed; get it again."
    )


def _chunks(data: bytes, where: str) -> Iterator[tuple[bytes, bytes]]:
    end = _START - 4 + struct.unpack(">I", data[4:8])[0]
    if end > len(data):
        raise _cut(where, f"it has {len(data)} of {end} bytes")
    place = _START
    while place + _CHUNK.size <= end:
        name, size = _CHUNK.unpack_from(data, place)
        place += _CHUNK.size
        if place + size > end:
            raise _cut(where, f"its {name.decode('latin-1')!r} chunk says {size} bytes, and {end - place} are left")
        yield name, data[place : place + size]
        place += size + size % 2


def _check_body(comp: bytes, body: bytes, where: str) -> None:
    """Inflate the commands, no further than they say, to see that they are whole."""
    size = int.from_bytes(comp[:4], "big")
    if not size:
        return
    if size > MAX_BODY_BYTES:
        raise RecordingError(f"{where} says its commands have {size:,} bytes; at most {MAX_BODY_BYTES:,} are read.")
    try:
        inflated = zlib.decompressobj().decompress(body, size + 1)
    except zlib.error as error:
        raise _cut(where, "its commands do not inflate") from error
    if len(inflated) != size:
        raise _cut(where, f"its commands inflate to {len(inflated)} bytes, not {size}")


def _header(body: bytes, where: str) -> tuple[str, str, int, int]:
    name, _, rest = body[4:].partition(b"\0")
    if len(body) < 5 or len(rest) < 5 or not name.decode("latin-1").isalnum():
        raise RecordingError(f"{where} has a damaged header; get it again.")
    return f"{body[0]}.{body[1]}", name.decode("latin-1").upper(), int.from_bytes(rest[:4], "big"), rest[4] + 1


def _player_name(body: bytes) -> str:
    name = _pairs(body).get("name", "")
    return "" if name == _NOBODY else name


def _pairs(body: bytes) -> dict[str, str]:
    """Read keys and values, each after a backslash."""
    words = body.rstrip(b"\0").decode("utf-8", "replace").split("\\")[1:]
    return {key.lower(): value for key, value in zip(words[::2], words[1::2], strict=False)}
