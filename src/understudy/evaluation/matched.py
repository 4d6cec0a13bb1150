"""A distance to players beside its floor: what the same distance is when other players stand in the bot's place.

Players are divided in two halves, again and again. One half is the reference; the other half, and in its place as many
episodes of each candidate, is compared with it. So every number is of samples of the same size, and what a finite
sample adds to a divergence it adds to the bot and to the floor alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.errors import RecordingError
from understudy.evaluation.telemetry import Telemetry

Rows = np.ndarray
Distance = Callable[[Sequence, Sequence], np.ndarray]
"""From two lists of episodes' features to one or more distances, float64, shape (k,), NaN where there is nothing."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def to_list(self) -> list[float]:
        """Return mean, low and high."""
        return [self.mean, self.low, self.high]


@dataclass(frozen=True)
class Comparison:
    """Distances to players.

    Attributes:
        candidates: By candidate, its distance.
        floor: That of other players, of as many episodes as the first candidate.
        ratios: By candidate, its distance over the mean of as many episodes of other players.
    """

    candidates: Mapping[str, Estimate]
    floor: Estimate
    ratios: Mapping[str, Estimate]


@dataclass(frozen=True)
class Halves:
    """Two halves of the players' episodes, as indices."""

    reference: Rows
    others: Rows


def split_players(players: Sequence[Telemetry], rng: np.random.Generator) -> Halves:
    """Divide episodes in two halves by player, evenly over styles; by episode if there is but one player.

    Raises:
        RecordingError: If there are fewer than two episodes.
    """
    if len(players) < 2:
        raise RecordingError("Comparing needs at least two recordings of players, for their floor; give more of them.")
    units: dict[tuple[str, str], list[int]] = defaultdict(list)
    alone = len({each.player for each in players}) == 1
    for index, each in enumerate(players):
        units[("", each.name) if alone else (each.persona, each.player)].append(index)
    halves: tuple[list[int], list[int]] = ([], [])
    for unit in _shuffled(units, rng):
        halves[len(halves[0]) > len(halves[1])].extend(units[unit])
    return Halves(np.array(halves[0]), np.array(halves[1]))


def _shuffled(units: Mapping[tuple[str, str], Sequence[int]], rng: np.random.Generator) -> list[tuple[str, str]]:
    """The players in random order, those of a style next to each other, so that they fall on both sides."""
    by_style: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for unit in units:
        by_style[unit[0]].append(unit)
    styles = [by_style[name] for name in by_style]
    rng.shuffle(styles)
    return [each[index] for each in styles for index in rng.permutation(len(each))]


def compare_matched(
    players: Sequence[Telemetry],
    features: Sequence,
    candidates: Mapping[str, Sequence],
    distance: Distance,
    *,
    rounds: Mapping[str, Sequence[Hashable]] | None = None,
    splits: int = 20,
    draws: int = 200,
    seed: int = 0,
) -> list[Comparison]:
    """Compare candidates, and players themselves, with players.

    Args:
        players: The held-out players' episodes: says how to divide them.
        features: Of each of these episodes, whatever `distance` takes.
        candidates: By name, the features of their episodes; the first is the bot.
        distance: Between two lists of features.
        rounds: By candidate, the round of each of its episodes: those who play together are not independent, and are
            resampled together. By default each episode is a round of its own.
        splits: Random divisions of the players; the means are over them.
        draws: Bootstrap resamples of whole rounds, each of its own division.
        seed: Of all drawing.

    Returns:
        A comparison for each of the distances.
    """
    rng = np.random.default_rng(seed)
    own = _Play([each.round for each in players], features)
    others = {name: _Play((rounds or {}).get(name, range(len(each))), each) for name, each in candidates.items()}
    points = _collect(_pairs(players, own, others, distance, splits, rng, resample=False))
    spread = _collect(_pairs(players, own, others, distance, draws, rng, resample=True))
    num = next(iter(points.values()))[0].shape[1]
    return [_comparison(list(candidates), points, spread, index) for index in range(num)]


_Table = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class _Play:
    """Of each episode, the round that it is of and its features."""

    rounds: Sequence[Hashable]
    features: Sequence

    def take(self, rows: Rows, size: int, rng: np.random.Generator, *, resample: bool) -> list:
        """Draw `size` of the rows without repetition; resampling then draws whole rounds of these with repetition."""
        chosen = rng.permutation(rows)[:size].tolist()
        return [self.features[index] for index in (self._resampled(chosen, rng) if resample else chosen)]

    def _resampled(self, chosen: Sequence[int], rng: np.random.Generator) -> list[int]:
        together: dict[Hashable, list[int]] = defaultdict(list)
        for index in chosen:
            together[self.rounds[index]].append(index)
        groups, drawn = list(together.values()), list[int]()
        while len(drawn) < len(chosen):
            drawn += groups[rng.integers(len(groups))]
        return drawn[: len(chosen)]


def _pairs(
    players: Sequence[Telemetry],
    own: _Play,
    candidates: Mapping[str, _Play],
    distance: Distance,
    times: int,
    rng: np.random.Generator,
    *,
    resample: bool,
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """The distance of a candidate and, of as many episodes, that of the other half; the bot's again and again."""
    for _ in range(times):
        halves = split_players(players, rng)
        reference = own.take(halves.reference, len(halves.reference), rng, resample=resample)
        for name, bot in candidates.items():
            size = min(len(bot.rounds), len(halves.others))
            sides = ((bot, np.arange(len(bot.rounds))), (own, halves.others))
            drawn = (play.take(rows, size, rng, resample=resample) for play, rows in sides)
            found, floor = (distance(each, reference) for each in drawn)
            yield name, found, floor


def _collect(pairs: Iterator[tuple[str, np.ndarray, np.ndarray]]) -> _Table:
    rows: dict[str, tuple[list, list]] = defaultdict(lambda: ([], []))
    for name, found, floor in pairs:
        rows[name][0].append(found)
        rows[name][1].append(floor)
    return {name: (np.array(found), np.array(floor)) for name, (found, floor) in rows.items()}


def _comparison(names: Sequence[str], points: _Table, spread: _Table, index: int) -> Comparison:
    def column(table: _Table, name: str, which: int) -> np.ndarray:
        return table[name][which][:, index]

    estimates = {name: _centred(column(points, name, 0), column(spread, name, 0)) for name in names}
    floors = {name: _centred(column(points, name, 1), column(spread, name, 1)) for name in names}
    ratios = {name: _ratio(estimates[name], floors[name].mean) for name in names}
    return Comparison(estimates, floors[names[0]], ratios)


def _centred(points: np.ndarray, spread: np.ndarray) -> Estimate:
    """The bootstrap's spread about the mean: resampling adds to a divergence, which would shift a plain percentile."""
    if np.isnan(points).all():
        return Estimate(np.nan, np.nan, np.nan)
    mean = float(np.nanmean(points))
    spread = spread[~np.isnan(spread)]
    if not len(spread):
        return Estimate(mean, mean, mean)
    low, high = np.percentile(spread, [2.5, 97.5]) - spread.mean()
    return Estimate(mean, max(0.0, mean + min(float(low), 0.0)), mean + max(float(high), 0.0))


def _ratio(found: Estimate, floor: float) -> Estimate:
    """Over the mean floor: the quotient of two resampled divergences has no interval worth the name."""
    if not floor > 0:
        return Estimate(np.nan, np.nan, np.nan)
    return Estimate(found.mean / floor, found.low / floor, found.high / floor)
