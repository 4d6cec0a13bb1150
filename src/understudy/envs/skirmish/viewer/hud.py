"""What a player reads off the edges of the screen: health, shots, ability, money, time, score, bomb and feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from understudy.envs.skirmish.objectives import can_defuse, can_plant
from understudy.envs.skirmish.rules import CARRIED, PLANTED, WEAPON_TABLE, WEAPONS, Record, Rules
from understudy.envs.skirmish.viewer import ink
from understudy.envs.skirmish.viewer.feed import Feed

ABILITIES = ("Smoke", "Scan")
"""Of a controller and of an initiator."""
_CLASS_WORDS = ("Controller", "Initiator")
_LOW_HEALTH = 35.0


@dataclass(frozen=True)
class Standing:
    """How a match stands, for the top of the screen.

    Attributes:
        scores: Rounds won by the player's own team and by the other one.
        round_number: From 1.
        num_rounds: Of the match.
        money: Of each agent, shape (4,).
        names: Of each agent.
    """

    scores: tuple[int, int] = (0, 0)
    round_number: int = 1
    num_rounds: int = 1
    money: tuple[int, ...] = (0, 0, 0, 0)
    names: tuple[str, ...] = ("attacker 1", "attacker 2", "defender 1", "defender 2")


def draw_top(surface: Any, state: Record, rules: Rules, standing: Standing, side: int) -> None:
    """Write score and time at the top, and who is still alive beside them: friends left, enemies right."""
    middle = surface.get_width() // 2
    ink.panel(surface, middle - 122, 6, 244, 44)
    planted = bool(state["bomb_state"] == PLANTED)
    left = float(state["bomb_left"]) if planted else max(0.0, rules.round_s - float(state["clock"]))
    text = f"{left:.1f}" if planted else f"{int(left) // 60}:{int(left) % 60:02d}"
    color = ink.BAD if planted or left < 10 else ink.WHITE
    ink.write(surface, text, (middle, 10), 34, color, "midtop")
    if planted:
        ink.write(surface, "BOMB PLANTED", (middle, 54), 22, ink.BAD, "midtop")
    else:
        ink.write(
            surface, f"round {standing.round_number} of {standing.num_rounds}", (middle, 54), 18, ink.FAINT, "midtop"
        )
    ink.write(surface, str(standing.scores[0]), (middle - 60, 12), 34, ink.FRIENDLY, "midtop")
    ink.write(surface, str(standing.scores[1]), (middle + 60, 12), 34, ink.HOSTILE, "midtop")
    for slot in range(2):
        _draw_life(surface, state, 2 * side + slot, middle - 88 - 20 * slot, ink.FRIENDLY)
        _draw_life(surface, state, 2 * (1 - side) + slot, middle + 88 + 20 * slot, ink.HOSTILE)


def draw_bottom(surface: Any, state: Record, agent: int, rules: Rules, standing: Standing) -> None:
    """Write health and money at the left, weapon and ability at the right."""
    width, height = surface.get_size()
    ink.panel(surface, 10, height - 62, 252, 52)
    health = float(state["health"][agent])
    color = ink.BAD if health < _LOW_HEALTH else ink.GOOD
    ink.write(surface, f"{health:.0f}", (62, height - 36), 44, color, "center")
    ink.bar(surface, 104, height - 50, 146, 9, health / rules.health, color)
    ink.write(surface, f"${standing.money[agent]}", (104, height - 34), 22, ink.WARN)
    ink.write(surface, _CLASS_WORDS[agent % 2], (250, height - 33), 19, ink.FAINT, "topright")
    _draw_weapon(surface, state, agent, width, height)


def draw_work(surface: Any, state: Record, agent: int, rules: Rules, places: Any) -> None:
    """Say what `E` would do here, or how far it has come, and who has the bomb."""
    middle, row = surface.get_width() // 2, surface.get_height() - 130
    for word, left, whole in (
        ("Planting", float(state["plant_left"][agent]), rules.plant_s),
        ("Defusing", float(state["defuse_left"][agent]), rules.defuse_s),
    ):
        if left > 0:
            ink.write(surface, f"{word} {left:.1f} s", (middle, row - 6), 22, ink.WHITE, "midbottom")
            ink.bar(surface, middle - 90, row, 180, 10, 1 - left / whole, ink.WARN)
            return
    if can_plant(state, places, agent):
        ink.write(surface, "Hold E to plant the bomb", (middle, row), 26, ink.WARN, "center")
    elif can_defuse(state, rules.record, agent):
        ink.write(surface, "Hold E to defuse the bomb", (middle, row), 26, ink.WARN, "center")
    elif state["bomb_state"] == CARRIED and state["carrier"] == agent:
        ink.write(surface, "You carry the bomb: take it to A or B", (middle, row + 60), 20, ink.WARN, "center")


def draw_feed(surface: Any, feed: Feed, side: int, names: tuple[str, ...], clock: float) -> None:
    """Write what has happened, the newest line last, at the right."""
    right, row = surface.get_width() - 14, 64
    for line in feed.recent(clock):
        at = right
        for agent, text in ((line.target, ""), (-1, line.word), (line.actor, "")):
            words = names[agent] if agent >= 0 else text
            color = ink.FAINT if agent < 0 else (ink.FRIENDLY if agent // 2 == side else ink.HOSTILE)
            if words:
                at = ink.write(surface, words, (at, row), 20, color, "topright").left - 6
        row += 20


def draw_card(
    surface: Any, state: Record, agent: int, rules: Rules, standing: Standing, place: tuple[int, int], friendly: bool
) -> None:
    """Write who an agent is and how it fares, for the side of the map."""
    left, top = place
    ink.panel(surface, left, top, 200, 84)
    alive, weapon = bool(state["alive"][agent]), int(state["weapon"][agent])
    color = (ink.FRIENDLY if friendly else ink.HOSTILE) if alive else ink.FAINT
    ink.write(surface, standing.names[agent], (left + 10, top + 8), 22, color)
    ink.bar(surface, left + 10, top + 32, 180, 6, float(state["health"][agent]) / rules.health, color)
    carries = state["bomb_state"] == CARRIED and state["carrier"] == agent
    words = f"{WEAPONS[weapon]} {int(state['magazine'][agent])}" if alive else "down"
    ink.write(
        surface, words + (", bomb" if carries else ""), (left + 10, top + 44), 19, ink.WHITE if alive else ink.FAINT
    )
    ability = f"{ABILITIES[agent % 2]} {'ready' if state['charges'][agent] > 0 else 'used'}"
    ink.write(surface, f"{ability}   ${standing.money[agent]}", (left + 10, top + 62), 18, ink.FAINT)


def draw_wounds(surface: Any, state: Record, agent: int) -> None:
    """Redden the edges of the picture of somebody who was just hurt, or is nearly dead."""
    health = float(state["health"][agent])
    if state["hurt"][agent] > 0:
        ink.rim(surface, (215, 20, 10), 150)
    elif 0 < health < _LOW_HEALTH:
        ink.rim(surface, (150, 10, 10), 30 + 10 * int(5 * (1 - health / _LOW_HEALTH)))


def _draw_life(surface: Any, state: Record, agent: int, x: int, color: ink.Color) -> None:
    if state["present"][agent]:
        alive = bool(state["alive"][agent])
        ink.write(surface, "o" if alive else "x", (x, 26), 26, color if alive else ink.FAINT, "center")


def _draw_weapon(surface: Any, state: Record, agent: int, width: int, height: int) -> None:
    weapon, left = int(state["weapon"][agent]), width - 232
    ink.panel(surface, left, height - 62, 222, 52)
    loading, whole = float(state["reload_left"][agent]), float(WEAPON_TABLE["reload"][weapon])
    shots, most = int(state["magazine"][agent]), int(WEAPON_TABLE["magazine"][weapon])
    if loading > 0:
        ink.write(surface, "loading", (left + 12, height - 52), 24, ink.WARN)
        ink.bar(surface, left + 12, height - 28, 100, 8, 1 - loading / whole, ink.WARN)
    else:
        color = ink.BAD if shots <= most // 5 else ink.WHITE
        number = ink.write(surface, str(shots), (left + 12, height - 57), 44, color)
        ink.write(surface, f"/ {most}", (number.right + 4, height - 44), 22, ink.FAINT)
    ink.write(surface, WEAPONS[weapon], (left + 12, height - 14), 18, ink.FAINT, "bottomleft")
    ready = int(state["charges"][agent]) > 0
    ink.write(
        surface, ABILITIES[agent % 2], (width - 20, height - 52), 24, ink.GOOD if ready else ink.FAINT, "topright"
    )
    ink.write(surface, "Q  ready" if ready else "used", (width - 20, height - 30), 19, ink.FAINT, "topright")
