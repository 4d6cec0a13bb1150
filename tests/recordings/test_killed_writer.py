"""A recording survives its writer: a process killed at any moment leaves every batch it had written, and no other."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from toys import RATE_HZ, TOY, assert_steps, write_steps
from understudy.errors import RecordingError
from understudy.recordings import Episode, EpisodeWriter, Provenance
from understudy.recordings.writer import _QUEUED_BATCHES

HERE = Path(__file__).parent
KILLS = 4


def start_writer(folder: Path, seed: int) -> subprocess.Popen[str]:
    """Start a process that records without end."""
    path = os.pathsep.join([str(HERE.parent), *sys.path])
    command = [sys.executable, str(HERE / "endless_writer.py"), str(folder), str(seed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path})


@contextmanager
def killed_at_last(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Whatever happens, the process does not outlive the test."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def kill_after(process: subprocess.Popen[str], path: Path, delay_s: float) -> int:
    """Kill a writer a while after its first batch was written; return how many steps it had appended."""
    while not path.exists() or not path.stat().st_size:
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    return int(process.communicate()[0].split("\n")[-2])


def test_a_killed_process_leaves_its_whole_batches(tmp_path: Path) -> None:
    """After SIGKILL at random moments, what reads back is exactly the first steps, up to a whole batch near the end."""
    delays = random.Random(1)
    with ExitStack() as started:
        writers = [started.enter_context(killed_at_last(start_writer(tmp_path, seed))) for seed in range(KILLS)]
        paths = [tmp_path / f"killed-{seed}.arrows" for seed in range(KILLS)]
        counts = [kill_after(*each, delays.uniform(0, 0.4)) for each in zip(writers, paths, strict=True)]
    for seed, (path, appended) in enumerate(zip(paths, counts, strict=True)):
        episode = Episode(path)
        assert not episode.complete
        assert episode.num_steps % RATE_HZ == 0
        # What may be lost: the queue, the batch being written, the one being filled, and the row held back.
        assert appended - RATE_HZ * (_QUEUED_BATCHES + 2) - 1 <= episode.num_steps <= appended
        assert_steps(episode, seed, episode.num_steps)
        episode.verify()


def test_what_was_synced_is_there_before_the_writer_is_closed(tmp_path: Path) -> None:
    """A batch reads back while the episode is still being recorded."""
    writer = EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="open")
    list(write_steps(writer, 0, 2 * RATE_HZ + 1))
    deadline = time.monotonic() + 30
    while (episode := reopened(writer.path)) is None or episode.num_steps < RATE_HZ:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert_steps(episode, 0, episode.num_steps)
    writer.close()


def reopened(path: Path) -> Episode | None:
    """The episode, once its schema is on disk."""
    try:
        return Episode(path)
    except RecordingError:
        return None


def full_disk_after(syncs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `fsync` succeed a number of times, then fail as it does on a full disk."""
    left = iter(range(syncs))
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_full_disk_is_an_error_at_the_next_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fills up, the game is told within a few batches, and what was written before reads back."""
    full_disk_after(2, monkeypatch)
    writer = EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="full")
    steps = write_steps(writer, 0, 10_000)
    with pytest.raises(RecordingError) as caught:
        list(map(time.sleep, (0.001 for _ in steps)))
    assert str(caught.value) == (
        f"Could not write {writer.path}: [Errno 28] No space left on device. What was written before it reads back; "
        "free some space."
    )
    with pytest.raises(RecordingError, match="No space left on device"):
        writer.close()
    writer.close()
    episode = Episode(writer.path)
    assert episode.num_steps >= 2 * RATE_HZ
    assert_steps(episode, 0, episode.num_steps)


@pytest.mark.parametrize("syncs", [0, 1])
def test_a_disk_that_fills_up_at_the_end_is_an_error_at_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, syncs: int
) -> None:
    """A failure in the last batch or in the end mark is not lost: `finish` raises it, and returns at all."""
    full_disk_after(syncs, monkeypatch)
    writer = EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="end")
    list(write_steps(writer, 0, RATE_HZ))
    with pytest.raises(RecordingError, match="No space left on device"):
        writer.finish()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_device_that_takes_nothing_is_an_error_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the very write fails, not only the sync, closing the file fails again; the user still gets one sentence."""
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda _path, mode: real(Path("/dev/full"), mode.replace("x", "w")))
    writer = EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="full")
    monkeypatch.undo()
    list(write_steps(writer, 0, RATE_HZ))
    with pytest.raises(RecordingError, match="No space left on device"):
        writer.finish()
