"""What stands over the picture while nobody plays: the start, the pause, the end of a round and of the match."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from understudy.envs.skirmish.rules import BOOM, DEFUSAL, ELIMINATION, TIMEOUT, Record
from understudy.envs.skirmish.viewer import ink
from understudy.envs.skirmish.viewer.hud import Standing

KEYS = (
    ("W A S D", "walk"),
    ("mouse", "look"),
    ("left button", "fire"),
    ("right button or Q", "ability: smoke or scan"),
    ("E, held", "plant or defuse"),
    ("R", "reload"),
    ("Shift", "walk silently"),
    ("Ctrl or C", "crouch"),
    ("Tab", "map"),
    ("F11, F12", "full screen, save a picture"),
    ("Esc", "pause; then Q quits"),
)
"""What the keys do, for the start screen and the help of the command."""
WATCH_KEYS = (
    ("Tab", "map or eyes"),
    ("left and right button", "next and last player"),
    ("Esc", "pause; then Q quits"),
)
_ENDINGS = {
    ELIMINATION: "everybody is down",
    BOOM: "the bomb exploded",
    DEFUSAL: "the bomb was defused",
    TIMEOUT: "the time is over",
}


def draw_start(surface: Any, lines: Sequence[str], keys: Sequence[tuple[str, str]]) -> None:
    """Draw the first screen.

    Args:
        surface: Drawn on.
        lines: Who plays whom, where, and what it is about.
        keys: What the keys do.
    """
    ink.veil(surface, (8, 10, 16, 165))
    width, height = surface.get_size()
    ink.write(surface, "SKIRMISH", (width // 2, height // 2 - 190), 84, ink.WHITE, "midtop")
    for index, line in enumerate(lines):
        ink.write(surface, line, (width // 2, height // 2 - 120 + 24 * index), 24, ink.FAINT, "midtop")
    _draw_keys(surface, keys, height // 2 - 28)
    ink.write(surface, "Click or press a key to begin", (width // 2, height - 34), 28, ink.WARN, "midbottom")


def draw_pause(surface: Any, keys: Sequence[tuple[str, str]]) -> None:
    """Draw the screen of a game that stands still."""
    ink.veil(surface, (8, 10, 16, 165))
    width, height = surface.get_size()
    ink.write(surface, "PAUSED", (width // 2, height // 2 - 150), 64, ink.WHITE, "midtop")
    ink.write(surface, "Esc or a click goes on, Q quits", (width // 2, height // 2 - 84), 26, ink.WARN, "midtop")
    _draw_keys(surface, keys, height // 2 - 30)


def draw_round_end(surface: Any, state: Record, side: int, *, person: bool) -> None:
    """Say who has won the round, and how."""
    winner = int(state["winner"])
    text = ("ATTACKERS WIN", "DEFENDERS WIN")[winner]
    color = ink.WHITE
    if person:
        text, color = ("ROUND WON", ink.FRIENDLY) if winner == side else ("ROUND LOST", ink.HOSTILE)
    width, height = surface.get_size()
    ink.panel(surface, width // 2 - 190, height // 2 - 130, 380, 84)
    ink.write(surface, text, (width // 2, height // 2 - 122), 52, color, "midtop")
    ink.write(surface, _ENDINGS.get(int(state["ending"]), ""), (width // 2, height // 2 - 74), 22, ink.FAINT, "midtop")


def draw_match_end(surface: Any, standing: Standing, won: bool | None, *, person: bool) -> None:
    """Say how the match ended; `won` is None for a draw."""
    ink.veil(surface, (8, 10, 16, 165))
    width, height = surface.get_size()
    words = {True: ("VICTORY", ink.FRIENDLY), False: ("DEFEAT", ink.HOSTILE), None: ("DRAW", ink.WHITE)}
    text, color = words[won] if person else ("MATCH OVER", ink.WHITE)
    ink.write(surface, text, (width // 2, height // 2 - 110), 84, color, "midtop")
    scores = f"{standing.scores[0]} : {standing.scores[1]}"
    ink.write(surface, scores, (width // 2, height // 2 - 20), 64, ink.WHITE, "midtop")
    ink.write(surface, "Press a key to leave", (width // 2, height - 60), 26, ink.WARN, "midbottom")


def draw_follow(surface: Any, name: str) -> None:
    """Say through whose eyes one looks."""
    ink.write(
        surface, f"watching {name}", (surface.get_width() // 2, surface.get_height() - 90), 26, ink.WHITE, "center"
    )


def _draw_keys(surface: Any, keys: Sequence[tuple[str, str]], top: int) -> None:
    """Two columns of what the keys do."""
    width, half = surface.get_width(), (len(keys) + 1) // 2
    for index, (key, does) in enumerate(keys):
        column, row = divmod(index, half)
        x = width // 2 - 205 + 400 * column
        ink.write(surface, key, (x, top + 30 * row), 24, ink.WHITE, "topright")
        ink.write(surface, does, (x + 14, top + 30 * row), 24, ink.FAINT)
