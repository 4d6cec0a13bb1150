"""What a log may not do to its reader: exhaust its memory, lead it out of the folder, or run code."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np

from understudy.errors import RecordingError

# A 4K picture is 25 MB; nothing a person plays has more.
MAX_PIXELS = 64 * 1024 * 1024
MAX_TEXT_BYTES = 64 * 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
# JPEG's markers without a length: TEM, RST0 to RST7.
_BARE_MARKERS = {0x01, *range(0xD0, 0xD8)}
_PICKLE_SUFFIXES = {".pkl", ".pickle", ".pt", ".pth"}


def refuse_pickle(path: Path) -> None:
    """Raise `RecordingError` if `path` is a pickle, by its name or its first bytes: loading one runs its code."""
    if path.suffix.lower() in _PICKLE_SUFFIXES or is_pickle(head(path, 2)):
        raise RecordingError(
            f"{path} is a pickle, and loading one can run any code; convert it to npz where you trust it."
        )


def is_pickle(start: bytes) -> bool:
    """Whether bytes begin like a pickle of protocol 2 to 5."""
    return len(start) >= 2 and start[0] == 0x80 and 2 <= start[1] <= 5


def head(path: Path, size: int, *, start: int = 0) -> bytes:
    """Return a file's bytes from `start` on, nothing if it cannot be read: for `sniff`, which never raises."""
    # Opening a pipe would wait for its writer.
    if not path.is_file():
        return b""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(size)
    except OSError:
        return b""


def read_text(path: Path, *, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """Read a text file of bounded size, less a byte order mark; raises `RecordingError` if larger, or not UTF-8."""
    size = path.stat().st_size
    if size > max_bytes:
        raise RecordingError(f"{path} is {size:,} bytes; at most {max_bytes:,} are read of such a file.")
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path} is not UTF-8 text (byte {error.start}).") from error


def inside(folder: Path, name: str) -> Path:
    """Return `folder / name`; raises `RecordingError` if that leads out of the folder (`..`, absolute, a link)."""
    path = folder / name
    if not _is_inside(path, folder):
        raise RecordingError(f"{folder} names the file {name!r}, which lies outside of it; it is not read.")
    return path


def _is_inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (RuntimeError, OSError, ValueError):
        # A link to itself, a name that is too long, a name with a nought in it.
        return False


def decode_picture(data: bytes, where: str, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode a PNG or JPEG to RGB, uint8, shape (height, width, 3), or (…, 1) if grey.

    Raises:
        RecordingError: If it is none, is damaged, or says it is larger than `max_pixels`; nothing is allocated before.
    """
    size = picture_size(data)
    if size is None:
        raise RecordingError(f"{where} is not a PNG or JPEG picture.")
    if size[0] * size[1] > max_pixels:
        raise RecordingError(f"{where} says it is {size[1]} × {size[0]} pixels; at most {max_pixels:,} are decoded.")
    # Turned as a camera's note (EXIF) says, it would have another size than its header, and than in other readers.
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None or image.dtype != np.uint8:
        raise RecordingError(f"{where} is damaged and cannot be decoded.")
    return image[..., None] if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return (height, width) as a PNG's or JPEG's header says, or None if it is neither."""
    if data[:8] == _PNG and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return height, width
    return _jpeg_size(data) if data[:2] == b"\xff\xd8" else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments (ITU-T T.81 B.1) to the frame header."""
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        kind, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if kind == 0xFF:
            place += 1
            continue
        if kind in _BARE_MARKERS:
            place += 2
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return height, width
        place += 2 + max(length, 2)
    return None
