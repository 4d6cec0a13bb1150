"""The panel's measures: what of an episode is counted, in bins that the players' own play sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.evaluation.likeness import HOLD_EDGES, hold_lengths
from understudy.evaluation.statistics import js_divergence
from understudy.evaluation.telemetry import Telemetry

_NUM_BINS = 20
_MAX_REACTION_S = 2.0
_AIMED_DEGREES = 8.0
_MOVES, _GAITS = ("move",), ("gait",)


Histograms = Sequence[np.ndarray | None]


@dataclass(frozen=True)
class Measure:
    """One thing counted.

    Attributes:
        key: In the JSON.
        title: In tables.
        unit: Of the values; empty if they are choices.
        values: From an episode to its values, shape (n,), or None if its recording lacks what is needed.
        needs: What a recording must have, in words.
        more: What a larger value means, after "the bot": "moves faster".
        less: What a smaller one means.
        log_unit: Bins are even in asinh(value / log_unit); 0 for even bins.
        edges: Given bins instead: values up to and with each edge.
    """

    key: str
    title: str
    unit: str
    values: Callable[[Telemetry], np.ndarray | None]
    needs: str
    more: str
    less: str
    log_unit: float = 0.0
    edges: tuple[float, ...] = ()

    def inner_edges(self, players: Sequence[Telemetry]) -> np.ndarray | None:
        """Return the edges between the bins, from what the players do; None if no recording of theirs has values."""
        found = [values for each in players if (values := self.values(each)) is not None]
        pooled = np.concatenate(found) if found else np.empty(0)
        if not len(pooled):
            return None
        if self.edges:
            return np.array(self.edges, float)
        low, high = np.percentile(pooled, [0.5, 99.5])
        if high <= low:
            high = low + 1.0
        if not self.log_unit:
            return np.linspace(low, high, _NUM_BINS - 1)
        first, last = np.arcsinh(np.array([low, high]) / self.log_unit).tolist()
        stretched = np.linspace(first, last, _NUM_BINS - 1)
        return np.sinh(stretched) * self.log_unit

    def histogram(self, episode: Telemetry, edges: np.ndarray) -> np.ndarray | None:
        """Return the counts of one episode, int64, shape (edges + 1,); None if it lacks what is needed."""
        values = self.values(episode)
        if values is None:
            return None
        return np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)


def divergences(left: Sequence[Histograms], right: Sequence[Histograms]) -> np.ndarray:
    """Return the Jensen-Shannon divergence of each measure and, last, their mean.

    Where one side never does what the other does, such as shooting, they have nothing in common: that is 1 bit. It is
    NaN where neither does it, or where a side's recordings lack what is needed.

    Args:
        left: Of each episode, a histogram per measure, None where its recording lacks what is needed.
        right: Likewise.

    Returns:
        Bits, float64, shape (measures + 1,).
    """
    sums = [[total(column) for column in zip(*side, strict=True)] for side in (left, right)]
    found = [_divergence(p, q) for p, q in zip(*sums, strict=True)]
    known = [each for each in found if not np.isnan(each)]
    return np.array([*found, np.mean(known) if known else np.nan])


def total(histograms: Iterable[np.ndarray | None]) -> np.ndarray | None:
    """Return the sum of those histograms that there are, None if there is none."""
    known = [each for each in histograms if each is not None]
    return np.sum(known, axis=0) if known else None


def _divergence(p: np.ndarray | None, q: np.ndarray | None) -> float:
    if p is None or q is None or not (p.any() or q.any()):
        return float("nan")
    return js_divergence(p, q) if p.any() and q.any() else 1.0


def pooled(measure: Measure, episodes: Iterable[Telemetry]) -> np.ndarray:
    """Return all values of some episodes, shape (n,)."""
    found = [values for each in episodes if (values := measure.values(each)) is not None]
    return np.concatenate(found) if found else np.empty(0)


def panel_measures(players: Sequence[Telemetry]) -> list[Measure]:
    """Return the measures of a game: those of a shooter, and how long each of its choices is held."""
    known = {name for each in players for name in each.choices}
    return [*SHOOTER, *(_held(name) for name in sorted(known) if name not in ("fire", "attack", "shoot"))]


def reaction_times(episode: Telemetry) -> np.ndarray | None:
    """Return the seconds from each first sight of an enemy to the first aimed shot, at most 2 s, shape (sights,).

    A sight ends when no enemy is visible; a shot is aimed if it is less than 8 degrees off.
    """
    columns = episode.columns
    if not {"visible", "fire", "aim_error"} <= columns.keys():
        return None
    visible = columns["visible"] > 0
    shots = visible & (columns["fire"] > 0) & (np.nan_to_num(columns["aim_error"], nan=180.0) < _AIMED_DEGREES)
    starts, stops = _runs(visible)
    firsts = [np.flatnonzero(shots[start:stop]) for start, stop in zip(starts, stops, strict=True)]
    # One who comes into sight shooting had heard or remembered the enemy: no reaction to what was seen.
    times = np.array([each[0] / episode.hz for each in firsts if len(each) and each[0] > 0])
    return times[times <= _MAX_REACTION_S]


def burst_lengths(episode: Telemetry) -> np.ndarray | None:
    """Return for how many decisions each burst holds the trigger, shape (bursts,)."""
    if "fire" not in episode.columns:
        return None
    starts, stops = _runs(episode.columns["fire"] > 0)
    return (stops - starts).astype(float)


def _runs(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first steps of runs of True, and the steps after their last."""
    edges = np.diff(np.concatenate([[0], flags.astype(int), [0]]))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def _column(name: str, *, absolute: bool = False) -> Callable[[Telemetry], np.ndarray | None]:
    def values(episode: Telemetry) -> np.ndarray | None:
        column = episode.columns.get(name)
        if column is None:
            return None
        known = column[~np.isnan(column)]
        return np.abs(known) if absolute else known

    return values


def _speed_firing(episode: Telemetry) -> np.ndarray | None:
    if not {"speed", "fire"} <= episode.columns.keys():
        return None
    speeds = episode.columns["speed"][episode.columns["fire"] > 0]
    return speeds[~np.isnan(speeds)]


def _held(name: str) -> Measure:
    def values(episode: Telemetry) -> np.ndarray | None:
        choices = episode.choices.get(name)
        return None if choices is None else hold_lengths(choices).astype(float)

    return Measure(
        f"{name}_held",
        f"How long '{name}' is held",
        "decisions",
        values,
        f"an action part '{name}'",
        f"keeps to a choice of '{name}' for longer",
        f"changes '{name}' more often",
        edges=tuple(float(each) for each in HOLD_EDGES),
    )


SHOOTER: tuple[Measure, ...] = (
    Measure(
        "speed",
        "Speed",
        "m/s",
        _column("speed"),
        "positions or velocities",
        "moves faster",
        "moves more slowly or less",
    ),
    Measure(
        "turn_rate",
        "Turn rate",
        "°/s",
        _column("turn", absolute=True),
        "a view, or an action part that turns",
        "turns faster or more often",
        "turns more slowly or less",
        log_unit=10.0,
    ),
    Measure(
        "pitch_rate",
        "Pitch rate",
        "°/s",
        _column("pitch", absolute=True),
        "a view, or an action part that looks up and down",
        "looks up and down more",
        "looks up and down less",
        log_unit=10.0,
    ),
    Measure(
        "aim_error",
        "Aim error while an enemy is visible",
        "°",
        _column("aim_error"),
        "the extra 'enemies'",
        "aims worse",
        "aims better",
        log_unit=2.0,
    ),
    Measure(
        "reaction_time",
        "Reaction time to the first aimed shot",
        "s",
        reaction_times,
        "the extra 'enemies' and an action part 'fire'",
        "reacts more slowly",
        "reacts faster",
        edges=tuple(np.arange(1, 13) / 8 + 1 / 32),
    ),
    Measure(
        "burst_length",
        "Length of bursts",
        "decisions",
        burst_lengths,
        "an action part 'fire'",
        "holds the trigger longer",
        "taps the trigger more",
        edges=tuple(float(each) for each in HOLD_EDGES),
    ),
    Measure(
        "speed_firing",
        "Speed while firing",
        "m/s",
        _speed_firing,
        "positions and an action part 'fire'",
        "runs while it shoots",
        "stands still to shoot",
    ),
    Measure(
        "clearance",
        "Distance to cover",
        "m",
        _column("clearance"),
        "positions on a known level, or rays with walls",
        "stays further from walls and cover",
        "hugs walls and cover",
    ),
)
