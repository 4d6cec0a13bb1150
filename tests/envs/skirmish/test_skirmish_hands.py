"""A person's hands in skirmish, without a display: controls, previews, recordings, and the window's loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
pytest.importorskip("pygame", reason="the package 'pygame-ce' is not installed")
pytest.importorskip("pettingzoo", reason="the package 'pettingzoo' is not installed")

import pygame
from hypothesis import given
from hypothesis import strategies as st

from understudy.envs import display
from understudy.envs.display import DEGREES_A_PIXEL
from understudy.envs.skirmish.behavior import ACTS, GAITS, MOVES
from understudy.envs.skirmish.rules import AGENTS, WEAPONS, Rules
from understudy.envs.skirmish.viewer.bots import Bot, Learned, as_action, scripted_bots
from understudy.envs.skirmish.viewer.controls import Controls
from understudy.envs.skirmish.viewer.game import NOBODY, Game
from understudy.envs.skirmish.viewer.window import Phase, Window
from understudy.envs.skirmish.world import idle_actions, new_world, step
from understudy.errors import GameError, ServingError
from understudy.recordings import Episode, open_recordings
from understudy.spec import Action, Observation

DECISION_S = 1 / 16


def begun(pitch: float = 0.0) -> Controls:
    """Controls at the beginning of a decision."""
    controls = Controls()
    controls.begin(pitch, 50.0)
    return controls


def seat_of(episode: Episode) -> str:
    """Side and slot of a recording's player, such as `"attack0"`."""
    notes = episode.provenance.notes
    return f"{notes['side']}{notes['slot']}"


def bots(num: int = 3) -> list[Bot]:
    """Scripted players."""
    return scripted_bots(["rusher", "anchor"], num, 0.5)


@pytest.fixture
def game(tmp_path: Path) -> Iterator[Game]:
    """A recorded match at its beginning."""
    game = Game("foundry", bots(), seed=3, record=tmp_path / "logs", name="Ann")
    game.begin_round()
    yield game
    game.close()


@given(st.lists(st.tuples(st.integers(-400, 400), st.integers(-400, 400)), max_size=8), st.floats(-50, 50))
def test_the_mouse_turns_the_view_as_far_as_it_is_moved(moves: list[tuple[int, int]], pitch: float) -> None:
    """Turn and pitch are the mouse's way in degrees, and no decision turns further than the game allows."""
    controls = begun(pitch)
    for right, down in moves:
        controls.move_mouse(right, down)
    action = controls.action()
    assert -60 <= action["turn"] <= 60
    assert -30 <= action["pitch"] <= 30
    assert -50.001 <= pitch + action["pitch"] <= 50.001
    if sum(abs(right) for right, _ in moves) * DEGREES_A_PIXEL < 60:
        assert action["turn"] == pytest.approx(DEGREES_A_PIXEL * sum(right for right, _ in moves), abs=1e-4)


@pytest.mark.parametrize(
    ("keys", "move", "gait", "act"),
    [
        ((), "none", "run", "none"),
        (("forward",), "forward", "run", "none"),
        (("forward", "right", "walk"), "forward_right", "walk", "none"),
        (("forward", "back", "left"), "left", "run", "none"),
        (("back", "left", "crouch", "walk", "use"), "back_left", "crouch", "use"),
        (("ability",), "none", "run", "ability"),
        (("reload",), "none", "run", "reload"),
    ],
)
def test_keys_are_words_of_the_action(keys: tuple[str, ...], move: str, gait: str, act: str) -> None:
    """Keys that are down when a decision begins are its move, gait and act."""
    controls = Controls()
    for key in keys:
        controls.press(key)
    controls.begin(0.0, 50.0)
    action = controls.action()
    assert (MOVES[action["move"]], GAITS[action["gait"]], ACTS[action["act"]]) == (move, gait, act)


def test_a_tap_counts_once() -> None:
    """A key that was pressed and let go within a decision is played in the next one, and only there."""
    controls = begun()
    controls.press("ability")
    controls.release("ability")
    assert controls.action()["act"] == 0
    controls.begin(0.0, 50.0)
    assert ACTS[controls.action()["act"]] == "ability"
    controls.begin(0.0, 50.0)
    assert controls.action()["act"] == 0


def test_a_shot_goes_where_the_player_looked() -> None:
    """A click with a steady view is played at once; after a turn, in the next decision, which begins there."""
    controls = begun()
    controls.press("fire")
    controls.release("fire")
    assert controls.action()["fire"] == 1
    controls = begun()
    controls.move_mouse(100, 0)
    controls.press("fire")
    controls.release("fire")
    assert controls.action()["fire"] == 0
    controls.begin(0.0, 50.0)
    assert controls.action()["fire"] == 1
    controls.begin(0.0, 50.0)
    assert controls.action()["fire"] == 0


def test_a_held_trigger_goes_on() -> None:
    """While the button is down every decision fires; when the window loses the keyboard, all is let go."""
    controls = begun()
    controls.press("fire")
    controls.press("forward")
    for _ in range(3):
        controls.begin(0.0, 50.0)
        assert controls.action()["fire"] == 1
    controls.release_all()
    controls.begin(0.0, 50.0)
    assert controls.action() == as_action()


def test_what_is_shown_is_what_will_have_been_played(game: Game) -> None:
    """The preview of a decision's end is the state that it brings about; half way nobody went too far."""
    for number in range(40):
        action = as_action(move=1, turn=(-1) ** (number // 8) * 6.0, pitch=0.5, fire=number % 3 == 0)
        assert game._thinking is not None
        game._thinking.result()
        begin = game.state["position"].copy()
        half = game.preview(DECISION_S / 2, action)["position"].copy()
        preview = game.preview(DECISION_S, action).copy()
        game.end_decision(action)
        for name in ("position", "health", "magazine", "alive", "recoil"):
            assert np.array_equal(preview[name], game.state[name]), name
        assert preview["heading"][game.me] % 360 == pytest.approx(game.state["heading"][game.me], abs=1e-3)
        assert np.hypot(*(half - begin).T).max() <= 5.1 * DECISION_S / 2


def test_the_view_turns_before_the_decision_is_played(game: Game) -> None:
    """A picture drawn right after the mouse moved is turned already, though nothing was played."""
    heading = float(game.state["heading"][game.me])
    shown = game.preview(0.0, as_action(turn=10.0, pitch=5.0))
    assert shown["heading"][game.me] == pytest.approx(heading - 10)
    assert shown["pitch"][game.me] == pytest.approx(5)
    assert game.state["heading"][game.me] == heading


def test_a_preview_never_waits_for_bots() -> None:
    """While a bot still thinks, pictures go on; the decision itself waits for it."""
    gate = threading.Event()

    class Slow:
        name, persona, skill, weapon = "slow", "slow", None, "rifle"

        def begin(self, *_: object) -> None:
            """Begin."""

        def decide(self, *_: object) -> Action:
            """Decide once the gate is open."""
            assert gate.wait(20)
            return as_action(move=1)

        def close(self) -> None:
            """Close."""

    game = Game("foundry", [Slow()], seed=3, team_size=1)
    game.begin_round()
    start = game.state["position"].copy()
    game.preview(DECISION_S / 2, as_action())
    gate.set()
    game.end_decision(as_action())
    assert np.hypot(*(game.state["position"] - start)[2]) > 0.05
    game.close()


def test_the_recording_is_what_was_played(tmp_path: Path) -> None:
    """Every player has a recording; the person's holds the very actions, and all of them replay the round."""
    game = Game("foundry", bots(), seed=5, record=tmp_path, name="Ann")
    game.begin_round()
    seed, weapons = int(game.world.seed[0]), [int(each) for each in game.state["weapon"]]
    played = []
    while not game.round_over and game.is_alive and len(played) < 16 * 10:
        number = len(played)
        turn = 3.0 * float(np.sin(number / 9))
        played.append(as_action(move=1 + number // 20 % 8, turn=turn, pitch=0.1, fire=int(number % 5 == 0)))
        game.end_decision(played[-1])
    state = game.state.copy()
    game.close()
    recordings = {seat_of(each): each for each in open_recordings(tmp_path)}
    assert len(recordings) == 4
    own = recordings["attack0"]
    assert own.provenance.player != "Ann"
    assert own.provenance.notes["persona"] == ""
    assert recordings["defend0"].provenance.notes["persona"] == "rusher"
    for name in played[0]:
        assert np.array_equal(own.action(name), np.array([each[name] for each in played])), name
    world = new_world(game.level, 1, [seed], weapons=weapons)
    for number in range(len(played)):
        joint = idle_actions(1)
        for agent in range(4):
            episode = recordings[("attack", "defend")[agent // 2] + str(agent % 2)]
            if number < episode.num_steps:
                for name, values in joint.items():
                    values[0, agent] = episode.action(name)[number]
        step(world, joint)
    assert np.array_equal(world.position[0], state["position"])
    assert len(played) > 16


def test_sides_are_swapped_half_way(tmp_path: Path) -> None:
    """Who attacks at first defends in the second half, in the same slot; the bots keep their chairs."""
    rules = Rules(round_s=0.25)
    game = Game("harbour", bots(), seed=1, slot=1, num_rounds=2, record=tmp_path, rules=rules)
    seen = []
    while not game.match.over:
        game.begin_round()
        seen.append((game.me, {agent: bot.name for agent, bot in game.seated.items()}))
        while not game.round_over:
            game.end_decision(as_action())
        game.finish_round()
    game.close()
    assert seen[0] == (1, {2: "rusher-00", 3: "anchor-00", 0: "rusher-01"})
    assert seen[1] == (3, {0: "rusher-00", 1: "anchor-00", 2: "rusher-01"})
    assert game.standing().scores == (1, 1)
    assert len(open_recordings(tmp_path)) == 8


def test_a_bot_without_its_server_is_an_error_and_nothing_is_lost(tmp_path: Path) -> None:
    """When an agent fails, the game says why; what was played until then reads back."""

    class Failing:
        decisions = 0

        def reset(self, seed: int) -> None:
            """Begin."""

        def act(self, observation: Observation) -> Action:
            """Play half a second, then fail."""
            assert observation["rays"].shape == (15, 15, 2)
            self.decisions += 1
            if self.decisions > 8:
                raise ServingError("There is no server any more.")
            return as_action(move=1)

        def close(self) -> None:
            """Close."""

    game = Game("foundry", [Learned(Failing(), "served")], seed=1, team_size=1, record=tmp_path)
    game.begin_round()
    for _ in range(8):
        game.end_decision(as_action(move=1))
    with pytest.raises(ServingError, match="no server any more"):
        game.end_decision(as_action(move=1))
    game.close()
    assert [each.num_steps for each in open_recordings(tmp_path)] == [8, 8]


def test_too_few_bots_is_an_error() -> None:
    """A match with an empty seat does not begin."""
    with pytest.raises(GameError, match="2 bots are too few for the seats of a 2-against-2 match"):
        Game("foundry", bots(2))


@pytest.fixture
def window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """A window that nobody sees."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    game = Game("foundry", bots(), seed=3, record=tmp_path / "logs")
    window = Window(game, volume=0.5)
    yield window
    window.close()
    game.close()


def key(name: str, *, down: bool = True) -> pygame.event.Event:
    """A key event."""
    return pygame.event.Event(pygame.KEYDOWN if down else pygame.KEYUP, key=pygame.key.key_code(name))


def test_a_window_plays_what_the_hands_do(window: Window) -> None:
    """A key begins; W walks, the mouse turns, the button fires; Esc pauses the game, and then Q closes it."""
    game = window.game
    window.take(key("space"))
    assert window.phase is Phase.PLAY
    begin, heading = game.state["position"][0].copy(), float(game.state["heading"][0])
    window.take(key("w"))
    for _ in range(30):
        window.take(pygame.event.Event(pygame.MOUSEMOTION, rel=(5, 0), pos=(0, 0), buttons=(0, 0, 0)))
        window.advance(1 / 60)
    window.take(key("w", down=False))
    window.take(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=(0, 0)))
    for _ in range(30):
        window.advance(1 / 60)
    assert np.hypot(*(game.state["position"][0] - begin)) > 0.5
    turned = (heading - float(game.state["heading"][0])) % 360
    assert turned == pytest.approx(30 * 5 * DEGREES_A_PIXEL, abs=1e-3)
    assert game.state["magazine"][0] < 12
    window.take(key("escape"))
    assert window.phase is Phase.PAUSE
    tick = int(game.state["tick"])
    window.advance(1.0)
    assert game.state["tick"] == tick
    window.take(key("q"))
    assert window.closed


def test_pictures_change_with_the_phase(window: Window) -> None:
    """The first screen, the view, the map and the pause are four different pictures, none of them empty."""
    pictures = []
    for events in ((), (key("space"),), (key("tab"),), (key("escape"),)):
        for event in events:
            window.take(event)
        window.draw()
        pictures.append(pygame.surfarray.array3d(window.surface).astype(int))
    assert all(picture.std() > 15 for picture in pictures)
    for index, picture in enumerate(pictures):
        for other in pictures[:index]:
            assert np.abs(picture - other).mean() > 3


def test_a_match_plays_to_its_end_in_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds follow each other until the match is over; a key then closes the window, and each round is recorded."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    game = Game("terrace", bots(4), person=False, seed=2, num_rounds=2, record=tmp_path, rules=Rules(round_s=0.5))
    window = Window(game, volume=0, map_first=True)
    window.take(key("space"))
    for _ in range(2):
        window.advance(0.55)
        assert window.phase is Phase.ROUND_END
        window.draw()
        window.advance(3.1)
    assert window.phase is Phase.MATCH_END
    window.draw()
    window.take(key("space"))
    assert window.closed
    window.close()
    game.close()
    assert game.me == NOBODY
    assert len(open_recordings(tmp_path)) == 8
    assert {each.provenance.map for each in open_recordings(tmp_path)} == {"terrace"}


def test_without_a_display_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be shown, the error says so and what to do."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(display, "_UNSEEN", ("offscreen", "dummy", "x11", "wayland", "KMSDRM", "windows", "cocoa"))
    with pytest.raises(GameError, match=r"found no display .*xvfb-run -a understudy play skirmish"):
        display.open_display("skirmish", (320, 180))


def test_agents_and_weapons_have_their_names() -> None:
    """What the pictures assume of the rules."""
    assert len(AGENTS) == 4
    assert WEAPONS == ("pistol", "rifle", "sniper")
