"""Damage is found and said: a cut file gives what lies before the cut, a changed byte never passes for data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from toys import assert_steps, write_episode
from understudy.errors import RecordingError, UnderstudyError
from understudy.recordings import Episode, EpisodeWriter, Provenance, open_recordings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

STEPS = 8
SMALL = BehaviorSpec(
    "small",
    (
        SensorSpec("rays", spaces.Box(0, 1, (2,), np.float32)),
        SensorSpec("frame", spaces.Box(0, 255, (2, 2, 1), np.uint8)),
    ),
    (ActionSpec("move", spaces.Discrete(3)),),
    3.0,
)


@cache
def whole_file() -> bytes:
    """A small whole recording: batches of 3, 3 and 3 rows, the last row being the final observation."""
    with TemporaryDirectory() as folder:
        return write_episode(Path(folder), steps=STEPS, behavior=SMALL, extras={}).read_bytes()


@cache
def batch_ends() -> list[int]:
    """The byte after the schema and after each batch of the whole file."""
    source = pa.BufferReader(whole_file())
    stream = pa.ipc.open_stream(source)
    return [source.tell(), *(source.tell() for _ in stream)]


def read(data: bytes) -> Episode:
    """Open these bytes as a recording."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.arrows"
        path.write_bytes(data)
        return Episode(path)


def test_the_small_file_is_what_these_tests_take_it_for() -> None:
    """It has three batches and reads back whole."""
    assert len(batch_ends()) == 4
    assert batch_ends()[-1] == len(whole_file()) - 8
    episode = read(whole_file())
    assert episode.complete
    assert_steps(episode, 0, STEPS)


@given(st.integers(0, 10_000))
def test_a_file_cut_at_any_byte_gives_every_whole_batch_before_the_cut(cut: int) -> None:
    """The prefix law: nothing lost before the cut, nothing made up after it, and it counts as incomplete."""
    cut %= len(whole_file())
    ends = batch_ends()
    if cut < ends[0]:
        with pytest.raises(RecordingError, match="is not a recording, or was cut before its first step"):
            read(whole_file()[:cut])
        return
    episode = read(whole_file()[:cut])
    whole = sum(cut >= end for end in ends[1:])
    assert_steps(episode, 0, min(3 * whole, STEPS))
    assert not episode.complete
    assert episode.damage is not None
    assert episode.damage.lost_bytes == cut - ends[whole]
    assert (episode.damage.reason == "cut inside a batch") == (cut not in ends)
    assert (episode.final_observation() is not None) == episode.terminated == (whole == 3)


def check_flip(position: int, bit: int) -> None:
    """Assert that a flipped bit is refused, reported, or (in padding) changes nothing that can be read."""
    data = bytearray(whole_file())
    data[position] ^= 1 << bit
    try:
        episode = read(bytes(data))
        episode.verify()
    except UnderstudyError:
        return
    assert episode.num_steps <= STEPS
    assert_steps(episode, 0, episode.num_steps)
    assert episode.provenance == read(whole_file()).provenance
    assert episode.behavior == SMALL
    assert not episode.complete or episode.num_steps == STEPS


@settings(max_examples=400)
@given(st.integers(0, 100_000), st.integers(0, 7))
def test_a_flipped_bit_is_never_silently_wrong(position: int, bit: int) -> None:
    """Wherever a bit flips, opening or verifying finds it, or everything still reads as it was written."""
    check_flip(position % len(whole_file()), bit)


@pytest.mark.slow
def test_no_flipped_byte_of_the_whole_file_is_silently_wrong() -> None:
    """The same, for a bit of each byte of the file."""
    for position in range(len(whole_file())):
        check_flip(position, position * 5 % 8)


def test_a_changed_value_in_an_old_batch_is_found_by_verify() -> None:
    """Opening checks only the newest batch; `verify` names the damaged one."""
    data = bytearray(whole_file())
    value = np.float32(read(whole_file()).observation("rays")[0, 0]).tobytes()
    position = data.index(value, batch_ends()[0])
    data[position] ^= 1
    episode = read(bytes(data))
    assert episode.complete
    with pytest.raises(RecordingError, match="record batch 1 of 3 does not match its checksum; restore the file"):
        episode.verify()


def test_a_torn_last_batch_is_left_out() -> None:
    """A last batch of the right length but wrong content (a torn write) counts as lost, with its bytes.

    The end mark, which follows once it was synced, is then missing too.
    """
    data = bytearray(whole_file()[:-8])
    value = np.float32(read(whole_file()).observation("rays")[6, 0]).tobytes()
    data[data.index(value, batch_ends()[2])] ^= 1
    episode = read(bytes(data))
    assert_steps(episode, 0, 6)
    assert episode.damage is not None
    assert episode.damage.reason == "the last batch does not match its checksum"
    assert episode.damage.lost_bytes == len(data) - batch_ends()[2]


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    """The same recording copied has the same digest; other steps, or fewer, have another."""
    episode = read(whole_file())
    assert read(whole_file()).digest == episode.digest
    assert read(whole_file()[: batch_ends()[2]]).digest != episode.digest
    other = Episode(write_episode(tmp_path, seed=1, steps=STEPS, behavior=SMALL, extras={}))
    assert other.digest != episode.digest


def foreign_arrow(path: Path) -> None:
    """Write an Arrow stream of some other program."""
    table = pa.table({"a": [1, 2, 3]})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)


def later_format(path: Path) -> None:
    """Write a recording of a later format."""
    schema = pa.schema([], metadata={b"understudy.format": b"9"})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema):
        pass


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (foreign_arrow, "{path} is another program's Arrow file; this version reads recordings of format 1."),
        (later_format, "{path} is a recording of format 9; this version reads recordings of format 1."),
        (
            lambda path: path.write_bytes(b""),
            "{path} is not a recording, or was cut before its first step (0 bytes).",
        ),
        (
            lambda path: path.write_bytes(b"PK\x03\x04" * 50),
            "{path} is not a recording, or was cut before its first step (200 bytes).",
        ),
        (
            lambda path: path.write_bytes(whole_file().replace(b'"small"', b'"smell"')),
            "{path} is damaged in its first bytes, which say what was recorded; restore a copy.",
        ),
        (
            lambda path: path.mkdir(),
            "{path} holds no recording (a file ending in .arrows). Record or import some first: "
            "understudy logs import --help",
        ),
        (
            Path.exists,
            "{path} is not there. Record or import some first: understudy logs import --help",
        ),
    ],
)
def test_what_is_no_recording_is_refused_in_words(tmp_path: Path, make: object, message: str) -> None:
    """Whatever else lies at the path, the error says what was found there."""
    path = tmp_path / "thing.arrows"
    make(path)  # type: ignore[operator]
    with pytest.raises(RecordingError) as caught:
        open_recordings(path)
    assert str(caught.value) == message.format(path=path)


def test_a_missing_episode_is_refused_in_words(tmp_path: Path) -> None:
    """So is a single file that is not there."""
    with pytest.raises(RecordingError, match=r"nothing\.arrows is not there\.$"):
        Episode(tmp_path / "nothing.arrows")


def test_a_recording_cut_before_its_first_batch_has_no_step() -> None:
    """With only its schema on disk, a recording opens, is incomplete, and gives empty arrays of the right shape."""
    episode = read(whole_file()[: batch_ends()[0]])
    assert (episode.num_steps, episode.complete, episode.terminated) == (0, False, False)
    assert episode.observation("frame").shape == (0, 2, 2, 1)
    assert episode.reward.shape == (0,)
    assert episode.events == []
    assert episode.final_observation() is None


def test_a_recording_that_has_only_begun_does_not_close_its_folder(tmp_path: Path) -> None:
    """A recorder killed before its first batch leaves a file without a byte; the others of the folder still open."""
    EpisodeWriter(tmp_path, SMALL, Provenance("toy"), name="young").close()
    assert (tmp_path / "young.arrows").stat().st_size == 0
    write_episode(tmp_path, "old", steps=STEPS, behavior=SMALL)
    assert [each.name for each in open_recordings(tmp_path)] == ["old"]
