"""Replays of real demos in the vanilla engine: whose eyes, which tic, and what happens when it goes wrong."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from understudy.envs.doom.lmp import TURN, Demo
from understudy.envs.doom.replay import replay_pictures
from understudy.envs.doom.wad import Wad
from understudy.errors import MissingExtraError, RecordingError

pytestmark = pytest.mark.usefixtures("replayer")

FIRST_MOVE_TIC = 28


def pictures(wad: Wad, demo: Demo, every: int = 1) -> dict[int, np.ndarray]:
    """Replay the demo: tics run -> picture."""
    return dict(replay_pictures(wad.path, demo, every=every))


def test_there_is_a_picture_after_every_tic_from_the_second_on(wads: dict[str, Wad], short_demo: Demo) -> None:
    """A picture is RGB of 320×200; with every=2 come the even tics and the last."""
    every_tic = pictures(wads["freedoom2"], short_demo)
    every_second = pictures(wads["freedoom2"], short_demo, every=2)

    assert list(every_tic) == list(range(2, 72))
    assert list(every_second) == [*range(2, 72, 2), 71]
    assert {(picture.shape, picture.dtype.name) for picture in every_tic.values()} == {((200, 320, 3), "uint8")}
    for tic, picture in every_second.items():
        np.testing.assert_array_equal(picture, every_tic[tic])


def test_a_picture_shows_the_world_before_the_command_of_its_number(wads: dict[str, Wad], short_demo: Demo) -> None:
    """The player first moves in tic 28: picture 29 is the first to differ from what an idle player sees."""
    idle = short_demo.tics.copy()
    idle[:, 0] = 0

    moved = pictures(wads["freedoom2"], short_demo)
    waited = pictures(wads["freedoom2"], Demo(short_demo.header, idle, b"", "idle"))

    assert short_demo.viewer_tics[:FIRST_MOVE_TIC].max() == 0
    different = [tic for tic in moved if not np.array_equal(moved[tic], waited[tic])]
    assert different[0] == FIRST_MOVE_TIC + 1


def test_the_view_is_the_recording_players_and_turns_with_their_commands(wads: dict[str, Wad]) -> None:
    """Of three players, the picture shifts with the turn of number 2, who recorded; best at a lag of no tic."""
    wad = wads["freedoom1"]
    whole = Demo.parse(wad.read("DEMO4"), "DEMO4")
    demo = Demo(whole.header, whole.tics[:500], b"", "three players")
    seen = pictures(wad, demo)
    tics = np.arange(10, demo.num_tics - 10)
    shifts = np.array([_shift(seen[tic], seen[tic + 1]) for tic in tics])
    turns = demo.tics[..., TURN].view(np.int8).astype(float)

    def agreement(player: int, lag: int) -> float:
        return float(np.corrcoef(np.clip(shifts, -60, 60), turns[tics + lag, player])[0, 1])

    viewer = demo.player_numbers.index(demo.viewer)
    by_player = [agreement(player, 0) for player in range(demo.num_players)]
    by_lag = {lag: agreement(viewer, lag) for lag in range(-3, 4)}
    assert demo.viewer == 2
    assert by_player[viewer] > 0.4
    assert max(value for player, value in enumerate(by_player) if player != viewer) < 0.2
    assert max(by_lag, key=by_lag.__getitem__) == 0


def _shift(before: np.ndarray, after: np.ndarray) -> float:
    """Return by how many pixels the view moved to the right, without the weapon and the status bar."""
    greys = [cv2.cvtColor(picture[20:130], cv2.COLOR_RGB2GRAY).astype(np.float32) for picture in (before, after)]
    window = cv2.createHanningWindow((320, 110), cv2.CV_32F)
    return float(cv2.phaseCorrelate(greys[0], greys[1], window)[0][0])


def test_the_same_demo_gives_the_same_pictures(wads: dict[str, Wad], short_demo: Demo) -> None:
    """Two replays agree in every byte, so an import can be repeated anywhere."""
    one, two = (np.stack(list(pictures(wads["freedoom2"], short_demo).values())) for _ in range(2))

    np.testing.assert_array_equal(one, two)


def test_an_engine_that_stops_early_is_reported_with_the_numbers(wads: dict[str, Wad], short_demo: Demo) -> None:
    """If the engine's end mark comes before the last tic that was promised, the error says after how many tics."""

    class Promising(Demo):
        num_tics = 80

    demo = Promising(short_demo.header, short_demo.tics, b"", "short")

    with pytest.raises(RecordingError, match=r"got stuck before tic 72 of 80 of short; its last words: 'timed 71 gam"):
        list(replay_pictures(wads["freedoom2"].path, demo, stall_s=1.0))


def test_a_game_the_engine_does_not_know_is_reported_with_its_last_words(tmp_path: Path, short_demo: Demo) -> None:
    """The engine's own complaint reaches the user in the error."""
    path = tmp_path / "tiny.wad"
    path.write_bytes(struct.pack("<4sii", b"IWAD", 0, 12))

    with pytest.raises(RecordingError, match=r"before tic 2 of 71 of short; its last words: 'Unknown or invalid IWAD"):
        list(replay_pictures(path, short_demo, stall_s=1.0))


def test_an_engine_that_is_late_is_ended(wads: dict[str, Wad], short_demo: Demo) -> None:
    """No picture within the time limit is an error, not a hang."""
    with pytest.raises(RecordingError, match="sent no picture in time before tic 2 of 71 of short"):
        list(replay_pictures(wads["freedoom2"].path, short_demo, timeout_s=0.0))
    assert not _children()


def test_a_demo_of_one_tic_is_refused(wads: dict[str, Wad], short_demo: Demo) -> None:
    """The engine draws nothing before two tics."""
    one = Demo(short_demo.header, short_demo.tics[:1], b"", "one")

    with pytest.raises(RecordingError, match="one has 1 tics; it needs 2 for a first picture"):
        list(replay_pictures(wads["freedoom2"].path, one))


def test_a_missing_engine_names_the_extra(
    wads: dict[str, Wad], short_demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the engine the error is the install command."""
    monkeypatch.setitem(sys.modules, "cydoomgeneric", None)

    with pytest.raises(MissingExtraError, match=r"Run: pip install 'understudy\[doom\]'"):
        list(replay_pictures(wads["freedoom2"].path, short_demo))


def test_leaving_a_replay_ends_its_process(wads: dict[str, Wad], short_demo: Demo) -> None:
    """A reader that stops after one picture leaves no process behind."""
    replay = replay_pictures(wads["freedoom2"].path, short_demo)
    next(replay)
    assert _children()

    replay.close()

    assert not _children()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_stopping_the_importing_process_ends_the_replay(wads: dict[str, Wad], stop: signal.Signals) -> None:
    """Ctrl-C ends both processes; if the parent is killed outright, the replay notices the broken pipe."""
    script = (
        "import sys\n"
        "from understudy.envs.doom.lmp import Demo\n"
        "from understudy.envs.doom.replay import replay_pictures\n"
        "from understudy.envs.doom.wad import Wad\n"
        "wad = Wad.open(sys.argv[1])\n"
        "for tic, _ in replay_pictures(wad.path, Demo.parse(wad.read('DEMO1'), 'DEMO1')):\n"
        "    print(tic, flush=True)\n"
    )
    command = [sys.executable, "-c", script, str(wads["freedoom1"].path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"2\n"
        os.killpg(process.pid, stop) if stop == signal.SIGINT else process.kill()
        process.communicate(timeout=20)

        assert _group_ends(process.pid, within_s=20)


def test_importing_demos_loads_no_engine() -> None:
    """The GPL engine and vizdoom stay out of the process that imports."""
    code = (
        "import sys, understudy.envs.doom.importer as i; i.find_demo_wads(); "
        "print(sorted({'cydoomgeneric', 'vizdoom'} & set(sys.modules)))"
    )

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed == "[]\n"


def _children() -> str:
    return Path("/proc/thread-self/children").read_text()


def _group_ends(group: int, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
