"""The demo parser: there and back, truncated, foreign, and the real demos of Freedoom."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from understudy.envs.doom.lmp import Demo
from understudy.envs.doom.wad import Wad
from understudy.errors import RecordingError

HEADER = bytes([109, 2, 1, 6, 0, 0, 0, 0, 0, 1, 0, 0, 0])
TWO_PLAYERS = bytes([109, 3, 1, 10, 0, 0, 0, 0, 1, 1, 1, 0, 0])


@st.composite
def demos(draw: st.DrawFn) -> Demo:
    """Any demo the format can hold: a forward move of -128 would be an end mark."""
    players = draw(st.lists(st.booleans(), min_size=4, max_size=4).filter(any))
    console = draw(st.sampled_from([index for index, plays in enumerate(players) if plays]))
    rules = draw(st.lists(st.integers(0, 1), min_size=4, max_size=4))
    version, skill = draw(st.integers(104, 109)), draw(st.integers(0, 4))
    header = bytes([version, skill, draw(st.integers(1, 4)), draw(st.integers(1, 32)), *rules, console, *players])
    shape = (draw(st.integers(0, 6)), sum(players), 4)
    tics = draw(hnp.arrays(np.uint8, shape))
    tics[..., 0][tics[..., 0] == 0x80] = 0
    return Demo(header, tics, draw(st.binary(max_size=9)), "drawn")


@given(demo=demos())
def test_a_demo_survives_the_way_there_and_back(demo: Demo) -> None:
    """Parsing what was written gives the same demo, and writing that gives the same bytes."""
    data = demo.to_bytes()

    parsed = Demo.parse(data, "drawn")

    assert parsed.to_bytes() == data
    np.testing.assert_array_equal(parsed.tics, demo.tics)
    assert (parsed.header, parsed.footer) == (demo.header, demo.footer)
    assert parsed.viewer in parsed.player_numbers


@given(demo=demos(), data=st.data())
def test_a_demo_cut_before_its_end_is_refused_and_its_whole_tics_can_be_saved(demo: Demo, data: st.DataObject) -> None:
    """Without its end mark a demo is an error; salvage gives the tics that are whole and no other."""
    end = 13 + demo.tics.size
    cut = data.draw(st.integers(0, end))
    part = demo.to_bytes()[:cut]

    with pytest.raises(RecordingError):
        Demo.parse(part, "cut")
    if cut >= 13:
        saved = Demo.parse(part, "cut", salvage=True)
        whole = (cut - 13) // (4 * demo.num_players)
        np.testing.assert_array_equal(saved.tics, demo.tics[:whole])
        assert saved.footer == b""


@given(data=st.binary(max_size=80), salvage=st.booleans())
def test_arbitrary_bytes_never_crash_the_parser(data: bytes, salvage: bool) -> None:
    """Whatever follows a good header, the parser returns whole tics or raises a RecordingError."""
    try:
        demo = Demo.parse(TWO_PLAYERS + data, "noise", salvage=salvage)
    except RecordingError:
        assert not salvage
        return
    assert demo.tics.nbytes <= len(data)
    assert salvage or demo.to_bytes() == TWO_PLAYERS + data


BAD = [
    (b"", "x is empty; give a vanilla Doom demo (.lmp)."),
    (HEADER[:9], "x has 9 bytes, fewer than a demo's header of 13; get the file again."),
    (
        bytes([111, *HEADER[1:]]),
        "x is a demo with long tics (version 111), whose commands have five bytes; only vanilla demos replay here, of "
        "versions 104 to 109.",
    ),
    (bytes([202]), "x is a demo of Boom 2.02; only vanilla demos replay here, of versions 104 to 109."),
    (bytes([214]), "x is a demo of PrBoom (version 214); only vanilla demos replay here, of versions 104 to 109."),
    (
        b"FORM....ZDEM",
        "x is a demo of the ZDoom family, which ViZDoom records; only vanilla demos replay here, of versions 104 to "
        "109.",
    ),
    (
        bytes([3, 1, 6, 0, 0, 0, 0]),
        "x is a demo of Doom 1.2 or older, which has no version byte; only vanilla demos replay here, of versions 104 "
        "to 109.",
    ),
    (
        b"PK\3\4",
        "x is no demo known here (it starts with 'P'); only vanilla demos replay here, of versions 104 to 109.",
    ),
    (
        bytes([109, 7, *HEADER[2:], 0x80]),
        "x has a damaged header: skill 7 (0 to 4), recording player 0 of players [1, 0, 0, 0]; get the file again.",
    ),
    (
        bytes([*HEADER[:8], 1, 1, 0, 0, 0, 0x80]),
        "x has a damaged header: skill 2 (0 to 4), recording player 1 of players [1, 0, 0, 0]; get the file again.",
    ),
    (
        HEADER + bytes(10),
        "x is truncated: no end mark follows its 2 whole tics; get the file again, or import with salvage to keep "
        "those tics.",
    ),
    (
        TWO_PLAYERS + bytes(12) + b"\x80",
        "x is truncated: no end mark follows its 1 whole tics; get the file again, or import with salvage to keep "
        "those tics.",
    ),
]


@pytest.mark.parametrize(("data", "message"), BAD)
def test_a_bad_demo_is_refused_in_words(data: bytes, message: str) -> None:
    """Each foreign or damaged demo is named, with what to do."""
    with pytest.raises(RecordingError) as error:
        Demo.parse(data, "x")

    assert str(error.value) == message


def test_the_real_demos_have_the_tics_and_players_they_are_known_for(wads: dict[str, Wad]) -> None:
    """Freedoom's eight demos: map, viewer, players and tics, 38,897 in all, and the bytes there and back."""
    found = {}
    for stem, wad in wads.items():
        for name, data in wad.demos():
            demo = Demo.parse(data, name)
            found[f"{stem}-{name}"] = (demo.map_name(wad), demo.viewer, demo.num_players, demo.num_tics)
            assert demo.to_bytes() == data

    assert found == {
        "freedoom1-DEMO1": ("E1M6", 1, 1, 7117),
        "freedoom1-DEMO2": ("E2M4", 1, 3, 7089),
        "freedoom1-DEMO3": ("E3M9", 3, 3, 6042),
        "freedoom1-DEMO4": ("E4M6", 2, 3, 3136),
        "freedoom2-DEMO1": ("MAP03", 1, 1, 2664),
        "freedoom2-DEMO2": ("MAP10", 2, 2, 5444),
        "freedoom2-DEMO3": ("MAP22", 1, 1, 2743),
        "freedoom2-DEMO4": ("MAP23", 1, 2, 4662),
    }
    assert sum(tics for *_, tics in found.values()) == 38_897


def test_a_demo_of_another_game_names_the_missing_map(wads: dict[str, Wad]) -> None:
    """A demo on MAP22 is refused for a game that only has episodes."""
    demo = Demo.parse(wads["freedoom2"].read("DEMO3"), "DEMO3")

    with pytest.raises(RecordingError, match=r"^DEMO3 plays E1M22, which freedoom1.wad does not have; give the WAD"):
        demo.map_name(wads["freedoom1"])


def test_the_header_reads_as_rules() -> None:
    """Skill counts from 1, the players by their numbers, and the mode has a name."""
    demo = Demo.parse(bytes([109, 3, 1, 10, 1, 0, 1, 0, 2, 1, 0, 1, 0]) + b"\x80", "x")

    assert (demo.skill, demo.mode, demo.respawn, demo.fast, demo.nomonsters) == (4, "deathmatch", False, True, False)
    assert (demo.player_numbers, demo.viewer, demo.version) == ((1, 3), 3, 109)
    assert Demo.parse(HEADER + b"\x80", "x").mode == "single"
    assert Demo.parse(TWO_PLAYERS + b"\x80", "x").mode == "co-op"


def test_the_viewers_commands_are_picked_by_number_not_by_place() -> None:
    """With players 1 and 3 in the game, the commands of viewer 3 are in the second column."""
    header = bytes([109, 3, 1, 10, 0, 0, 0, 0, 2, 1, 0, 1, 0])
    tics = np.arange(16, dtype=np.uint8).reshape(2, 2, 4)

    np.testing.assert_array_equal(Demo(header, tics).viewer_tics, tics[:, 1])
