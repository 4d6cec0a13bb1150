"""Real time, on a clock that tests can turn."""

from __future__ import annotations

import itertools

import pytest

from understudy.envs.window.pace import Pace


class Clock:
    """A clock that only goes on when somebody sleeps, or when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock at nought."""
    return Clock()


def test_decisions_in_time_keep_the_beat(clock: Clock) -> None:
    """However long a player thinks within its period, ten decisions take ten periods."""
    pace = Pace(0.1, clock, clock.sleep)
    for thinking in (0.0, 0.05, 0.09, 0.01, 0.03) * 2:
        clock.now += thinking
        assert pace.wait() == 0
    assert clock.now == pytest.approx(1.0)
    assert pace.num_late == 0


def test_a_late_decision_is_counted_and_not_caught_up(clock: Clock) -> None:
    """After a decision that came 0.15 s late, the next is a whole period away."""
    pace = Pace(0.1, clock, clock.sleep)
    clock.now = 0.25
    assert pace.wait() == pytest.approx(0.15)
    assert pace.wait() == 0
    assert clock.now == pytest.approx(0.35)
    assert pace.num_late == 1
    pace.start()
    assert pace.num_late == 0


def test_somebody_who_waits_looks_up_all_the_time(clock: Clock) -> None:
    """At least every hundredth of a second, and once if there is no time."""
    pace = Pace(0.1, clock, clock.sleep)
    looks: list[float] = []
    pace.wait(lambda: looks.append(clock.now))
    assert max(later - earlier for earlier, later in itertools.pairwise(looks)) <= 0.0101
    looks.clear()
    clock.now += 5
    pace.wait(lambda: looks.append(clock.now))
    assert len(looks) == 1
