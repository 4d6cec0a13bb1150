"""How often something happens, and how sure one can be of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

_Z = 1.959964  # two-sided 95 %


def wilson_interval(hits: int, tries: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share; 0 to 1 if nothing was tried.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if tries == 0:
        return 0.0, 1.0
    share, weight = hits / tries, _Z**2 / tries
    centre = (share + weight / 2) / (1 + weight)
    half = _Z * math.sqrt(share * (1 - share) / tries + weight / (4 * tries)) / (1 + weight)
    # At both ends the interval holds the share itself, which rounding may miss.
    return (0.0 if hits == 0 else centre - half), (1.0 if hits == tries else centre + half)


@dataclass(frozen=True)
class Rate:
    """How often a finding was seen again: `hits` of `tries` replays."""

    hits: int
    tries: int

    @property
    def word(self) -> str:
        """Whether the finding is `deterministic`, `flaky`, `not reproduced` or `not tried`, as far as was tried."""
        if self.tries == 0:
            return "not tried"
        if self.hits == 0:
            return "not reproduced"
        return "deterministic" if self.hits == self.tries else "flaky"

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the failure rate."""
        return wilson_interval(self.hits, self.tries)

    def __str__(self) -> str:
        """Such as `3 of 5 times (flaky: 23 to 88 %)`."""
        low, high = (round(100 * each) for each in self.interval)
        how = f"{self.word}: {low} to {high} %" if self.tries else self.word
        return f"{self.hits} of {self.tries} times ({how})"
