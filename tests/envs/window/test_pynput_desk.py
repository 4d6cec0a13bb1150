"""The keyboard and the mouse of Windows and macOS, on X11, which pynput knows too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from person_at_x11 import Person

pytestmark = pytest.mark.display

PROGRAM = """
import sys, time
from understudy.envs.window.elsewhere import PynputDesk
desk = PynputDesk()
names = ("a", "Up", "mouse_left", "F12")
def settled(expected):
    end = time.monotonic() + 5
    while desk.held(names) != expected and time.monotonic() < end:
        time.sleep(0.02)
    assert desk.held(names) == expected, desk.held(names)
for each in ("a", "Up", "mouse_left"):
    desk.press(each)
settled({"a", "Up", "mouse_left"})
desk.release("a")
settled({"Up", "mouse_left"})
desk.point(100, 100)
desk.moved()
desk.move(25, -5)
time.sleep(0.2)
assert (desk.moved(), desk.pointer()) == ((25.0, -5.0), (125, 95))
print("holding", flush=True)
sys.stdin.readline()
"""


def test_pynput_has_the_same_hands(display: str, person: Person) -> None:
    """Keys, buttons and motion are played and heard, and what is still down is let go of when Python ends."""
    pytest.importorskip("pynput", reason="on Linux: pip install --no-deps pynput six")
    environment = {**os.environ, "DISPLAY": display}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as player:
        assert player.stdout is not None
        assert player.stdout.readline() == "holding\n"
        assert person.num_down() == 1
        player.communicate("\n", timeout=20)
    assert player.returncode == 0
    assert person.num_down() == 0
