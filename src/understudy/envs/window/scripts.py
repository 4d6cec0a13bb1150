"""Key scripts: what a person would press to begin, or to begin again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from understudy.envs.window.game import WindowGame
from understudy.envs.window.looks import Look
from understudy.envs.window.pace import Pace
from understudy.envs.window.settings import Step
from understudy.errors import GameError

_TAP_S = 0.1
_UNTIL_S = 20.0
_AFTER_S = 0.05


class Script:
    """A key script, ready to be run again and again.

    Args:
        steps: One after the other.
        folder: Where its pictures are.
        name: For errors: `"start"` or `"reset"`.

    Raises:
        GameError: If a picture is not there.
    """

    def __init__(self, steps: Sequence[Step], folder: Path, name: str) -> None:
        self._steps = [(each, each.until.look(folder) if each.until else None) for each in steps]
        self._name = name

    def run(self, game: WindowGame, pace: Pace) -> None:
        """Do every step.

        Raises:
            GameError: If a picture does not come, a key is not there, or the window is gone.
            PanicError: If a person pressed the panic key.
        """
        for number, (step, look) in enumerate(self._steps, start=1):
            if look is not None:
                self._await(game, pace, look, step.seconds or _UNTIL_S, number)
            elif step.wait is not None:
                pace.rest(step.wait, game.heed_panic)
            else:
                _use_hands(game, pace, step)

    def _await(self, game: WindowGame, pace: Pace, look: Look, seconds: float, number: int) -> None:
        end, nearest = time.monotonic() + seconds, float("inf")
        look.require_inside(game.place.height, game.place.width)
        while (distance := look.distance(game.look())) > look.within:
            nearest = min(nearest, distance)
            if not game.running or time.monotonic() > end:
                raise GameError(
                    f"Step {number} of '{self._name}' waited {seconds:g} s for its picture; the nearest was "
                    f"{nearest:.0f} levels away, more than within: {look.within:g}. {game.gone_words()}".rstrip()
                )
            pace.rest(_AFTER_S, game.heed_panic)


def _use_hands(game: WindowGame, pace: Pace, step: Step) -> None:
    game.require_focus()
    if step.press is not None:
        keys = (step.press,) if isinstance(step.press, str) else step.press
        game.desk.require_keys(keys)
        game.hold(keys)
        pace.rest(step.seconds or _TAP_S, game.heed_panic)
        game.release()
    elif step.click is not None:
        game.click(*step.click)
    else:
        game.desk.type(step.type or "")
    pace.rest(_AFTER_S, game.heed_panic)
