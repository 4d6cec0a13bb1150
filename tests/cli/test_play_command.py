"""`understudy play`: its mistakes in a sentence, and a person at the keyboard of a real window."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
pytest.importorskip("pygame", reason="the package 'pygame-ce' is not installed")
pytest.importorskip("pettingzoo", reason="the package 'pettingzoo' is not installed")

from onnx import TensorProto, checker, helper, numpy_helper
from test_cli import run

from understudy.agents.bundle import Bundle, write_bundle
from understudy.cli.play import play
from understudy.envs.skirmish.behavior import skirmish_behavior
from understudy.errors import UnderstudyError
from understudy.recordings import Episode, open_recordings

PLAY = ("play", "skirmish")
_PATIENCE_S = 90.0


@pytest.fixture(autouse=True)
def no_display(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only tests with the marker `display` open a window."""
    if request.node.get_closest_marker("display") is None:
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
            monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("game", "options", "words"),
    [
        ("skirmis", {}, "Did you mean 'skirmish'"),
        ("skirmish", {"bots": "rusher,ancor"}, "Did you mean 'anchor'"),
        ("skirmish", {"level": "foundy"}, "Did you mean 'foundry'"),
        ("skirmish", {"rounds": 7}, "use an even number"),
        ("skirmish", {"bundle": "no/such/bundle"}, "no/such/bundle"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path: Path, game: str, options: dict[str, Any], words: str) -> None:
    """A misspelt game, persona or level, an odd match and no bundle are errors of ours, and keep nothing."""
    with pytest.raises(UnderstudyError, match=words):
        play(game, record=tmp_path / "logs", **options)
    assert not (tmp_path / "logs").exists()


def test_without_a_display_the_command_says_so(tmp_path: Path) -> None:
    """It ends with status 2 and one sentence that says what to do, and keeps nothing."""
    result = run(*PLAY, "--record", tmp_path / "logs")
    assert result.returncode == 2
    assert "found no display to open its window on" in result.stderr
    assert "xvfb-run -a understudy play skirmish" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "logs").exists()


def test_help_tells_the_keys() -> None:
    """`understudy play --help` says what the keys do."""
    text = run("play", "--help").stdout
    for word in ("WASD", "mouse", "left button", "ability", "plants or defuses", "Esc", "--bot-address"):
        assert word in text


def test_ctrl_c_ends_the_game_as_its_window_does(tmp_path: Path) -> None:
    """Ctrl-C in the terminal ends the game after a whole decision, with status 0 and a last sentence."""
    logs = tmp_path / "logs"
    command = [sys.executable, "-m", "understudy.cli.main", *PLAY, "--side", "watch", "--record", str(logs)]
    environment = {**os.environ, "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as game:
        wait_for(lambda: game.poll() is not None or list(logs.glob("*.arrows")))
        time.sleep(2.0)
        game.send_signal(signal.SIGINT)
        printed, _ = game.communicate(timeout=30)
    assert game.returncode == 0
    assert "Nothing was played" in printed


def make_marcher(folder: Path) -> Bundle:
    """Write a bundle that follows the way to site a, node by node: it turns towards it and walks."""
    behavior = skirmish_behavior(["ways"])
    constants = {
        "zeros": np.zeros(1, np.int64), "ones": np.ones(1, np.int64), "sixty": np.float32(60), "none": np.float32(0),
        "first": np.int64(0), "last": np.array([1], np.int64), "few": np.float32(1e-6),
    }  # fmt: skip
    nodes = [
        helper.make_node("Gather", ["observation.ways", "first"], ["way"], axis=1),
        helper.make_node("Gather", ["way", "first"], ["side"], axis=1),
        helper.make_node("Mul", ["side", "sixty"], ["action.turn"]),
        helper.make_node("Mul", ["side", "none"], ["action.pitch"]),
        helper.make_node("Cast", ["action.pitch"], ["nothing"], to=TensorProto.INT64),
        helper.make_node("Add", ["nothing", "ones"], ["action.move"]),
        *(helper.make_node("Identity", ["nothing"], [f"action.{name}"]) for name in ("gait", "fire", "act")),
        helper.make_node("Mul", ["noise", "few"], ["logits"]),
        helper.make_node("Identity", ["state"], ["next_state"]),
    ]
    inputs = {"observation.ways": (5, 3), "state": (1,), "noise": (1,)}
    outputs = {f"action.{part.name}": part for part in behavior.actions}
    graph = helper.make_graph(
        nodes,
        "marcher",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["bots", *shape]) for name, shape in inputs.items()],
        [
            *(
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(part.dtype), ["bots"])
                for name, part in outputs.items()
            ),
            *(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["bots", 1]) for name in ("next_state", "logits")),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    checker.check_model(model)
    sizes = {"state_size": 1, "noise_size": 1, "logits_size": 1, "style_size": 0}
    notes: dict[str, Any] = {"provenance": {}, "certificate": {}, "styles": {}}
    return write_bundle(folder, model.SerializeToString(), None, name="marcher", behavior=behavior, **sizes, **notes)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server that plays the marcher."""
    from understudy.serving.options import ServerOptions
    from understudy.serving.run import serve_in_thread

    with serve_in_thread([make_marcher(tmp_path / "marcher")], ServerOptions(port=0)) as where:
        yield where


@pytest.fixture
def hands() -> Callable[..., str]:
    """Synthetic keys and mouse moves."""
    if not (shutil.which("xdotool") and os.environ.get("DISPLAY")):
        pytest.skip("needs a display and xdotool: apt-get install xvfb xdotool; xvfb-run make test-display")

    def use(*arguments: object) -> str:
        return subprocess.run(
            ["xdotool", *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False
        ).stdout

    return use


def own(recordings: list[Episode]) -> Episode:
    """The person's recording: no scripted player's, no bundle's."""
    (episode,) = [each for each in recordings if each.provenance.notes["persona"] == ""]
    return episode


def pictures(folder: Path) -> list[Path]:
    """The pictures that were saved there, the newest last."""
    return sorted(folder.glob("skirmish-*.png"))


def wait_for(happens: Callable[[], object]) -> None:
    """Wait until something happens."""
    end = time.monotonic() + _PATIENCE_S
    while not happens():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.1)


@pytest.mark.display
def test_a_person_plays_against_served_bots(tmp_path: Path, address: str, hands: Callable[..., str]) -> None:
    """Keys and mouse play a part of a round in a window, which shows it; the recording holds what the hands did."""
    import pygame

    logs = tmp_path / "logs"
    options = ["--bot-address", address, "--record", str(logs), "--seed", "5", "--volume", "0"]
    command = [sys.executable, "-m", "understudy.cli.main", *PLAY, *options]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as game:
        wait_for(lambda: game.poll() is not None or list(logs.glob("*.arrows")))
        # The window opens a moment later, and takes keys when it is drawn.
        wait_for(lambda: game.poll() is not None or hands("key", "F12", "sleep", 1) or pictures(tmp_path))
        hands("key", "space")
        hands("keydown", "w")
        for _ in range(40):
            hands("mousemove_relative", "--", -5, 0)
            time.sleep(0.03)
        time.sleep(1.0)
        for keys in (("click", 1), ("click", 1), ("keyup", "w"), ("key", "F12"), ("key", "q"), ("key", "Escape")):
            hands(*keys)
            time.sleep(0.5)
        hands("key", "q")
        try:
            printed, errors = game.communicate(timeout=30)
        finally:
            game.kill()
    assert game.returncode == 0, errors
    assert str(logs) in printed
    recordings = list(open_recordings(logs))
    assert len(recordings) == 4
    played = own(recordings)
    assert (played.action("move") == 1).sum() > 10
    assert played.action("turn").sum() < -8
    assert (played.action("fire") == 1).any()
    assert (played.action("act") == 2).any()
    assert "ability" in {word for words in played.events for word in words}
    marched = [each for each in recordings if each is not played]
    assert all(np.ptp(each.extra("position"), axis=0).max() > 2 for each in marched)
    paths = pictures(tmp_path)
    start, view = (pygame.surfarray.array3d(pygame.image.load(path)) for path in (paths[0], paths[-1]))
    assert start.shape == view.shape == (960, 540, 3)
    assert np.abs(start.astype(int) - view).mean() > 10
    assert len(np.unique(view.reshape(-1, 3), axis=0)) > 2000
