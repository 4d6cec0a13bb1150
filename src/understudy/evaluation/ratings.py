"""Ratings and win rates from games between named sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.errors import require
from understudy.evaluation.matched import Estimate

_ORDERS, _DRAWS = 8, 1000


@dataclass(frozen=True)
class Game:
    """One game of a round robin.

    Attributes:
        sides: Who played, such as attack and defence.
        winner: 0 or 1, the side that won; -1 for a draw.
        level: Played on.
        seed: That it started from.
    """

    sides: tuple[str, str]
    winner: int
    level: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Standing:
    """Where one stands.

    Attributes:
        rating: mu, with mu - 1.96 sigma and mu + 1.96 sigma.
        ordinal: mu - 3 sigma, the cautious rating.
        wins: Share of games won, draws counting half, with a bootstrap interval by game.
        games: How many.
    """

    rating: Estimate
    ordinal: float
    wins: Estimate
    games: int


def rate(games: Sequence[Game], seed: int = 0) -> dict[str, Standing]:
    """Rate everybody who played, best first.

    A rating that is updated game by game depends on their order; so it is the mean over some random orders.

    Source: Weng and Lin 2011, "A Bayesian approximation method for online ranking" (Plackett-Luce, openskill).
    """
    rng = np.random.default_rng(seed)
    names = sorted({name for each in games for name in each.sides})
    runs = [_rate_once([games[index] for index in rng.permutation(len(games))], names) for _ in range(_ORDERS)]
    found = {name: _standing(name, games, np.mean([run[name] for run in runs], axis=0), rng) for name in names}
    return dict(sorted(found.items(), key=lambda item: -item[1].rating.mean))


def mean_ratings(games: Sequence[Game], seed: int = 0) -> dict[str, float]:
    """Return everybody's mu, by one random order: quick enough to be bootstrapped."""
    rng = np.random.default_rng(seed)
    names = sorted({name for each in games for name in each.sides})
    rated = _rate_once([games[index] for index in rng.permutation(len(games))], names)
    return {name: mu for name, (mu, _) in rated.items()}


def win_table(games: Sequence[Game]) -> dict[tuple[str, str], float]:
    """Return by pair of names the share of their games that the first one won, draws counting half."""
    points: dict[tuple[str, str], list[float]] = {}
    for each in games:
        for own, other in ((0, 1), (1, 0)):
            points.setdefault((each.sides[own], each.sides[other]), []).append(_points(each, own))
    return {pair: float(np.mean(each)) for pair, each in points.items() if pair[0] != pair[1]}


def _rate_once(games: Sequence[Game], names: Sequence[str]) -> dict[str, tuple[float, float]]:
    models = require("openskill.models", "evaluate")
    model = models.PlackettLuce()
    ratings = {name: model.rating(name=name) for name in names}
    for each in games:
        if each.sides[0] == each.sides[1]:
            continue
        teams = [[ratings[name]] for name in each.sides]
        ranks = [0.0, 0.0] if each.winner < 0 else [float(each.winner != side) for side in (0, 1)]
        (ratings[each.sides[0]],), (ratings[each.sides[1]],) = model.rate(teams, ranks=ranks)
    return {name: (each.mu, each.sigma) for name, each in ratings.items()}


def _standing(name: str, games: Sequence[Game], rated: np.ndarray, rng: np.random.Generator) -> Standing:
    mu, sigma = rated.tolist()
    own = np.array([_points(each, side) for each in games for side in (0, 1) if each.sides[side] == name])
    drawn = own[rng.integers(len(own), size=(_DRAWS, len(own)))].mean(1)
    wins = Estimate(float(own.mean()), *(float(each) for each in np.percentile(drawn, [2.5, 97.5])))
    return Standing(Estimate(mu, mu - 1.96 * sigma, mu + 1.96 * sigma), mu - 3 * sigma, wins, len(own))


def _points(game: Game, side: int) -> float:
    return 0.5 if game.winner < 0 else float(game.winner == side)


def rows_of(standings: Mapping[str, Standing]) -> list[dict[str, object]]:
    """Return the JSON form, best first."""
    return [
        {
            "name": name,
            "rating": each.rating.to_list(),
            "ordinal": each.ordinal,
            "wins": each.wins.to_list(),
            "games": each.games,
        }
        for name, each in standings.items()
    ]
