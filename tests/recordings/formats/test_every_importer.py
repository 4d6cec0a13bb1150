"""What holds for every importer there is: the contract, and that no bytes whatever do harm."""

from __future__ import annotations

import random
import re
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from format_samples import Samples, all_samples, importer_of
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.errors import MissingExtraError, RecordingError
from understudy.recordings.formats import Importer, ImportOptions, importers
from understudy.recordings.formats.testing import check_importer, check_sniff, read_log

SECONDS = 20.0
MEMORY = 2 << 30
NUMBER = re.compile(rb"\d+(?:\.\d+)?")

every_sample = pytest.mark.parametrize("samples", all_samples().values(), ids=all_samples())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Two sample logs of every source, each in a folder of its own."""
    logs: dict[str, list[Path]] = {}
    for name, samples in all_samples().items():
        try:
            logs[name] = [samples.write(tmp_path_factory.mktemp(name), seed) for seed in range(2)]
        except MissingExtraError:
            logs[name] = []
    return logs


def logs_of(samples: Samples, written: dict[str, list[Path]]) -> list[Path]:
    """Its sample logs; skips the test where the packages are missing."""
    if not written[samples.name]:
        pytest.skip("a package of this format is not installed")
    return written[samples.name]


@every_sample
def test_the_contract_is_kept(samples: Samples, written: dict[str, list[Path]]) -> None:
    """Sniffing, names, specs, determinism, unread rows and cuts are as promised."""
    logs = logs_of(samples, written)

    cuts = 2 if samples.replays else 16
    check_importer(importer_of(logs[0]), logs[: 1 if samples.replays else 2], cuts=cuts, unsettled=samples.unsettled)


@pytest.mark.slow
@every_sample
def test_the_contract_is_kept_at_many_places(samples: Samples, written: dict[str, list[Path]]) -> None:
    """The same, with a cut at many more places."""
    logs = logs_of(samples, written)

    check_importer(importer_of(logs[0]), logs, cuts=8 if samples.replays else 120, unsettled=samples.unsettled, seed=1)


def test_every_importer_knows_its_own_logs_and_no_others(written: dict[str, list[Path]]) -> None:
    """No log is claimed by two importers, and each importer has a log to be tested with."""
    owners = {log: importer_of(log).name for logs in written.values() for log in logs}

    assert set(owners.values()) == set(importers())
    for name, importer in importers().items():
        own = [log for log, owner in owners.items() if owner == name]
        check_sniff(importer, own, [log for log in owners if log not in own])


@pytest.mark.parametrize("name", importers())
@settings(max_examples=60)
@given(data=st.binary(max_size=300), suffix=st.sampled_from(["", ".json", ".jsonl", ".csv", ".demo", ".lmp", ".h5"]))
def test_arbitrary_bytes_are_refused_in_a_sentence(name: str, data: bytes, suffix: str) -> None:
    """Whatever a file holds, an importer that is told to read it raises `RecordingError`, or yields what fits."""
    importer = importers()[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"log{suffix}"
        path.write_bytes(data)
        assert importer.sniff(path) in (True, False)
        assert_total(importer, path)


@every_sample
def test_mutated_logs_do_no_harm(samples: Samples, written: dict[str, list[Path]]) -> None:
    """A real log with bytes changed, cut, doubled or made huge: `RecordingError`, or episodes that fit, in bounds."""
    logs = logs_of(samples, written)

    @settings(max_examples=3 if samples.replays else 30)
    @given(log=st.sampled_from(logs), seed=st.integers(0, 2**32))
    def check(log: Path, seed: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            assert_total(importer_of(log), mutated(log, Path(folder), random.Random(seed)))

    check()


@pytest.mark.slow
@every_sample
def test_many_mutated_logs_do_no_harm(samples: Samples, written: dict[str, list[Path]]) -> None:
    """The same with other bytes, as many times as a minute allows."""
    logs = logs_of(samples, written)
    deadline = time.monotonic() + 60
    for seed in range(1000):
        log = logs[seed % len(logs)]
        with tempfile.TemporaryDirectory() as folder:
            assert_total(importer_of(log), mutated(log, Path(folder), random.Random(seed)))
        if time.monotonic() > deadline:
            break


def assert_total(importer: Importer, log: Path) -> None:
    """Assert that reading a log ends, in bounded time and memory, with episodes or a `RecordingError`."""
    for salvage in (True, False):
        try:
            with bounded():
                importer.sniff(log)
                read_log(importer, log, ImportOptions(importer.Settings(), salvage=salvage))
        except RecordingError as error:
            assert 20 < len(str(error)) < 20_000, f"{error} is no sentence"  # noqa: PT017
        except MissingExtraError:
            pass


@contextmanager
def bounded() -> Iterator[None]:
    """Processor time and memory end here, with an error that is no `RecordingError`."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"the importer was still busy after {SECONDS} seconds")

    before = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, before[1]))
    handler = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
        resource.setrlimit(resource.RLIMIT_AS, before)


def mutated(log: Path, folder: Path, rng: random.Random) -> Path:
    """Copy a log with one to four changes to one of its files."""
    copy = folder / log.parent.name / log.name
    if log.is_dir():
        shutil.copytree(log, copy)
        files = sorted(path for path in copy.rglob("*") if path.is_file())
    else:
        shutil.copytree(log.parent, copy.parent)
        files = sorted(path for path in copy.parent.rglob("*") if path.is_file())
    file = rng.choice(files)
    data = bytearray(file.read_bytes())
    for _ in range(rng.randrange(1, 5)):
        data = change(data, rng)
    file.write_bytes(data)
    return copy


def change(data: bytearray, rng: random.Random) -> bytearray:
    """Change some bytes, more often near the beginning, where headers are."""
    size = len(data)
    start = min(rng.randrange(size + 1), rng.choice((size, rng.randrange(200))))
    stop = min(size, start + rng.choice((1, 2, 4, 8, 50)))
    kind = rng.randrange(8)
    if kind == 0:
        return data[:start]
    if kind == 1:
        return data[:start] + data[stop:]
    if kind == 2:
        return data[:stop] + data[start:]
    if kind == 3:
        return data[:start] + rng.randbytes(stop - start) + data[stop:]
    if kind == 4:
        huge = rng.choice((b"\xff", b"\x7f", b"\x00", b"9", b"-", b"[", b"{", b'"'))
        return data[:start] + huge * (stop - start) + data[stop:]
    if kind == 5:
        return (
            data[:start] + rng.choice((b"9" * 400, b"[" * 5000, b"1e999", b"NaN", b"null", b"../../x")) + data[start:]
        )
    numbers = list(NUMBER.finditer(data[:65536]))
    if kind == 6 and numbers:
        found = rng.choice(numbers)
        other = rng.choice((b"-1", b"0", b"1000000000", b"99999999999999999999", b"1e400", b'"x"', b"[]", b"null"))
        return data[: found.start()] + other + data[found.end() :]
    for index in range(start, stop):
        data[index] ^= 1 << rng.randrange(8)
    return data
