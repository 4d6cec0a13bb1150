"""Pictures as ML-Agents keeps them: PNG files of three channels each, one after the other.

A picture of more than three channels, such as a stack of frames, is several files. A mapping may say which channel of
the observation each channel of the files belongs to. The server's dialect reads the same; the rooms share no code.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import numpy as np

from understudy.recordings.formats.guards import decode_picture, picture_size
from understudy.recordings.formats.mlagents import demo_pb2 as pb
from understudy.recordings.formats.mlagents.framing import DamageError
from understudy.recordings.layout import encode_png

CHANNELS = 3
"""Of one file."""

MAX_LEVELS = 32 * 1024 * 1024
"""Of one picture; a 4K one in colour has 25 million."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_CHECKSUM_BYTES = 4


def picture_shape(observation: pb.ObservationProto) -> tuple[int, int, int]:
    """Return (height, width, channels) of a picture, whose own shape may begin with the channels as well.

    Package 3 of ML-Agents writes (channels, height, width), those before it (height, width, channels): the size of the
    PNG tells which. Nothing is decoded.

    Raises:
        DamageError: If it is no picture, does not fit its shape, or is larger than any game's.
    """
    shape, size = tuple(observation.shape), picture_size(observation.compressed_data)
    if size is None:
        raise DamageError("its data are no PNG")
    if len(shape) != 3 or size not in (shape[:2], shape[1:]):
        raise DamageError(f"its PNG is {size[0]} × {size[1]} pixels, which does not fit its shape {shape[:6]}")
    channels = shape[2] if size == shape[:2] else shape[0]
    if channels < 1 or math.prod(shape) > MAX_LEVELS:
        raise DamageError(f"its shape is {shape}; at most {MAX_LEVELS:,} levels are decoded")
    return (*size, channels)


def decode_pictures(observation: pb.ObservationProto, shape: tuple[int, int, int]) -> np.ndarray:
    """Return a picture as levels, uint8, of `shape`, which `picture_shape` gave; averages are rounded.

    Raises:
        DamageError: If the files are damaged, or do not make that shape.
    """
    files = _split(observation.compressed_data, limit=max(len(observation.compressed_channel_mapping), shape[2]))
    targets = _targets(observation.compressed_channel_mapping, shape[2], len(files))
    levels = np.concatenate([_decode(each, shape[:2]) for each in files], axis=2)
    if len(targets) == shape[2] and (targets == np.arange(shape[2])).all():
        return levels
    mixed = [levels[..., targets == channel].mean(axis=2, dtype=np.float32) for channel in range(shape[2])]
    return np.rint(np.stack(mixed, axis=2)).astype(np.uint8)


def encode_pictures(levels: np.ndarray) -> tuple[bytes, list[int]]:
    """Return the files of a picture and their mapping; channels that fill up the last file belong nowhere.

    Args:
        levels: uint8, shape (height, width, channels).
    """
    height, width, channels = levels.shape
    padded = np.concatenate([levels, np.zeros((height, width, -channels % CHANNELS), np.uint8)], axis=2)
    starts = range(0, padded.shape[2], CHANNELS)
    files = [encode_png(np.ascontiguousarray(padded[..., start : start + CHANNELS])) for start in starts]
    return b"".join(files), [each if each < channels else -1 for each in range(padded.shape[2])]


def _targets(mapping: Sequence[int], channels: int, files: int) -> np.ndarray:
    """The observation's channel of each channel of the files: as `mlagents_envs` does it, without a mapping too."""
    found = CHANNELS * files
    if mapping:
        targets = np.array(mapping)
    elif channels == 1:
        targets = np.concatenate((np.zeros(CHANNELS, np.intp), np.full(found - CHANNELS, -1)))
    else:
        targets = np.arange(found)
        targets[channels:] = -1
    if len(targets) != found or set(targets[targets >= 0].tolist()) != set(range(channels)):
        raise DamageError(f"its {files} PNGs and their mapping do not make {channels} channels")
    return targets


def _split(data: bytes, limit: int) -> list[bytes]:
    """Cut `data` where one file ends and the next begins, by walking over their chunks."""
    files: list[bytes] = []
    start = 0
    while start < len(data):
        if len(files) == limit:
            raise DamageError(f"it holds more than {limit} PNGs")
        end = _end(data, start)
        files.append(data[start:end])
        start = end
    return files


def _end(data: bytes, start: int) -> int:
    if not data.startswith(_SIGNATURE, start):
        raise DamageError("its data are no PNG")
    at, kind = start + len(_SIGNATURE), b""
    while kind != b"IEND":
        if at + _CHUNK.size > len(data):
            raise DamageError("its PNG is cut short")
        length, kind = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size + length + _CHECKSUM_BYTES
    return at


def _decode(file: bytes, size: tuple[int, int]) -> np.ndarray:
    """Return uint8, (height, width, 3)."""
    if picture_size(file) != size:
        raise DamageError("its PNGs differ in size")
    levels = decode_picture(file, "its PNG", max_pixels=MAX_LEVELS)
    if levels.shape[:2] != size:
        raise DamageError("its PNG names two sizes")
    return levels if levels.shape[2] == CHANNELS else np.repeat(levels, CHANNELS, axis=2)
