"""What gives a bot away, in sentences: the measures furthest above their floor, in which direction and where."""

from __future__ import annotations

import numpy as np

from understudy.evaluation.measures import Measure, pooled
from understudy.evaluation.result import AMBER, MEAN_KEY, RED, STEPPED, Evaluation, Histogram, Row

_MOST_GIVEAWAYS = 6


def find_giveaways(found: Evaluation) -> list[str]:
    """Say what tells the bot from players: the measures furthest above their floor, in words."""
    ranked = sorted(
        (
            each
            for each in found.rows
            if each.ratio is not None
            and each.verdict in (AMBER, RED)
            and each.key != MEAN_KEY
            and not each.key.endswith(STEPPED)
        ),
        key=lambda row: -row.ratio.mean,  # type: ignore[union-attr]
    )
    return [_giveaway(found, each) for each in ranked[:_MOST_GIVEAWAYS]]


def _giveaway(found: Evaluation, row: Row) -> str:
    assert row.ratio is not None
    times = f"{row.ratio.mean:.0f}" if row.ratio.mean >= 10 else f"{row.ratio.mean:.1f}"
    words = f"{row.title} ({times} times the floor)"
    histogram = next((each for each in found.histograms if each.measure.key == row.key), None)
    if histogram is not None:
        return f"{words}: {_difference(found, histogram)}"
    if row.key == "occupancy_ot":
        return (
            f"{words}: the bot's time would have to move {row.bot.mean:.1f} m on the map to be where players spend it."
        )
    if row.key.startswith("choices"):
        return f"{words}: {_choice_words(found)}"
    return f"{words}: the bot is in other places than players; see the maps."


def _difference(found: Evaluation, histogram: Histogram) -> str:
    measure = histogram.measure
    if not len(pooled(measure, found.play[found.bot])):
        return f"the bot never does what this is measured by; players do, {_often(found, measure)} times a round."
    middles = [float(np.median(pooled(measure, each))) for each in (found.play[found.bot], found.players)]
    bot, players = histogram.shares[found.bot], histogram.shares["players"]
    worst = int(np.argmax(np.abs(bot - players)))
    where = bin_words(histogram.edges, worst, measure.unit)
    direction = _direction(measure, histogram)
    return (
        f"the bot {direction} (median {middles[0]:.3g} against {middles[1]:.3g} {measure.unit}); most of all, "
        f"{bot[worst]:.0%} of its values are {where}, of the players' {players[worst]:.0%}."
    )


def _often(found: Evaluation, measure: Measure) -> str:
    return f"{len(pooled(measure, found.players)) / len(found.players):.2g}"


def _direction(measure: Measure, histogram: Histogram) -> str:
    """By the mean difference of the cumulative shares: that of medians may be nought."""
    bot, players = (np.cumsum(histogram.shares[name]) for name in _bot_and_players(histogram))
    return measure.more if float((players - bot).sum()) > 0 else measure.less


def _bot_and_players(histogram: Histogram) -> tuple[str, str]:
    return next(name for name in histogram.shares if name != "players"), "players"


def bin_words(edges: np.ndarray, index: int, unit: str) -> str:
    """Return a bin in words, such as "from 1 to 2 m/s"."""
    end = f" {unit}" if unit else ""
    if index == 0:
        return f"at most {edges[0]:.3g}{end}"
    if index == len(edges):
        return f"above {edges[-1]:.3g}{end}"
    return f"from {edges[index - 1]:.3g} to {edges[index]:.3g}{end}"


def _choice_words(found: Evaluation) -> str:
    bot, players = found.varieties[found.bot], found.varieties["players"]
    labels = {*bot.shares, *players.shares}
    worst = max(labels, key=lambda label: abs(bot.shares.get(label, 0) - players.shares.get(label, 0)))
    return (
        f"the bot's choices hold {bot.bits:.2f} bits, players' {players.bits:.2f}; most of all, '{worst}' is "
        f"{bot.shares.get(worst, 0):.0%} of its rounds, {players.shares.get(worst, 0):.0%} of theirs."
    )
