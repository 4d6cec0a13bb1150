"""The WAD reader: what it finds in a real WAD, and what it says about a damaged one."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.envs.doom.wad import Wad
from understudy.errors import RecordingError


def make_wad(lumps: list[tuple[str, bytes]], kind: bytes = b"PWAD") -> bytes:
    """Build a WAD with its directory at the end."""
    body, directory = b"", b""
    for name, data in lumps:
        directory += struct.pack("<ii8s", 12 + len(body), len(data), name.encode())
        body += data
    return struct.pack("<4sii", kind, len(lumps), 12 + len(body)) + body + directory


WHOLE = make_wad([("MAP01", b""), ("DEMO10", b"ten"), ("demo2", b"two"), ("DEMOX", b"no"), ("DEMO2", b"later")])


def opened(folder: Path, data: bytes) -> Wad:
    """Write `data` as x.wad and open it."""
    path = folder / "x.wad"
    path.write_bytes(data)
    return Wad.open(path)


def test_lumps_are_found_by_name_and_the_last_of_two_counts(tmp_path: Path) -> None:
    """A lump is read by its name in any case; of two of one name the last is meant, as in the game."""
    wad = opened(tmp_path, WHOLE)

    assert [lump.name for lump in wad.lumps] == ["MAP01", "DEMO10", "DEMO2", "DEMOX", "DEMO2"]
    assert wad.read("Demo2") == b"later"
    assert wad.read("MAP01") == b""
    assert wad.maps == ("MAP01",)


def test_demos_are_the_numbered_lumps_in_order_of_their_numbers(tmp_path: Path) -> None:
    """DEMO2 comes before DEMO10, and DEMOX is no demo."""
    assert opened(tmp_path, WHOLE).demos() == [("DEMO2", b"later"), ("DEMO10", b"ten")]


def test_an_unknown_lump_is_refused_with_a_near_name(tmp_path: Path) -> None:
    """Asking for a lump that is not there names what was asked and what may have been meant."""
    with pytest.raises(RecordingError, match=r"x\.wad has no lump 'DEMO3'\. Did you mean 'DEMO\w+'\? Known: "):
        opened(tmp_path, WHOLE).read("DEMO3")


def _entry(offset: int, size: int) -> bytes:
    return struct.pack("<4sii", b"IWAD", 1, 12) + struct.pack("<ii8s", offset, size, b"LUMP")


BAD = [
    (b"IWAD", "{path} has 4 bytes, fewer than a WAD's header of 12; get the file again."),
    (b"ZWAD" + bytes(20), "{path} starts with b'ZWAD', not with IWAD or PWAD; give the path of a WAD."),
    (
        struct.pack("<4sii", b"IWAD", -1, 12),
        "{path} says that its directory of -1 lumps starts at byte 12, which does not fit its 12 bytes; the file is "
        "truncated or damaged, get it again.",
    ),
    (
        struct.pack("<4sii", b"IWAD", 2**31 - 1, 12),
        "{path} says that its directory of 2147483647 lumps starts at byte 12, which does not fit its 12 bytes; the "
        "file is truncated or damaged, get it again.",
    ),
    (
        struct.pack("<4sii", b"IWAD", 0, 3),
        "{path} says that its directory of 0 lumps starts at byte 3, which does not fit its 12 bytes; the file is "
        "truncated or damaged, get it again.",
    ),
    (
        _entry(20, 9),
        "{path} says that lump 0 'LUMP' has 9 bytes from byte 20 on, which do not fit its 28 bytes; the file is "
        "truncated or damaged, get it again.",
    ),
    (
        _entry(-4, 2),
        "{path} says that lump 0 'LUMP' has 2 bytes from byte -4 on, which do not fit its 28 bytes; the file is "
        "truncated or damaged, get it again.",
    ),
    (
        _entry(0, -2),
        "{path} says that lump 0 'LUMP' has -2 bytes from byte 0 on, which do not fit its 28 bytes; the file is "
        "truncated or damaged, get it again.",
    ),
]


@pytest.mark.parametrize(("data", "message"), BAD)
def test_a_bad_wad_is_refused_in_words(tmp_path: Path, data: bytes, message: str) -> None:
    """Each way a WAD can be wrong has its own sentence."""
    with pytest.raises(RecordingError) as error:
        opened(tmp_path, data)

    assert str(error.value) == message.format(path=tmp_path / "x.wad")


def test_a_missing_wad_is_refused(tmp_path: Path) -> None:
    """A path without a file, or with a folder, says so."""
    with pytest.raises(RecordingError, match="is not a file; give the path of a WAD"):
        Wad.open(tmp_path)


@given(cut=st.integers(0, len(WHOLE) - 1))
def test_a_wad_cut_anywhere_is_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """The directory is at the end, so no part of a WAD passes for the whole."""
    with pytest.raises(RecordingError):
        opened(tmp_path_factory.getbasetemp(), WHOLE[:cut])


@given(data=st.binary(max_size=64), kind=st.sampled_from([b"IWAD", b"PWAD"]))
def test_arbitrary_bytes_never_crash_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, kind: bytes
) -> None:
    """Whatever follows the magic, the directory opens and every lump reads, or a RecordingError says why not."""
    try:
        wad = opened(tmp_path_factory.getbasetemp(), kind + data)
    except RecordingError:
        return
    for lump in wad.lumps:
        assert len(wad.read(lump.name)) <= len(data) + 4


def test_a_wad_that_shrinks_after_it_was_opened_is_noticed(tmp_path: Path) -> None:
    """Reading never returns fewer bytes than the directory promised."""
    wad = opened(tmp_path, WHOLE)
    wad.path.write_bytes(WHOLE[:14])

    with pytest.raises(RecordingError, match="became shorter while it was read"):
        wad.read("DEMO10")


def test_freedoom_holds_eight_demos(wads: dict[str, Wad]) -> None:
    """The wheel's WADs are whole games with four demos each."""
    found = {stem: (wad.kind, [name for name, _ in wad.demos()]) for stem, wad in wads.items()}

    four = ["DEMO1", "DEMO2", "DEMO3", "DEMO4"]
    assert found == {"freedoom1": ("IWAD", four), "freedoom2": ("IWAD", four)}
    assert "E1M6" in wads["freedoom1"].maps
    assert "MAP03" in wads["freedoom2"].maps
