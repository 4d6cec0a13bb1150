"""A window's game as a file, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from understudy.envs.window.env import WindowEnv
from understudy.envs.window.settings import read_settings
from understudy.errors import GameError

LEAST: dict[str, Any] = {"command": ["game"], "actions": {"fire": "space"}}
EXAMPLES = sorted(Path(__file__).parents[3].glob("examples/window/*.yaml"))


def test_short_forms_are_spelled_out() -> None:
    """One key is no or yes, YAML's own no and yes are words, and a number is a key too."""
    actions = {"fire": "space", "jump": {False: [], True: "a"}, "weapon": {"keep": [], 1: 1, 2: ["2"]}}
    settings, _ = read_settings(None, {**LEAST, "actions": {**actions, "turn": {"mouse": "x", "most": 9}}})
    fire, jump, weapon, turn = settings.bindings().specs
    assert (fire.labels, jump.labels, weapon.labels) == (("no", "yes"), ("no", "yes"), ("keep", "1", "2"))
    assert (turn.units, turn.labels, turn.space.high.tolist()) == ("pixels per decision", ("right",), [9.0])
    assert settings.bindings().keys == {"space", "a", "1", "2"}


def test_arguments_win_over_the_file(tmp_path: Path) -> None:
    """A file's keys can be replaced one by one."""
    path = tmp_path / "game.yaml"
    path.write_text("command: [game]\nactions: {fire: space}\ndecision_hz: 5\n")
    settings, folder = read_settings(path, {"decision_hz": 7})
    assert (settings.decision_hz, settings.command, folder) == (7.0, ("game",), tmp_path)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"comand": ["x"]}, r"the game has no key 'comand'\. Did you mean 'command'\?"),
        ({"command": []}, "should have a 'command' that starts the game, or a window's 'title'"),
        ({"command": [], "title": "x", "screen": (9, 9)}, "no 'command', so 'screen' and 'fresh_home' are of no use"),
        ({"actions": {}}, "actions: dictionary should have at least 1 item"),
        ({"actions": {"turn": {"mouse": "z", "most": 1}}}, "actions.turn.mouse: input should be 'x' or 'y', not 'z'"),
        ({"actions": {"turn": {"mouse": "x"}}}, "actions.turn.most is missing"),
        ({"picture": {"sise": (1, 1)}}, r"picture has no key 'sise'\. Did you mean 'size'"),
        ({"start": [{"press": "a", "wait": 1}]}, r"start\.0 should have exactly one of 'press', 'click'"),
        ({"ends": {"won": {"region": (0, 0, 1, 1)}}}, r"ends\.won should have either 'picture' or 'colour'"),
        ({"decision_hz": 0}, "decision_hz: input should be greater than 0, not 0"),
    ],
)
def test_a_mistake_is_one_sentence(more: dict[str, Any], message: str) -> None:
    """It names the key, what was found, and the nearest that is known."""
    with pytest.raises(GameError, match=message):
        read_settings(None, {**LEAST, **more})


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    """One that is not there, one that is not YAML, and one that is a list."""
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "list.yaml").write_text("- a\n")
    for name, message in (("none", "not a file that can be read"), ("broken", "not YAML"), ("list", "be a mapping")):
        with pytest.raises(GameError, match=rf"{name}\.yaml .*{message}"):
            read_settings(tmp_path / f"{name}.yaml", {})


# python-xlib leaves the sockets that it tried to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_without_a_display_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to get one, whether none is named or the one that is does not answer."""
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(GameError, match=r"there is no display \(DISPLAY is not set\); start it as: xvfb-run -a"):
        WindowEnv(**LEAST)
    monkeypatch.setenv("DISPLAY", ":12345")
    with pytest.raises(GameError, match=r"the display ':12345' does not answer; start it as: xvfb-run -a"):
        WindowEnv(**LEAST)


def test_the_examples_are_right() -> None:
    """Every game file among the examples is read, bindings and pictures and all."""
    games = [each for each in EXAMPLES if "\ncommand:" in each.read_text()]
    assert len(games) == 2
    for each in games:
        settings, folder = read_settings(each, {})
        settings.bindings()
        looks = [step.until for step in settings.start if step.until] + list(settings.ends.values())
        assert looks
        for look in looks:
            look.look(folder)
