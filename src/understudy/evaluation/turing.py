"""The automated Turing test: how well a classifier trained on some players and bots tells others apart.

Each player stands in the test set of one fold and is unknown to that fold's classifier (unless nobody else plays its
style); so does each of several who stand in the bot's place; of a single bot, other rounds are tested than were trained
on. An area under the ROC curve (AUC) of 0.5 means that they cannot be told apart. The test is for reports: a bot that
was optimised against this classifier proves nothing by passing it.

Source: Devlin et al. 2021, "Navigation Turing Test", arXiv:2105.09637, section 5 (the automated test).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from understudy.evaluation.classifier import Classifier, train_classifier
from understudy.evaluation.matched import Estimate, split_players
from understudy.evaluation.sequences import Layout, Windows, cut_windows, shared_layout
from understudy.evaluation.telemetry import Telemetry

_DRAWS = 400
_ROC_POINTS = 101
_HAND, _STEP_DEGREES, _STEP_SHARE, _STEPS_COVER = ("turn", "pitch"), 0.01, 0.002, 0.6


@dataclass(frozen=True)
class TuringOptions:
    """How thorough the test is.

    Attributes:
        window_s: Seconds a window.
        folds: Divisions, each with its own classifier.
        updates: Of each classifier.
        seed: Of all drawing.
    """

    window_s: float = 4.0
    folds: int = 3
    updates: int = 300
    seed: int = 0


@dataclass(frozen=True)
class Scored:
    """Windows that a classifier had not seen, with the log-odds it gives each of being a bot's.

    Attributes:
        fold: Of each window, shape (windows,).
        episode: Number of the episode, shape (windows,).
        bot: Whether it is a bot's, shape (windows,).
        score: Log-odds, shape (windows,).
    """

    fold: np.ndarray
    episode: np.ndarray
    bot: np.ndarray
    score: np.ndarray


@dataclass(frozen=True)
class TuringResult:
    """The outcome.

    Attributes:
        auc: By window, with an interval by episode.
        episode_auc: By whole episode.
        roc: False and true positive rates, shape (2, points).
        giveaways: By what windows tell of, how far the AUC falls when that is shuffled among them.
        scores: Of each tested episode: its mean log-odds of being a bot's, by the recording's name.
    """

    auc: Estimate
    episode_auc: float
    roc: np.ndarray
    giveaways: dict[str, float]
    scores: dict[str, float]


def area_under_curve(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the probability that a positive scores above a negative, ties counting half; NaN if a kind is missing.

    Source: Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve" (the Wilcoxon statistic).
    """
    from scipy.stats import rankdata

    positive = np.asarray(positive, bool)
    num, rest = int(positive.sum()), int((~positive).sum())
    if not num or not rest:
        return float("nan")
    return float((rankdata(scores)[positive].sum() - num * (num + 1) / 2) / (num * rest))


def turing_test(
    players: Sequence[Telemetry], bots: Sequence[Telemetry], options: TuringOptions | None = None
) -> TuringResult | None:
    """Try to tell bots from players; None if either has too few episodes to train and test on, or nothing in common."""
    options = options or TuringOptions()
    episodes = [*players, *bots]
    layout = shared_layout(episodes)
    if not layout.size:
        return None
    steps = max(8, round(options.window_s * episodes[0].hz))
    windows = cut_windows([layout.rows(each) for each in episodes], steps)
    folds = np.concatenate([_player_folds(players, options), _bot_folds(bots, options)])
    is_bot = np.arange(len(episodes)) >= len(players)
    scored, giveaways = _cross_fit(windows, folds, is_bot, layout, options)
    if scored is None:
        return None
    return TuringResult(
        _interval(scored, options.seed), _episode_auc(scored), _roc(scored), giveaways, _by_episode(scored, episodes)
    )


def players_as_bots(players: Sequence[Telemetry], options: TuringOptions | None = None) -> TuringResult | None:
    """Return the floor: the same test with half of the players, of all styles, in the bot's place."""
    options = options or TuringOptions()
    halves = split_players(players, np.random.default_rng(options.seed))
    as_players, as_bots = ([players[index] for index in half] for half in (halves.reference, halves.others))
    return turing_test(as_players, as_bots, options)


def hand_steps(bots: Sequence[Telemetry], players: Sequence[Telemetry]) -> dict[str, np.ndarray]:
    """Return the few steps that a bot turns and looks up by, and players do not: a policy's bins.

    Nobody who plays against it sees them, but a classifier that reads rates to a hundredth of a degree does.

    Returns:
        By column, degrees a decision, rising, shape (steps,); only of columns whose values are mostly such steps.
    """
    found = {}
    for name in _HAND:
        own, others = (_moves(each, name) for each in (bots, players))
        steps, counts = np.unique(own, return_counts=True)
        often = steps[counts > max(_STEP_SHARE * len(own), 1)]
        covered, usual = (float(np.isin(each, often).mean()) if len(each) else 0.0 for each in (own, others))
        if len(often) > 2 and covered > max(_STEPS_COVER, 2 * usual):
            found[name] = often * _STEP_DEGREES
    return found


def _moves(episodes: Sequence[Telemetry], name: str) -> np.ndarray:
    """In hundredths of a degree a decision, rounded."""
    rates = [each.columns[name] / each.hz for each in episodes if name in each.columns]
    values = np.concatenate(rates) if rates else np.empty(0)
    return np.round(values[~np.isnan(values)] / _STEP_DEGREES)


def in_steps(episodes: Sequence[Telemetry], steps: Mapping[str, np.ndarray]) -> list[Telemetry]:
    """Return the episodes with their movements rounded to the nearest of `hand_steps`."""
    return [
        replace(
            each,
            columns={
                name: _nearest(values / each.hz, steps[name]) * each.hz if name in steps else values
                for name, values in each.columns.items()
            },
        )
        for each in episodes
    ]


def _nearest(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    rounded = steps[np.searchsorted((steps[:-1] + steps[1:]) / 2, np.nan_to_num(values))]
    return np.where(np.isnan(values), np.nan, rounded)


def _player_folds(players: Sequence[Telemetry], options: TuringOptions) -> np.ndarray:
    """By player, the players of a style spread over the folds; by round those of a style that only one plays.

    If that one were held out, no player of its style would be left to learn from, and the style itself would be taken
    for the bot's.
    """
    by_style: dict[str, set[str]] = defaultdict(set)
    for each in players:
        by_style[each.persona].add(each.player)
    units = [(each.persona, each.player if len(by_style[each.persona]) > 1 else each.round) for each in players]
    return _deal(units, options)


def _bot_folds(bots: Sequence[Telemetry], options: TuringOptions) -> np.ndarray:
    """By round; several who stand in the bot's place by player, or knowing some of them would be taken for a tell."""
    if len({each.player for each in bots}) > 1:
        return _player_folds(bots, options)
    return _deal([("", each.round) for each in bots], options)


def _deal(units: Sequence[tuple[str, str]], options: TuringOptions) -> np.ndarray:
    """Deal units to folds like cards, those of the same first word one after another."""
    rng = np.random.default_rng(options.seed)
    by_kind: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for unit in sorted(set(units)):
        by_kind[unit[0]].append(unit)
    order = [each[index] for each in by_kind.values() for index in rng.permutation(len(each))]
    fold_of = {unit: index % options.folds for index, unit in enumerate(order)}
    return np.array([fold_of[unit] for unit in units], np.int64)


def _cross_fit(
    windows: Windows, folds: np.ndarray, is_bot: np.ndarray, layout: Layout, options: TuringOptions
) -> tuple[Scored | None, dict[str, float]]:
    fold, bot = folds[windows.owner], is_bot[windows.owner]
    scored, falls = [], defaultdict(list)
    for index in range(options.folds):
        test, train = fold == index, fold != index
        if not all((part & (bot == kind)).any() for part in (test, train) for kind in (False, True)):
            continue
        classifier = train_classifier(
            windows.values[train], bot[train].astype(np.int64), 2, updates=options.updates, seed=options.seed + index
        )
        scores = _log_odds(classifier, windows.values[test])
        scored.append(Scored(fold[test], windows.owner[test], bot[test], scores))
        for name, fall in _falls(classifier, windows.values[test], bot[test], scores, layout, options.seed).items():
            falls[name].append(fall)
    if not scored:
        return None, {}
    joined = Scored(*(np.concatenate([getattr(each, name) for each in scored]) for name in Scored.__annotations__))
    return joined, {name: float(np.mean(each)) for name, each in falls.items()}


def _log_odds(classifier: Classifier, values: np.ndarray) -> np.ndarray:
    logs = classifier.log_probabilities(values)
    return logs[:, 1] - logs[:, 0]


def _falls(
    classifier: Classifier, values: np.ndarray, bot: np.ndarray, scores: np.ndarray, layout: Layout, seed: int
) -> dict[str, float]:
    """Permutation importance (Breiman 2001, "Random forests", section 10)."""
    rng = np.random.default_rng(seed)
    whole, found = area_under_curve(scores, bot), {}
    for name, part in layout.groups.items():
        shuffled = values.copy()
        shuffled[..., part] = values[rng.permutation(len(values))][..., part]
        found[name] = whole - area_under_curve(_log_odds(classifier, shuffled), bot)
    return found


def _mean_auc(scored: Scored) -> float:
    """Over folds, since the scores of different classifiers do not compare."""
    found = [area_under_curve(scored.score[rows], scored.bot[rows]) for rows in _rows_of(scored.fold)]
    return float(np.nanmean(found)) if not np.isnan(found).all() else float("nan")


def _rows_of(keys: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(keys == key) for key in np.unique(keys)]


def _interval(scored: Scored, seed: int) -> Estimate:
    """Resample whole episodes, bots and players apart, within each fold."""
    rng = np.random.default_rng(seed)
    groups: dict[tuple[int, bool], list[np.ndarray]] = defaultdict(list)
    for rows in _rows_of(scored.episode):
        groups[int(scored.fold[rows[0]]), bool(scored.bot[rows[0]])].append(rows)
    found = []
    for _ in range(_DRAWS):
        rows = np.concatenate([each[i] for each in groups.values() for i in rng.integers(len(each), size=len(each))])
        found.append(_mean_auc(Scored(scored.fold[rows], scored.episode[rows], scored.bot[rows], scored.score[rows])))
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return Estimate(_mean_auc(scored), float(low), float(high))


def _per_episode(scored: Scored) -> Scored:
    rows = _rows_of(scored.episode)
    firsts = np.array([each[0] for each in rows])
    means = np.array([scored.score[each].mean() for each in rows])
    return Scored(scored.fold[firsts], scored.episode[firsts], scored.bot[firsts], means)


def _episode_auc(scored: Scored) -> float:
    return _mean_auc(_per_episode(scored))


def _by_episode(scored: Scored, episodes: Sequence[Telemetry]) -> dict[str, float]:
    each = _per_episode(scored)
    return {episodes[index].name: float(score) for index, score in zip(each.episode, each.score, strict=True)}


def _roc(scored: Scored) -> np.ndarray:
    """The mean over folds of the true positive rate at each false positive rate."""
    grid, curves = np.linspace(0, 1, _ROC_POINTS), []
    for rows in _rows_of(scored.fold):
        scores, bot = scored.score[rows], scored.bot[rows]
        order = np.argsort(-scores, kind="stable")
        hits, misses = np.cumsum(bot[order]), np.cumsum(~bot[order])
        if hits[-1] and misses[-1]:
            curves.append(np.interp(grid, np.append(0, misses / misses[-1]), np.append(0, hits / hits[-1])))
    return np.stack([grid, np.mean(curves, axis=0) if curves else grid])
