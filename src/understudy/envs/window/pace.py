"""Real time: a decision every so often, and how late one was."""

from __future__ import annotations

import time
from collections.abc import Callable

_SLICE_S = 0.01
"""How often somebody who waits looks up: for the panic key, and for the keys that a person holds."""


class Pace:
    """Keeps decisions at an even distance.

    A decision that comes after its time is late; the next ones are then counted from it, since a game does not wait
    and catching up would only make every decision shorter.

    Args:
        period: Seconds from one decision to the next.
        clock: Monotonic seconds.
        sleep: Sleeps for so many seconds.

    Attributes:
        num_late: Decisions that were late since `start`.
    """

    def __init__(
        self,
        period: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.period = period
        self.num_late = 0
        self._clock, self._sleep = clock, sleep
        self._due = clock() + period

    def start(self) -> None:
        """Begin to count now: the first decision is due a period from now."""
        self.num_late = 0
        self._due = self._clock() + self.period

    def wait(self, look_up: Callable[[], None] = lambda: None) -> float:
        """Wait until the decision is due.

        Args:
            look_up: Called every hundredth of a second, and at least once.

        Returns:
            Seconds that it came too late, or 0.
        """
        late = max(0.0, self._clock() - self._due)
        look_up()
        while (left := self._due - self._clock()) > 0:
            self._sleep(min(left, _SLICE_S))
            look_up()
        self.num_late += late > 0
        self._due += late + self.period
        return late

    def rest(self, seconds: float, look_up: Callable[[], None] = lambda: None) -> None:
        """Wait that long, outside of any decision."""
        end = self._clock() + seconds
        while (left := end - self._clock()) > 0:
            look_up()
            self._sleep(min(left, _SLICE_S))
