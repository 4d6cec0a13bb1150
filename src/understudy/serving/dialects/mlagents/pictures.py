"""Pictures as ML-Agents sends them: PNG files of three channels each, one after the other.

A picture of more than three channels, such as a stack of frames, is several files. A mapping may say which channel of
the observation each channel of the files belongs to. Source: `process_pixels` in `mlagents_envs/rpc_utils.py` 0.28.0.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from understudy.errors import ObservationError, require

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = 3
"""Of one file."""

_HEADER_BYTES = 8
_CHECKSUM_BYTES = 4


def decode_pictures(data: bytes, shape: tuple[int, int, int], mapping: Sequence[int]) -> np.ndarray:
    """Return the picture that some PNG files make.

    Sizes are compared with `shape` before anything is decoded.

    Args:
        data: The files, one after the other.
        shape: Of the observation: (height, width, channels) or (channels, height, width); the files tell which, and
            where they fit both it is the former.
        mapping: Of each channel of the files, the observation's channel it is averaged into, or -1. If empty, one
            channel is the mean of the first file's three, and more are the files' channels in order.

    Returns:
        Levels 0 to 255, float32, of the very `shape`.

    Raises:
        ObservationError: If the files are damaged, or do not make that shape.
    """
    files = _split(data, limit=max(len(mapping), *shape))
    size = _size(files[0])
    channels_last = shape[:2] == size
    if not channels_last and shape[1:] != size:
        raise ObservationError(f"its PNG is {size[0]} × {size[1]} pixels, which does not fit its shape {shape}")
    channels = shape[2] if channels_last else shape[0]
    targets = _targets(mapping, channels, len(files))
    levels = np.concatenate([_decode(each, size) for each in files], axis=2)
    picture = _mix(levels, targets, channels)
    return picture if channels_last else picture.transpose(2, 0, 1)


def _targets(mapping: Sequence[int], channels: int, files: int) -> np.ndarray:
    """The observation's channel of each channel of the files."""
    found = CHANNELS * files
    if mapping:
        targets = np.asarray(mapping)
    elif channels == 1:
        targets = np.concatenate((np.zeros(CHANNELS, np.intp), np.full(found - CHANNELS, -1)))
    else:
        targets = np.arange(found)
        targets[channels:] = -1
    used = set(targets[targets >= 0].tolist())
    if len(targets) != found or used != set(range(channels)):
        raise ObservationError(f"its {files} PNGs and their mapping do not make {channels} channels")
    return targets


def _mix(levels: np.ndarray, targets: np.ndarray, channels: int) -> np.ndarray:
    if len(targets) == channels and (targets == np.arange(channels)).all():
        return levels.astype(np.float32)
    mixed = [levels[..., targets == channel].mean(axis=2, dtype=np.float32) for channel in range(channels)]
    return np.stack(mixed, axis=2)


def _split(data: bytes, limit: int) -> list[bytes]:
    """Cut `data` where one file ends and the next begins, by walking over their chunks."""
    files: list[bytes] = []
    start = 0
    while start < len(data):
        if len(files) == limit:
            raise ObservationError(f"it holds more than {limit} PNGs")
        end = _end(data, start)
        files.append(data[start:end])
        start = end
    if not files:
        raise ObservationError("it holds no PNG")
    return files


def _end(data: bytes, start: int) -> int:
    if not data.startswith(SIGNATURE, start):
        raise ObservationError("its data are no PNG")
    at, kind = start + len(SIGNATURE), b""
    while kind != b"IEND":
        if at + _HEADER_BYTES > len(data):
            raise ObservationError("its PNG is cut short")
        length, kind = struct.unpack_from(">I4s", data, at)
        at += _HEADER_BYTES + length + _CHECKSUM_BYTES
    return at


def _size(file: bytes) -> tuple[int, int]:
    """Height and width, from the first chunk, which must be the header."""
    if file[12:16] != b"IHDR" or len(file) < 24:
        raise ObservationError("its PNG has no header")
    width, height = struct.unpack_from(">II", file, 16)
    return height, width


def _decode(file: bytes, size: tuple[int, int]) -> np.ndarray:
    """Return uint8, (height, width, 3)."""
    if _size(file) != size:
        raise ObservationError("its PNGs differ in size")
    image: Any = require("PIL.Image", "serve")
    try:
        with image.open(io.BytesIO(file), formats=("PNG",)) as opened:
            # A second header in the file may claim another size.
            if (opened.height, opened.width) == size:
                return np.asarray(opened.convert("RGB"))
    except Exception as error:  # Pillow raises many unrelated classes for a file it cannot read
        raise ObservationError(f"its PNG cannot be decoded ({type(error).__name__})") from error
    raise ObservationError("its PNG names two sizes")
