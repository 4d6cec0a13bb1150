"""osu! replays come in as they were played."""

from __future__ import annotations

import lzma
from itertools import pairwise
from pathlib import Path

import numpy as np
import osrparse
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from osu_replays import BEATMAP, replay_bytes, stream, write_replay

from understudy.errors import RecordingError
from understudy.recordings import Episode
from understudy.recordings.formats import ImportOptions, import_logs
from understudy.recordings.formats.osu import OsuImporter
from understudy.recordings.formats.osu.importer import OsuSettings

# A cursor on a straight line at 60 Hz, a tap of M1+K1 at frame 3, smoke at the end.
LINE = [(16 if i % 3 else 17, float(2 * i), float(i), 5 if i == 3 else 16 if i > 55 else 0) for i in range(60)]


def episodes(path: Path, **options: object) -> list:
    """Read a replay with settings, each episode with all its rows."""
    settings_ = OsuSettings.model_validate(options.pop("settings", {}))
    found = OsuImporter().iter_episodes(path, ImportOptions(settings_, **options))  # type: ignore[arg-type]
    return [(each, list(each.rows)) for each in found]


def column(rows: list, kind: str, name: str) -> np.ndarray:
    """A column over all rows."""
    return np.concatenate([getattr(each, kind)[name] for each in rows])


def test_files_are_what_another_reader_reads(tmp_path: Path) -> None:
    """The files of these tests are read alike by the osrparse package."""
    replay = osrparse.Replay.from_path(str(write_replay(tmp_path / "a.osr", LINE)))
    assert replay.username == "Cookie Zi"
    assert replay.rng_seed == 7391
    assert [(e.time_delta, e.x, e.y, int(e.keys)) for e in replay.replay_data] == LINE


def test_files_of_another_writer_are_read(tmp_path: Path) -> None:
    """A file that the osrparse package wrote comes in with the same play."""
    ours = write_replay(tmp_path / "a.osr", LINE)
    osrparse.Replay.from_path(str(ours)).write_path(str(tmp_path / "b.osr"))
    (_, first), (_, second) = episodes(ours)[0], episodes(tmp_path / "b.osr")[0]
    assert np.array_equal(column(first, "actions", "move"), column(second, "actions", "move"))


def test_import_keeps_play_and_hashes_player(tmp_path: Path) -> None:
    """A replay becomes one recording, with its mods and score, and the player's name nowhere in it."""
    write_replay(tmp_path / "Cookie Zi - song.osr", LINE, mods=8)
    report = import_logs([tmp_path / "Cookie Zi - song.osr"], tmp_path / "logs")
    episode = Episode(report.written[0])
    assert not report.losses
    assert episode.terminated
    assert episode.provenance.map == BEATMAP
    assert episode.provenance.notes["mods"] == ["Hidden"]
    assert episode.provenance.seed == 7391
    assert b"Cookie" not in report.written[0].read_bytes()
    assert "Cookie" not in report.written[0].name


def test_line_is_resampled_on_the_line(tmp_path: Path) -> None:
    """A cursor between frames lies on the line between them, and movements add up to the way it went."""
    (_, rows), *rest = episodes(write_replay(tmp_path / "a.osr", LINE), settings={"rate_hz": 100})
    cursor, move = column(rows, "observations", "cursor"), column(rows, "actions", "move")
    assert not rest
    assert np.allclose(cursor[:, 0], 2 * cursor[:, 1], atol=1e-4)
    final = rows[-1].ending.final_observation["cursor"]
    assert np.allclose(cursor[0] + move.sum(axis=0), final, atol=1e-3)
    assert np.allclose(np.diff(cursor, axis=0), move[:-1], atol=1e-4)


def test_tap_shorter_than_a_decision_is_kept(tmp_path: Path) -> None:
    """A tap of one frame is held in a decision even at ten decisions a second, and the press is remembered."""
    (_, rows), *_ = episodes(write_replay(tmp_path / "a.osr", LINE), settings={"rate_hz": 10})
    keys = column(rows, "actions", "keys")
    assert keys[:, 0].tolist() == [1, *[0] * (len(keys) - 1)]
    assert keys[:, 2].tolist() == keys[:, 0].tolist()
    since = column(rows, "observations", "since_press")
    assert since[0, 0] == 10
    assert since[1, 0] == pytest.approx(0.1 - 0.05, abs=0.02)


def test_double_time_is_in_the_players_seconds(tmp_path: Path) -> None:
    """With the song at 1.5 times its speed there are two thirds of the decisions."""
    (_, plain), *_ = episodes(write_replay(tmp_path / "a.osr", LINE))
    (_, fast), *_ = episodes(write_replay(tmp_path / "b.osr", LINE, mods=64))
    assert sum(map(len, fast)) == pytest.approx(sum(map(len, plain)) / 1.5, abs=1)


def test_negative_times_are_left_out_as_the_game_does(tmp_path: Path) -> None:
    """Frames after a jump back in time are left out until the time is caught up, and that is told."""
    frames = [*LINE[:30], (-40, 500.0, 0.0, 1), (20, 500.0, 0.0, 1), *LINE[30:]]
    ((episode, rows),) = episodes(write_replay(tmp_path / "a.osr", frames))
    assert "back in time" in episode.losses[0].what
    assert column(rows, "observations", "cursor")[:, 0].max() < 130


def test_gap_ends_the_episode(tmp_path: Path) -> None:
    """Where nothing was noted for longer than the setting, another episode begins, and the gap is told."""
    frames = [*LINE[:30], (90_000, 100.0, 50.0, 0), *LINE[30:]]
    (first, rows), (second, more) = episodes(write_replay(tmp_path / "a.osr", frames))
    assert "90.0 s" in first.losses[0].what
    assert second.name == first.name + "-2"
    assert rows[-1].ending.truncated
    assert more[-1].ending.terminated
    assert sum(map(len, rows)) + sum(map(len, more)) < 70


@pytest.mark.parametrize("options", [{"seed": False}, {"before": False}, {"last_comma": False}])
def test_writers_differ_in_small_things(tmp_path: Path, options: dict) -> None:
    """Without a seed, without the two frames before the play, or without the last comma, the play is the same."""
    path = tmp_path / "a.osr"
    path.write_bytes(replay_bytes(stream(LINE, **options), lazer=True, version=30000016))
    ((episode, rows),) = episodes(path)
    assert not episode.losses
    assert sum(map(len, rows)) == 57 or sum(map(len, rows)) == 58


@pytest.mark.parametrize("mode", [1, 2, 3])
def test_other_modes_are_refused(tmp_path: Path, mode: int) -> None:
    """A replay of another mode is recognised, and refused with the mode's name."""
    path = write_replay(tmp_path / "a.osr", LINE, mode=mode)
    assert OsuImporter().sniff(path)
    with pytest.raises(RecordingError, match="no free cursor"):
        episodes(path)


def test_bomb_is_refused_by_a_bound(tmp_path: Path) -> None:
    """A few kilobytes that unpack to gigabytes are stopped at the bound, and what is whole before it is told of."""
    unit = b"16|100.00000000|100.0000000000000000000000000000000000000000000000000000|0," * 50_000
    path = tmp_path / "a.osr"
    path.write_bytes(replay_bytes("", compressed=lzma.compress(unit * 16, lzma.FORMAT_ALONE, preset=0)))
    assert path.stat().st_size < 100_000
    with pytest.raises(RecordingError, match="unpack to more than"):
        episodes(path, salvage=False)


def test_absurd_header_lengths_are_refused(tmp_path: Path) -> None:
    """Lengths that the file cannot hold, and huge dictionaries, allocate nothing."""
    path = tmp_path / "a.osr"
    path.write_bytes(replay_bytes(stream(LINE), length=2**31 - 1))
    assert len(episodes(path)[0][1]) > 0
    body = bytearray(lzma.compress(stream(LINE).encode(), lzma.FORMAT_ALONE))
    body[1:5] = b"\xff\xff\xff\xff"
    path.write_bytes(replay_bytes("", compressed=bytes(body)))
    with pytest.raises(RecordingError, match="damaged"):
        episodes(path)


def test_every_cut_gives_what_is_whole_or_one_sentence(tmp_path: Path) -> None:
    """A replay cut at any byte gives the beginning of the play with a loss, or a clear refusal; strictly, only that."""
    path, data = tmp_path / "a.osr", replay_bytes(stream(LINE))
    full = column(episodes(write_replay(path, LINE))[0][1], "actions", "move")
    salvaged = 0
    for size in range(len(data) - 8):
        path.write_bytes(data[:size])
        try:
            ((episode, rows),) = episodes(path)
        except RecordingError:
            continue
        if not rows:
            continue
        part = column(rows, "actions", "move")
        assert episode.losses
        assert rows[-1].ending.truncated
        assert np.array_equal(part, full[: len(part)])
        salvaged += 1
        with pytest.raises(RecordingError):
            episodes(path, salvage=False)
    assert salvaged > 10


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_any_changed_byte_is_survived(tmp_path_factory: pytest.TempPathFactory, place: int, value: int) -> None:
    """With any byte changed, only episodes or a RecordingError come out, and every number is finite."""
    data = bytearray(replay_bytes(stream(LINE)))
    data[place % len(data)] = value
    path = tmp_path_factory.mktemp("osu") / "a.osr"
    path.write_bytes(bytes(data))
    OsuImporter().sniff(path)
    try:
        found = episodes(path)
    except RecordingError:
        return
    for _, rows in found:
        for each in rows:
            assert all(np.isfinite(values).all() for values in each.observations.values())


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_survived(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Random bytes are no replay, and say so."""
    path = tmp_path_factory.mktemp("osu") / "a.osr"
    path.write_bytes(data)
    assert not OsuImporter().sniff(path)
    with pytest.raises(RecordingError):
        episodes(path)


@settings(max_examples=50, deadline=None)
@given(
    frames=st.lists(
        st.tuples(st.integers(1, 60), st.integers(-50, 600), st.integers(-50, 500), st.integers(0, 31)),
        min_size=8,
        max_size=80,
    ),
    rate=st.sampled_from([30.0, 60.0, 125.0]),
)
def test_nothing_moved_or_pressed_is_lost(tmp_path_factory: pytest.TempPathFactory, frames: list, rate: float) -> None:
    """For any play: movements add up to the way from the first cursor to the last, and a key held for any time inside
    the decisions is in them.
    """
    path = write_replay(tmp_path_factory.mktemp("osu") / "a.osr", frames)
    ((_, rows),) = episodes(path, settings={"rate_hz": rate})
    if not rows:
        return
    cursor, move, keys = (
        column(rows, "observations", "cursor"),
        column(rows, "actions", "move"),
        column(rows, "actions", "keys"),
    )
    final = rows[-1].ending.final_observation["cursor"]
    assert np.allclose(cursor[0] + move.astype(np.float64).sum(axis=0), final, atol=0.05)
    times = np.cumsum([delta for delta, *_ in frames])
    end = times[0] + len(keys) * 1000 / rate
    for (start, stop), (*_, held) in zip(pairwise(times), frames[:-1], strict=True):
        if stop <= end:
            first = int((start - times[0]) * rate / 1000 + 1e-6)
            for bit in range(5):
                assert keys[first, bit] or not held >> bit & 1


def test_names_are_of_the_play_not_the_player(tmp_path: Path) -> None:
    """Two players' same cursor gives the same name: nothing in it comes from the player."""
    first = episodes(write_replay(tmp_path / "a.osr", LINE, player="alice"))[0][0]
    second = episodes(write_replay(tmp_path / "b.osr", LINE, player="bob"))[0][0]
    assert first.name == second.name
    assert OsuImporter().describe(tmp_path / "a.osr", ImportOptions()).num_episodes == 1
