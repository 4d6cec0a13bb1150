"""Importing what the real ViZDoom records: the same pictures, actions and rewards, and what cannot be replayed."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.envs.doom.importer import DoomImporter
from understudy.envs.vizdoom.importer import VizdoomImporter, VizdoomSettings, _part
from understudy.envs.vizdoom.replay import replay_tics
from understudy.envs.vizdoom.zdemo import ZDemo
from understudy.errors import RecordingError
from understudy.recordings import Episode, open_recordings
from understudy.recordings.formats import ImportOptions, import_logs
from vizdoom_samples import BUTTONS, VARIABLES, Played, record_demo

MULTIPLAYER = """
import sys
from vizdoom_samples import record_network_game
record_network_game(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Played]:
    """A demo that ends with the player's death, and what was seen while it was recorded."""
    path = tmp_path_factory.mktemp("vizdoom") / "corridor.lmp"
    return path, record_demo(path, seed=3)


@pytest.fixture(scope="module")
def imported(recorded: tuple[Path, Played], tmp_path_factory: pytest.TempPathFactory) -> Episode:
    """Its recording."""
    out = tmp_path_factory.mktemp("out") / "logs"
    report = import_logs([recorded[0].parent], out)
    assert (report.losses, report.unknown) == ([], [])
    return Episode(report.written[0])


def test_a_recording_is_what_was_played(recorded: tuple[Path, Played], imported: Episode) -> None:
    """Every picture, variable, button and reward of the replay is that of the game, to the last tic."""
    _, played = recorded
    actions = np.array(played.actions)
    turn = BUTTONS.index("TURN_LEFT_RIGHT_DELTA")

    np.testing.assert_array_equal(imported.observation("frame"), np.stack(played.frames))
    for index, name in enumerate(VARIABLES):
        np.testing.assert_allclose(imported.observation(name.lower()), np.array(played.variables)[:, index])
    np.testing.assert_array_equal(imported.action("buttons"), np.delete(actions, turn, axis=1))
    # The engine keeps angles as 65,536ths of a circle.
    np.testing.assert_allclose(imported.action("deltas")[:, 0], actions[:, turn], atol=360 / 65536)
    np.testing.assert_allclose(imported.reward, played.rewards)
    assert (imported.terminated, imported.truncated) == (True, False) == (played.is_dead, not played.is_dead)
    np.testing.assert_array_equal(imported.tick, np.arange(1, len(actions) + 1))


def test_a_recording_says_what_it_holds(imported: Episode) -> None:
    """The parts are labelled with the buttons; what the player could not know as a number is privileged."""
    behavior = imported.behavior
    assert (behavior.name, behavior.decision_hz) == ("vizdoom", 35)
    assert [(each.name, each.labels) for each in behavior.actions] == [
        ("buttons", ("move_left", "move_right", "attack", "move_forward")),
        ("deltas", ("turn_left_right_delta",)),
    ]
    assert [each.name for each in behavior.sensors if each.privileged] == ["position_x"]
    provenance = imported.provenance
    assert (imported.name, provenance.game, provenance.map) == ("deadly_corridor-corridor", "doom", "MAP01")
    assert provenance.build.startswith("ViZDoom's engine 2.29, deadly_corridor.wad, sha256 ")
    assert (provenance.player, provenance.notes["players"]) == ("", 1)


def test_decisions_may_span_tics(tmp_path: Path) -> None:
    """With the frame skip it was played with, a recording has the decisions that were made."""
    played = record_demo(tmp_path / "skipped.lmp", seed=1, skip=4, steps=12)

    [path] = import_logs(
        [tmp_path / "skipped.lmp"], tmp_path / "out", format_name="vizdoom", settings={"tics": "4"}
    ).written

    episode = Episode(path)
    actions = np.array(played.actions)
    assert episode.behavior.decision_hz == 35 / 4
    size = len(actions)
    np.testing.assert_array_equal(episode.action("buttons")[:size], actions[:, [0, 1, 2, 4]])
    np.testing.assert_allclose(episode.action("deltas")[:size, 0], 4 * actions[:, 3], atol=0.05)
    np.testing.assert_allclose(episode.reward[: size - 1], played.rewards[: size - 1])
    np.testing.assert_allclose(episode.observation("health")[:size], np.array(played.variables)[:, 0])


def test_without_a_configuration_the_user_says_the_wad(recorded: tuple[Path, Played], tmp_path: Path) -> None:
    """A demo names no WAD; with one, every button that a demo keeps comes back, and the chosen or usual variables."""
    alone = tmp_path / "alone.lmp"
    alone.write_bytes(recorded[0].read_bytes())
    with pytest.raises(RecordingError, match=r"alone\.lmp does not say which WAD it was recorded on; give it"):
        import_logs([alone], tmp_path / "none")
    plain = {"wad": "deadly_corridor.wad"}
    [path] = import_logs([alone], tmp_path / "plain", format_name="vizdoom", settings=plain).written
    assert Episode(path).behavior.sensor_names == (
        "frame",
        "health",
        "armor",
        "selected_weapon",
        "selected_weapon_ammo",
    )
    np.testing.assert_allclose(Episode(path).observation("health"), np.array(recorded[1].variables)[:, 0])
    settings = {**plain, "variables": "health, killcount", "resolution": "320x240"}

    [path] = import_logs([alone], tmp_path / "out", format_name="vizdoom", settings=settings).written

    episode = Episode(path)
    assert episode.behavior.sensor_names == ("frame", "health", "killcount")
    assert episode.observation("frame").shape[1:] == (240, 320, 3)
    assert len(episode.behavior.action("buttons").labels) == 20
    attack = episode.behavior.action("buttons").labels.index("attack")
    np.testing.assert_array_equal(episode.action("buttons")[:, attack], np.array(recorded[1].actions)[:, 2])


def test_buttons_that_no_demo_keeps_are_a_loss(recorded: tuple[Path, Played], tmp_path: Path) -> None:
    """Choosing a weapon is a command in a demo, not a button: it happens, and is not told."""
    settings = {"buttons": "ATTACK,SELECT_WEAPON2"}

    report = import_logs([recorded[0]], tmp_path / "out", format_name="vizdoom", settings=settings)

    assert [loss.what for loss in report.losses] == [
        "a ViZDoom demo does not keep SELECT_WEAPON2: the engine carries them out, and tells no more"
    ]
    assert open_recordings(tmp_path / "out").behavior.action("buttons").labels == ("attack",)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"wad": "nowhere.wad"}, "There is no WAD 'nowhere.wad'"),
        ({"wad": "freedoom1.wad"}, "plays MAP01, which freedoom1.wad does not have"),
        ({"buttons": "ATACK"}, r"ViZDoom has no button ATACK\. Did you mean 'ATTACK'\?"),
        ({"buttons": "SELECT_WEAPON1"}, "A ViZDoom demo keeps none of the buttons SELECT_WEAPON1"),
        ({"variables": "LIFE"}, "ViZDoom has no game variable LIFE"),
        ({"resolution": "17x4"}, "ViZDoom draws no pictures of 17x4"),
        ({"tics": "0"}, "Setting 'tics' of the format 'vizdoom'"),
        ({"config": "nowhere.cfg"}, r"nowhere\.cfg is not a file"),
    ],
)
def test_what_cannot_be_replayed_is_said(
    recorded: tuple[Path, Played], tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    """Each wrong setting has its sentence, before the engine starts."""
    with pytest.raises(RecordingError, match=message):
        import_logs([recorded[0]], tmp_path / "out", format_name="vizdoom", settings=settings)


def test_each_importer_knows_its_own_demos(recorded: tuple[Path, Played], tmp_path: Path) -> None:
    """Vanilla and ZDoom's demos share a suffix, and neither importer takes the other's for its own."""
    vanilla = tmp_path / "vanilla.lmp"
    vanilla.write_bytes(bytes([109, 3, 1, 23, 0, 0, 0, 0, 0, 1, 0, 0, 0]) + bytes(4 * 40) + b"\x80")

    assert VizdoomImporter().sniff(recorded[0])
    assert not DoomImporter().sniff(recorded[0])
    assert DoomImporter().sniff(vanilla)
    assert not VizdoomImporter().sniff(vanilla)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Take a demo apart."""
    place = 12
    while place < len(data):
        name, size = struct.unpack_from(">4sI", data, place)
        yield name, data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def joined(parts: list[tuple[bytes, bytes]]) -> bytes:
    """Put a demo together."""
    body = b"ZDEM" + b"".join(name + struct.pack(">I", len(data)) + data + bytes(len(data) % 2) for name, data in parts)
    return b"FORM" + struct.pack(">I", len(body)) + body


def test_damaged_demos_are_refused_before_the_engine_sees_them(recorded: tuple[Path, Played]) -> None:
    """A missing chunk, a bomb and commands that do not inflate have a sentence each."""
    data = recorded[0].read_bytes()
    parts = dict(chunks(data))
    assert joined(list(parts.items())) == data
    bomb = zlib.compress(bytes(10_000_000))
    cases = {
        b"RIFF" + data[4:]: "is no demo of ViZDoom",
        joined([(k, v) for k, v in parts.items() if k != b"BODY"]): "it has no BODY chunk",
        joined(list({**parts, b"COMP": b"\xff" * 4}.items())): "says its commands have 4,294,967,295 bytes; at most",
        joined(list({**parts, b"BODY": bomb}.items())): "its commands inflate to",
        joined(list({**parts, b"BODY": b"nonsense"}.items())): "its commands do not inflate",
        joined(list({**parts, b"ZDHD": b"\x02\x1d"}.items())): "has a damaged header",
        joined(list({**parts, b"ZDHD": parts[b"ZDHD"][:-1] + b"\x03"}.items())): "was recorded by player 4, of whom",
    }
    for damaged, message in cases.items():
        with pytest.raises(RecordingError, match=message):
            ZDemo.parse(damaged, "x.lmp")


@given(cut=st.integers(0, 10_000), noise=st.binary(max_size=8))
def test_a_demo_cut_or_changed_anywhere_is_a_demo_or_a_sentence(
    recorded: tuple[Path, Played], cut: int, noise: bytes
) -> None:
    """A cut is always noticed; changed bytes give a demo that is whole, or `RecordingError`."""
    data = recorded[0].read_bytes()
    place = cut % len(data)
    with pytest.raises(RecordingError):
        ZDemo.parse(data[:place], "x.lmp")
    try:
        ZDemo.parse(data[:place] + noise + data[place + len(noise) :], "x.lmp")
    except RecordingError as error:
        assert "x.lmp" in str(error)  # noqa: PT017


def test_an_engine_that_stops_is_told_and_what_was_seen_is_kept(
    recorded: tuple[Path, Played], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay that ends in the middle gives the decisions before, and a loss."""

    def dying(*arguments: object, **options: object) -> object:
        for tic in replay_tics(*arguments, **options):  # type: ignore[arg-type]
            if tic.number > 70:
                raise RecordingError("ViZDoom ended with status -11.")
            yield tic

    monkeypatch.setattr("understudy.envs.vizdoom.importer.replay_tics", dying)

    report = import_logs([recorded[0]], tmp_path / "out")

    [episode] = open_recordings(tmp_path / "out")
    assert (episode.num_steps, episode.truncated) == (70, True)
    assert [loss.what for loss in report.losses] == ["ViZDoom ended with status -11"]


def test_a_replay_that_is_left_ends_its_processes(recorded: tuple[Path, Played]) -> None:
    """Neither the worker nor its engine outlives a reader that stops."""
    part = _part(recorded[0], ZDemo.parse(recorded[0].read_bytes(), "x"), VizdoomSettings())
    replay = replay_tics(replace(part, buttons=("ATTACK",)))
    next(replay)
    workers = Path("/proc/thread-self/children").read_text().split()
    assert workers
    engines = Path(f"/proc/{workers[-1]}/task/{workers[-1]}/children").read_text().split()

    replay.close()

    assert not any(Path(f"/proc/{each}/cwd").exists() for each in (*workers, *engines))


@pytest.mark.slow
def test_a_network_game_gives_an_episode_for_each_player(tmp_path: Path) -> None:
    """Recorded by the engine's own `-record`, both players' pictures and actions come back; hosted, or it crashes."""
    path = tmp_path / "duel.lmp"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    players = [
        subprocess.Popen([sys.executable, "-c", MULTIPLAYER, str(path), str(number), "2"], env=environment)
        for number in range(2)
    ]
    assert [each.wait(timeout=120) for each in players] == [0, 0]
    settings = {"wad": "cig.wad", "buttons": "MOVE_FORWARD,TURN_LEFT_RIGHT_DELTA", "variables": "PLAYER_NUMBER"}

    report = import_logs([path], tmp_path / "out", format_name="vizdoom", settings=settings)

    first, second = open_recordings(tmp_path / "out")
    assert (first.name, second.name, report.losses) == ("cig-duel-p1", "cig-duel-p2", [])
    assert first.provenance.player != second.provenance.player
    for number, (episode, turn) in enumerate(((first, -4.0), (second, 3.0))):
        assert episode.num_steps > 60
        assert set(episode.observation("player_number")[1:]) == {number}
        assert abs(np.median(episode.action("deltas")[:, 0]) - turn) < 0.01
    demo = ZDemo.parse(path.read_bytes(), "x")
    part = _part(path, demo, VizdoomSettings(**settings))
    with pytest.raises(RecordingError, match=r"ViZDoom ended with status -11 before the first tic of duel\.lmp"):
        next(replay_tics(replace(part, arguments=())))


def test_a_network_game_is_replayed_as_one(tmp_path: Path) -> None:
    """The recording player's part of a game against the engine's bots comes back."""
    path = tmp_path / "bots.lmp"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", MULTIPLAYER, str(path), "0", "1"], env=environment, check=True, timeout=120)
    options = ImportOptions(VizdoomSettings(wad="cig.wad", buttons="MOVE_FORWARD,TURN_LEFT_RIGHT_DELTA"))

    [log] = VizdoomImporter().iter_episodes(path, options)
    description = VizdoomImporter().describe(path, options)

    assert (log.name, description.num_episodes) == ("cig-bots", 1)
    assert "skill" in description.notes[0]
    [log] = list(VizdoomImporter().iter_episodes(path, options))
