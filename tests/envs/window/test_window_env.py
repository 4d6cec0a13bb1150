"""A window as an environment, proven on a tiny game of our own in a real X server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from person_at_x11 import Person, wait_until

from understudy.envs.testing import check_env
from understudy.envs.window.env import WindowEnv
from understudy.envs.window.record import record_play
from understudy.errors import GameError, ObservationError, SpecError
from understudy.recordings import Provenance, open_recordings

pytestmark = pytest.mark.display

TOY = Path(__file__).with_name("toy_window.py")
Toy = Callable[..., WindowEnv]
Act = Callable[..., dict[str, np.ndarray]]
PANIC = "F12"


def mean_colour(observation: dict[str, np.ndarray]) -> list[int]:
    """The mean red, green and blue of the left edge, where the bar is not."""
    means: list[int] = observation["frame"][:, :5].mean(axis=(0, 1)).round().astype(int).tolist()
    return means


def toys_running() -> list[int]:
    """The processes of toy games."""
    lines = [(each.pid, each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]
    return [pid for pid, line in lines if str(TOY) in line]


def test_a_window_keeps_the_contract(toy: Toy) -> None:
    """All that is promised of environments, but that the same actions give the same play: time does not stand still."""
    held = {"paint": {"none": (), "red": "a", "green": "g", "both": ("a", "g")}, "slide": {"mouse": "x", "most": 20}}
    check_env(lambda: toy(actions=held), steps=30, repeats=False)


def test_keys_are_held_as_long_as_an_action_holds_them(toy: Toy, act: Act, person: Person) -> None:
    """The picture answers each action within its decision, and nothing is down or running after the end."""
    env = toy()
    seen, info = env.reset(seed=0)
    assert env.observation_space.contains(seen)
    assert (mean_colour(seen), info["tick"], info["late"]) == ([0, 0, 0], 0, 0)
    for words, colour in (("red", [192, 0, 0]), ("green", [0, 192, 0]), ("both", [192, 192, 0]), ("none", [0, 0, 0])):
        for _ in range(2):
            seen, reward, terminated, truncated, info = env.step(act(env, paint=words))
        assert (mean_colour(seen), reward, terminated, truncated) == (colour, 0.0, False, False)
    env.step(act(env, paint="both"))
    assert person.num_down() == 2
    assert len(toys_running()) == 1
    env.close()
    env.close()
    assert person.num_down() == 0
    assert not toys_running()


def test_decisions_come_at_their_rate(toy: Toy, act: Act) -> None:
    """Twenty decisions at 20 Hz take a second and what they are late; a player who sleeps is late, and told so."""
    env = toy()
    env.reset()
    begun = time.monotonic()
    late = sum(env.step(act(env))[4]["late_ms"] for _ in range(20)) / 1000
    # A busy machine may be late to say that it is done, but never early.
    assert 0.98 < time.monotonic() - begun - late < 1.5
    before = env.step(act(env))[4]["late"]
    time.sleep(0.2)
    info = env.step(act(env))[4]
    assert info["late"] == before + 1
    assert info["late_ms"] > 140


def test_parts_of_pixels_add_up(toy: Toy, act: Act) -> None:
    """Forty motions of 0.6 pixels move the mouse by 24."""
    env = toy(decision_hz=100)
    env.reset()
    desk = env._game.desk
    start = desk.pointer()[0]
    for _ in range(40):
        env.step(act(env, slide=0.6))
    assert desk.pointer()[0] - start == 24


def test_a_window_that_moved_is_followed(toy: Toy, act: Act) -> None:
    """The picture is the same there."""
    env = toy()
    env.reset()
    place = env._game.place
    env.step(act(env, trick="m"))
    for _ in range(2):
        seen = env.step(act(env, paint="red"))[0]
    assert (env._game.place.left, env._game.place.top) == (100, 90) != (place.left, place.top)
    assert mean_colour(seen) == [192, 0, 0]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("w", "The window 'A toy' changed its size from 160x120 to 320x120; a bot that was taught one size cannot"),
        ("u", "The window 'A toy' is minimised or hidden; leave it open while it is played"),
        ("o", "The window 'A toy', 160x120 at -50, 30, is not wholly on the screen of 800x600; move it, or make it"),
        ("t", "Another window took the keyboard from 'A toy'; leave the game in front"),
        ("x", "The game's process died: '.*' left with exit status 1; it printed last: the toy is broken"),
    ],
    ids=["resized", "hidden", "pushed off the screen", "keyboard lost", "died"],
)
def test_a_window_that_fails_ends_with_one_sentence(toy: Toy, act: Act, person: Person, key: str, message: str) -> None:
    """Its size, its picture, its keyboard or its life is lost: the words say which, and every key is released."""
    env = toy()
    env.reset()
    env.step(act(env, paint="both"))
    steps = (env.step(act(env, paint="both", trick=key)) for _ in range(20))
    with pytest.raises(GameError, match=message):
        list(steps)
    assert person.num_down() == 0
    with pytest.raises(GameError, match="No episode of this window is on"):
        env.step(act(env))


def test_a_process_that_leaves_ends_the_episode(toy: Toy, act: Act) -> None:
    """Exit status 0 is the game's own end; the next episode starts it again."""
    env = toy()
    env.reset()
    for _ in range(20):
        seen, _, terminated, truncated, info = env.step(act(env, trick="q"))
        if terminated:
            break
    assert (terminated, truncated, info["left"], info["ended_by"]) == (True, False, 1, 0)
    assert env.observation_space.contains(seen)
    assert env.reset()[1]["left"] == 0
    assert not env.step(act(env))[2]


def test_a_picture_ends_the_episode(toy: Toy, act: Act) -> None:
    """The first of `ends` that matches is told by its number; a reset without a script starts the game again."""
    ends = {
        "green": {"region": (0, 0, 100, 20), "colour": (0, 192, 0)},
        "red": {"region": (0, 0, 100, 20), "colour": (192, 0, 0)},
    }
    env = toy(ends=ends)
    env.reset()
    (first,) = toys_running()
    steps = (env.step(act(env, paint="red")) for _ in range(20))
    *_, terminated, truncated, info = next(step for step in steps if step[2])
    assert (terminated, truncated, info["ended_by"]) == (True, False, 2)
    env.reset()
    assert toys_running() != [first]


def test_a_script_resets_without_a_restart(toy: Toy, act: Act) -> None:
    """Its keys are pressed in the same process, and it waits for its picture."""
    reset = [{"press": "a", "seconds": 0.1}, {"until": {"colour": (0, 0, 0), "within": 30}, "seconds": 5}]
    env = toy(reset=reset, max_seconds=0.3)
    env.reset()
    running = toys_running()
    steps = (env.step(act(env, paint="red")) for _ in range(20))
    assert next(step for step in steps if step[2] or step[3])[3]
    seen, _ = env.reset()
    assert (toys_running(), mean_colour(seen)) == (running, [0, 0, 0])


def test_a_picture_that_never_comes_is_told_apart(toy: Toy) -> None:
    """The sentence names the step, the patience and how near it was."""
    env = toy(start=[{"wait": 0.1}, {"until": {"colour": (0, 0, 255)}, "seconds": 0.3}])
    with pytest.raises(
        GameError, match=r"Step 2 of 'start' waited 0\.3 s for its picture; the nearest was 2\d\d levels"
    ):
        env.reset()


def test_the_panic_key_stops_everything(toy: Toy, act: Act, person: Person) -> None:
    """A person presses it: the keys are released, the episode is cut short, and no new one begins."""
    env = toy()
    env.reset()
    env.step(act(env, paint="both"))
    person.press(PANIC)
    try:
        *_, terminated, truncated, info = env.step(act(env, paint="both"))
        assert (terminated, truncated, info["panic"]) == (False, True, 1)
        assert person.num_down() == 1
        with pytest.raises(GameError, match="The panic key F12 was pressed; make a new environment to go on"):
            env.reset()
    finally:
        person.release(PANIC)


HOLDER = f"""
import sys, time
from understudy.envs.window.env import WindowEnv
env = WindowEnv(command=[sys.executable, {str(TOY)!r}, "A toy"], picture={{"size": (30, 40)}}, actions={{"fire": "a"}})
env.reset()
env.step({{"fire": env.action_space["fire"].dtype.type(1)}})
print("holding", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_the_player_goes(display: str, person: Person, way: signal.Signals) -> None:
    """After Ctrl-C, a polite end and a kill, no key is down and the game is over."""
    environment = {**os.environ, "DISPLAY": display}
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True, env=environment,
                          stderr=subprocess.DEVNULL) as player:  # fmt: skip
        assert player.stdout is not None
        assert player.stdout.readline() == "holding\n"
        assert (person.num_down(), len(toys_running())) == (1, 1)
        player.send_signal(way)
    wait_until(lambda: not person.num_down())
    wait_until(lambda: not toys_running())


def test_an_error_releases_what_is_held(toy: Toy, act: Act, person: Person) -> None:
    """An action that is none is refused by name, and the end of an episode by time lets go too."""
    env = toy(max_seconds=0.2)
    env.reset()
    with pytest.raises(ObservationError, match="is not an action of this window"):
        env.step({"paint": np.int64(9)})
    steps = (env.step(act(env, paint="both")) for _ in range(50))
    assert next(step for step in steps if step[2] or step[3])[3]
    assert person.num_down() == 0


def test_one_keyboard_is_for_one_player(toy: Toy) -> None:
    """A second environment on the display is refused until the first is closed; one with its own screen is not."""
    first = toy()
    with pytest.raises(GameError, match=r"Another window is played on the display .* a screen of its own"):
        toy()
    other = toy(screen=(320, 240))
    other.reset()
    first.close()
    toy().reset()


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"command": ["no-such-game"]}, GameError, "The program 'no-such-game' cannot be started: No such file"),
        ({"command": ["sh", "-c", "echo bad wad; exit 7"]}, GameError, "over before .* left with exit status 7; it"),
        ({"title": "A boy", "start_seconds": 0.5}, GameError, r"a title like 'A boy' was open within 0\.5 s"),
        ({"title": "(", "start_seconds": 0.5}, GameError, r"The title '\(' is not a regular expression"),
        ({"actions": {"fire": "Spaec"}}, GameError, r"no key 'Spaec'; keys have X11's names\. Did you mean 'space'"),
        ({"picture": {"size": (200, 200)}}, SpecError, r"only shrinks: \(120, 160\) pixels cannot become \(200, 200\)"),
        ({"ends": {"x": {"region": (0, 0, 500, 1), "colour": (0, 0, 0)}}}, GameError, "the window, which is 160x120"),
    ],
)  # fmt: skip
def test_a_game_that_cannot_start_leaves_nothing(
    toy: Toy, settings: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """One sentence, and no process."""
    with pytest.raises(kind, match=message):
        toy(**settings)
    assert not toys_running()


def test_a_window_that_is_there_already_is_found_by_its_title(toy: Toy, act: Act, display: str) -> None:
    """It is played like any other, and left alone at the end."""
    with subprocess.Popen(
        [sys.executable, str(TOY), "Somebody's toy"], env={**os.environ, "DISPLAY": display}
    ) as other:
        try:
            env = toy(command=(), title="^Some.*toy$", reset=())
            env.reset()
            for _ in range(3):
                seen = env.step(act(env, paint="green"))[0]
            assert mean_colour(seen) == [0, 192, 0]
            env.close()
            assert other.poll() is None
        finally:
            other.terminate()


def test_a_persons_play_is_recorded(toy: Toy, person: Person, tmp_path: Path) -> None:
    """What hands did is in the recording as actions, beside the pictures that it led to."""
    env = toy(reset=())

    def play() -> None:
        wait_until(lambda: list(tmp_path.glob("*.arrows")))
        time.sleep(0.5)
        for hands, key in ((person.press, "a"), (person.press, "g"), (person.release, "a"), (person.release, "g")):
            hands(key)
            time.sleep(0.8)
        for _ in range(10):
            person.slide(3)
            time.sleep(0.02)

    someone = threading.Thread(target=play)
    env.reset()
    someone.start()
    paths = record_play(env, tmp_path, Provenance("toy", player="ann"), seconds=5)
    someone.join()
    (episode,) = list(open_recordings(tmp_path))
    assert [episode.path] == paths
    assert episode.complete
    assert re.fullmatch("[0-9a-f]{16}", episode.provenance.player)
    paints = episode.action("paint")
    changes = [int(paints[0]), *paints[1:][np.diff(paints) != 0].tolist()]
    assert changes == [0, 1, 3, 2, 0]
    assert float(episode.action("slide").sum()) == 30
    reds = episode.observation("frame")[: len(paints), :, :5, 0].mean(axis=(1, 2)) > 100
    assert (reds[1:] == np.isin(paints, (1, 3))[:-1]).mean() > 0.8
