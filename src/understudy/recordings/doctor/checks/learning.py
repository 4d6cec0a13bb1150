"""Whether more data would help: the learning curve of the simplest imitator, drawn on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from understudy.recordings.doctor.finding import Evidence, Finding, Plot, Severity
from understudy.recordings.doctor.probe import Probe
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.session import Session

_SHORTEST = 16  # steps, below which a session has nothing to say
_FEWEST = 8
_DRAWS = 6
_HELD_OUT = 0.25
_ENOUGH = 0.02
_BLIND = 0.8


class LearningCurve(Check):
    """Tells what twice the sessions would bring, from what half of them bring.

    The error is that of the nearest neighbours' guess of the inputs of sessions left out. A power law with a floor is
    fitted to it (Hestness et al. 2017, arXiv:1712.00409); a network learns more from the same data, but where new
    sessions tell the neighbours nothing new, they seldom tell it much.
    """

    name = "learning-curve"
    title = "Learning curve"
    why = "It says whether to record more, or to mend what there is."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Draw the curve; a handful of sessions is needed for its points."""
        sessions = [each for each in sessions if each.num_steps >= _SHORTEST]
        if len(sessions) < _FEWEST:
            return
        sizes, errors = _curve(sessions)
        if errors[-1] <= 0:  # All did the same all the time.
            return
        ahead = np.array([2 * sizes[-1], 4 * sizes[-1]])
        expected = extrapolate(sizes, errors, ahead)
        gain = float(1 - expected[0] / errors[-1])
        advice = _advice(gain, float(errors[-1]))
        yield self.finding(
            None,
            Severity.NOTE,
            f"With twice the sessions the error of a simple imitator would fall by about {max(0.0, gain):.0%}, with "
            f"four times by {max(0.0, float(1 - expected[1] / errors[-1])):.0%}: {advice}.",
            evidence=Evidence(
                value=gain,
                plot=Plot(
                    x=(*map(float, sizes), *map(float, ahead)),
                    y=(*map(float, errors), *map(float, expected)),
                    x_label="sessions",
                    y_label="error of the inputs guessed",
                    marked=(float(sizes[-1]), float(ahead[-1])),
                ),
            ),
        )


def _advice(gain: float, error: float) -> str:
    if error > _BLIND:
        return f"but it hardly beats guessing the mean (error {error:.2f} of 1), so this says little of a network"
    if gain > _ENOUGH and error > _ENOUGH:
        return "more sessions would help"
    return "more of the same would hardly help"


def _curve(sessions: Sequence[Session]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of sessions, and the mean error on sessions left out with as many, over some draws."""
    probe, rng = Probe(sessions), np.random.default_rng(0)
    held = max(2, round(_HELD_OUT * len(sessions)))
    most = len(sessions) - held
    sizes = np.unique(np.round(most / 2.0 ** np.arange(5)[::-1]).astype(int).clip(min=1))
    errors = np.zeros(len(sizes))
    for _ in range(_DRAWS):
        order = rng.permutation(len(sessions))
        asked = order[:held].tolist()
        errors += [probe.guess(asked, order[held : held + size].tolist()).error.mean() / _DRAWS for size in sizes]
    return sizes, errors


def extrapolate(sizes: np.ndarray, errors: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Fit error = floor + scale * size ** -power, and return what it gives at other sizes.

    Args:
        sizes: Rising, at least two.
        errors: At those.
        ahead: Where to look.
    """
    best, found = np.inf, np.full(len(ahead), errors[-1], np.float64)
    for power in np.linspace(0.1, 1.0, 19):
        shape = np.stack([np.ones(len(sizes)), sizes.astype(np.float64) ** -power], axis=1)
        (floor, scale), *_ = np.linalg.lstsq(shape, errors, rcond=None)
        wrong = float(((shape @ [floor, scale] - errors) ** 2).sum())
        if floor >= -1e-9 and scale >= -1e-9 and wrong < best:
            best, found = wrong, floor + scale * ahead.astype(np.float64) ** -power
    return found
