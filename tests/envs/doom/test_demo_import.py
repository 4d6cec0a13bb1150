"""Importing demos: what a recording holds, the way back to the demo, and an import that was interrupted."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from understudy.envs.doom.actions import decisions_from_tics, demo_from_recording
from understudy.envs.doom.behavior import FRAME, doom_behavior
from understudy.envs.doom.importer import find_demo_wads, import_demos
from understudy.envs.doom.lmp import Demo
from understudy.envs.doom.replay import replay_pictures
from understudy.envs.doom.wad import Wad
from understudy.errors import RecordingError
from understudy.recordings import Episode, EpisodeWriter, Provenance, open_recordings

pytestmark = pytest.mark.usefixtures("replayer")


def test_a_recording_holds_what_was_seen_and_done(
    wads: dict[str, Wad], short_demo: Demo, short_file: Path, tmp_path: Path
) -> None:
    """71 tics are 36 decisions, each with the picture before its first tic, its action and its exact bytes."""
    wad = wads["freedoom2"]
    [path] = import_demos([short_file], tmp_path / "logs", iwad=wad.path)
    [episode] = open_recordings(tmp_path / "logs")
    seen = dict(replay_pictures(wad.path, short_demo, every=2))

    assert path.name == "freedoom2-short.arrows"
    assert episode.behavior == doom_behavior(FRAME.spec())
    assert (episode.num_steps, episode.complete, episode.terminated, episode.truncated) == (36, True, False, True)
    np.testing.assert_array_equal(episode.tick, np.arange(0, 72, 2))
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
    """Provenance names the game's build, the map, the rules, the player's number and the licence."""
    wad = wads["freedoom2"]
    [path] = import_demos([short_file], tmp_path / "logs", iwad=wad.path)

    found = Episode(path).provenance

    assert (found.game, found.map, found.source, found.player) == ("doom", "MAP23", "short.lmp", "freedoom2-short/p1")
    assert found.build == f"Freedoom 0.13.0, WAD sha256 {wad.sha256[:12]}"
    rules = {key: found.notes[key] for key in ("skill", "mode", "players", "viewer", "version", "tics")}
    assert rules == {"skill": 4, "mode": "co-op", "players": 2, "viewer": 1, "version": 109, "tics": 71}
    assert found.notes["licence"] == "BSD-3-Clause, the Freedoom project"


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

    [path] = import_demos([tmp_path / "cut.lmp"], tmp_path / "logs", iwad=wads[game].path)

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


def test_an_import_can_be_repeated_and_resumed(wads: dict[str, Wad], short_file: Path, tmp_path: Path) -> None:
    """A whole recording is left alone; one that was cut, or is unreadable, is written anew and then whole."""
    logs = tmp_path / "logs"
    calls: list[tuple[str, int, int]] = []

    def run() -> Path:
        calls.clear()
        [path] = import_demos(
            [short_file], logs, iwad=wads["freedoom2"].path, progress=lambda *call: calls.append(call)
        )
        return path

    path = run()
    assert calls == [("freedoom2-short", done, 36) for done in range(1, 37)]
    whole = path.read_bytes()
    run()
    assert calls == [("freedoom2-short", 36, 36)]
    assert path.read_bytes() == whole

    for size in (len(whole) // 2, 10):
        path.write_bytes(whole[:size])
        run()
        assert len(calls) == 36
        assert Episode(path).complete
    assert sorted(each.name for each in tmp_path.iterdir()) == ["logs", "short.lmp"]
    assert [each.name for each in logs.iterdir()] == ["freedoom2-short.arrows"]


def test_a_failed_import_leaves_nothing_behind(wads: dict[str, Wad], short_file: Path, tmp_path: Path) -> None:
    """If the import stops in the middle, neither half a recording nor a temporary folder is left."""

    def stop(_name: str, done: int, _total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_demos([short_file], tmp_path / "logs", iwad=wads["freedoom2"].path, progress=stop)

    assert sorted(each.name for each in tmp_path.iterdir()) == ["logs", "short.lmp"]
    assert list((tmp_path / "logs").iterdir()) == []


def test_a_recording_of_another_demo_is_not_replaced(wads: dict[str, Wad], short_file: Path, tmp_path: Path) -> None:
    """The name alone does not make it the same demo: another one in its place is an error, and is kept."""
    import_demos([short_file], tmp_path / "logs", iwad=wads["freedoom2"].path)
    demo = Demo.parse(short_file.read_bytes(), "short")
    short_file.write_bytes(Demo(demo.header, demo.tics[:40]).to_bytes())

    with pytest.raises(RecordingError, match=r"holds another recording than that of short\.lmp; move it away"):
        import_demos([short_file], tmp_path / "logs", iwad=wads["freedoom2"].path)

    assert open_recordings(tmp_path / "logs")[0].num_steps == 36


def test_a_truncated_demo_is_imported_only_on_request(wads: dict[str, Wad], short_file: Path, tmp_path: Path) -> None:
    """Salvage keeps the whole tics of a cut file; without it the cut is an error."""
    short_file.write_bytes(short_file.read_bytes()[: 13 + 8 * 30 + 5])
    game = wads["freedoom2"].path

    with pytest.raises(RecordingError, match=r"short\.lmp is truncated: no end mark follows its 30 whole tics"):
        import_demos([short_file], tmp_path / "logs", iwad=game)
    [path] = import_demos([short_file], tmp_path / "logs", iwad=game, salvage=True)

    assert Episode(path).num_steps == 15


def test_sources_that_cannot_be_imported_are_refused_first(
    wads: dict[str, Wad], short_file: Path, tmp_path: Path
) -> None:
    """Every mistake in the sources is named before anything is replayed."""
    game = wads["freedoom2"].path
    empty = tmp_path / "empty.wad"
    empty.write_bytes(struct.pack("<4sii", b"IWAD", 0, 12))
    lump = struct.pack("<ii8s", 12, 14, b"DEMO1")
    addition = tmp_path / "addition.wad"
    addition.write_bytes(struct.pack("<4sii", b"PWAD", 1, 26) + bytes(14) + lump)
    other = tmp_path / "other"
    other.mkdir()
    (other / "short.lmp").write_bytes(short_file.read_bytes())

    cases: list[tuple[list[Path], Path | None, str]] = [
        ([tmp_path / "none.lmp"], game, "none.lmp is not a file; give the path of a demo"),
        ([short_file], None, "short.lmp names no game; say which WAD it was recorded on"),
        ([short_file], wads["freedoom1"].path, "short.lmp plays E1M23, which freedoom1.wad does not have"),
        ([short_file, other / "short.lmp"], game, "Two demos would be called 'freedoom2-short'"),
        ([empty], None, "empty.wad holds no demo"),
        ([addition], None, "addition.wad is a PWAD, an addition to a game"),
    ]
    for sources, iwad, message in cases:
        with pytest.raises(RecordingError) as error:
            import_demos(sources, tmp_path / "logs", iwad=iwad)
        assert message in str(error.value)
    assert not (tmp_path / "logs").exists()


@pytest.mark.slow
def test_all_demos_of_the_wheel_import_whole(wads: dict[str, Wad], tmp_path: Path) -> None:
    """Freedoom's eight demos give eight recordings, from which every lump can be rebuilt byte for byte."""
    import_demos(find_demo_wads(), tmp_path / "logs")

    originals = {f"{stem}-{name}": data for stem, wad in wads.items() for name, data in wad.demos()}
    episodes = {episode.name: episode for episode in open_recordings(tmp_path / "logs")}
    assert episodes.keys() == originals.keys()
    for name, episode in episodes.items():
        assert demo_from_recording(episode) == originals[name]
    assert sum(episode.num_steps for episode in episodes.values()) == 19_450
