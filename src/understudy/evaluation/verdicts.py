"""Colours: what a number is judged by, and when there is too little to judge."""

from __future__ import annotations

import math
from dataclasses import replace

from understudy.evaluation.matched import Comparison, Estimate
from understudy.evaluation.result import AMBER, GREEN, LIKE_RATIO, PLAIN, RED, Row

RATIOS = (LIKE_RATIO, 3.0)
DIFFERENCE_RATIOS = (2.5, 5.0)
"""Of the difference of two numbers, which between players is often near nought: 2 and 4 standard deviations of it."""


def ratio_row(
    key: str, title: str, unit: str, result: Comparison, bot: str, limits: tuple[float, float] = RATIOS
) -> Row:
    """Return the row of a distance that has a floor."""
    baselines = {name: each for name, each in result.candidates.items() if name != bot}
    ratio = result.ratios[bot]
    # How far a ratio may scatter depends on the floor; that its interval is wide takes nothing from being near it.
    verdict = judge(replace(ratio, high=ratio.mean), limits)
    target = f"at most {limits[0]:g} × floor"
    return Row(key, title, unit, result.candidates[bot], result.floor, ratio, baselines, verdict, target)


def judge(value: Estimate, limits: tuple[float, float]) -> str:
    """Judge by the mean; neither green nor red is said where the interval reaches the other's ground."""
    if math.isnan(value.mean):
        return PLAIN
    if value.mean <= limits[0]:
        return AMBER if value.high > limits[1] else GREEN
    return RED if value.mean > limits[1] and value.low > limits[0] else AMBER


def negative(value: Estimate) -> Estimate:
    """Return a number of which more is better as one of which less is."""
    return Estimate(-value.mean, -value.high, -value.low)
