"""What a bundle was trained on, and so which of the players' recordings may judge it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from understudy.agents.bundle import Bundle
from understudy.evaluation.telemetry import Telemetry
from understudy.recordings import Episode


@dataclass(frozen=True)
class HeldOut:
    """Recordings to judge by.

    Attributes:
        episodes: Those that were not trained on, if there are any, else all.
        facts: What is known of how they were held out, in sentences.
        warnings: What was trained on although it should not have been, in sentences.
    """

    episodes: list[Episode]
    facts: tuple[str, ...]
    warnings: tuple[str, ...]


def choose_held_out(bundle: Bundle | None, episodes: Sequence[Episode]) -> HeldOut:
    """Leave out what a bundle was trained on, by the digests and the split in its provenance.

    Args:
        bundle: The bot's; None for bots whose recordings are all that is known of them.
        episodes: Of players.
    """
    if bundle is None:
        return HeldOut(list(episodes), ("Nothing is known of what the bot was trained on.",), ())
    listed = _listed(bundle)
    if not listed:
        words = (
            f"The bundle '{bundle.name}' does not say what it was trained on, so nothing here is known to be held out."
        )
        return HeldOut(list(episodes), (), (words,))
    kept_back = _split_players(bundle)
    known = {str(each.get("digest", "")) for each in listed}
    unseen = [each for each in episodes if each.digest not in known or each.provenance.player in kept_back]
    used = unseen or list(episodes)
    trained = [each for each in listed if each.get("player") not in kept_back]
    facts, warnings = [], []
    if unseen and len(unseen) < len(episodes):
        facts.append(f"Left out {len(episodes) - len(unseen)} recordings that the bot was trained on.")
    if unseen:
        facts.append("None of the recordings compared with was trained on.")
    else:
        warnings.append("Every recording given was trained on, so likeness is overstated; give held-out players' play.")
    for word, seen, found in (
        ("player", _values(trained, "player"), {each.provenance.player for each in used}),
        ("level", _values(trained, "map"), {each.provenance.map for each in used}),
        ("seed", _values(trained, "seed"), {str(each.provenance.seed) for each in used} - {"None"}),
    ):
        facts += _fact(word, seen, found)
        warnings += _warning(word, seen & found, found)
    return HeldOut(used, tuple(facts), tuple(warnings))


def trained_levels(bundle: Bundle) -> set[str]:
    """Return the levels that a bundle says it was trained on."""
    kept_back = _split_players(bundle)
    return _values((each for each in _listed(bundle) if each.get("player") not in kept_back), "map")


def describe_players(players: Sequence[Telemetry]) -> str:
    """Return who is compared with, in a sentence."""
    hours = sum(each.num_steps / each.hz for each in players) / 3600
    names = {each.player for each in players}
    personas = sorted({each.persona for each in players} - {""})
    levels = sorted({each.map for each in players} - {""})
    words = f"{len(players)} recordings of {len(names)} player{'s' if len(names) != 1 else ''}, {hours:.2g} hours"
    words += f", of the styles {', '.join(personas)}" if personas else ""
    return words + (f", on {', '.join(levels)}." if levels else ".")


def _listed(bundle: Bundle) -> list[Mapping[str, Any]]:
    listed = bundle.card.provenance.get("recordings")
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []


def _split_players(bundle: Bundle) -> set[str]:
    recipe = bundle.card.provenance.get("recipe")
    split = recipe.get("split") if isinstance(recipe, Mapping) else None
    players = split.get("players") if isinstance(split, Mapping) else None
    return {str(each) for each in players} if isinstance(players, (list, tuple)) else set()


def _values(listed: Iterable[Mapping[str, Any]], name: str) -> set[str]:
    return {str(each[name]) for each in listed if each.get(name) not in (None, "")}


def _fact(word: str, seen: set[str], found: set[str]) -> list[str]:
    if not seen or seen & found or not found - {""}:
        return []
    return [f"No {word} compared with was trained on."]


def _warning(word: str, both: set[str], found: set[str]) -> list[str]:
    if not both:
        return []
    named = f": {', '.join(sorted(both))}" if word == "level" else ""
    return [
        f"{len(both)} of {len(found)} {word}s compared with {'was' if len(both) == 1 else 'were'} trained on{named}."
    ]
