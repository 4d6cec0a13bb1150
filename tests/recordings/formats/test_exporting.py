"""Handing recordings on: whole or not at all, and never over what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from toy_format import ToyExporter, write_toylog
from toys import write_episode
from understudy.errors import RecordingError, SpecMismatchError
from understudy.recordings import Recordings, open_recordings
from understudy.recordings.formats import ExportOptions, Progress, export_logs, import_logs

pytestmark = pytest.mark.usefixtures("toy_format")


@pytest.fixture
def walks(logs: Path, tmp_path: Path) -> Recordings:
    """Recordings that a toy log can hold."""
    import_logs([write_toylog(logs / "a.toylog", ("one", "", 5), ("two", "", 3))], tmp_path / "recordings")
    return open_recordings(tmp_path / "recordings")


def test_an_export_says_what_it_wrote(walks: Recordings, tmp_path: Path) -> None:
    """The new folder holds what is returned, and progress was told; an empty folder may be there before."""
    calls: list[tuple[str, int, int]] = []
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "deep" / "out", tmp_path / "empty"):
        written = export_logs(walks, out, "toylog", progress=lambda *call: calls.append(call))

        assert written == [out / "all.toylog"]
        assert list(out.iterdir()) == written
    assert calls == [("one", 1, 2), ("two", 2, 2)] * 2


def test_an_export_may_go_to_a_folder_named_from_here(
    walks: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative name, and the folder one is in, are folders too."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    assert export_logs(walks, Path("out"), "toylog") == [Path("out") / "all.toylog"]
    assert Path("out/all.toylog").is_file()


@pytest.mark.parametrize("taken", ["a file", "a folder with something in it"])
def test_nothing_is_overwritten(walks: Recordings, tmp_path: Path, taken: str) -> None:
    """What is there stays as it is."""
    out = tmp_path / "out"
    if taken == "a file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine").write_text("mine")

    with pytest.raises(RecordingError, match=r"out is there already; name a new folder, nothing is overwritten\."):
        export_logs(walks, out, "toylog")

    assert out.is_file() or [path.name for path in out.iterdir()] == ["mine"]


def test_a_behaviour_that_does_not_fit_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """The format says what it cannot hold, and no folder is left."""
    recordings = open_recordings(write_episode(tmp_path / "toys"))

    with pytest.raises(RecordingError, match="A toy log cannot hold the behaviour 'toy'"):
        export_logs(recordings, tmp_path / "out", "toylog")

    assert [path.name for path in tmp_path.iterdir()] == ["toys"]


def test_recordings_of_two_behaviours_are_refused(walks: Recordings, tmp_path: Path) -> None:
    """One export is of one behaviour."""
    write_episode(tmp_path / "recordings")

    with pytest.raises(SpecMismatchError, match="The spec of"):
        export_logs(open_recordings(tmp_path / "recordings"), tmp_path / "out", "toylog")
    assert len(walks) == 2


class Stopping(ToyExporter):
    """Is stopped half-way."""

    name = "stopping"

    def write(self, recordings: Recordings, out: Path, options: ExportOptions, progress: Progress) -> Sequence[Path]:
        """Write a part and stop."""
        super().write(recordings, out, options, progress)
        raise KeyboardInterrupt


def test_a_stopped_export_leaves_nothing(walks: Recordings, tmp_path: Path, install: Callable[..., None]) -> None:
    """Half an export never passes for a whole one; the next one is not disturbed by it."""
    install("stopping", exporters={"stopping": f"{__name__}:Stopping"})
    before = sorted(path.name for path in tmp_path.iterdir())

    with pytest.raises(KeyboardInterrupt):
        export_logs(walks, tmp_path / "out", "stopping")

    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert export_logs(walks, tmp_path / "out", "toylog")
