"""Coverage-guided fuzzing, with atheris, of every importer that reads strangers' logs.

python fuzz_formats.py -max_total_time=60

A sample log of each format is the beginning; then whatever bytes stand in one of its files, its importer gives
episodes that fit their spec or a `RecordingError`. All else ends the run and is kept as a file.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.append(str(Path(__file__).parents[2]))

WATCHED = ["understudy.recordings.formats", "understudy.envs"]

with atheris.instrument_imports(include=WATCHED):
    from format_samples import Samples, all_samples, importer_of

    from understudy.errors import MissingExtraError, RecordingError
    from understudy.recordings.formats import ImportOptions
    from understudy.recordings.formats.testing import read_log

MEMORY = 4 << 30
_MAX_INPUT = 1 << 18


class Target:
    """One sample log, of which one file at a time is replaced.

    Args:
        samples: Where it comes from.
        folder: Where it is written.
    """

    def __init__(self, samples: Samples, folder: Path) -> None:
        folder.mkdir()
        self.log = samples.write(folder, 0)
        self.importer = importer_of(self.log)
        self.replays = samples.replays
        self.files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        self._read_whole()

    def read(self, data: bytes) -> None:
        """Put `data` in the place of a file, chosen by its first byte, and read the log."""
        path = list(self.files)[data[0] % len(self.files)]
        path.write_bytes(data[1:])
        with contextlib.suppress(RecordingError, MissingExtraError, FileNotFoundError):
            self.importer.sniff(self.log)
            self._read_whole()
        path.write_bytes(self.files[path])

    def _read_whole(self) -> None:
        options = ImportOptions(self.importer.Settings())
        if not self.replays:
            read_log(self.importer, self.log, options)
            return
        # A game is not started a thousand times: only what is read before is.
        self.importer.describe(self.log, options)
        for _ in self.importer.iter_episodes(self.log, options):
            pass


def make_targets(folder: Path) -> list[Target]:
    """A target for each source of sample logs that is installed."""
    targets = []
    for name, samples in all_samples().items():
        with contextlib.suppress(MissingExtraError):
            targets.append(Target(samples, folder / name))
    return targets


def write_corpus(targets: list[Target], folder: Path) -> None:
    """Write what libFuzzer begins with: each file of each log, behind the two bytes that choose it."""
    folder.mkdir()
    for number, target in enumerate(targets):
        for index, data in enumerate(target.files.values()):
            if len(data) < _MAX_INPUT:
                (folder / f"{number}-{index}").write_bytes(bytes([number, index]) + data)


def main() -> None:
    """Run until told to stop."""
    work = Path(tempfile.mkdtemp(prefix="understudy-fuzz-"))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.environ["AV_LOG_FORCE_NOCOLOR"] = "1"
    try:
        # Importers load their modules when they are first used.
        with atheris.instrument_imports(include=WATCHED):
            targets = make_targets(work)
        write_corpus(targets, work / "corpus")

        def read(data: bytes) -> None:
            if len(data) > 2:
                targets[data[0] % len(targets)].read(data[1:])

        atheris.Setup(
            [*sys.argv, f"-max_len={_MAX_INPUT}", "-timeout=30", "-rss_limit_mb=0", str(work / "corpus")], read
        )
        atheris.Fuzz()
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
