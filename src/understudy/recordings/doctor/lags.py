"""How many steps lie between an input and what it does to a sensor, by regression at every lag.

For each lag the changes of a sensor (of a picture: how far it shifted, and how much it
changed) are regressed on all inputs of that many steps before. The lag under which the inputs explain most is the
estimate: a cross-correlation of many inputs with many responses at once. The session is cut into blocks; the share of
bootstrap samples of blocks (Efron 1979) that give about the same lag is the confidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.recordings.doctor.session import Session

_BLOCK = 32
_BLOCKS = 192
_SAMPLES = 200
_LONGEST_S = 1.0
_LONGEST = (8, 30)
_CLIP = 4.0
_RIDGE = 1e-3
_MOST_RESPONSES = 16
_TELLING = 0.05
_SURE_TRUST = 0.3
_LARGEST_SHIFT = 0.25
_RARELY = 3.0  # standard deviations


@dataclass(frozen=True)
class Lag:
    """An estimate.

    Attributes:
        steps: Decisions from an input to its effect beyond the next observation: nought where all is well, positive
            where the sensor is late, negative where the inputs are.
        confidence: The share of bootstrap samples with the same lag, or one beside it, in [0, 1].
        shares: The share of bootstrap samples with each lag.
        lags: The lags tried.
        explained: At each, the share of the best response's variance that inputs explain.
        gain: How much more is explained at the best lag than far from it, in nats a step.
        chance: How much more would be by chance, for so few steps and so many inputs.
    """

    steps: int
    confidence: float
    shares: tuple[float, ...]
    lags: tuple[int, ...]
    explained: tuple[float, ...]
    gain: float
    chance: float

    def share_near(self, steps: int) -> float:
        """The share of bootstrap samples with a lag at most one decision from `steps`."""
        return sum(share for lag, share in zip(self.lags, self.shares, strict=True) if abs(lag - steps) <= 1)


def estimate_lag(session: Session, sensor: str) -> Lag | None:
    """Estimate a sensor's lag; None if the session is too short, or nothing changes."""
    longest = int(np.clip(round(_LONGEST_S * session.hz), *_LONGEST))
    lags = np.arange(-longest, longest + 1)
    blocks = _blocks(session.num_steps, longest)
    if len(blocks) < 4:
        return None
    rows = (blocks[:, None] + np.arange(_BLOCK)).reshape(-1)
    features = session.inputs.features
    found = None
    for responses in _responses(session, sensor):
        seen = _standardised(responses[rows])
        if seen.shape[1]:
            errors = np.stack([_errors(features[rows - 1 - lag], seen, len(blocks)) for lag in lags])
            found = _choose(lags, errors, (seen**2).sum(axis=0), _chance(features, seen))
            if max(found.explained) > _TELLING:
                break
    return found


def lag_of(session: Session, sensor: str) -> Lag | None:
    """Return a session's lag of a sensor, estimated once."""
    return session.remember(f"lag.{sensor}", lambda: estimate_lag(session, sensor))


def _blocks(steps: int, margin: int) -> np.ndarray:
    """Starts of blocks of steps, evenly spread if there are many."""
    starts = np.arange(margin + 1, steps - margin - _BLOCK, _BLOCK)
    return starts if len(starts) <= _BLOCKS else starts[np.linspace(0, len(starts) - 1, _BLOCKS).astype(int)]


def _responses(session: Session, sensor: str) -> list[np.ndarray]:
    """What inputs could change, the more telling first, each of shape (steps, responses).

    A picture's shift counts for as much as its correlation is sure of it.
    """
    if sensor in session.pictures:
        sure = np.clip(session.column(sensor, "trust") / _SURE_TRUST, 0, 1)[:, None]
        shift = np.clip(session.column(sensor, "shift"), -_LARGEST_SHIFT, _LARGEST_SHIFT) * sure
        return [np.column_stack([shift, np.sqrt(session.column(sensor, "motion"))])]
    values = np.asarray(session.column(sensor, "values")[:, :_MOST_RESPONSES], np.float64)
    change = np.diff(values, axis=0, prepend=values[:1])
    return [change, np.sqrt(np.abs(change).mean(axis=1))[:, None]]


def _standardised(responses: np.ndarray) -> np.ndarray:
    spread = np.median(np.abs(responses - np.median(responses, axis=0)), axis=0) * 1.4826
    spread = np.where(spread > 0, spread, responses.std(axis=0))
    kept = spread > 1e-9
    clipped = np.clip((responses - np.median(responses, axis=0))[:, kept] / spread[kept], -_CLIP, _CLIP)
    return clipped - clipped.mean(axis=0)


def _errors(features: np.ndarray, seen: np.ndarray, blocks: int) -> np.ndarray:
    """Squared errors of the best linear prediction, shape (blocks, responses)."""
    known = features.astype(np.float64) - features.mean(axis=0)
    known = known[:, known.std(axis=0) > 1e-9]
    gram = known.T @ known + _RIDGE * len(known) * np.eye(known.shape[1])
    error = seen - known @ np.linalg.solve(gram, known.T @ seen)
    return (error**2).reshape(blocks, -1, seen.shape[1]).sum(axis=1)


def _chance(features: np.ndarray, seen: np.ndarray) -> float:
    """What the best of all lags would gain by chance: likelihoods of nested models differ by half a chi-squared."""
    freedom = int((features.std(axis=0) > 1e-9).sum()) * seen.shape[1]
    return float((_RARELY * np.sqrt(2 * freedom) + _RARELY**2) / (2 * len(seen)))


def _choose(lags: np.ndarray, errors: np.ndarray, total: np.ndarray, chance: float) -> Lag:
    """Take the lag of the highest Gaussian likelihood over all responses."""
    rng = np.random.default_rng(0)
    picks = rng.multinomial(errors.shape[1], np.full(errors.shape[1], 1 / errors.shape[1]), _SAMPLES)
    scores = -0.5 * np.log(np.maximum(errors.sum(axis=1), 1e-9)).sum(axis=-1)
    best = int(np.argmax(scores))
    sampled = -0.5 * np.log(np.maximum(np.einsum("sb,lbr->slr", picks, errors), 1e-9)).sum(axis=-1)
    explained = 1 - errors.sum(axis=1) / np.maximum(total, 1e-9)
    response = int(np.argmax(explained[best]))
    shares = np.bincount(sampled.argmax(axis=1), minlength=len(lags)) / _SAMPLES
    return Lag(
        steps=int(lags[best]),
        confidence=float(shares[max(0, best - 1) : best + 2].sum()),
        shares=tuple(float(each) for each in shares),
        lags=tuple(int(lag) for lag in lags),
        explained=tuple(float(each) for each in explained[:, response]),
        gain=float(scores[best] - np.median(scores)),
        chance=chance,
    )
