"""How varied play is: entropy over the routes taken and the sites chosen, always with how often they led to a win."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.evaluation.statistics import js_divergence
from understudy.evaluation.telemetry import Telemetry

_NEAR_SITE = 6.0
_COARSE = 4
_UNKNOWN = "none"


@dataclass(frozen=True)
class Choice:
    """What one episode chose: the side it was played on, the lane and the site, and whether it was won."""

    side: str
    lane: str
    site: str
    won: bool | None

    @property
    def label(self) -> str:
        """The choice in a few words."""
        return " ".join(each for each in (self.side, self.lane, self.site) if each)


@dataclass(frozen=True)
class Variety:
    """Of a group of episodes.

    Attributes:
        bits: Entropy of their choices, given the side.
        bits_won: The same of those that were won; NaN if none was.
        success: Share that was won; NaN if that is unknown. Bots that play each other win half of all rounds.
        by_side: By side, the share that was won on it, where that is known.
        shares: By choice, its share.
    """

    bits: float
    bits_won: float
    success: float
    by_side: Mapping[str, float]
    shares: Mapping[str, float]


def choice_of(episode: Telemetry) -> Choice | None:
    """Read route and site from positions; None if there are none.

    On a level whose plan is known, the route is the lane walked and the site is where the bomb was planted, else the
    one whose surroundings the player stayed in longest. Elsewhere both are cells of a coarse 4 x 4 grid: where the
    player was after a third of the episode, and at its end.
    """
    if episode.positions is None:
        return None
    if episode.ground is None or not episode.ground.sites:
        return Choice(episode.side, "", "", episode.won)
    return Choice(episode.side, episode.ground.lane(episode.positions) or _UNKNOWN, _site(episode), episode.won)


def _site(episode: Telemetry) -> str:
    assert episode.ground is not None
    assert episode.positions is not None
    distances = episode.ground.site_distances(episode.positions)
    if episode.planted is not None:
        return min(distances, key=lambda name: distances[name][episode.planted])
    seconds = {name: (away < _NEAR_SITE).sum() / episode.hz for name, away in distances.items()}
    best = max(seconds, key=lambda name: seconds[name])
    return best if seconds[best] >= 1.0 else _UNKNOWN


def choices_of(episodes: Sequence[Telemetry], like: Sequence[Telemetry] | None = None) -> list[Choice | None]:
    """Return the choice of each episode; coarse cells where levels are unknown are those of `like` and themselves."""
    found = [choice_of(each) for each in episodes]
    extents = _extents([*(like or ()), *episodes])
    return [
        _coarse(each, extents[each.map]) if choice is not None and not (choice.lane or choice.site) else choice
        for each, choice in zip(episodes, found, strict=True)
    ]


def _extents(episodes: Sequence[Telemetry]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for each in episodes:
        if each.positions is not None:
            low, high = each.positions.min(0), each.positions.max(0)
            seen = found.get(each.map, (low, high))
            found[each.map] = np.minimum(low, seen[0]), np.maximum(high, seen[1])
    return found


def _coarse(episode: Telemetry, extent: tuple[np.ndarray, np.ndarray]) -> Choice:
    assert episode.positions is not None
    low, high = extent
    ends = episode.positions[[len(episode.positions) // 3, -1]]
    cells = np.clip((ends - low) / np.maximum(high - low, 1e-9) * _COARSE, 0, _COARSE - 1).astype(int)
    lane, site = (f"{'ABCD'[column]}{row + 1}" for column, row in cells)
    return Choice(episode.side, lane, site, episode.won)


def variety(choices: Sequence[Choice]) -> Variety:
    """Return how varied choices are."""
    known = [each.won for each in choices if each.won is not None]
    won = [each for each in choices if each.won]
    counts = Counter(each.label for each in choices)
    return Variety(
        choice_entropy(choices),
        choice_entropy(won) if won else float("nan"),
        float(np.mean(known)) if known else float("nan"),
        _won_by_side(choices),
        {label: count / len(choices) for label, count in counts.most_common()},
    )


def _won_by_side(choices: Sequence[Choice]) -> dict[str, float]:
    sides = sorted({each.side for each in choices if each.side and each.won is not None})
    return {side: float(np.mean([bool(each.won) for each in choices if each.side == side])) for side in sides}


def choice_entropy(choices: Sequence[Choice]) -> float:
    """Return the mean over sides, by how often each was played, of the entropy of lane and site, in bits."""
    total = 0.0
    for side in {each.side for each in choices}:
        counts = Counter((each.lane, each.site) for each in choices if each.side == side)
        shares = np.array(list(counts.values())) / counts.total()
        total -= float((shares * np.log2(shares)).sum()) * counts.total() / len(choices)
    return total


def choice_distances(left: Sequence[Choice], right: Sequence[Choice]) -> np.ndarray:
    """Return the divergence of the choices in bits, and how far their entropies are apart, shape (2,)."""
    labels = sorted({each.label for each in (*left, *right)})
    counts = [np.array([[each.label for each in side].count(label) for label in labels]) for side in (left, right)]
    return np.array([js_divergence(*counts), abs(choice_entropy(left) - choice_entropy(right))])
