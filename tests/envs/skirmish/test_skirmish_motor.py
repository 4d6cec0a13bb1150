from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.envs.skirmish.players.motor import Motor, MotorDials, SubMovement

DECISION_S = 1 / 16
NOISELESS = MotorDials(endpoint_noise_s=0, step_noise=0, tremor_deg=0)


def _aim_once(dials: MotorDials, distance: float, width: float, seed: int = 0, most: int = 100) -> tuple[float, float]:
    """Seconds until the view is on a target that stands `distance` degrees to the right, and the error left."""
    motor, left = Motor(dials, random.Random(seed)), distance
    for step in range(1, most + 1):
        left -= motor.step((left, 0.0), width, DECISION_S)[0]
        if abs(left) <= width / 2:
            return step * DECISION_S, left
    return math.inf, left


def _first_ends(dials: MotorDials, distance: float, width: float = 2.0) -> list[float]:
    """Where the first sub-movement alone ends, over many seeds."""
    ends = []
    for seed in range(300):
        motor, turned = Motor(replace(dials, refractory_s=10.0), random.Random(seed)), 0.0
        for _ in range(40):
            turned += motor.step((distance - turned, 0.0), width, DECISION_S)[0]
        ends.append(turned)
    return ends


@given(distance=st.floats(0.5, 180), width=st.floats(0.1, 30), factor=st.floats(1.1, 8))
def test_movement_time_obeys_fitts_law(distance: float, width: float, factor: float) -> None:
    """Each bit of difficulty adds the slope, and nothing else about distance and width matters."""
    dials = MotorDials()
    time = dials.movement_time(distance, width)
    assert time == pytest.approx(dials.movement_time(distance * factor, width * factor))
    bits = math.log2(distance / width + 1)
    assert time == pytest.approx(dials.fitts_intercept_s + dials.fitts_slope_s * bits)


def test_aiming_takes_longer_in_proportion_to_the_bits() -> None:
    """Whole movements, corrections and all, grow with difficulty at about Fitts' slope, and lie near a line."""
    bits, times = [], []
    for distance in (4, 8, 16, 32, 64, 100):
        for width in (1.0, 2.0, 4.0):
            bits.append(math.log2(distance / width + 1))
            times.append(statistics.mean(_aim_once(MotorDials(), distance, width, seed)[0] for seed in range(40)))
    slope, intercept = np.polyfit(bits, times, 1)
    residuals = np.array(times) - (slope * np.array(bits) + intercept)
    assert 0.6 * MotorDials().fitts_slope_s < slope < 2.0 * MotorDials().fitts_slope_s
    assert residuals.std() < 0.3 * np.std(times)


@given(duration=st.floats(0.1, 1.5), sigma=st.floats(0.15, 0.5))
def test_speed_is_lognormal(duration: float, sigma: float) -> None:
    """A sub-movement only goes forward, has one peak of speed well before its end, and is all but done in time."""
    piece = SubMovement(0.0, (10.0, 0.0), (10.0, 0.0), duration, sigma)
    times = np.linspace(0, 2 * duration, 400)
    done = np.array([piece.progress(time) for time in times])
    speed = np.diff(done)
    assert done[0] == 0
    assert (speed >= 0).all()
    assert piece.progress(duration) == pytest.approx(0.977, abs=0.001)
    peak = int(speed.argmax())
    assert times[peak] < 0.75 * duration
    assert (np.diff(speed[: peak + 1]) >= -1e-9).all()
    assert (np.diff(speed[peak:]) <= 1e-9).all()
    # Skewed: more than half of the way is still to go when it is fastest.
    assert done[peak] < 0.5


def test_noise_grows_with_speed() -> None:
    """Where a sub-movement ends spreads more the faster it was: the further in a time that grows less."""
    dials = replace(MotorDials(), step_noise=0, tremor_deg=0, gain=1.0)
    spreads = [statistics.stdev(_first_ends(dials, distance)) for distance in (5, 20, 60)]
    speeds = [distance / dials.movement_time(distance, 2.0) for distance in (5, 20, 60)]
    assert spreads == sorted(spreads)
    for spread, speed in zip(spreads, speeds, strict=True):
        assert spread == pytest.approx(dials.endpoint_noise_s * speed, rel=0.2)


def test_the_first_sub_movement_falls_short() -> None:
    """It covers the gain's share of the way, so that corrections follow."""
    assert statistics.mean(_first_ends(NOISELESS, 40.0)) == pytest.approx(NOISELESS.gain * 40, rel=0.01)


@settings(deadline=None)
@given(distance=st.floats(-170, 170), width=st.floats(0.3, 5))
def test_corrections_bring_any_error_to_within_the_target(distance: float, width: float) -> None:
    """Without noise the view ends on a target that stands still, wherever it is."""
    seconds, left = _aim_once(NOISELESS, distance, width)
    assert abs(left) <= width / 2 + 1e-6
    assert seconds < 3.0


def test_an_error_within_the_target_is_left_alone() -> None:
    """Only tremor moves a view that is on its target."""
    motor = Motor(NOISELESS, random.Random(0))
    assert motor.step((0.4, 0.0), 1.0, DECISION_S) == (0.0, 0.0)
    assert motor.resting


def test_a_moving_target_is_followed_with_a_lag() -> None:
    """The view keeps up with a target that crosses at a steady rate, and stays somewhat behind."""
    motor, view, target = Motor(NOISELESS, random.Random(0)), 0.0, 0.0
    errors = []
    for _ in range(80):
        target += 30 * DECISION_S
        view += motor.step((target - view, 0.0), 1.0, DECISION_S, (30.0, 0.0))[0]
        errors.append(target - view)
    assert 0 < statistics.mean(errors[20:]) < 6


def test_the_same_seed_gives_the_same_hand() -> None:
    """Movements hang on the seed alone."""
    one, same, other = (_first_ends_of(seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def _first_ends_of(seed: int) -> list[tuple[float, float]]:
    motor = Motor(MotorDials(), random.Random(seed))
    return [motor.step((30.0, -5.0), 1.0, DECISION_S) for _ in range(10)]
