"""Recordings and imports where they are tried hard: odd values, odd names, many logs, two at once, and no room."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from gymnasium import spaces

from toy_format import Settings, ToyExporter, ToyImporter, write_toylog
from toys import EXTRAS, TOY, assert_steps, sample_action, sample_observation, write_episode, write_steps
from understudy.cli.logs.importing import _print as print_report
from understudy.errors import ObservationError, RecordingError, SpecError
from understudy.recordings import Cache, Episode, EpisodeWriter, Provenance, Recordings, hash_player, open_recordings
from understudy.recordings.formats import (
    ImportOptions,
    ImportReport,
    LogEpisode,
    Loss,
    Rows,
    export_logs,
    exporting,
    guards,
    import_logs,
    importing,
)
from understudy.recordings.formats.landing import Landing
from understudy.recordings.privacy import find_player, forget_player
from understudy.recordings.provenance import KEY_FILE, project_key
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

WALK = BehaviorSpec(
    "walk",
    (SensorSpec("obs", spaces.Box(-np.inf, np.inf, (2,), np.float32)),),
    (ActionSpec("act", spaces.Discrete(3)),),
    10.0,
)
# Flips a bit of each of the first bytes, and reads everything without `verify`.
FLIPS = """
import sys
from pathlib import Path
from understudy.recordings import Episode
from understudy.errors import UnderstudyError
path = Path(sys.argv[1])
whole = path.read_bytes()
for place in range(8, 72):
    data = bytearray(whole)
    data[place] ^= 4
    path.write_bytes(data)
    try:
        episode = Episode(path)
        episode.final_observation(), episode.terminated, episode.events, episode.reward
        for name in episode.behavior.sensor_names:
            episode.observation(name)
    except UnderstudyError:
        pass
print("all")
"""
BOMB = (65_000).to_bytes(2, "big") * 2


def rows_of(steps: int, **more: Any) -> Rows:
    """Rows of the walking behaviour."""
    return Rows({"obs": np.ones((steps, 2), np.float32)}, {"act": np.zeros(steps, np.int64)}, **more)


def log_of(name: str, steps: int = 3, **more: Any) -> LogEpisode:
    """An episode of a log, of that many steps."""
    return LogEpisode(name, WALK, Provenance("toy", **more), iter([rows_of(steps)]))


def land(out: Path, mark: str, *logs: LogEpisode) -> list[Any]:
    """Land the episodes of one log."""
    landing = Landing(out, False, lambda *_: None)
    landing.begin(mark)
    return [landing.land(each) for each in logs]


def extend(writer: EpisodeWriter, rows: Rows) -> None:
    """Write rows."""
    writer.extend(
        rows.observations,
        rows.actions,
        rewards=rows.rewards,
        events=rows.events,
        ticks=rows.ticks,
        times_ns=rows.times_ns,
    )


class TestWriter:
    """What a game or an importer may hand in wrong."""

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"events": [["a"]]}, "Events should be of 3 steps, got 1"),
            ({"events": [["a"], [7], []]}, "An event should be a word, got 7"),
            ({"events": [["a"], "jump", []]}, "The events of a step should be a list of words, got 'jump'"),
            ({"ticks": np.array([1, 2, 2**63], np.uint64)}, "Ticks should fit int64"),
            ({"ticks": np.array([1, np.nan, 3])}, "Ticks should be whole numbers of shape (3,)"),
            ({"times_ns": np.arange(2)}, "Times should be whole numbers of shape (3,)"),
            ({"rewards": np.zeros(2)}, "Rewards should be numbers of shape (3,)"),
            ({"rewards": np.array([0, 1e300, 0])}, "Rewards should fit float32"),
        ],
    )
    def test_columns_that_do_not_fit_are_refused_and_the_writer_goes_on(
        self, tmp_path: Path, more: dict[str, Any], message: str
    ) -> None:
        """The sentence names the column; nothing of those rows is kept, and what came before can still be finished."""
        with EpisodeWriter(tmp_path, WALK, Provenance("toy"), name="one") as writer:
            extend(writer, rows_of(4))
            with pytest.raises(ObservationError) as error:
                extend(writer, rows_of(3, **more))
            writer.finish(terminated=True)

        assert message in str(error.value)
        assert (Episode(writer.path).num_steps, Episode(writer.path).terminated) == (4, True)

    @pytest.mark.parametrize(
        "more", [{"tick": 2**70}, {"time_ns": -(2**70)}, {"events": [7]}, {"events": "jump"}, {"reward": 1e300}]
    )
    def test_a_step_that_does_not_fit_is_refused_and_the_writer_goes_on(
        self, tmp_path: Path, more: dict[str, Any]
    ) -> None:
        """The same, step by step, and just where a batch is full."""
        with EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="one", extras=EXTRAS) as writer:
            assert len(list(write_steps(writer, 0, 10))) == 10
            with pytest.raises(ObservationError):
                writer.append(
                    sample_observation(TOY, 0, 0),
                    sample_action(TOY, 0, 0),
                    extras={name: np.zeros(each.shape, each.dtype) for name, each in EXTRAS.items()},
                    **more,
                )
            writer.finish(truncated=True)

        assert_steps(Episode(writer.path), 0, 10)

    def test_words_that_are_no_utf_8_are_kept_as_well_as_may_be(self, tmp_path: Path) -> None:
        """Half a surrogate pair, as JSON may hold, costs its own character."""
        with EpisodeWriter(tmp_path, WALK, Provenance("toy", player="a\ud83d"), name="one") as writer:
            extend(writer, rows_of(2, events=[["kill \ud83d!"], []]))
            writer.finish()

        assert Episode(writer.path).events == [["kill ?!"], []]

    def test_notes_that_are_no_json_are_refused_before_a_file_is_made(self, tmp_path: Path) -> None:
        """Else the writer's thread would end, and the game wait for it for ever."""
        provenance = Provenance("toy", notes={"score": np.int64(3)})  # type: ignore[dict-item]

        with pytest.raises(RecordingError, match="provenance"):
            EpisodeWriter(tmp_path, WALK, provenance, name="one")

        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_cannot_be_written_is_a_sentence(self, tmp_path: Path) -> None:
        """A file in the way of the folder, and a name that is too long."""
        (tmp_path / "file").write_text("")

        for folder, name in ((tmp_path / "file", "one"), (tmp_path, "x" * 300)):
            with pytest.raises(RecordingError, match="cannot be written"):
                EpisodeWriter(folder, WALK, Provenance("toy", player="ann"), name=name)

    def test_the_largest_tick_has_a_final_observation_after_it(self, tmp_path: Path) -> None:
        """Counting on from it does not overflow."""
        with EpisodeWriter(tmp_path, WALK, Provenance("toy"), name="one") as writer:
            extend(writer, rows_of(1, ticks=np.array([2**63 - 1])))
            writer.finish(terminated=True, final_observation={"obs": np.ones(2, np.float32)})

        assert Episode(writer.path).tick.tolist() == [2**63 - 1]

    def test_a_key_that_is_no_text_is_refused(self, tmp_path: Path) -> None:
        """Bytes in the key's file are a sentence too."""
        (tmp_path / KEY_FILE).write_bytes(b"\xff\xfe" * 64)

        with pytest.raises(RecordingError, match="should hold 64 hexadecimal digits"):
            project_key(tmp_path)


class TestReader:
    """Reading without trust, and without more than was asked for."""

    def test_no_flipped_bit_in_the_head_ends_the_process(self, tmp_path: Path) -> None:
        """What a file says of its own layout is not believed: reading it is refused in words, not by Arrow's abort."""
        path = write_episode(tmp_path, steps=12)

        done = subprocess.run([sys.executable, "-c", FLIPS, str(path)], capture_output=True, text=True, check=False)

        assert (done.returncode, done.stdout) == (0, "all\n")

    def test_small_columns_are_read_in_part(self, tmp_path: Path) -> None:
        """Rewards, ticks, times, events and extras of any rows are those of the whole columns."""
        episode = Episode(write_episode(tmp_path, steps=37, extras=EXTRAS))

        for rows in (slice(None), slice(3, 25), slice(36, 37), slice(9, 9), slice(-5, None), slice(None, None, -3)):
            np.testing.assert_array_equal(episode.rewards(rows), episode.reward[rows])
            np.testing.assert_array_equal(episode.ticks(rows), episode.tick[rows])
            np.testing.assert_array_equal(episode.times_ns(rows), episode.time_ns[rows])
            assert episode.events_in(rows) == episode.events[rows]
            for name in EXTRAS:
                np.testing.assert_array_equal(episode.extra(name, rows), episode.extra(name)[rows])
        assert episode.rewards(slice(3)).dtype == np.float32
        assert episode.ticks(slice(0)).dtype == np.int64

    def test_hidden_folders_are_left_alone(self, tmp_path: Path) -> None:
        """Half-written recordings of a killed import lie in one."""
        write_episode(tmp_path / "walk", "one", steps=3)
        write_episode(tmp_path / ".part" / "deep", "two", steps=3)
        (tmp_path / "gone.arrows").symlink_to(tmp_path / "nowhere")

        assert [each.name for each in open_recordings(tmp_path)] == ["one"]
        assert len(open_recordings(tmp_path / ".part")) == 1

    def test_many_files_may_be_open(self, tmp_path: Path) -> None:
        """A folder may hold more recordings than a process may have files open."""
        first = write_episode(tmp_path, "one", steps=3)
        for number in range(300):
            os.link(first, tmp_path / f"copy-{number}.arrows")
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 50, limits[1]))
        try:
            assert sum(each.num_steps for each in open_recordings(tmp_path)) == 903
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)


class TestCache:
    """One cache, two trainings."""

    def test_two_builds_at_once_do_not_mix(self, toy_logs: Path, tmp_path: Path) -> None:
        """The second waits for the first, and both have whole rows."""
        episodes = open_recordings(toy_logs)
        inside, second_began = threading.Event(), threading.Event()
        found: dict[str, Cache] = {}

        def pause(_what: str, _done: int, _total: int) -> None:
            inside.set()
            second_began.wait(1)

        def build(name: str, progress: Any) -> None:
            found[name] = Cache.build(open_recordings(toy_logs), tmp_path, sensors=("rays",), progress=progress)

        first = threading.Thread(target=build, args=("first", pause))
        first.start()
        inside.wait()
        second = threading.Thread(target=build, args=("second", lambda *_: second_began.set()))
        second.start()
        first.join()
        second.join()

        expected = np.concatenate([each.observation("rays") for each in episodes])
        for name in ("first", "second"):
            np.testing.assert_array_equal(found[name].arrays["observation.rays"], expected)
        assert [path.name for path in tmp_path.iterdir() if path.name != "logs"] == [found["first"].folder.name]

    def test_a_full_disk_is_a_sentence_not_a_bus_error(
        self, toy_logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Room is taken before rows are written to the mapped file."""

        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", full)

        with pytest.raises(RecordingError, match="No space left on device"):
            Cache.build(open_recordings(toy_logs), tmp_path / "cache", sensors=("rays",))


class TestNames:
    """No episode is taken for another."""

    def test_a_name_with_a_number_is_no_second_of_its_kind(self, tmp_path: Path) -> None:
        """`a`, `a` and `a-2` of one log are three, and still three at the next import."""
        logs = [("a", 1), ("a", 2), ("a-2", 3), ("A", 4)]
        landed = land(tmp_path / "out", "log:1", *(log_of(*each) for each in logs))
        again = land(tmp_path / "out", "log:1", *(log_of(*each) for each in logs))

        assert [each.num_steps for each in landed] == [1, 2, 3, 4]
        assert len({each.path.name.lower() for each in landed}) == 4
        assert [(each.path, each.is_new) for each in again] == [(each.path, False) for each in landed]

    def test_logs_whose_marks_end_alike_are_kept_apart(self, tmp_path: Path) -> None:
        """Six digits of a hash meet among a few thousand logs; then more of them tell."""
        marks = [f"log:{number}-abcdef" for number in range(4)]
        landed = [land(tmp_path / "out", mark, log_of("demo", index + 1))[0] for index, mark in enumerate(marks)]

        assert [each.is_new for each in landed] == [True] * 4
        assert sorted(each.num_steps for each in open_recordings(tmp_path / "out")) == [1, 2, 3, 4]

    def test_a_behaviour_keeps_its_folder(self, tmp_path: Path) -> None:
        """Though the folder that had its plain name is gone."""
        out = tmp_path / "out"
        write_episode(out / "walk", "other", steps=2)
        [first] = land(out, "log:1", log_of("a"))
        (out / "walk" / "other.arrows").unlink()

        [second] = land(out, "log:1", log_of("a"))

        assert first.path == out / "walk-2" / "a.arrows"
        assert (second.path, second.is_new) == (first.path, False)

    def test_no_name_is_one_that_windows_keeps_for_itself(self, tmp_path: Path) -> None:
        """Devices have no recordings."""
        names = ["CON", "nul.txt", "com1", "conn", "aux-2"]
        landed = land(tmp_path / "out", "log:1", *(log_of(each) for each in names))

        found = [each.path.name.split(".")[0].lower() for each in landed]
        assert not {"con", "nul", "com1", "aux"} & set(found)
        assert found[3:] == ["conn", "aux-2"]

    def test_a_place_taken_meanwhile_is_not_overwritten(self, tmp_path: Path) -> None:
        """Another process may import a log with the same names at the same time."""
        out = tmp_path / "out"

        def rows() -> Iterator[Rows]:
            land(out, "log:2", log_of("a", 5))
            yield rows_of(3)

        log = log_of("a")
        log.rows = rows()
        land(out, "log:1", log)

        assert sorted(each.num_steps for each in open_recordings(out)) == [3, 5]

    def test_half_a_recording_is_never_outside_of_the_folder(self, tmp_path: Path) -> None:
        """Its parent may be one that nobody may write to, and what a killed import leaves is found by `forget`."""
        out = tmp_path / "out"

        def rows() -> Iterator[Rows]:
            assert [path.name for path in tmp_path.iterdir()] == ["out"]
            with pytest.raises(RecordingError, match="holds no recording"):
                open_recordings(out)
            yield rows_of(3)

        log = log_of("a")
        log.rows = rows()
        [landed] = land(out, "log:1", log)

        assert sorted(path.name for path in out.iterdir()) == ["walk"]
        assert landed.path.exists()


@pytest.mark.usefixtures("toy_import")
class TestImporting:
    """Folders that are not tidy."""

    def test_names_that_are_no_utf_8_come_in(self, tmp_path: Path) -> None:
        """A file named in another encoding is imported."""
        logs = tmp_path / "logs"
        log = write_toylog(logs / "a.toylog", ("one", "an\ud83dn", 3))
        log.rename(os.fsdecode(os.fsencode(logs) + b"/caf\xe9.toylog"))

        report = import_logs([logs], tmp_path / "out")

        [path] = report.written
        assert Episode(path).provenance.player == hash_player("an\ud83dn", project_key(tmp_path / "out"))

    def test_a_link_to_itself_is_left_alone(self, tmp_path: Path) -> None:
        """As any link that leads nowhere."""
        write_toylog(tmp_path / "logs" / "b.toylog", ("one", "ann", 3))
        (tmp_path / "logs" / "a.toylog").symlink_to("a.toylog")

        assert len(import_logs([tmp_path / "logs"], tmp_path / "out").written) == 1

    def test_any_error_in_words_costs_only_its_log(self, tmp_path: Path) -> None:
        """A log may say what makes no spec, which is its damage, not the import's."""
        write_toylog(tmp_path / "logs" / "a.toylog", ("one", "ann", 3))
        write_toylog(tmp_path / "logs" / "b.toylog", ("two", "ann", 3))
        (tmp_path / "logs" / "a.toylog").write_text('{"toylog": 1, "behavior": "walk", "hz": -1, "choices": 3}\n')

        report = import_logs([tmp_path / "logs"], tmp_path / "out")

        assert len(report.written) == 1
        assert len(report.losses) == 1
        with pytest.raises((RecordingError, SpecError)):
            import_logs([tmp_path / "logs"], tmp_path / "strict", options=ImportOptions(salvage=False))

    def test_odd_names_are_printed_as_they_are(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Names that look like markup, or are no text, break neither the tables nor the sentences."""
        write_episode(tmp_path / "[/out]", "[red]one", steps=3)
        write_episode(tmp_path / "[/out]", os.fsdecode(b"caf\xe9"), steps=3)

        seen = run_command("logs", "inspect", tmp_path / "[/out]")
        print_report(ImportReport(losses=[Loss("[/where]", "[/what]")], unknown=[Path("[/b]")]), Path("[/out]"))

        assert (seen.returncode, seen.stderr) == (0, "")
        assert "[red]one" in seen.stdout
        assert r"caf\udce9" in seen.stdout
        told = capsys.readouterr().out
        assert all(word in told for word in ("[/where]", "[/what]", "b]", "in [/out]"))

    def test_what_an_import_says_to_look_at_can_be_looked_at(self, tmp_path: Path) -> None:
        """Its folder may hold several behaviours; each is shown with its own spec."""
        write_episode(tmp_path / "toy", "one", steps=3)
        record_walk(tmp_path / "walk", "two", 3)

        seen = run_command("logs", "inspect", tmp_path)

        assert (seen.returncode, seen.stderr) == (0, "")
        assert "Behaviour 'toy'" in seen.stdout
        assert "Behaviour 'walk'" in seen.stdout

    def test_the_hidden_work_of_a_killed_import_is_nobodys_log(self, tmp_path: Path) -> None:
        """Neither is it imported, nor does it stop the next import."""
        write_toylog(tmp_path / "logs" / "a.toylog", ("one", "ann", 3))
        write_episode(tmp_path / "out" / ".part-123", "one", steps=3)

        assert len(import_logs([tmp_path / "logs"], tmp_path / "out").written) == 1
        assert len(open_recordings(tmp_path / "out")) == 1


class TestExporting:
    """What leaves is what was recorded."""

    def test_damaged_bytes_are_never_handed_on(self, tmp_path: Path, toy_import: None) -> None:  # noqa: ARG002
        """A recording that does not match its checksums is refused, and nothing is left."""
        path = record_walk(tmp_path / "logs", "one", 5)
        data = bytearray(path.read_bytes())
        data[data.rindex(np.full(2, 7, np.float32).tobytes())] ^= 1
        path.write_bytes(data)

        with pytest.raises(RecordingError, match="does not match its checksum"):
            export_logs(open_recordings(tmp_path / "logs"), tmp_path / "out", "toylog")
        assert sorted(each.name for each in tmp_path.iterdir()) == ["logs"]

    def test_recordings_without_a_step_are_left_out(self, tmp_path: Path, toy_import: None) -> None:  # noqa: ARG002
        """No format has a place for them; of nothing else there is nothing to export."""
        record_walk(tmp_path / "logs", "one", 5)
        path = record_walk(tmp_path / "logs", "empty", 1)
        path.write_bytes(path.read_bytes()[: schema_length(path)])
        empty = Episode(path)

        [written] = export_logs(open_recordings(tmp_path / "logs"), tmp_path / "out", "toylog")

        assert "empty" not in written.read_text()
        with pytest.raises(RecordingError, match="no step"):
            export_logs(Recordings([empty]), tmp_path / "other", "toylog")

    def test_a_place_that_cannot_be_written_is_a_sentence(self, tmp_path: Path, toy_import: None) -> None:  # noqa: ARG002
        """A file is in the way."""
        record_walk(tmp_path / "logs", "one", 5)
        (tmp_path / "file").write_text("")

        with pytest.raises(RecordingError, match=r"out cannot be written: Not a directory\."):
            export_logs(open_recordings(tmp_path / "logs"), tmp_path / "file" / "out", "toylog")


class TestGuards:
    """What a log may not do."""

    def test_a_picture_says_its_size_where_decoders_look(self) -> None:
        """Markers without a length before the frame header lead nobody past it."""
        sof = b"\xff\xc0\x00\x0b\x08" + BOMB + b"\x01\x01\x11\x00"
        small = b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"
        for alone in (b"\xff\xd0", b"\xff\x01", b"\xff\xff\xd7"):
            # Read as a segment, the marker alone would have the length that follows it and hide the true header.
            disguise = b"\xff\xd8" + alone + sof + small
            assert guards.picture_size(disguise) == (65_000, 65_000)

    def test_text_may_begin_with_a_byte_order_mark(self, tmp_path: Path) -> None:
        """As editors on Windows write it."""
        (tmp_path / "plan.json").write_bytes(b"\xef\xbb\xbf{}")

        assert guards.read_text(tmp_path / "plan.json") == "{}"

    def test_a_link_to_itself_lies_nowhere(self, tmp_path: Path) -> None:
        """It is refused like one that leads out."""
        (tmp_path / "loop").symlink_to("loop")

        with pytest.raises(RecordingError, match="not read"):
            guards.inside(tmp_path, "loop")


class TestForgetting:
    """Nothing of a player stays behind."""

    def test_what_the_doctor_keeps_is_forgotten_too(self, toy_logs: Path) -> None:
        """Reduced sensors are named by the recording's digest; those of others stay."""
        from understudy.recordings.doctor.signatures import sign

        episodes = {each.name: each for each in open_recordings(toy_logs)}
        folders = {name: sign(each, toy_logs / ".doctor", lambda _: None).folder for name, each in episodes.items()}

        traces = find_player("ann", toy_logs)
        forget_player(toy_logs, traces)

        assert [name for name, folder in sorted(folders.items()) if folder.exists()] == ["episode-1"]
        assert open_recordings(toy_logs)[0].name == "episode-1"

    @pytest.mark.parametrize("name", ["index.json", "bundle.json"])
    def test_files_of_others_with_our_names_are_no_harm(self, toy_logs: Path, name: str) -> None:
        """Whatever lies in them where we would have words."""
        odd = '{"name": {}, "player": [], "digest": {}, "start": [], "stop": null}'
        (toy_logs / name).write_text(f'{{"spans": [{odd}], "provenance": {{"recordings": [{odd}]}}}}')
        (toy_logs / "loop.arrows").symlink_to("loop.arrows")

        assert len(find_player("ann", toy_logs).recordings) == 2


def record_walk(folder: Path, name: str, steps: int) -> Path:
    """Record some steps, the last of which sees sevens."""
    with EpisodeWriter(folder, WALK, Provenance("toy"), name=name) as writer:
        rows = rows_of(steps)
        rows.observations["obs"][-1] = 7
        extend(writer, rows)
        writer.finish(truncated=True)
    return writer.path


def schema_length(path: Path) -> int:
    """How many bytes come before the first batch."""
    with pa.memory_map(str(path)) as source:
        pa.ipc.open_stream(source)
        return int(source.tell())


def run_command(*words: object) -> subprocess.CompletedProcess[str]:
    """Run `understudy` as a user does."""
    command = [sys.executable, "-m", "understudy.cli.main", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class _Installed(ToyImporter):
    """The toy format under its own name."""

    Settings: ClassVar[type[Settings]] = Settings


@pytest.fixture
def toy_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy format is known."""
    importer, exporter = _Installed(), ToyExporter()
    monkeypatch.setattr(importing, "importers", lambda: {"toylog": importer})
    monkeypatch.setattr(exporting, "exporter", lambda _name: exporter)
