"""Aim as a motor model: how a scripted player's view gets from where it points to where it should.

A movement is a sum of *sub-movements*. Each is planned from what is known at one moment, runs without being looked at,
and has a lognormal speed (the sigma-lognormal model: Plamondon 1995, Biological Cybernetics 72, 295-307; the sum of
several: O'Reilly and Plamondon 2009, Pattern Recognition 42). How long it takes follows from distance and width of the
target by Fitts' law (Fitts 1954, in the form of MacKenzie 1992, Human-Computer Interaction 7, 91-139). Where it ends is
noisy in proportion to its speed (Schmidt et al. 1979, Psychological Review 86, 415-451; Harris and Wolpert 1998, Nature
394, 780-784), and it falls short on purpose, so that *corrective* sub-movements follow (Meyer et al. 1988,
Psychological Review 95, 340-370). A target that moves is followed at a share of its speed, as the eye does.

Angles are degrees, positive to the right and up; times are seconds.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

_REACHED = 2.0
"""A movement counts as done so many sigmas after its median time: 97.7 % of its way."""
_FINISHED = 3.5
"""After so many sigmas nothing is left of it."""


@dataclass(frozen=True)
class MotorDials:
    """What sets one player's hand apart from another's."""

    fitts_intercept_s: float = 0.08
    """Duration of a movement of no difficulty, in seconds."""
    fitts_slope_s: float = 0.10
    """Seconds that each bit of difficulty adds."""
    sigma: float = 0.30
    """Shape of the lognormal speed: larger is more skewed."""
    gain: float = 0.93
    """Share of the seen error that a sub-movement covers."""
    endpoint_noise_s: float = 0.012
    """Standard deviation of a sub-movement's end, in degrees for each degree a second of its mean speed."""
    step_noise: float = 0.04
    """Standard deviation of the way within a decision, as a share of that way."""
    tremor_deg: float = 0.10
    """Standard deviation that remains at rest, in degrees a decision."""
    refractory_s: float = 0.13
    """Between the plans of two sub-movements, at least."""
    pursuit: float = 0.7
    """Share of the target's angular speed that is followed."""

    def movement_time(self, distance: float, width: float) -> float:
        """Return the seconds to a target `distance` degrees away and `width` degrees wide, by Fitts' law."""
        return self.fitts_intercept_s + self.fitts_slope_s * math.log2(distance / width + 1)


class SubMovement:
    """One ballistic piece of a movement: its end, and how much of it is done at a time."""

    __slots__ = ("_mu", "_sigma", "intended_pitch", "intended_yaw", "pitch", "start", "yaw")

    def __init__(
        self, start: float, intended: tuple[float, float], end: tuple[float, float], duration: float, sigma: float
    ) -> None:
        """Begin at `start` and cover `end` (yaw, pitch in degrees; `intended` was meant) within `duration` seconds."""
        self.start = start
        self.intended_yaw, self.intended_pitch = intended
        self.yaw, self.pitch = end
        self._sigma = sigma
        self._mu = math.log(duration) - _REACHED * sigma

    def progress(self, time: float) -> float:
        """Return the share done at `time`, in [0, 1]: the lognormal's distribution function."""
        elapsed = time - self.start
        if elapsed <= 0:
            return 0.0
        return 0.5 * (1 + math.erf((math.log(elapsed) - self._mu) / (self._sigma * math.sqrt(2))))

    def finished(self, time: float) -> bool:
        """Whether nothing is left of it at `time`."""
        elapsed = time - self.start
        return elapsed > 0 and math.log(elapsed) > self._mu + _FINISHED * self._sigma


class Motor:
    """Turns the error between view and target into what the hand does, decision by decision."""

    __slots__ = ("_dials", "_movements", "_ready", "_rng", "time")

    def __init__(self, dials: MotorDials, rng: random.Random) -> None:
        """Start at rest, with noise from `rng`."""
        self._dials = dials
        self._rng = rng
        self._movements: list[SubMovement] = []
        self._ready = 0.0
        self.time = 0.0

    @property
    def resting(self) -> bool:
        """Whether no sub-movement runs."""
        return not self._movements

    def step(
        self,
        error: tuple[float, float],
        width: float,
        duration: float,
        drift: tuple[float, float] = (0.0, 0.0),
    ) -> tuple[float, float]:
        """Move for one decision towards a target.

        Args:
            error: Yaw and pitch from the view to where the target seems to be, in degrees.
            width: The target's apparent width in degrees, above 0: an error within half of it is left alone.
            duration: Of the decision, in seconds.
            drift: The target's angular speed as it seems, yaw and pitch in degrees a second.

        Returns:
            The change of yaw and pitch in this decision, in degrees.
        """
        self._plan(error, width)
        begin, end = self.time, self.time + duration
        yaw = pitch = 0.0
        for each in self._movements:
            share = each.progress(end) - each.progress(begin)
            yaw += share * each.yaw
            pitch += share * each.pitch
        self.time = end
        if self._movements:
            self._movements = [each for each in self._movements if not each.finished(end)]
        follow = self._dials.pursuit * duration
        return self._shake(yaw + follow * drift[0], pitch + follow * drift[1])

    def _plan(self, error: tuple[float, float], width: float) -> None:
        """Add a sub-movement for what those under way will leave of the error, unless one was planned just now."""
        if self.time < self._ready:
            return
        yaw, pitch = error
        for each in self._movements:
            left = 1 - each.progress(self.time)
            yaw -= left * each.intended_yaw
            pitch -= left * each.intended_pitch
        distance = math.hypot(yaw, pitch)
        if distance <= width / 2:
            return
        duration = self._dials.movement_time(distance, width)
        self._movements.append(self._draw(yaw, pitch, distance, duration))
        self._ready = self.time + max(self._dials.refractory_s, 0.6 * duration)

    def _draw(self, yaw: float, pitch: float, distance: float, duration: float) -> SubMovement:
        dials, gauss = self._dials, self._rng.gauss
        spread = dials.endpoint_noise_s * distance / duration
        along = dials.gain + gauss(0, spread) / distance
        across = 0.5 * gauss(0, spread) / distance
        end = (along * yaw - across * pitch, along * pitch + across * yaw)
        intended = (dials.gain * yaw, dials.gain * pitch)
        return SubMovement(self.time, intended, end, duration, dials.sigma)

    def _shake(self, yaw: float, pitch: float) -> tuple[float, float]:
        dials, gauss = self._dials, self._rng.gauss
        noise = dials.step_noise * math.hypot(yaw, pitch) + dials.tremor_deg
        return yaw + gauss(0, noise), pitch + gauss(0, 0.6 * noise)
