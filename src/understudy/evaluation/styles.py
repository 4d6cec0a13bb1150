"""Style recovery: whether a classifier that learned styles from players names the style that a bot was asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.evaluation.classifier import Classifier, train_classifier
from understudy.evaluation.matched import Estimate
from understudy.evaluation.sequences import Layout, cut_windows, shared_layout
from understudy.evaluation.telemetry import Telemetry

_DRAWS = 1000
_POOL = 4


@dataclass(frozen=True)
class StyleOptions:
    """How thorough the test is.

    Attributes:
        window_s: Seconds a window; styles show more slowly than habits of the hand.
        updates: Of the classifier.
        rounds: Rounds of one bot that are judged together.
        seed: Of all drawing.
    """

    window_s: float = 12.0
    updates: int = 400
    rounds: int = 4
    seed: int = 0


@dataclass(frozen=True)
class Recovery:
    """How often a style was named rightly.

    Attributes:
        styles: The names, in the matrix's order.
        confusion: Of groups of rounds: asked for (rows) and named (columns), int64, shape (styles, styles).
        accuracy: Share named rightly, of groups of rounds of a bot.
        by_round: The same of single rounds.
        blends: By blend of two styles: see `Blend`.
    """

    styles: tuple[str, ...]
    confusion: np.ndarray
    accuracy: Estimate
    by_round: Estimate
    blends: Mapping[str, Blend]


@dataclass(frozen=True)
class Blend:
    """The first parent's share of the two parents' probability: of the pure second, the blend, and the pure first."""

    asked: float
    low: float
    share: float
    high: float

    @property
    def between(self) -> bool:
        """Whether the blend lies between its parents."""
        return self.low < self.share < self.high


def parse_style(text: str) -> dict[str, float]:
    """Return the weights of a style such as "rusher" or "rusher:0.7+anchor:0.3", in its order; they sum to 1."""
    weights: dict[str, float] = {}
    for part in text.split("+"):
        name, _, weight = part.partition(":")
        weights[name.strip()] = float(weight) if weight else 1.0
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def recover_styles(
    demonstrations: Sequence[Telemetry], bots: Sequence[Telemetry], options: StyleOptions | None = None
) -> Recovery | None:
    """Train on demonstrations and name the bots' styles; None if there are fewer than two styles on either side.

    Args:
        demonstrations: Of players, whose styles are known (`persona` in their notes).
        bots: Play of bots whose style is known; blends are judged apart.
        options: How thorough.
    """
    options = options or StyleOptions()
    styles = tuple(sorted({each.persona for each in demonstrations if each.persona}))
    pure = [each for each in bots if each.persona in styles]
    if len(styles) < 2 or len({each.persona for each in pure}) < 2:
        return None
    known = [each for each in demonstrations if each.persona]
    layout = shared_layout([*known, *bots], places=True)
    classifier = _train(known, styles, layout, options)
    return _judge(classifier, layout, styles, pure, [each for each in bots if "+" in each.persona], options)


def recover_players(demonstrations: Sequence[Telemetry], options: StyleOptions | None = None) -> Recovery | None:
    """Return the ceiling: the same with held-out players in the bots' place, half of them trained on; None as above."""
    options = options or StyleOptions()
    seen, unseen = _by_player(demonstrations, options.seed)
    return recover_styles(seen, unseen, options) if seen and unseen else None


def _by_player(episodes: Sequence[Telemetry], seed: int) -> tuple[list[Telemetry], list[Telemetry]]:
    """Each style's players in two halves; a style with one player is cut by round."""
    rng = np.random.default_rng(seed)
    halves: tuple[list[Telemetry], list[Telemetry]] = ([], [])
    for style in sorted({each.persona for each in episodes if each.persona}):
        own = [each for each in episodes if each.persona == style]
        key = "player" if len({each.player for each in own}) > 1 else "round"
        units = sorted({getattr(each, key) for each in own})
        first = {units[index] for index in rng.permutation(len(units))[: -(-len(units) // 2)]}
        for each in own:
            halves[getattr(each, key) not in first].append(each)
    return halves


def _windows(episodes: Sequence[Telemetry], layout: Layout, options: StyleOptions) -> tuple[np.ndarray, np.ndarray]:
    steps = max(2 * _POOL, round(options.window_s * episodes[0].hz) // _POOL * _POOL)
    cut = cut_windows([layout.rows(each) for each in episodes], steps, pool=_POOL)
    return cut.values, cut.owner


def _train(episodes: Sequence[Telemetry], styles: tuple[str, ...], layout: Layout, options: StyleOptions) -> Classifier:
    values, owner = _windows(episodes, layout, options)
    labels = np.array([styles.index(each.persona) for each in episodes], np.int64)[owner]
    present = np.unique(labels)
    if len(present) < len(styles):
        # A style whose every round is too short for a window: the network must still have its class.
        values = np.concatenate([values, np.zeros((len(styles), *values.shape[1:]), np.float32)])
        labels = np.concatenate([labels, np.arange(len(styles))])
    return train_classifier(values, labels, len(styles), updates=options.updates, seed=options.seed)


def _log_probabilities(
    classifier: Classifier, layout: Layout, episodes: Sequence[Telemetry], options: StyleOptions
) -> dict[int, np.ndarray]:
    """Of each episode that is long enough, the mean over its windows."""
    values, owner = _windows(episodes, layout, options)
    logs = classifier.log_probabilities(values)
    return {int(index): logs[owner == index].mean(0) for index in np.unique(owner)}


def _judge(
    classifier: Classifier,
    layout: Layout,
    styles: tuple[str, ...],
    pure: Sequence[Telemetry],
    blended: Sequence[Telemetry],
    options: StyleOptions,
) -> Recovery | None:
    logs = _log_probabilities(classifier, layout, pure, options)
    if not logs:
        return None
    asked = {index: styles.index(pure[index].persona) for index in logs}
    groups = _groups(pure, logs, options.rounds)
    right = [(asked[g[0]], int(np.sum([logs[i] for i in g], axis=0).argmax())) for g in groups]
    confusion = np.zeros((len(styles), len(styles)), np.int64)
    np.add.at(confusion, tuple(np.array(right).T), 1)
    alone = [float(logs[index].argmax() == asked[index]) for index in logs]
    means = {style: _mean(logs, [i for i in logs if pure[i].persona == style]) for style in styles}
    return Recovery(
        styles,
        confusion,
        _share([float(a == b) for a, b in right], options.seed),
        _share(alone, options.seed),
        _blends(classifier, layout, styles, blended, means, options),
    )


def _groups(episodes: Sequence[Telemetry], logs: Mapping[int, np.ndarray], rounds: int) -> list[list[int]]:
    """Rounds of one style and player, some at a time."""
    by_bot: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index in logs:
        by_bot[episodes[index].persona, episodes[index].player].append(index)
    return [own[at : at + rounds] for own in by_bot.values() for at in range(0, len(own), rounds)]


def _mean(logs: Mapping[int, np.ndarray], rows: Sequence[int]) -> np.ndarray | None:
    return np.mean([np.exp(logs[index]) for index in rows], axis=0) if rows else None


def _share(right: Sequence[float], seed: int) -> Estimate:
    rng = np.random.default_rng(seed)
    values = np.array(right)
    drawn = values[rng.integers(len(values), size=(_DRAWS, len(values)))].mean(1)
    return Estimate(float(values.mean()), *(float(each) for each in np.percentile(drawn, [2.5, 97.5])))


def _blends(
    classifier: Classifier,
    layout: Layout,
    styles: tuple[str, ...],
    blended: Sequence[Telemetry],
    means: Mapping[str, np.ndarray | None],
    options: StyleOptions,
) -> dict[str, Blend]:
    found = {}
    for name in sorted({each.persona for each in blended}):
        weights = parse_style(name)
        if len(weights) != 2 or any(each not in styles or means[each] is None for each in weights):
            continue
        logs = _log_probabilities(classifier, layout, [each for each in blended if each.persona == name], options)
        mean = _mean(logs, list(logs))
        if mean is not None:
            first, second = (styles.index(each) for each in weights)
            low, share, high = (
                _first_share(each, first, second) for each in (means[styles[second]], mean, means[styles[first]])
            )
            found[name] = Blend(next(iter(weights.values())), low, share, high)
    return found


def _first_share(probabilities: np.ndarray | None, first: int, second: int) -> float:
    assert probabilities is not None
    return float(probabilities[first] / max(probabilities[first] + probabilities[second], 1e-12))
