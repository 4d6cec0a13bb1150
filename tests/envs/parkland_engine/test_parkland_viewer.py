"""The window onto a park, drawn where nobody looks; no display is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
pytest.importorskip("panda3d")
pytest.importorskip("pygame", reason="the package 'pygame-ce' is not installed")

import pygame
from parkland_engine_toys import LEVEL, act, toy_layout

from understudy.envs.parkland.behavior import GAITS, MOVES
from understudy.envs.parkland.env import ParklandEnv
from understudy.envs.parkland.viewer.controls import Controls
from understudy.envs.parkland.viewer.game import Game
from understudy.envs.parkland.viewer.session import visit
from understudy.envs.parkland.viewer.window import Phase, Window
from understudy.errors import GameError
from understudy.recordings import Episode


@pytest.fixture
def window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """A window onto the toy park that records to `tmp_path`."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = ParklandEnv(layout=toy_layout(), size=32, max_seconds=3)
    game = Game(env, tmp_path, (120, 160))
    yield Window(game, ["A park"])
    game.close()
    pygame.display.quit()


def key(window: Window, code: int, *, down: bool = True) -> None:
    """Press or release a key."""
    window.take(pygame.event.Event(pygame.KEYDOWN if down else pygame.KEYUP, key=code))


def shown(window: Window) -> np.ndarray:
    """Return the pixels of the window, as it is drawn now."""
    window.draw()
    return np.array(pygame.surfarray.array3d(window.surface))


def game_of(window: Window) -> Any:
    """Return what the window plays."""
    return window._game


def test_a_key_that_is_held_walks_and_is_recorded(window: Window, tmp_path: Path) -> None:
    """After the first screen W walks north; the recording holds each decision and where it was made."""
    key(window, pygame.K_RETURN)
    key(window, pygame.K_w)
    for _ in range(80):
        window.advance(1 / 60)
    game = game_of(window)
    decisions = game.env.get_state().decisions
    assert 12 <= decisions <= 14
    assert game.info["position"][1] > 22
    game.end()
    (path,) = tmp_path.glob("*.arrows")
    episode = Episode(path)
    assert episode.complete
    assert len(episode.reward) == decisions
    assert episode.action("move")[3] == MOVES.index("forward")
    assert np.diff(episode.extra("position")[2:, 1]).min() > 0.2


def test_the_mouse_turns_the_view_at_once(window: Window) -> None:
    """Before the decision ends the picture has turned; the game itself has not."""
    key(window, pygame.K_RETURN)
    before, heading = shown(window), game_of(window).env.get_state().heading
    window.take(pygame.event.Event(pygame.MOUSEMOTION, rel=(200, 0)))
    assert (shown(window) != before).mean() > 0.2
    assert game_of(window).env.get_state().heading == heading
    for _ in range(7):
        window.advance(1 / 60)
    assert game_of(window).env.get_state().heading == pytest.approx(heading - 22, abs=0.1)


def test_a_pause_stops_time_and_q_ends_it(window: Window) -> None:
    """Losing the keyboard pauses; any key goes on, and Q closes the window."""
    key(window, pygame.K_RETURN)
    window.take(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    window.advance(1.0)
    assert (window.phase, game_of(window).env.get_state().decisions) == (Phase.PAUSE, 0)
    key(window, pygame.K_SPACE)
    assert window.phase is Phase.PLAY
    key(window, pygame.K_ESCAPE)
    key(window, pygame.K_q)
    assert window.closed


def test_a_walk_that_is_over_is_followed_by_another(window: Window, tmp_path: Path) -> None:
    """At `max_seconds` the recording ends, the window pauses, and the next walk begins at the start."""
    key(window, pygame.K_RETURN)
    for _ in range(31):
        window.advance(0.1)
    assert window.phase is Phase.PAUSE
    assert game_of(window).env.get_state().decisions == 0
    assert len(list(tmp_path.glob("*.arrows"))) == 1


def test_the_window_runs_and_shows_its_words(window: Window) -> None:
    """The first screen has text over the picture; the loop ends by itself after so many frames."""
    words = shown(window)
    key(window, pygame.K_RETURN)
    assert (words != shown(window)).any()
    window.run(most_frames=2)
    assert not pygame.display.get_init()


def test_taps_count_once_and_opposite_keys_cancel() -> None:
    """A key tapped between two decisions is in the next one alone."""
    hands = Controls()
    for word in ("jump", "forward", "left", "right", "run"):
        hands.press(word)
    hands.release("jump")
    hands.begin()
    first = hands.action()
    hands.begin()
    assert (int(first["jump"]), int(hands.action()["jump"])) == (1, 0)
    assert MOVES[int(first["move"])] == "forward"
    assert GAITS[int(first["gait"])] == "run"
    assert set(first) == set(act())


def test_a_preview_leaves_the_game_as_it_is() -> None:
    """It shows a part of the way, and a step after it plays as if there had been none."""
    env = ParklandEnv(layout=toy_layout(), size=16)
    env.reset()
    half = env.preview(act(1, 1), 0.5).walker.y
    end = env.step(act(1, 1))[4]["position"][1]
    env.reset()
    assert env.step(act(1, 1))[4]["position"] == [60.0, end, LEVEL]
    assert 20 < half < end
    env.close()


def test_without_a_display_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says how to get one."""
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    game = Game(ParklandEnv(layout=toy_layout(), size=16), tmp_path, (60, 80))
    with pytest.raises(GameError, match="xvfb-run"):
        Window(game)
    game.close()


def test_a_visit_plays_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads the manifest, opens the window and closes all again; without a decision nothing is recorded."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    build = tmp_path / "build.json"
    build.write_text('{"name": "park-1", "seed": 3, "bugs": ["hole"]}')
    assert visit(build, record=tmp_path / "walks", size=16, most_frames=2) == []
    with pytest.raises(GameError, match=r"nowhere\.json"):
        visit(tmp_path / "nowhere.json")
