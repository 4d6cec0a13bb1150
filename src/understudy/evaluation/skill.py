"""Does the skill dial do what it says: rank correlation between the dial and the rating that play earns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.evaluation.matched import Estimate
from understudy.evaluation.ratings import Game, Standing, mean_ratings, rate

_DRAWS = 60


@dataclass(frozen=True)
class SkillCurve:
    """What a dial does.

    Attributes:
        dials: Rising, in [0, 1].
        standings: At each.
        spearman: Between dial and rating, with a bootstrap interval by game.
    """

    dials: tuple[float, ...]
    standings: tuple[Standing, ...]
    spearman: Estimate


def spearman(left: Sequence[float], right: Sequence[float]) -> float:
    """Return Spearman's rank correlation in [-1, 1], ties sharing their mean rank; NaN if a side is constant.

    Source: Spearman 1904, "The proof and measurement of association between two things".
    """
    from scipy.stats import rankdata

    a, b = rankdata(left), rankdata(right)
    if len(a) < 2 or a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def skill_curve(games: Sequence[Game], dials: Mapping[str, float], seed: int = 0) -> SkillCurve | None:
    """Rate the bots of a dial; None if fewer than three positions of it played.

    Args:
        games: All of the round robin; those of others count for the ratings too.
        dials: By name of a side, its dial in [0, 1].
        seed: Of the drawing.
    """
    standings = rate(games, seed)
    names = sorted((name for name in dials if name in standings), key=lambda name: dials[name])
    if len(names) < 3:
        return None
    settings = [dials[name] for name in names]
    point = spearman(settings, [standings[name].rating.mean for name in names])
    rng = np.random.default_rng(seed)
    found = []
    for draw in range(_DRAWS):
        ratings = mean_ratings([games[index] for index in rng.integers(len(games), size=len(games))], draw)
        found.append(spearman(settings, [ratings.get(name, np.nan) for name in names]))
    known = [each for each in found if not np.isnan(each)] or [point]
    low, high = np.percentile(known, [2.5, 97.5])
    interval = Estimate(point, float(min(low, point)), float(max(high, point)))
    return SkillCurve(tuple(settings), tuple(standings[name] for name in names), interval)
