"""Importing demos: what a recording holds, the way back to the demo, and demos that are cut, foreign or alone."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from understudy.envs.doom.actions import decisions_from_tics, demo_from_recording
from understudy.envs.doom.behavior import FRAME, doom_behavior
from understudy.envs.doom.importer import DoomImporter, DoomSettings, find_demo_wads
from understudy.envs.doom.lmp import Demo
from understudy.envs.doom.replay import replay_pictures
from understudy.envs.doom.wad import Wad
from understudy.errors import RecordingError
from understudy.recordings import Episode, EpisodeWriter, Provenance, open_recordings
from understudy.recordings.formats import ImportOptions, ImportReport, import_logs

pytestmark = pytest.mark.usefixtures("replayer")

TWO_PLAYERS_BYTES_A_TIC = 8


def import_demo(path: Path, logs: Path, iwad: Path, *, salvage: bool = True) -> ImportReport:
    """Import one demo of a game."""
    options = ImportOptions(salvage=salvage)
    return import_logs([path], logs, format_name="doom", settings={"iwad": str(iwad)}, options=options)


def make_iwad(path: Path, demos: list[bytes]) -> Path:
    """Write a game that holds nothing but demos and the maps that they name."""
    lumps = [(f"DEMO{number}".encode(), data) for number, data in enumerate(demos, 1)] + [(b"MAP23", b"")]
    body, directory = b"", b""
    for name, data in lumps:
        directory += struct.pack("<ii8s", 12 + len(body), len(data), name)
        body += data
    path.write_bytes(struct.pack("<4sii", b"IWAD", len(lumps), 12 + len(body)) + body + directory)
    return path


def test_a_recording_holds_what_was_seen_and_done(
    wads: dict[str, Wad], short_demo: Demo, short_file: Path, tmp_path: Path
) -> None:
    """71 tics are 36 decisions, each with the picture before its first tic, its action and its exact bytes."""
    wad = wads["freedoom2"]
    [path] = import_demo(short_file, tmp_path / "logs", wad.path).written
    [episode] = open_recordings(tmp_path / "logs")
    seen = dict(replay_pictures(wad.path, short_demo, every=2))

    assert path.relative_to(tmp_path / "logs") == Path("doom/freedoom2-short.arrows")
    assert episode.behavior == doom_behavior(FRAME.spec())
    assert (episode.num_steps, episode.complete, episode.terminated, episode.truncated) == (36, True, False, True)
    np.testing.assert_array_equal(episode.tick, np.arange(0, 72, 2))
    np.testing.assert_allclose(episode.time_ns, np.arange(0, 72, 2) * 1e9 / 35, atol=1)
    for name, column in decisions_from_tics(short_demo.viewer_tics).items():
        np.testing.assert_array_equal(episode.action(name), column)
    frames = episode.observation("frame")
    np.testing.assert_array_equal(frames[0], FRAME(seen[2]))
    for index in range(1, 36):
        np.testing.assert_array_equal(frames[index], FRAME(seen[2 * index]))
    last = episode.final_observation()
    assert last is not None
    np.testing.assert_array_equal(last["frame"], FRAME(seen[71]))
    assert np.isnan(episode.reward).all()


def test_a_recording_says_where_it_comes_from(wads: dict[str, Wad], short_file: Path, tmp_path: Path) -> None:
    """Provenance names the game's build, the map, the rules, the player's number (no secret) and the licence."""
    wad = wads["freedoom2"]
    [path] = import_demo(short_file, tmp_path / "logs", wad.path).written

    found = Episode(path).provenance

    assert (found.game, found.map, found.source, found.player) == ("doom", "MAP23", "short.lmp", "freedoom2-short/p1")
    assert found.build == f"Freedoom 0.13.0, WAD sha256 {wad.sha256[:12]}"
    rules = {key: found.notes[key] for key in ("skill", "mode", "players", "viewer", "version", "tics")}
    assert rules == {"skill": 4, "mode": "co-op", "players": 2, "viewer": 1, "version": 109, "tics": 71}
    assert found.notes["licence"] == "BSD-3-Clause, the Freedoom project"
    assert "game_guessed" not in found.notes


@pytest.mark.parametrize(
    ("game", "lump", "num_tics"), [("freedoom2", "DEMO3", 20), ("freedoom2", "DEMO3", 21), ("freedoom1", "DEMO3", 21)]
)
def test_the_demo_can_be_rebuilt_from_its_recording(
    wads: dict[str, Wad], tmp_path: Path, game: str, lump: str, num_tics: int
) -> None:
    """One player or three, odd or even tics, with a footer: the file comes back byte for byte."""
    whole = Demo.parse(wads[game].read(lump), lump)
    data = Demo(whole.header, whole.tics[:num_tics], b"PWAD a footer", lump).to_bytes()
    (tmp_path / "cut.lmp").write_bytes(data)

    [path] = import_demo(tmp_path / "cut.lmp", tmp_path / "logs", wads[game].path).written

    assert demo_from_recording(Episode(path)) == data


def test_a_recording_from_elsewhere_has_no_demo(tmp_path: Path) -> None:
    """Rebuilding refuses a recording that was not imported from a demo."""
    behavior = doom_behavior(FRAME.spec())
    with EpisodeWriter(tmp_path, behavior, Provenance("doom"), name="played") as writer:
        action = {part.name: np.zeros(part.shape, part.dtype) for part in behavior.actions}
        writer.append({"frame": np.zeros(FRAME.shape, np.uint8)}, action)
        writer.finish()

    with pytest.raises(RecordingError, match="'played' keeps no demo header"):
        demo_from_recording(Episode(tmp_path / "played.arrows"))


def test_another_demo_of_the_same_name_gets_a_name_of_its_own(
    wads: dict[str, Wad], short_file: Path, tmp_path: Path
) -> None:
    """The name alone does not make it the same demo: both are kept, and imported again neither is written anew."""
    game = wads["freedoom2"].path
    import_demo(short_file, tmp_path / "logs", game)
    demo = Demo.parse(short_file.read_bytes(), "short")
    short_file.write_bytes(Demo(demo.header, demo.tics[:40]).to_bytes())

    [path] = import_demo(short_file, tmp_path / "logs", game).written

    assert path.name.startswith("freedoom2-short-")
    assert sorted(each.num_steps for each in open_recordings(tmp_path / "logs")) == [20, 36]
    assert import_demo(short_file, tmp_path / "logs", game).kept == [path]


def test_a_truncated_demo_gives_its_whole_tics_and_a_loss(
    wads: dict[str, Wad], short_file: Path, tmp_path: Path
) -> None:
    """Salvage keeps the whole decisions of a cut file and says so; told to be strict, the cut is an error."""
    short_file.write_bytes(short_file.read_bytes()[: 13 + TWO_PLAYERS_BYTES_A_TIC * 31 + 5])
    game = wads["freedoom2"].path

    with pytest.raises(RecordingError, match=r"short\.lmp is truncated: no end mark follows its 31 whole tics"):
        import_demo(short_file, tmp_path / "logs", game, salvage=False)
    report = import_demo(short_file, tmp_path / "logs", game)

    assert Episode(report.written[0]).num_steps == 15
    [loss] = report.losses
    assert (loss.where, loss.what) == (
        "short.lmp",
        "it is cut: no end mark follows; its first 30 tics are kept",
    )


def test_a_demo_that_cannot_be_replayed_does_not_keep_the_others_out(
    short_demo: Demo, short_file: Path, tmp_path: Path
) -> None:
    """Of a game's demos, one of another engine is a loss, and so is one of a map that the game lacks."""
    elsewhere = bytearray(short_demo.to_bytes())
    elsewhere[3] = 24
    game = make_iwad(tmp_path / "game.wad", [b"\xcb" + bytes(40), short_file.read_bytes(), bytes(elsewhere)])
    importer, options = DoomImporter(), ImportOptions(DoomSettings())

    description = importer.describe(game, options)
    found = [(each.name, [loss.what for loss in each.losses]) for each in importer.iter_episodes(game, options)]

    assert (description.num_episodes, description.num_steps) == (1, 36)
    assert [(name, len(losses)) for name, losses in found] == [("game-DEMO1", 1), ("game-DEMO3", 1), ("game-DEMO2", 0)]
    assert "a demo of MBF" in found[0][1][0]
    assert "plays MAP24, which game.wad does not have" in found[1][1][0]
    with pytest.raises(RecordingError, match="a demo of MBF"):
        list(importer.iter_episodes(game, ImportOptions(DoomSettings(), salvage=False)))


def test_a_replay_that_fails_keeps_what_was_seen_before(
    short_demo: Demo, short_file: Path, tmp_path: Path, wads: dict[str, Wad], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the engine stops, the recording ends, truncated, and a loss says how many decisions are missing."""
    longer = Demo(short_demo.header, np.concatenate([short_demo.tics] * 4))
    short_file.write_bytes(longer.to_bytes())

    def dying(*arguments: object, **options: object) -> object:
        for tic, picture in replay_pictures(*arguments, **options):  # type: ignore[arg-type]
            if tic > 200:
                raise RecordingError("The engine stopped.")
            yield tic, picture

    monkeypatch.setattr("understudy.envs.doom.importer.replay_pictures", dying)
    report = import_demo(short_file, tmp_path / "logs", wads["freedoom2"].path)

    [episode] = open_recordings(tmp_path / "logs")
    assert (episode.num_steps, episode.truncated, episode.final_observation()) == (101, True, None)
    assert [(loss.what, loss.steps) for loss in report.losses] == [("The engine stopped", 142 - 101)]
    with pytest.raises(RecordingError, match="The engine stopped"):
        import_demo(short_file, tmp_path / "strict", wads["freedoom2"].path, salvage=False)


def test_the_game_of_a_demo_is_the_one_beside_it_or_freedoom_as_a_guess(
    wads: dict[str, Wad], short_file: Path, tmp_path: Path
) -> None:
    """A demo names no game: a WAD beside it is its game; Freedoom may be, and the doubt is told."""
    guessed = import_logs([short_file], tmp_path / "logs")
    assert [note for _, note in guessed.notes] == [
        "freedoom2-short: MAP23, 2 players, 0:02. It does not say which game it was recorded on: freedoom2.wad is a "
        "guess, and on another its pictures are wrong; say which with --format doom --set iwad=WAD"
    ]
    assert Episode(guessed.written[0]).provenance.notes["game_guessed"] is True

    beside = tmp_path / "beside"
    beside.mkdir()
    shutil.copy(short_file, beside)
    shutil.copy(wads["freedoom2"].path, beside / "mygame.wad")
    description = DoomImporter().describe(beside / "short.lmp", ImportOptions(DoomSettings()))
    assert description.files == (beside / "short.lmp", beside / "mygame.wad")
    assert description.notes == ("mygame-short: MAP23, 2 players, 0:02",)


def test_sources_that_cannot_be_imported_say_why(
    wads: dict[str, Wad], short_demo: Demo, short_file: Path, tmp_path: Path
) -> None:
    """Every mistake in a source is named before anything is replayed."""
    game = wads["freedoom2"].path
    lump = struct.pack("<ii8s", 12, 14, b"DEMO1")
    empty, addition, unclear = (tmp_path / name for name in ("empty.wad", "addition.wad", "unclear.lmp"))
    empty.write_bytes(struct.pack("<4sii", b"IWAD", 0, 12))
    addition.write_bytes(struct.pack("<4sii", b"PWAD", 1, 26) + bytes(14) + lump)
    header = bytearray(short_demo.header)
    header[3] = 3
    unclear.write_bytes(Demo(bytes(header), short_demo.tics).to_bytes())
    importer = DoomImporter()

    cases: list[tuple[Path, Path | None, str]] = [
        (tmp_path / "none.lmp", game, "none.lmp is not a file; give the path of a demo"),
        (unclear, None, "unclear.lmp names no game, and freedoom1.wad and freedoom2.wad would do; say which WAD"),
        (short_file, wads["freedoom1"].path, "short.lmp plays E1M23, which freedoom1.wad does not have"),
        (empty, None, "empty.wad holds no demo"),
        (addition, None, "addition.wad is a PWAD, an addition to a game"),
    ]
    for source, iwad, message in cases:
        options = ImportOptions(DoomSettings(iwad=iwad))
        with pytest.raises(RecordingError) as error:
            importer.describe(source, options)
        assert message in str(error.value)


def test_demos_are_recognised_by_what_is_in_them(wads: dict[str, Wad], short_file: Path, tmp_path: Path) -> None:
    """Games with demos and vanilla demos are; other engines' demos, additions and games without demos are not."""
    sniff = DoomImporter().sniff
    assert all(sniff(wad.path) for wad in wads.values())
    assert sniff(short_file)
    names = {
        "zdoom.lmp": b"FORM\x00\x00\x00\x10ZDEM" + bytes(40),
        "boom.lmp": bytes([203]) + short_file.read_bytes()[1:],
        "text.lmp": b"hello, this is no demo at all",
        "short.bin": short_file.read_bytes(),
        "addition.wad": b"PWAD" + wads["freedoom1"].path.read_bytes()[4:2000],
        "empty.wad": struct.pack("<4sii", b"IWAD", 0, 12),
        "lying.wad": struct.pack("<4sii", b"IWAD", 2**31 - 1, -5),
    }
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
        assert not sniff(tmp_path / name), name
    assert not sniff(tmp_path)


@pytest.mark.slow
def test_all_demos_of_the_wheel_import_whole(wads: dict[str, Wad], tmp_path: Path) -> None:
    """Freedoom's eight demos give eight recordings, from which every lump can be rebuilt byte for byte."""
    import_logs(find_demo_wads(), tmp_path / "logs")

    originals = {f"{stem}-{name}": data for stem, wad in wads.items() for name, data in wad.demos()}
    episodes = {episode.name: episode for episode in open_recordings(tmp_path / "logs")}
    assert episodes.keys() == originals.keys()
    for name, episode in episodes.items():
        assert demo_from_recording(episode) == originals[name]
    assert sum(episode.num_steps for episode in episodes.values()) == 19_450


def test_rows_left_unread_leave_no_engine_behind(wads: dict[str, Wad], short_demo: Demo, tmp_path: Path) -> None:
    """An engine runs only while its rows are read: not before, and not after the next episode was asked for."""
    path = tmp_path / "long.lmp"
    path.write_bytes(Demo(short_demo.header, np.concatenate([short_demo.tics] * 4)).to_bytes())
    episodes = DoomImporter().iter_episodes(path, ImportOptions(DoomSettings(iwad=wads["freedoom2"].path)))
    children = Path("/proc/thread-self/children")

    log = next(episodes)
    before = children.read_text()
    first = next(log.rows)
    during = children.read_text()
    assert next(episodes, None) is None

    assert (before, len(first), bool(during), children.read_text()) == ("", 64, True, "")
