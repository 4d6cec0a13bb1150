from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from grid_specs import grid_form
from grid_world import planted
from rich.console import Console

from understudy.playtest.listening import Silence
from understudy.playtest.progress import ProgressBar
from understudy.playtest.runner import Results


class Heard(Silence):
    """Keeps what it hears of replays."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def replays(self, what: str, done: int, planned: int) -> None:
        """Keep it."""
        self.told.append((what, done, planned))


def test_each_replay_is_told(play: Callable[..., Results]) -> None:
    """A listener hears of every replay what it is for, and how many of how many are over."""
    form = grid_form(planted("X", 4, 3), replay={"times": 2, "shrink": 3}, budget={"steps": 80})
    heard = Heard()
    play({**form, "oracles": [{"kind": "crash"}]}, listener=heard)
    assert heard.told[:3] == [("replaying crash-1", done, 2) for done in range(3)]
    assert heard.told[3:6] == [("shrinking crash-1", done, 3) for done in range(1, 4)]
    assert heard.told[6:] == [("replaying crash-1, shrunk", done, 2) for done in range(3)]


def _shown(terminal: bool, tell: Callable[[ProgressBar], Any]) -> str:
    out = io.StringIO()
    with ProgressBar(Console(file=out, force_terminal=terminal, width=120)) as bar:
        bar.progress(2, 2, 1)
        tell(bar)
    return out.getvalue()


def test_a_terminal_shows_what_is_being_done_to_a_finding() -> None:
    """The bar of the runs is followed by one of the replays, which says what they are for."""

    def tell(bar: ProgressBar) -> None:
        bar.step()
        for what in ("replaying crash-1", "shrinking crash-1"):
            bar.replays(what, 7, 40)
            bar._progress.refresh()

    shown = _shown(True, tell)
    assert all(words in shown for words in ("replaying crash-1", "shrinking crash-1", "7/40", "replays"))
    assert "runs · 1 decisions · 1 findings" in shown


def test_a_log_gets_one_line() -> None:
    """Where there is no terminal, only the runs are told, in one line at the end."""
    (line,) = _shown(False, lambda bar: bar.replays("shrinking crash-1", 7, 40)).strip().splitlines()
    assert line.startswith("playing")
