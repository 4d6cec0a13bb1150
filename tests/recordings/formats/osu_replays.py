"""Writes osu! replays: as the game does, with what the real writers differ in, and with damage."""

from __future__ import annotations

import lzma
import random
import struct
from collections.abc import Sequence
from pathlib import Path

BEATMAP = "da8aae79c8f3306b5d65ec951874a7fb"
CHECKSUM = "3e8d2e6b8a3a4cdd9b5b6d6e5fd3ab4f"
SEED_FRAME = "-12345|0|0|7391"
BEFORE_PLAY = ("0|256|-500|0", "-1|256|-500|0")

Frame = tuple[int, float, float, int]


def stream(frames: Sequence[Frame], *, seed: bool = True, before: bool = True, last_comma: bool = True) -> str:
    """The text of the frames: (milliseconds since the last, x, y, keys)."""
    parts = [*(BEFORE_PLAY if before else ()), *("|".join(map(str, frame)) for frame in frames)]
    parts += [SEED_FRAME] if seed else []
    return ",".join(parts) + ("," if last_comma else "")


def replay_bytes(
    text: str,
    *,
    player: str = "Cookie Zi",
    mode: int = 0,
    version: int = 20240820,
    mods: int = 0,
    compressed: bytes | None = None,
    length: int | None = None,
    lazer: bool = False,
) -> bytes:
    """A whole file around the text of its frames."""
    body = lzma.compress(text.encode(), lzma.FORMAT_ALONE) if compressed is None else compressed
    data = struct.pack("<Bi", mode, version) + _text(BEATMAP) + _text(player) + _text(CHECKSUM)
    data += struct.pack("<6HiHB", 300, 10, 2, 50, 5, 1, 1_234_567, 432, 0) + struct.pack("<i", mods)
    data += _text("0|1,1500|0.9,") + struct.pack("<q", 638_600_000_000_000_000)
    data += struct.pack("<i", len(body) if length is None else length) + body + struct.pack("<q", 0)
    if lazer:
        extra = lzma.compress(b'{"mods":[]}', lzma.FORMAT_ALONE)
        data += struct.pack("<i", len(extra)) + extra
    return data


def write_replay(path: Path, frames: Sequence[Frame], **options: object) -> Path:
    """Write a whole replay and return its path."""
    path.write_bytes(replay_bytes(stream(frames), **options))  # type: ignore[arg-type]
    return path


def _text(value: str) -> bytes:
    if not value:
        return b"\x00"
    data = value.encode()
    length, size = b"", len(data)
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return b"\x0b" + length + bytes([size]) + data


def sample_log(folder: Path, seed: int) -> Path:
    """Write a small replay drawn from a seed."""
    rng = random.Random(seed)
    frames = [
        (rng.choice((8, 16, 17, 33)), rng.randint(0, 512), rng.randint(0, 384), rng.randint(0, 31)) for _ in range(60)
    ]
    return write_replay(folder / "sample.osr", frames, mods=rng.choice((0, 8, 64)))
