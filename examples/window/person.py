"""A person, scripted: looks at the screen and presses keys as somebody at the keyboard would, for recording their play.

    python examples/window/person.py doom|lbreakout2 [SECONDS]

It knows nothing of Understudy: it takes pictures of the display in DISPLAY with mss and types with xdotool.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time

import mss
import numpy as np

_LOOKS_A_SECOND = 25
_STILL = 10  # looks without a moving ball, after which it is launched
_MOVED = 24  # levels of grey that a pixel changes by when the ball goes over it


def hands(*words: object) -> None:
    """Let xdotool do something."""
    subprocess.run(["xdotool", *map(str, words)], check=False, capture_output=True)


def walk(seconds: float) -> None:
    """Walk about in Doom: run forward, look around with the mouse, shoot and open doors now and then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        hands("keydown", "Up")
        direction = random.choice((-1, 1))
        for _ in range(random.randint(4, 12)):
            hands("mousemove_relative", "--", direction * random.randint(40, 160), 0)
            time.sleep(0.08)
        time.sleep(random.uniform(0.5, 1.5))
        hands("keyup", "Up", "key", random.choice(("space", "Control_L")))


class Watcher:
    """Watches the field below LBreakout2's wall.

    Args:
        left: Of the game's window on the screen, in pixels.
        top: Likewise.
    """

    def __init__(self, left: int, top: int) -> None:
        self._screen = mss.MSS()
        self._field = {"left": left + 45, "top": top + 330, "width": 545, "height": 112}
        self._paddle = {"left": left + 45, "top": top + 448, "width": 545, "height": 18}
        self._last = self._grey(self._field)

    def ball(self) -> tuple[float, float] | None:
        """Return where something moved since the last look: pixels from the field's left, and its top."""
        now = self._grey(self._field)
        rows, columns = np.nonzero(np.abs(now - self._last) > _MOVED)
        self._last = now
        return (float(np.median(columns)), float(np.median(rows))) if len(rows) > 8 else None

    def paddle(self) -> float | None:
        """Return the middle of what is yellow at the bottom, in pixels from the field's left."""
        colours = self._picture(self._paddle).astype(int)
        columns = np.nonzero(((colours[..., 0] - colours[..., 2] > 70) & (colours[..., 1] > 90)).any(axis=0))[0]
        return float(columns.mean()) if len(columns) > 8 else None

    def _grey(self, part: dict[str, int]) -> np.ndarray:
        return self._picture(part).mean(axis=-1)

    def _picture(self, part: dict[str, int]) -> np.ndarray:
        shot = self._screen.grab(part)
        return np.frombuffer(shot.rgb, np.uint8).reshape(shot.height, shot.width, 3)


def find_window(title: str) -> tuple[str, int, int]:
    """Return a window's number and its left and top on the screen, once it is open and has settled."""
    while True:
        found = subprocess.run(["xdotool", "search", "--sync", "--name", title], capture_output=True, text=True).stdout
        time.sleep(3)
        asked = ["xdotool", "getwindowgeometry", "--shell", found.split()[0]]
        answer = subprocess.run(asked, capture_output=True, text=True)
        if answer.returncode == 0:
            place = dict(line.split("=") for line in answer.stdout.split())
            return place["WINDOW"], int(place["X"]), int(place["Y"])


def is_open(window: str) -> bool:
    """Return whether a window is still there."""
    return subprocess.run(["xdotool", "getwindowname", window], capture_output=True).returncode == 0


def follow_ball(seconds: float) -> None:
    """Play LBreakout2, again whenever it was started again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        window, left, top = find_window("LBreakout2")
        player = Player(Watcher(left, top))
        looks = 0
        while time.monotonic() < end and (looks % _LOOKS_A_SECOND or is_open(window)):
            time.sleep(1 / _LOOKS_A_SECOND)
            player.look()
            looks += 1
        player.hold("")


class Player:
    """Keeps the paddle under the ball, and launches a ball that lies still."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._held, self._quiet = "", 0

    def look(self) -> None:
        """Look once, and do something about it."""
        ball, paddle = self._watcher.ball(), self._watcher.paddle()
        self._quiet = 0 if ball else self._quiet + 1
        if self._quiet > _STILL:
            hands("keydown", "space", "sleep", 0.08, "keyup", "space")
            self._quiet = 0
        if ball and paddle:
            off = ball[0] - paddle
            self.hold("" if abs(off) < 12 else "Right" if off > 0 else "Left")
        elif self._quiet > 3:
            self.hold("")

    def hold(self, key: str) -> None:
        """Hold this key, or none, instead of the one that is held."""
        if key != self._held:
            hands(*(("keyup", self._held) if self._held else ()), *(("keydown", key) if key else ()))
            self._held = key


if __name__ == "__main__":
    game, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    {"doom": walk, "lbreakout2": follow_ball}[game](seconds)
