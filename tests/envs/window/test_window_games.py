"""Real games of Debian's, in their windows: played, recorded, learned from and playtested."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

from understudy.envs.window.env import WindowEnv
from understudy.envs.window.record import record_play
from understudy.recordings import Provenance, open_recordings

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples/window"
PROGRAMS = ("chocolate-doom", "lbreakout2")
MARK = "UNDERSTUDY_TEST_MARK"
REGISTER = """
import gymnasium
import understudy.envs
if "understudy/Window-v0" not in gymnasium.registry:
    gymnasium.register("understudy/Window-v0", entry_point="understudy.envs.window.env:WindowEnv", order_enforce=False)
"""


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No game and no X server of the test lives on after it."""
    if missing := [each for each in PROGRAMS if not shutil.which(each, path=f"/usr/games:{os.environ['PATH']}")]:
        pytest.skip(f"needs {', '.join(missing)}: apt-get install xvfb xdotool chocolate-doom freedoom lbreakout2")
    monkeypatch.setenv(MARK, secrets.token_hex(8))
    yield
    assert not running()


def running() -> set[int]:
    """The games and X servers that this test started, by the mark in their environment."""
    found = set()
    for each in psutil.process_iter(["name"]):
        if each.info["name"] in (*PROGRAMS, "Xvfb"):
            with contextlib.suppress(psutil.Error):
                if each.environ().get(MARK) == os.environ[MARK]:
                    found.add(each.pid)
    return found


@pytest.fixture
def play() -> Iterator[Callable[[str], WindowEnv]]:
    """Makes environments of the example games, each on a screen of its own."""
    made: list[WindowEnv] = []

    def make(name: str) -> WindowEnv:
        made.append(WindowEnv(EXAMPLES / f"{name}.yaml", screen=(800, 600), render_mode="rgb_array"))
        return made[-1]

    yield make
    for each in made:
        each.close()


def difference(one: np.ndarray | None, other: np.ndarray | None) -> float:
    """The mean difference of two pictures in levels of 255."""
    assert one is not None
    assert other is not None
    return float(np.abs(one.astype(int) - other).mean())


def doom_action(move: int = 1, turn: float = 0.0) -> dict[str, np.ndarray]:
    """Walk back (0) or forward (2), and turn by degrees."""
    return {
        "move": np.asarray(move, np.int64),
        "turn": np.array([turn], np.float32),
        "fire": np.asarray(0, np.int64),
        "use": np.asarray(0, np.int64),
    }


def test_doom_turns_by_degrees(play: Callable[[str], WindowEnv]) -> None:
    """Half a circle shows something else, and a whole one the same again; the keys walk on."""
    env = play("chocolate-doom")
    seen, _ = env.reset()
    assert env.observation_space.contains(seen)
    view = (slice(0, 340), slice(None))  # above the player's weapon, which sways
    start = env.render()
    assert start is not None
    half, whole = (_after(env, *[doom_action(turn=30)] * 6) for _ in range(2))
    assert half is not None
    assert whole is not None
    assert difference(start[view], whole[view]) < 0.4 * difference(start[view], half[view])
    assert difference(whole, _after(env, *[doom_action(move=2)] * 8)) > difference(start, whole)


def _after(env: WindowEnv, *actions: dict[str, np.ndarray]) -> np.ndarray | None:
    """The picture after some actions, once a game on a busy machine has caught up with them."""
    for each in (*actions, *[doom_action()] * 10):
        env.step(each)
    return env.render()


def test_doom_begins_again_by_its_cheat(play: Callable[[str], WindowEnv]) -> None:
    """The second episode starts where the first did, in the same process."""
    env = play("chocolate-doom")
    env.reset()
    start, first = env.render(), running()
    assert len(first) == 2
    for _ in range(15):
        env.step(doom_action(move=2, turn=8))
    away = env.render()
    env.reset()
    assert running() == first
    assert difference(start, env.render()) < 0.5 * difference(start, away)


def test_a_game_that_is_lost_ends_the_episode(play: Callable[[str], WindowEnv]) -> None:
    """A paddle in the corner loses every ball; the dark screen is recognised, and the game begins again."""
    env = play("lbreakout2")
    env.reset()
    for tick in range(800):
        *_, terminated, truncated, info = env.step(
            {"paddle": np.asarray(0, np.int64), "fire": np.asarray(tick % 8 == 0, np.int64)}
        )
        if terminated or truncated:
            break
    assert (terminated, info["ended_by"], info["left"]) == (True, 1, 0)
    seen, info = env.reset()
    assert info["tick"] == 0
    assert seen["frame"].mean() > 40


def test_a_person_at_xdotool_is_recorded(
    play: Callable[[str], WindowEnv], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody walks about in Doom with keys and mouse: the recording holds both, and pictures that differ."""
    env = play("chocolate-doom")
    monkeypatch.setenv("DISPLAY", env._game.desk.name)
    with subprocess.Popen([sys.executable, str(EXAMPLES / "person.py"), "doom", "40"]) as person:
        try:
            record_play(env, tmp_path, Provenance("chocolate-doom", player="ann"), seconds=12)
        finally:
            person.kill()
    (episode,) = list(open_recordings(tmp_path))
    assert episode.complete
    assert 20 <= len(episode.action("move")) <= 121  # fewer where a busy machine is late
    assert (episode.action("move") == 2).mean() > 0.3
    turns = episode.action("turn")
    assert np.ptp(turns) > 3
    assert 0.05 < (turns != 0).mean() < 0.99
    frames = episode.observation("frame").astype(int)
    assert np.abs(np.diff(frames, axis=0)).mean() > 1


def test_a_bot_learns_from_pixels_and_is_playtested(
    play: Callable[[str], WindowEnv], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole line: a person's play is recorded, learned, exported, and played in the runner beside a monkey."""
    env = play("lbreakout2")
    monkeypatch.setenv("DISPLAY", env._game.desk.name)
    logs, run, bundle, report = (tmp_path / name for name in ("logs", "run", "bundle", "report"))
    with subprocess.Popen([sys.executable, str(EXAMPLES / "person.py"), "lbreakout2", "120"]) as person:
        try:
            record_play(env, logs, Provenance("lbreakout2", player="ann"), seconds=25)
        finally:
            person.kill()
    env.close()
    monkeypatch.delenv("DISPLAY")
    recipe = yaml.safe_load((EXAMPLES / "lbreakout2-bot.yaml").read_text())
    recipe["loop"] |= {"updates": 20, "warmup": 5}
    recipe["split"] = {"tail": 0.2}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    spec = yaml.safe_load((EXAMPLES / "lbreakout2-playtest.yaml").read_text())
    spec["game"] |= {"import": "register_window"}
    spec["game"]["args"]["game"] = str(EXAMPLES / "lbreakout2.yaml")
    spec["personas"] = [{**each, "runs": 1} for each in spec["personas"]]
    spec["personas"][0]["bundle"] = "bundle"
    spec["budget"] = {"steps": 45}
    spec["pass"] = {"max_findings": 0}
    (tmp_path / "playtest.yaml").write_text(yaml.safe_dump(spec))
    (tmp_path / "register_window.py").write_text(REGISTER)
    for command in (
        ("train", tmp_path / "recipe.yaml", logs, "--out", run),
        ("export", run, bundle, "--logs", logs),
        ("playtest", tmp_path / "playtest.yaml", "--out", report),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "understudy.cli.main", *map(str, command)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    results = json.loads((report / "results.json").read_text())
    assert results["passed"]
    assert results["findings"] == []
    assert (report / "index.html").stat().st_size > 10_000
    played = {episode.path.stem: episode for episode in open_recordings(report)}
    assert len(played) == 2
    assert all(len(each.action("paddle")) == 45 for each in played.values())
