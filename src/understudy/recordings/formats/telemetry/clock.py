"""Which column is the clock, in which unit, and how steady the rows come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.recordings.formats.telemetry import names
from understudy.recordings.formats.telemetry.cells import UNIT_NS
from understudy.recordings.formats.telemetry.profile import Profile

_COMMON_HZ = (
    1, 2, 4, 5, 8, 10, 12, 12.5, 15, 16, 20, 24, 25, 30, 32, 33, 35, 40, 45, 48, 50, 60, 64, 72, 75, 80, 90, 100,
    120, 125, 128, 144, 165, 200, 240, 250, 500, 1000,
)  # fmt: skip
_EPOCHS = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (3e8, "s"))
_YEAR_2100_S = 4.1e9
_SUFFIXES = {"ms": "ms", "millis": "ms", "milliseconds": "ms", "us": "us", "usec": "us", "micros": "us", "ns": "ns"}
_SUFFIXES |= {"nanos": "ns", "nanoseconds": "ns", "s": "s", "sec": "s", "secs": "s", "seconds": "s", "timems": "ms"}


@dataclass(frozen=True)
class ClockGuess:
    """The clock, and what it shows.

    Attributes:
        profile: The column.
        unit: As in the mapping.
        why: A sentence for people.
        rate_hz: Rows a second of one episode, rounded to a common rate where it is within 3 %.
        steady: Whether nearly all rows come at that rate.
        rate_why: A sentence for people.
        max_gap_s: A longer time without a row is a gap.
    """

    profile: Profile
    unit: str
    why: str
    rate_hz: float
    steady: bool
    rate_why: str
    max_gap_s: float


def guess_clock(profiles: Sequence[Profile], keys: Sequence[str]) -> ClockGuess | None:
    """Find the clock; `keys` tells of each row which episode it is in."""
    candidates = [each for each in profiles if _could_be(each)]
    if not candidates:
        return None
    best = max(candidates, key=_score)
    unit, why_unit = _unit(best, keys)
    steps = _steps(best, keys) * ((1 if unit == "iso" else UNIT_NS[unit]) / 1e9)
    named = "its name says so" if best.words & names.CLOCK else "it holds dates"
    others = ", ".join(each.name for each in candidates if each is not best)
    better = f"; preferred to {others}, which is coarser or less sure" if others else ""
    why = f"{named}, and it rises in {best.rising:.1%} of rows; {why_unit}{better}"
    rate, steady, rate_why = _rate(steps)
    usual = float(np.median(steps)) if len(steps) else 0.05
    gap = float(f"{min(max(1.0, 10 * usual), 3600.0):.2g}")
    return ClockGuess(best, unit, why, rate, steady, rate_why, gap)


def _could_be(profile: Profile) -> bool:
    named = (
        profile.kind == "number" and profile.words & names.CLOCK and not profile.words & {"left", "remaining", "since"}
    )
    return (bool(named) or profile.kind == "date") and profile.rising >= 0.9 and len(np.unique(profile.numbers)) > 2


def _score(profile: Profile) -> tuple[float, int]:
    """Finer clocks first; then numbers before dates, for they are the game's own."""
    fineness = len(np.unique(profile.numbers)) / len(profile.numbers)
    return round(fineness, 1), (profile.kind == "number") + ("t" in profile.words or "timestamp" in profile.words)


def _unit(profile: Profile, keys: Sequence[str]) -> tuple[str, str]:
    if profile.kind == "date":
        return "iso", "its cells are dates"
    epoch = next((unit for least, unit in _EPOCHS if profile.low > least), None)
    said = next((_SUFFIXES[word] for word in reversed(names.words_of(profile.name)) if word in _SUFFIXES), None)
    # Milliseconds since a computer was started are soon as many as seconds since 1970.
    if epoch and (said in (None, epoch) or profile.high * UNIT_NS[said] / 1e9 > _YEAR_2100_S):
        return epoch, f"numbers of this size are {epoch} since 1970"
    if said:
        return said, f"the name ends in its unit, {said}"
    step = float(np.median(_steps(profile, keys))) if len(profile.numbers) > 1 else 1.0
    unit = next((unit for least, unit in ((2e6, "ns"), (2e3, "us"), (2.0, "ms")) if step >= least), "s")
    return unit, f"rows are {step:.4g} apart, which makes sense in {unit}"


def _steps(profile: Profile, keys: Sequence[str]) -> np.ndarray:
    """Differences between consecutive rows of the same episode, above nought."""
    ids = np.unique(np.asarray(keys), return_inverse=True)[1][profile.known]
    order = np.argsort(ids, kind="stable")
    values, ids = profile.numbers[order], ids[order]
    steps = np.diff(values)[np.diff(ids) == 0]
    return steps[steps > 0].astype(np.float64)


def _rate(steps: np.ndarray) -> tuple[float, bool, str]:
    if not len(steps):
        return 20.0, False, "the clock says nothing of the rate; set the game's own"
    usual, low, high = (float(each) for each in np.quantile(steps, (0.5, 0.05, 0.95)))
    # Rounded clocks say 16 and 17 ms in turns, of which the mean is better than the median.
    near = steps[(steps > 0.5 * usual) & (steps < 1.5 * usual)]
    exact = 1 / float(near.mean())
    close = min(_COMMON_HZ, key=lambda each: abs(each - exact) / each)
    snapped = abs(close - exact) / close < 0.03
    steady = len(near) / len(steps) > 0.95 and high < 1.3 * usual and low > 0.7 * usual
    rate = float(close) if snapped else float(f"{min(exact, 1000):.4g}")
    spread = f"rows are {usual * 1e3:.4g} ms apart, nine of ten between {low * 1e3:.4g} and {high * 1e3:.4g} ms"
    if steady:
        return rate, True, f"{spread}: steady, so every row is taken as a decision"
    rate = min(rate, 60.0)
    return rate, False, f"{spread}: uneven, so decisions are made by the clock"
