"""The importer contract holds for a user's importer, and finds each kind of broken promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toy_format import ToyImporter, sample_log
from understudy.errors import RecordingError
from understudy.recordings.formats import Ending, ImportOptions, LogDescription, LogEpisode, Rows
from understudy.recordings.formats.testing import check_importer


@pytest.fixture
def samples(tmp_path: Path) -> list[Path]:
    """Whole logs of the toy format."""
    return [sample_log(tmp_path, seed) for seed in range(3)]


def test_the_toy_importer_keeps_the_contract(samples: list[Path]) -> None:
    """The example of an importer of one's own is one."""
    check_importer(ToyImporter(), samples, cuts=60)


Episodes = Iterator[LogEpisode]


class Greedy(ToyImporter):
    """Knows every file."""

    def sniff(self, path: Path) -> bool:
        """Look at nothing."""
        return path.exists()


class Blind(ToyImporter):
    """Knows no file."""

    def sniff(self, path: Path) -> bool:  # noqa: ARG002
        """Look at nothing."""
        return False


class Boastful(ToyImporter):
    """Describes more than there is."""

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Add an episode."""
        found = super().describe(path, options)
        return replace(found, num_episodes=(found.num_episodes or 0) + 1)


class Random(ToyImporter):
    """Makes things up."""

    def iter_episodes(self, path: Path, options: ImportOptions) -> Episodes:
        """Add noise."""
        for log in super().iter_episodes(path, options):
            yield changed(
                log, lambda rows: replace(rows, rewards=np.random.default_rng().random(len(rows), np.float32))
            )


class Impatient(ToyImporter):
    """Needs every row to be read."""

    def iter_episodes(self, path: Path, options: ImportOptions) -> Episodes:
        """Stop where rows were left."""
        for log in super().iter_episodes(path, options):
            left = [0]

            def counted(log: LogEpisode = log, left: list[int] = left) -> Iterator[Rows]:
                left[0] = 1
                yield from log.rows
                left[0] = 0

            yield replace(log, rows=counted())
            if left[0]:
                return


class Wrong(ToyImporter):
    """Of another dtype than it says."""

    def iter_episodes(self, path: Path, options: ImportOptions) -> Episodes:
        """Widen a sensor."""
        for log in super().iter_episodes(path, options):
            yield changed(log, lambda rows: replace(rows, observations={"obs": rows.observations["obs"].astype(float)}))


class Unending(ToyImporter):
    """Goes on after the end."""

    def iter_episodes(self, path: Path, options: ImportOptions) -> Episodes:
        """End every piece."""
        for log in super().iter_episodes(path, options):
            yield changed(log, lambda rows: replace(rows, ending=Ending(terminated=True)))


class Telling(ToyImporter):
    """Names a recording after its player."""

    def iter_episodes(self, path: Path, options: ImportOptions) -> Episodes:
        """Put the player into the name."""
        for log in super().iter_episodes(path, options):
            yield replace(log, name=f"{log.name}-of-{log.provenance.player}")


class Nested(ToyImporter):
    """Names a recording after its path."""

    def iter_episodes(self, path: Path, options: ImportOptions) -> Episodes:
        """Put a folder into the name."""
        for log in super().iter_episodes(path, options):
            yield replace(log, name=f"logs/{log.name}")


class Silent(ToyImporter):
    """Tells no loss."""

    def iter_episodes(self, path: Path, options: ImportOptions) -> Episodes:
        """Forget the losses."""
        for log in super().iter_episodes(path, options):
            yield replace(log, losses=[])


class Lenient(ToyImporter):
    """Salvages whatever it was told."""

    def iter_episodes(self, path: Path, options: ImportOptions) -> Episodes:
        """Ignore the options."""
        return super().iter_episodes(path, replace(options, salvage=True))


class Crashing(ToyImporter):
    """Lets other errors out."""

    def iter_episodes(self, path: Path, options: ImportOptions) -> Episodes:
        """Raise another error."""
        try:
            yield from super().iter_episodes(path, options)
        except RecordingError as error:
            raise KeyError("episode") from error


class Inventive(ToyImporter):
    """Fills what is missing with zeros."""

    def iter_episodes(self, path: Path, options: ImportOptions) -> Episodes:
        """Repeat the last rows of a cut log."""
        for log in super().iter_episodes(path, options):
            yield replace(log, rows=padded(log))


def padded(log: LogEpisode) -> Iterator[Rows]:
    """Make up a step where some were lost."""
    for rows in log.rows:
        if log.losses and len(rows):
            yield replace(rows, observations={"obs": np.zeros_like(rows.observations["obs"])})
        else:
            yield rows


def changed(log: LogEpisode, change: Callable[[Rows], Rows]) -> LogEpisode:
    """Return the episode with its rows changed."""
    return replace(log, rows=(change(rows) for rows in log.rows))


@pytest.mark.parametrize(
    ("importer", "message"),
    [
        (Greedy, r"`sniff` says True of \w+.*, which is no log of the format"),
        (Blind, "`sniff` does not know sample-0.toylog"),
        (Boastful, r"`describe` says \d+ episodes, and there are \d+"),
        (Random, "two readings differ"),
        (Impatient, "rows that were read in part cost an episode"),
        (Wrong, "Sensor 'obs' should be float32 of shape"),
        (Unending, "goes on after its ending"),
        (Telling, "the name or source of 'e0-of-ann' tells the player"),
        (Nested, "the name 'logs/e0' is not flat"),
        (Silent, "something is missing from 'e.' and no loss says so"),
        (Lenient, "told not to salvage, it raises no error"),
        (Crashing, r"KeyError\('episode'\) came out of it"),
        (Inventive, "is not the beginning of what it was"),
    ],
)
def test_a_broken_promise_is_named(samples: list[Path], importer: Callable[[], Any], message: str) -> None:
    """Each way to break the contract is found, and said in words."""
    with pytest.raises(AssertionError, match=f"^The importer breaks its contract: .*{message}"):
        check_importer(importer(), samples, cuts=60)
