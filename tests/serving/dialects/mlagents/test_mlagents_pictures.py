"""PNGs, whole and broken."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from understudy.errors import ObservationError
from understudy.serving.dialects.mlagents.pictures import SIGNATURE, decode_pictures
from understudy.serving.dialects.mlagents.unity import png

pictures = arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=7))
NOISE = np.random.default_rng(0).integers(0, 256, (5, 6, 6), np.uint8)


@given(levels=pictures, channels_first=st.booleans())
def test_what_a_game_compresses_is_decoded(levels: np.ndarray, channels_first: bool) -> None:
    """A picture of any number of channels comes back level by level, in the order of its shape."""
    sent = png(levels, channels_first=channels_first)
    shape = tuple(sent.shape)
    found = decode_pictures(sent.compressed_data, shape, sent.compressed_channel_mapping)
    assert found.dtype == np.float32
    assert found.shape == shape
    # Where the height and the width are also channels and height, nothing tells the two orders apart.
    if channels_first and shape[:2] != levels.shape[:2]:
        found = found.transpose(1, 2, 0)
    if not channels_first or shape[:2] != levels.shape[:2]:
        np.testing.assert_array_equal(found, levels)


def test_channels_of_one_target_are_averaged() -> None:
    """A mapping puts the mean of two channels into one, and drops what maps to -1."""
    data = png(NOISE).compressed_data
    found = decode_pictures(data, (5, 6, 2), [1, 0, 1, -1, -1, -1])
    np.testing.assert_array_equal(found[..., 0], NOISE[..., 1])
    np.testing.assert_allclose(found[..., 1], (NOISE[..., 0].astype(float) + NOISE[..., 2]) / 2)


def test_old_games_send_no_mapping() -> None:
    """Without a mapping one channel is the mean of the first three, and more are the first ones."""
    data = png(NOISE).compressed_data
    grey = decode_pictures(data, (5, 6, 1), [])
    np.testing.assert_allclose(grey[..., 0], NOISE[..., :3].mean(axis=2), atol=1e-4)
    np.testing.assert_array_equal(decode_pictures(data, (5, 6, 4), []), NOISE[..., :4])


@pytest.mark.parametrize(
    ("data", "shape", "mapping", "says"),
    [
        (b"", (5, 6, 3), [], "holds no PNG"),
        (b"JFIF" * 9, (5, 6, 3), [], "are no PNG"),
        (png(NOISE).compressed_data[:-5], (5, 6, 6), [], "PNG"),
        (png(NOISE).compressed_data, (6, 4, 6), [], "is 5 × 6 pixels, which does not fit its shape (6, 4, 6)"),
        (png(NOISE).compressed_data, (5, 6, 7), [], "2 PNGs and their mapping do not make 7 channels"),
        (png(NOISE).compressed_data, (5, 6, 3), [0, 1, 2], "2 PNGs and their mapping do not make 3 channels"),
        (png(NOISE).compressed_data, (5, 6, 3), [0, 1, 1, 0, 1, 1], "do not make 3 channels"),
        (png(NOISE).compressed_data, (5, 6, 3), [0, 1, 2, 3, 0, 0], "do not make 3 channels"),
        (png(NOISE).compressed_data * 9, (5, 6, 6), [], "more than 6 PNGs"),
        (png(NOISE).compressed_data + png(NOISE[1:]).compressed_data, (5, 6, 12), [], "differ in size"),
        (SIGNATURE + struct.pack(">I4s", 0, b"IEND") + bytes(4), (5, 6, 3), [], "has no header"),
    ],
)
def test_what_does_not_fit_is_named(data: bytes, shape: tuple[int, int, int], mapping: list[int], says: str) -> None:
    """A PNG that cannot be the observation is refused with what is wrong about it."""
    with pytest.raises(ObservationError, match=says.replace("(", r"\(").replace(")", r"\)")):
        decode_pictures(data, shape, mapping)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _header(width: int, height: int) -> bytes:
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


@pytest.mark.parametrize("first", [_header(2, 2), _header(30000, 30000)])
def test_a_second_header_is_not_believed(first: bytes) -> None:
    """A PNG whose later header claims a huge picture is refused before that is allocated."""
    file = SIGNATURE + first + _header(30000, 30000) + _chunk(b"IDAT", zlib.compress(bytes(64))) + _chunk(b"IEND", b"")
    with pytest.raises(ObservationError):
        decode_pictures(file, (2, 2, 3), [])


@given(at=st.integers(0, 200), byte=st.integers(0, 255), cut=st.integers(0, 200))
def test_damage_is_refused_or_harmless(at: int, byte: int, cut: int) -> None:
    """A PNG with a wrong byte or a missing end gives a picture of the shape or an `ObservationError`."""
    data = bytearray(png(NOISE).compressed_data)
    data[at % len(data)] = byte
    try:
        found = decode_pictures(bytes(data[: len(data) - cut]), (5, 6, 6), [])
    except ObservationError:
        return
    assert found.shape == (5, 6, 6)
