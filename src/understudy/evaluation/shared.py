"""What may be compared: levels that both sides were on, and whether there are players enough for an honest floor."""

from __future__ import annotations

from collections.abc import Sequence

from understudy.evaluation.result import Evaluation, Play
from understudy.evaluation.telemetry import Telemetry


def on_shared_levels(players: Sequence[Telemetry], play: Play) -> Evaluation:
    """Keep what was played where the bot and players both were: what a level makes of play is no tell."""
    bot = next(iter(play))
    shared = {each.map for each in players} & {each.map for each in play[bot]}
    kept = [each for each in players if each.map in shared]
    found = Evaluation(bot, dict(play), players)
    if len(kept) < 2:
        found.warnings.append("The bot and the players were on no level in common: what levels do is taken for habits.")
        return found
    found.players = kept
    for name, episodes in play.items():
        own = [each for each in episodes if each.map in shared]
        found.play = {**found.play, name: own or episodes}
    left = [len(players) - len(kept), sum(map(len, play.values())) - sum(map(len, found.play.values()))]
    if any(left):
        found.facts.append(
            f"Left out {left[0]} recordings of players and {left[1]} of bots, on levels that only one of them was on."
        )
    return found


def doubts(players: Sequence[Telemetry]) -> list[str]:
    """Say where the players are too few for an honest floor."""
    by_style: dict[str, set[str]] = {}
    for each in players:
        by_style.setdefault(each.persona, set()).add(each.player)
    if len({each.player for each in players}) == 1:
        return ["All the play compared with is by one player: floors are of its own rounds, and too low."]
    alone = sorted(style for style, names in by_style.items() if len(names) == 1)
    if len(by_style) == 1 or not alone:
        return []
    named = f"The style{'s' if len(alone) > 1 else ''} {', '.join(alone)} {'have' if len(alone) > 1 else 'has'}"
    return [f"{named} one player each: floors are between styles there, and too high."]
