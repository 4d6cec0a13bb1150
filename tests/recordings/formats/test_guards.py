"""What a log may not do to its reader: fill its memory, lead it out of the folder, make it wait, or run code."""

from __future__ import annotations

import os
import pickle
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.errors import RecordingError
from understudy.recordings.formats import guards

PICTURE = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)


def encoded(suffix: str, picture: np.ndarray = PICTURE) -> bytes:
    """The picture as a file."""
    return bytes(cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture)[1])


def claiming(width: int, height: int) -> bytes:
    """A PNG whose header says it is this large."""
    head = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(head)) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk + encoded(".png")[33:]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_refused_by_name_and_by_content(tmp_path: Path, protocol: int) -> None:
    """Whatever it is called, a pickle is not loaded; the sentence says what to do instead."""
    hidden, named = tmp_path / "data.bin", tmp_path / "data.pkl"
    hidden.write_bytes(pickle.dumps({"a": 1}, protocol))
    named.write_text("anything")

    for path in (hidden, named):
        with pytest.raises(RecordingError, match=r"is a pickle, and loading one can run any code; convert it to npz"):
            guards.refuse_pickle(path)
    (tmp_path / "plain.txt").write_text("hello")
    guards.refuse_pickle(tmp_path / "plain.txt")


def test_looking_at_a_file_never_raises_and_never_waits(tmp_path: Path) -> None:
    """A missing file, a folder and a pipe have no bytes to look at; a file gives those asked for."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"0123456789")

    for name in ("pipe", "missing", "."):
        assert guards.head(tmp_path / name, 4) == b""
    assert guards.head(tmp_path / "file", 4) == b"0123"
    assert guards.head(tmp_path / "file", 4, start=8) == b"89"


def test_text_is_bounded_and_must_be_text(tmp_path: Path) -> None:
    """A text that is too large is not read, and one that is none says at which byte."""
    path = tmp_path / "text"
    path.write_bytes(b"caf\xc3\xa9 \xff")
    with pytest.raises(RecordingError, match=r"text is not UTF-8 text \(byte 6\)"):
        guards.read_text(path)
    with pytest.raises(RecordingError, match=r"text is 7 bytes; at most 6 are read of such a file"):
        guards.read_text(path, max_bytes=6)


def test_a_name_in_a_log_stays_in_its_folder(tmp_path: Path) -> None:
    """A path upwards, an absolute one and a link out of the folder are refused; one within is not."""
    folder = tmp_path / "log"
    (folder / "deep").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path)
    for name in ("../x", "deep/../../x", "/etc/passwd", "link/x"):
        with pytest.raises(RecordingError, match="which lies outside of it; it is not read"):
            guards.inside(folder, name)
    assert guards.inside(folder, "deep/../x.mp4") == folder / "deep/../x.mp4"


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pictures_are_decoded_to_rgb(suffix: str) -> None:
    """PNG exactly, JPEG nearly; a grey picture has one channel, one with transparency or sixteen bits is made plain."""
    found = guards.decode_picture(encoded(suffix), "x")
    assert (found.shape, found.dtype) == ((7, 9, 3), np.uint8)
    assert suffix == ".jpg" or np.array_equal(found, PICTURE)
    assert guards.decode_picture(encoded(suffix, PICTURE[..., 0]), "x").shape == (7, 9, 1)
    assert guards.picture_size(encoded(suffix)) == (7, 9)


@pytest.mark.parametrize("picture", [np.full((4, 5, 4), 9, np.uint8), np.full((4, 5, 3), 999, np.uint16)])
def test_unusual_pictures_are_made_plain(picture: np.ndarray) -> None:
    """Transparency and sixteen bits are dropped."""
    data = bytes(cv2.imencode(".png", picture)[1])

    found = guards.decode_picture(data, "x")

    assert (found.shape, found.dtype) == ((4, 5, 3), np.uint8)


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (2**31 - 1, 1), (2**32 - 1, 2**32 - 1)])
def test_bombs_are_refused_before_anything_is_allocated(width: int, height: int) -> None:
    """What a header says is checked first."""
    with pytest.raises(RecordingError, match=f"x says it is {width} × {height} pixels; at most"):
        guards.decode_picture(claiming(width, height), "x")


@given(data=st.binary(max_size=200), suffix=st.sampled_from([".png", ".jpg"]), cut=st.integers(0, 300))
def test_any_bytes_are_a_picture_or_a_sentence(data: bytes, suffix: str, cut: int) -> None:
    """A picture with anything in the middle decodes to some picture, or raises `RecordingError`."""
    whole = encoded(suffix)
    for damaged in (data, whole[:2] + data, whole[:cut] + data, whole[:cut] + data + whole[cut + len(data) :]):
        try:
            found = guards.decode_picture(damaged, "x", max_pixels=100_000)
        except RecordingError:
            continue
        assert found.size <= 300_000
