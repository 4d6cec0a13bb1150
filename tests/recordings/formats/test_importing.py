"""Bringing logs in: mixtures, stops, names that meet, players, damage, and importers that break their promises."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toy_format import ToyImporter, write_toylog
from understudy.errors import MissingExtraError, RecordingError
from understudy.recordings import Episode, Provenance, hash_player, open_recordings
from understudy.recordings.formats import ImportOptions, LogDescription, LogEpisode, Rows, import_logs
from understudy.recordings.provenance import project_key

pytestmark = pytest.mark.usefixtures("toy_format")

STRICT = ImportOptions(salvage=False)


def names(out: Path) -> list[str]:
    """What lies below a folder of recordings."""
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*.arrows"))


def break_line(log: Path, number: int) -> None:
    """Damage one line of a toy log."""
    lines = log.read_text().splitlines()
    lines[number - 1] = lines[number - 1][:-3]
    log.write_text("\n".join(lines))


class TestMixedFolders:
    """One command for a folder of anything."""

    def test_every_known_log_comes_in_and_the_rest_is_named(self, logs: Path, tmp_path: Path) -> None:
        """Logs at any depth are imported; unknown files are listed; hidden ones and files of a known log are not."""
        write_toylog(logs / "a.toylog", ("one", "ann", 9), ("two", "ann", 4))
        write_toylog(logs / "deep" / "er" / "b.toylog", ("three", "ben", 5))
        write_toylog(logs / ".hidden.toylog", ("four", "ben", 5))
        for name in ("notes.txt", "a.png", "deep/other.png"):
            (logs / name).write_text("hello")

        report = import_logs([logs], tmp_path / "out")

        assert names(tmp_path / "out") == ["walk/one.arrows", "walk/three.arrows", "walk/two.arrows"]
        assert [path.name for path in report.written] == ["one.arrows", "two.arrows", "three.arrows"]
        assert (report.steps, report.losses, report.kept) == (18, [], [])
        assert report.unknown == [logs / "deep" / "other.png", logs / "notes.txt"]

    def test_links_lead_neither_out_nor_round(self, logs: Path, tmp_path: Path) -> None:
        """A link out of the folder is left alone, one to a folder above ends, and nothing comes in twice."""
        outside = write_toylog(tmp_path / "elsewhere" / "x.toylog", ("outside", "ann", 3))
        inside = write_toylog(logs / "a.toylog", ("one", "ann", 3))
        (logs / "out.toylog").symlink_to(outside)
        (logs / "round").symlink_to(logs, target_is_directory=True)
        (logs / "twice.toylog").symlink_to(inside)
        os.mkfifo(logs / "pipe")

        report = import_logs([logs, inside], tmp_path / "out")

        assert names(tmp_path / "out") == ["walk/one.arrows"]
        assert (len(report.written), report.kept, report.unknown) == (1, [], [])

    def test_recordings_of_an_earlier_import_are_no_unknown_logs(self, logs: Path) -> None:
        """Logs may lie beside their recordings."""
        write_toylog(logs / "a.toylog", ("one", "ann", 3))
        import_logs([logs], logs / "recordings")

        again = import_logs([logs], logs / "recordings")

        assert (len(again.kept), again.written, again.unknown) == (1, [], [])

    def test_nothing_known_is_an_error_that_says_where_to_go(self, logs: Path, tmp_path: Path) -> None:
        """A folder without a log is an error, and so is a path that is not there; neither leaves a folder."""
        (logs / "notes.txt").write_text("hello")

        with pytest.raises(RecordingError, match=r"No log of a known format in .*logs formats.*logs map --help"):
            import_logs([logs], tmp_path / "out")
        with pytest.raises(RecordingError, match=r"nowhere is not there\."):
            import_logs([logs, tmp_path / "nowhere"], tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_a_file_that_is_named_is_taken_at_the_users_word(self, logs: Path, tmp_path: Path) -> None:
        """With a format, a named file need not look like a log; one that was merely found must."""
        odd = write_toylog(logs / "odd.toylog", ("one", "ann", 3))
        odd.write_text(" " + odd.read_text())

        assert len(import_logs([odd], tmp_path / "out", format_name="toylog").written) == 1
        with pytest.raises(RecordingError, match="No log of a known format"):
            import_logs([logs], tmp_path / "other", format_name="toylog")


class TestSettings:
    """What a user may set."""

    def test_settings_reach_the_format_and_tell_its_recordings_apart(self, logs: Path, tmp_path: Path) -> None:
        """The same log with another setting is another recording."""
        log = write_toylog(logs / "a.toylog", ("one", "ann", 3))
        [first] = import_logs([log], tmp_path / "out").written
        [second] = import_logs([log], tmp_path / "out", format_name="toylog", settings={"scale": "2"}).written

        assert first != second
        np.testing.assert_array_equal(Episode(second).observation("obs"), 2 * Episode(first).observation("obs"))

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"format_name": "toilog"}, "There is no importer 'toilog'. Did you mean 'toylog'?"),
            ({"settings": {"scale": "2"}}, "The setting 'scale' belongs to one format; name it too (--format)."),
            (
                {"format_name": "toylog", "settings": {"scael": "2"}},
                "The format 'toylog' has no setting 'scael'. Did you mean 'scale'?",
            ),
            (
                {"format_name": "toylog", "settings": {"scale": "big"}},
                "Setting 'scale' of the format 'toylog': Input should be a valid number",
            ),
        ],
    )
    def test_a_wrong_word_is_named(self, logs: Path, tmp_path: Path, given: dict[str, Any], message: str) -> None:
        """The sentence says which word is wrong and what is known."""
        write_toylog(logs / "a.toylog", ("one", "ann", 3))

        with pytest.raises(RecordingError) as error:
            import_logs([logs], tmp_path / "out", **given)

        assert str(error.value).startswith(message)


class TestResuming:
    """An import that was stopped goes on."""

    def test_a_stop_leaves_whole_recordings_and_nothing_else(self, logs: Path, tmp_path: Path) -> None:
        """After Ctrl-C in the second episode the first is whole; the next run keeps it and writes the rest."""
        write_toylog(logs / "a.toylog", ("one", "", 9), ("two", "", 9), ("three", "", 9))

        def stop(what: str, done: int, _total: int) -> None:
            if (what, done) == ("two", 4):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            import_logs([logs], tmp_path / "out", progress=stop)
        assert names(tmp_path / "out") == ["walk/one.arrows"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "out"]
        written = (tmp_path / "out" / "walk" / "one.arrows").read_bytes()

        report = import_logs([logs], tmp_path / "out")

        assert [path.name for path in report.kept] == ["one.arrows"]
        assert [path.name for path in report.written] == ["two.arrows", "three.arrows"]
        assert report.steps == 27
        assert (tmp_path / "out" / "walk" / "one.arrows").read_bytes() == written
        assert import_logs([logs], tmp_path / "out").written == []

    @pytest.mark.parametrize("size", [10, 2000])
    def test_a_recording_that_was_cut_since_is_written_anew(self, logs: Path, tmp_path: Path, size: int) -> None:
        """One that is no longer whole, or no longer readable, is replaced."""
        log = write_toylog(logs / "a.toylog", ("one", "ann", 60))
        [path] = import_logs([log], tmp_path / "out").written
        path.write_bytes(path.read_bytes()[:-size] if size > 10 else path.read_bytes()[:size])

        assert import_logs([log], tmp_path / "out").written == [path]
        assert Episode(path).complete

    def test_progress_counts_the_steps_of_each_episode(self, logs: Path, tmp_path: Path) -> None:
        """Steps done grow with each piece of rows, up to all of them."""
        write_toylog(logs / "a.toylog", ("one", "", 9))
        calls: list[tuple[str, int, int]] = []

        import_logs([logs], tmp_path / "out", progress=lambda *call: calls.append(call))

        assert calls == [("one", 4, 4), ("one", 8, 8), ("one", 9, 9)]


class TestNames:
    """Where recordings go."""

    def test_episodes_of_two_logs_may_share_a_name(self, logs: Path, tmp_path: Path) -> None:
        """Both are kept, whichever comes first, and imported again neither is written anew."""
        first = write_toylog(logs / "a" / "x.toylog", ("one", "ann", 3))
        second = write_toylog(logs / "b" / "x.toylog", ("one", "ann", 4), seed=1)

        report = import_logs([first, second], tmp_path / "out")

        assert sorted(each.num_steps for each in open_recordings(tmp_path / "out")) == [3, 4]
        assert report.written[0].name == "one.arrows"
        again = import_logs([second, first], tmp_path / "out")
        assert (again.written, sorted(again.kept)) == ([], sorted(report.written))

    def test_the_same_log_in_two_places_comes_in_once(self, logs: Path, tmp_path: Path) -> None:
        """A copy adds nothing."""
        for place in ("a", "b"):
            write_toylog(logs / place / "x.toylog", ("one", "ann", 3))

        report = import_logs([logs], tmp_path / "out")

        assert (len(report.written), len(report.kept), report.steps) == (1, 0, 3)

    def test_each_behaviour_has_a_folder_of_its_own(self, logs: Path, tmp_path: Path) -> None:
        """Behaviours of one name but different specs are kept apart by a number, the same ones at the next import."""
        write_toylog(logs / "a.toylog", ("one", "", 3), behavior="walk", choices=3)
        write_toylog(logs / "b.toylog", ("one", "", 3), behavior="walk", choices=4)
        write_toylog(logs / "c.toylog", ("one", "", 3), behavior="swim")
        expected = ["swim/one.arrows", "walk-2/one.arrows", "walk/one.arrows"]

        import_logs([logs], tmp_path / "out")
        assert names(tmp_path / "out") == expected
        write_toylog(logs / "0.toylog", ("zero", "", 3), behavior="walk", choices=4)
        import_logs([logs], tmp_path / "out")

        assert names(tmp_path / "out") == sorted([*expected, "walk-2/zero.arrows"])
        for home in (tmp_path / "out").iterdir():
            assert open_recordings(home).behavior.name in home.name

    def test_names_from_logs_stay_in_the_folder(self, logs: Path, tmp_path: Path) -> None:
        """What a log calls itself cannot lead elsewhere, and two episodes of one name in a log are both kept."""
        behavior = "../../etc/passwd"
        long = "x" * 400
        episodes = (("../../up", "", 3), ("", "", 4), ("é/\0", "", 5), ("same", "", 6), ("same", "", 7), (long, "", 8))
        write_toylog(logs / "a.toylog", *episodes, behavior=behavior)

        import_logs([logs], tmp_path / "out")

        home = "etc-passwd"
        expected = {"up": 3, "unnamed": 4, "unnamed-2": 5, "same": 6, "same-2": 7, "x" * 150: 8}
        assert names(tmp_path / "out") == sorted(f"{home}/{name}.arrows" for name in expected)
        assert {each.name: each.num_steps for each in open_recordings(tmp_path / "out")} == expected
        assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "out"]
        assert len(import_logs([logs], tmp_path / "out").kept) == 6


class TestPlayers:
    """Whose play it is."""

    def test_players_are_hashed_under_the_key_of_the_whole_import(self, logs: Path, tmp_path: Path) -> None:
        """One person is one hash in every behaviour and at every import, and no name is in any file."""
        write_toylog(logs / "a.toylog", ("one", "annabel", 3), ("two", "benedict", 3))
        write_toylog(logs / "b.toylog", ("one", "annabel", 3), behavior="swim")
        out = tmp_path / "out"
        import_logs([logs / "a.toylog"], out)
        import_logs([logs], out)

        found = {each.path.relative_to(out).as_posix(): each.provenance.player for each in open_recordings(out)}

        annabel, benedict = (hash_player(name, project_key(out)) for name in ("annabel", "benedict"))
        assert found == {"swim/one.arrows": annabel, "walk/one.arrows": annabel, "walk/two.arrows": benedict}
        for path in out.rglob("*"):
            assert path.is_dir() or b"annabel" not in path.read_bytes()
        assert not (out / "walk" / "player.key").exists()

    def test_names_are_kept_on_request(self, logs: Path, tmp_path: Path) -> None:
        """`reveal_players` stores them as the log has them, and makes no key."""
        write_toylog(logs / "a.toylog", ("one", "annabel", 3))

        [path] = import_logs([logs], tmp_path / "out", reveal_players=True).written

        assert Episode(path).provenance.player == "annabel"
        assert not (tmp_path / "out" / "player.key").exists()

    def test_a_player_who_is_nobody_is_not_hashed(
        self, logs: Path, tmp_path: Path, install: Callable[..., None]
    ) -> None:
        """Where the id only names the log, hashing it would hide nothing and help no one."""
        install("public", importers={"public": f"{__name__}:Public"})
        write_toylog(logs / "a.toylog", ("one", "ann", 3))

        [path] = import_logs([logs], tmp_path / "out", format_name="public").written

        assert Episode(path).provenance.player == "one/p1"


class TestDamage:
    """What is lost is told."""

    def test_damage_costs_what_is_damaged_and_nothing_else(self, logs: Path, tmp_path: Path) -> None:
        """The steps before it, the episodes after it and the other logs come in, and a loss says what did not."""
        log = write_toylog(logs / "a.toylog", ("one", "", 9), ("two", "", 5))
        break_line(log, 8)  # the header, the episode, five steps, and this
        (logs / "b.toylog").write_text('{"toylog": 1, nonsense')
        write_toylog(logs / "c.toylog", ("three", "", 4))
        lines = log.read_text().splitlines()
        log.write_text("\n".join([*lines[:8], *lines[12:]]))

        report = import_logs([logs], tmp_path / "out")

        found = {each.name: (each.num_steps, each.truncated) for each in open_recordings(tmp_path / "out")}
        assert found == {"one": (5, True), "two": (5, False), "three": (4, False)}
        assert [(loss.where, loss.what, loss.steps) for loss in report.losses] == [
            ("a.toylog: line 8", f"{log}: line 8 is not JSON", 1),
            (str(logs / "b.toylog"), f"{logs / 'b.toylog'}: line 1 is not JSON", 0),
        ]

    def test_told_to_be_strict_damage_is_an_error_and_no_half_recording(self, logs: Path, tmp_path: Path) -> None:
        """The first damage stops the import; what was whole before it stays."""
        write_toylog(logs / "a.toylog", ("one", "", 3))
        break_line(write_toylog(logs / "b.toylog", ("two", "", 9)), 8)

        with pytest.raises(RecordingError, match=r"b\.toylog: line 8 is not JSON"):
            import_logs([logs], tmp_path / "out", options=STRICT)

        assert names(tmp_path / "out") == ["walk/one.arrows"]

    def test_an_episode_without_a_step_is_a_loss_not_a_file(self, logs: Path, tmp_path: Path) -> None:
        """An empty episode leaves no recording, and the others come in."""
        write_toylog(logs / "a.toylog", ("none", "", 0), ("one", "", 3))

        report = import_logs([logs], tmp_path / "out")

        assert names(tmp_path / "out") == ["walk/one.arrows"]
        assert [(loss.where, loss.what) for loss in report.losses] == [("none", "it holds no whole step")]

    def test_only_damage_is_an_error(self, logs: Path, tmp_path: Path) -> None:
        """If nothing at all came in, the first loss is the reason."""
        (logs / "b.toylog").write_text('{"toylog": 1, nonsense')

        with pytest.raises(RecordingError, match=r"^Nothing could be imported\. .*line 1 is not JSON\.$"):
            import_logs([logs], tmp_path / "out")

    def test_a_file_that_may_not_be_read_is_a_loss(
        self, logs: Path, tmp_path: Path, install: Callable[..., None]
    ) -> None:
        """An error of the file system is told like damage."""
        install("unreadable", importers={"unreadable": f"{__name__}:Unreadable"})
        write_toylog(logs / "a.toylog", ("one", "", 3))
        (logs / "b.gone").write_text("gone")

        report = import_logs([logs], tmp_path / "out")

        assert (len(report.written), [loss.what for loss in report.losses]) == (
            1,
            ["it cannot be read: No such file or directory"],
        )

    def test_a_full_disk_is_nobodys_damage(self, logs: Path, tmp_path: Path) -> None:
        """If recordings cannot be written, the import stops at once and says so."""
        write_toylog(logs / "a.toylog", ("one", "", 3))
        (tmp_path / "out").write_text("a file is in the way")

        with pytest.raises(RecordingError, match=r"out cannot be written: File exists\."):
            import_logs([logs], tmp_path / "out")


class TestBrokenPromises:
    """Importers of others may be wrong."""

    @pytest.mark.parametrize(
        ("kind", "message"),
        [
            ("Misshapen", r"one does not fit its own spec: Sensor 'obs' should be float32 of shape \(2, 2\)"),
            ("Unbounded", "one does not fit its own spec: Action part 'act' is .*which is not in Discrete"),
            ("NotFinite", "one does not fit its own spec: Sensor 'obs' holds nan"),
            ("Needy", r"This needs the package 'nothing'.*pip install 'understudy\[logs\]'"),
        ],
    )
    def test_what_an_importer_does_wrong_costs_only_its_log(
        self, logs: Path, tmp_path: Path, install: Callable[..., None], kind: str, message: str
    ) -> None:
        """Rows that do not fit, or a package that is missing, are a loss, and other logs come in."""
        install("broken", importers={"broken": f"{__name__}:{kind}"})
        write_toylog(logs / "good.toylog", ("good", "", 3))
        (logs / "one.broken").write_text("broken")

        report = import_logs([logs], tmp_path / "out")

        assert names(tmp_path / "out") == ["walk/good.arrows"]
        [loss] = report.losses
        assert loss.where == str(logs / "one.broken")
        with pytest.raises(RecordingError, match=message):
            import_logs([logs / "one.broken"], tmp_path / "out2")
        with pytest.raises((RecordingError, MissingExtraError), match=message):
            import_logs([logs / "one.broken"], tmp_path / "out3", options=STRICT)


class Public(ToyImporter):
    """Its players name nobody."""

    name = "public"

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Say so."""
        for log in super().iter_episodes(path, options):
            log.player_is_public = True
            log.provenance = Provenance("toy", player=f"{log.name}/p1")
            yield log


class _Broken(ToyImporter):
    """Breaks its promises in one way each."""

    name = "broken"
    suffix = ".broken"
    rows: Rows

    def sniff(self, path: Path) -> bool:
        """Look at the name."""
        return path.suffix == self.suffix

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:  # noqa: ARG002
        """Say nothing."""
        return LogDescription((path,))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:  # noqa: ARG002
        """Yield one episode of the wrong rows."""
        from toy_format import _behavior

        behavior = _behavior({"behavior": "walk", "hz": 10, "choices": 3})
        yield LogEpisode("one", behavior, Provenance("toy"), iter([self.rows]))


class Misshapen(_Broken):
    """Too many numbers."""

    rows = Rows({"obs": np.zeros((2, 3), np.float32)}, {"act": np.zeros(2, np.int64)})


class Unbounded(_Broken):
    """A choice that is none."""

    rows = Rows({"obs": np.zeros((2, 2), np.float32)}, {"act": np.full(2, 7)})


class NotFinite(_Broken):
    """No number."""

    rows = Rows({"obs": np.full((2, 2), np.nan, np.float32)}, {"act": np.zeros(2, np.int64)})


class Needy(_Broken):
    """Needs what is not installed."""

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:  # noqa: ARG002
        """Ask for a package."""
        raise MissingExtraError(
            "This needs the package 'nothing', which is not installed. Run: pip install 'understudy[logs]'"
        )


class Unreadable(_Broken):
    """Meets an error of the file system."""

    name = "unreadable"
    suffix = ".gone"

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:  # noqa: ARG002
        """Fail to open a file."""
        raise FileNotFoundError(2, "No such file or directory", str(path))
