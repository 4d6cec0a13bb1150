"""A classifier of two kinds from a handful of embeddings, whose scores are probabilities and whose threshold is earned.

What is measured is always on examples that were left out of the fit: of another sighting of an object.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from understudy.errors import RecipeError

HeadKind = Literal["logistic", "prototypes"]

_NEWTON_STEPS = 50
_MOST_PROTOTYPES = 16
_FOLDS = 8


class LogisticHead(nn.Module):
    """Logistic regression with a ridge, both kinds weighing alike, however many there are of each.

    Args:
        x: Standardised embeddings, float64, (examples, size).
        y: Whether each is of the first kind, bool, (examples,).
        ridge: Of the weights; with few examples and many dimensions, it decides.
    """

    weight: Tensor

    def __init__(self, x: np.ndarray, y: np.ndarray, ridge: float = 1.0) -> None:
        super().__init__()
        shares = np.where(y, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
        penalty = np.diag([ridge] * x.shape[1] + [1e-6])
        weight = _newton(np.c_[x, np.ones(len(x))], y.astype(float), shares, penalty)
        self.register_buffer("weight", torch.tensor(weight, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Return the log-odds."""
        return x @ self.weight[:-1] + self.weight[-1]


class PrototypeHead(nn.Module):
    """How much nearer the nearest example of the first kind is than the nearest of the second.

    Source: prototypes as in Snell et al. 2017, arXiv:1703.05175, but several of a kind: an object has many sides.

    Args:
        x: Standardised embeddings, float64, (examples, size).
        y: Whether each is of the first kind, bool, (examples,).
        most: Prototypes of a kind; more examples than that are grouped.
    """

    yes: Tensor
    no: Tensor

    def __init__(self, x: np.ndarray, y: np.ndarray, most: int = _MOST_PROTOTYPES) -> None:
        super().__init__()
        for name, mask in (("yes", y), ("no", ~y)):
            self.register_buffer(name, torch.tensor(_centres(x[mask], most), dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Return the difference of the distances, per dimension."""
        yes, no = ((x.unsqueeze(1) - each).square().mean(-1).amin(1) for each in (self.yes, self.no))
        return no - yes


_Head = LogisticHead | PrototypeHead
_HEADS: dict[HeadKind, type[LogisticHead] | type[PrototypeHead]] = {
    "logistic": LogisticHead,
    "prototypes": PrototypeHead,
}


class FewShot(nn.Module):
    """Standardisation, heads and calibration: from an embedding to a probability.

    It keeps the heads of all folds and takes the mean of their scores: the threshold was set on scores of theirs, and
    one head that was fitted on everything would score further from nought, new examples too.

    Args:
        heads: Each fitted without one fold.
        mean: Of the embeddings, float64, (size,).
        deviation: Of them, float64, (size,).
        slope: Times the mean score, and `offset` more, is the log-odds.
        offset: See `slope`.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, heads: Sequence[_Head], mean: np.ndarray, deviation: np.ndarray, slope: float, offset: float
    ) -> None:
        super().__init__()
        self.heads, self.slope, self.offset = nn.ModuleList(heads), slope, offset
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("deviation", torch.tensor(deviation, dtype=torch.float32))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return probabilities, (batch,), of embeddings (batch, size)."""
        x = (embeddings - self.mean) / self.deviation
        score = torch.stack([head(x) for head in self.heads]).mean(0)
        return torch.sigmoid(score * self.slope + self.offset)


@dataclass(frozen=True)
class Calibration:
    """What the examples that were left out say.

    Attributes:
        on: The score from which on an example is taken for the first kind.
        off: The score below which it no longer is.
        examples: How many of the first kind.
        others: How many of the second.
        folds: How often some were left out.
        area: Under the ROC curve, 0.5 for guessing, 1 for no mistake.
        found: Share of the first kind at or above `on`.
        false_alarms: Share of the second kind at or above `on`.
        promised: The share of false alarms that so many examples can promise of new ones.
    """

    on: float
    off: float
    examples: int
    others: int
    folds: int
    area: float
    found: float
    false_alarms: float
    promised: float


def fit_few_shot(
    x: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    background: np.ndarray,
    *,
    head: HeadKind = "logistic",
    false_alarms: float = 0.01,
) -> tuple[FewShot, Calibration]:
    """Fit a head and calibrate it on examples that were left out.

    Args:
        x: Embeddings, float32, (examples, size).
        y: Whether each is of the first kind, bool, (examples,).
        groups: Which sighting each belongs to, int64, (examples,); neighbours in time are left out together, since one
            gives the other away.
        background: Embeddings of any play in the same game, (many, size), to tell how much each dimension varies.
        head: Which.
        false_alarms: Share of the second kind that may be taken for the first.

    Raises:
        RecipeError: If there are too few examples.
    """
    if min(int(y.sum()), int((~y).sum())) < 3:
        raise RecipeError(
            f"A detector needs three frames or more with an object and three without, not {int(y.sum())} and "
            f"{int((~y).sum())}; label more."
        )
    mean, deviation = background.mean(0, dtype=np.float64), background.std(0, dtype=np.float64)
    # A dimension that never varied says nothing, and would say anything once it does.
    deviation = np.where(deviation > 1e-3 * max(deviation.max(), 1e-9), deviation, np.inf)
    scaled = (x - mean) / deviation
    raw, heads = np.zeros(len(x)), []
    for left in _folds(y, groups):
        heads.append(_HEADS[head](scaled[~left], y[~left]))
        raw[left] = _scores(heads[-1], scaled[left])
    slope, offset = _platt(raw, y)
    probability = 1 / (1 + np.exp(-(slope * raw + offset)))
    return FewShot(heads, mean, deviation, slope, offset), _calibrate(probability, y, len(heads), false_alarms)


def _calibrate(probability: np.ndarray, y: np.ndarray, folds: int, false_alarms: float) -> Calibration:
    """Set `on` where too few of the second kind reach, as split conformal prediction does.

    Source: Vovk et al. 2005, "Algorithmic learning in a random world"; the quantile ceil((n + 1)(1 - share)) of n.
    """
    yes, no = probability[y], np.sort(probability[~y])
    place = math.ceil((len(no) + 1) * (1 - false_alarms))
    highest = float(no[min(place, len(no)) - 1])
    on = min(float(np.nextafter(np.float32(max(highest, 0.5)), np.float32(2))), 1.0)
    return Calibration(
        on=on,
        off=(on + float(np.median(no))) / 2,
        examples=len(yes),
        others=len(no),
        folds=folds,
        area=float((yes[:, None] > no).mean() + (yes[:, None] == no).mean() / 2),
        found=float((yes >= on).mean()),
        false_alarms=float((no >= on).mean()),
        promised=max(false_alarms, 1 / (len(no) + 1)),
    )


def _folds(y: np.ndarray, groups: np.ndarray) -> list[np.ndarray]:
    """What is left out of each fold, as masks: the groups of either kind in turn; where there is one, by blocks."""
    fold = np.zeros(len(y), np.int64)
    for kind in (y, ~y):
        _, mine = np.unique(groups[kind], return_inverse=True)
        if mine.max() == 0:
            mine = np.arange(len(mine)) * _FOLDS // len(mine)
        fold[kind] = mine * min(_FOLDS, mine.max() + 1) // (mine.max() + 1)
    return [fold == each for each in np.unique(fold)]


@torch.no_grad()
def _scores(head: _Head, x: np.ndarray) -> np.ndarray:
    return head(torch.tensor(x, dtype=torch.float32)).double().numpy()


def _platt(scores: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The slope and offset that make log-odds of scores.

    Source: Platt 1999, "Probabilistic outputs for support vector machines", with its targets short of 0 and 1.
    """
    yes, no = int(y.sum()), int((~y).sum())
    targets = np.where(y, (yes + 1) / (yes + 2), 1 / (no + 2))
    scale = float(np.std(scores)) or 1.0
    slope, offset = _newton(np.c_[scores / scale, np.ones(len(y))], targets, np.ones(len(y)), np.eye(2) * 1e-3)
    # A head that ranks worse than guessing is not turned round: its scores mean nothing.
    return max(float(slope), 0.0) / scale, float(offset)


def _newton(x: np.ndarray, targets: np.ndarray, weights: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Weighted logistic regression by damped Newton steps, float64, (columns,)."""

    def loss(beta: np.ndarray) -> float:
        z = x @ beta
        return float((weights * (np.logaddexp(0, z) - targets * z)).sum() + beta @ penalty @ beta / 2)

    beta = np.zeros(x.shape[1])
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -500, 500)))
        gradient = x.T @ (weights * (p - targets)) + penalty @ beta
        step = np.linalg.solve(
            x.T @ (x * (weights * p * (1 - p))[:, None]) + penalty + 1e-9 * np.eye(len(beta)), gradient
        )
        size = 1.0
        while size > 1e-6 and loss(beta - size * step) > loss(beta):
            size /= 2
        beta = beta - size * step
        if np.abs(size * step).max() < 1e-8:
            break
    return beta


def _centres(x: np.ndarray, most: int) -> np.ndarray:
    """The examples, or if there are more than `most`, so many centres of them by Lloyd's algorithm from even starts."""
    if len(x) <= most:
        return x
    centres = x[np.linspace(0, len(x) - 1, most).round().astype(int)]
    for _ in range(20):
        nearest = ((x[:, None] - centres) ** 2).sum(-1).argmin(1)
        kept = [each for each in range(len(centres)) if (nearest == each).any()]
        centres = np.stack([x[nearest == each].mean(0) for each in kept])
    return centres
