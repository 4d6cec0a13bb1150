from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from person_at_x11 import Person

from understudy.envs.window.env import WindowEnv
from understudy.envs.window.process import start_server

TOY = Path(__file__).with_name("toy_window.py")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The display of an X server that the tests have for themselves."""
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb: apt-get install xvfb")
    program, name = start_server(800, 600)
    yield name
    program.close()


@pytest.fixture
def display(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, named in the environment."""
    monkeypatch.setenv("DISPLAY", server)
    return server


@pytest.fixture
def person(display: str) -> Iterator[Person]:
    """Somebody else at the same keyboard and screen."""
    someone = Person(display)
    yield someone
    someone.leave()


@pytest.fixture
def toy(display: str) -> Iterator[Callable[..., WindowEnv]]:
    """Makes environments of the toy game; they are closed at the end."""
    made: list[WindowEnv] = []

    def make(**settings: Any) -> WindowEnv:
        assert os.environ["DISPLAY"] == display
        form = {
            "name": "toy",
            "command": (sys.executable, str(TOY), "A toy"),
            "picture": {"size": (30, 40)},
            "decision_hz": 20,
            "actions": {
                "paint": {"none": (), "red": "a", "green": "g", "both": ("a", "g")},
                "trick": {letter: letter for letter in "wmuoqxt"} | {"none": ()},
                "slide": {"mouse": "x", "most": 20},
            },
            **settings,
        }
        made.append(WindowEnv(**form))
        return made[-1]

    yield make
    for each in made:
        each.close()


def action(env: WindowEnv, slide: float = 0.0, **words: str) -> dict[str, np.ndarray]:
    """Return an action by its labels; what is not named is `"none"`."""
    chosen: dict[str, np.ndarray] = {}
    for part in env.behavior.actions:
        if part.name == "slide":
            chosen[part.name] = np.array([slide], np.float32)
        else:
            chosen[part.name] = np.asarray(part.labels.index(words.get(part.name, "none")), np.int64)
    return chosen


@pytest.fixture
def act() -> Callable[..., dict[str, np.ndarray]]:
    """Makes actions by their labels."""
    return action


def pytest_configure() -> None:
    """A person's own game settings and sound are no part of a test."""
    os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
