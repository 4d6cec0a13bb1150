"""Skill: how well a player sees, reacts, aims and keeps discipline, from one dial in [0, 1]."""

from __future__ import annotations

import random
from dataclasses import dataclass

from understudy.envs.skirmish.players.motor import MotorDials
from understudy.errors import GameError


@dataclass(frozen=True)
class Skills:
    """What follows from skill. Shares and chances are in [0, 1]."""

    reaction_s: float
    """From when an enemy can be seen to when the player acts on it: 0.15 to 0.35."""
    awareness: float
    """Chance in a decision to notice an enemy at the edge of the view; at its centre it is near 1."""
    minimap_s: float
    """How long it takes until something on the minimap is noticed."""
    memory_s: float
    """Half-life of what is remembered of an enemy."""
    hearing_deg: float
    """Standard deviation of a sound's direction."""
    prediction: float
    """Share of a target's motion during the reaction that is allowed for."""
    preaim: float
    """Chance to look where an enemy would come from, instead of along the way."""
    headshots: float
    """Chance to aim at the head."""
    discipline: float
    """Keeps bursts short enough, stops to shoot, waits until the aim is right."""
    recoil_control: float
    """Share of the recoil that is pulled down."""
    judgement: float
    """Chance to do the sensible thing where habits do not say: reload in cover, keep away from a lost fight."""
    motor: MotorDials
    """The hand."""


def draw_skills(skill: float, rng: random.Random) -> Skills:
    """Return one individual's skills.

    Args:
        skill: 0 (a beginner) to 1.
        rng: Draws the individual's small differences.

    Raises:
        GameError: If `skill` is not within [0, 1].
    """
    if not 0 <= skill <= 1:
        raise GameError(f"A player's skill is between 0 and 1, found {skill}.")

    def between(low: float, high: float, variation: float = 0.08) -> float:
        """Between the dial's values at skill 0 and at skill 1, times the individual's own factor."""
        return (low + (high - low) * skill) * rng.lognormvariate(0, variation)

    return Skills(
        reaction_s=min(max(between(0.33, 0.16), 0.15), 0.35),
        awareness=min(between(0.25, 0.85), 1.0),
        minimap_s=between(1.4, 0.35),
        memory_s=between(2.0, 7.0),
        hearing_deg=between(30.0, 9.0),
        prediction=min(between(0.2, 0.9), 1.0),
        preaim=min(between(0.15, 0.9), 1.0),
        headshots=min(between(0.02, 0.5), 1.0),
        discipline=min(between(0.1, 0.95), 1.0),
        recoil_control=min(between(0.1, 0.85), 1.0),
        judgement=min(between(0.2, 0.95), 1.0),
        motor=MotorDials(
            fitts_intercept_s=between(0.10, 0.05),
            fitts_slope_s=between(0.15, 0.075),
            sigma=between(0.34, 0.26),
            gain=min(between(0.86, 0.96, 0.02), 1.0),
            endpoint_noise_s=between(0.035, 0.010),
            step_noise=between(0.12, 0.03),
            tremor_deg=between(0.45, 0.08),
            refractory_s=between(0.20, 0.11),
            pursuit=min(between(0.35, 0.85), 1.0),
        ),
    )
