"""What an evaluation found: rows with verdicts, histograms, and the rest of the report, with its JSON form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from understudy.evaluation.entropy import Variety
from understudy.evaluation.matched import Estimate
from understudy.evaluation.measures import Measure
from understudy.evaluation.ratings import Standing, rows_of
from understudy.evaluation.skill import SkillCurve
from understudy.evaluation.styles import Recovery
from understudy.evaluation.telemetry import Telemetry
from understudy.evaluation.turing import TuringResult

GREEN, AMBER, RED, PLAIN = "green", "amber", "red", "plain"
MEAN_KEY = "jsd_mean"
STEPPED = "_stepped"
"""What ends the keys of rows that are measured with everybody moving in the bot's steps."""
LIKE_RATIO = 1.5
"""Up to so many times the floor counts as like a player."""

Play = Mapping[str, Sequence[Telemetry]]
"""Episodes by who played them."""


@dataclass(frozen=True)
class Row:
    """A measure in the verdict table.

    Attributes:
        key: In the JSON.
        title: In words.
        unit: Of the numbers.
        bot: Of the bot.
        floor: Of players against players; a ceiling where more is better.
        ratio: The bot's over the floor of as many episodes.
        baselines: By name.
        verdict: `"green"`, `"amber"`, `"red"`, or `"plain"` where there is nothing to judge by.
        target: What green asks for, in words.
        more_is_better: Or else less is.
    """

    key: str
    title: str
    unit: str
    bot: Estimate
    floor: Estimate | None
    ratio: Estimate | None
    baselines: Mapping[str, Estimate]
    verdict: str
    target: str
    more_is_better: bool = False


@dataclass(frozen=True)
class Histogram:
    """A measure's shares by bin.

    Attributes:
        measure: What is counted.
        edges: Between the bins, shape (bins - 1,).
        shares: By who played, shape (bins,).
    """

    measure: Measure
    edges: np.ndarray
    shares: Mapping[str, np.ndarray]


@dataclass
class Evaluation:
    """All that was found.

    Attributes:
        bot: Name of the bot among the candidates.
        play: Episodes of every candidate, the bot first.
        players: Held-out players' episodes.
        rows: The verdict table.
        histograms: Of the panel.
        varieties: Of choices, by who played, `"players"` first.
        turing: By candidate, and `"players"` for the floor.
        recovery: Of the bot's styles.
        standings: Of the round robin, best first.
        wins: Share won by the first of a pair.
        curve: Of the skill dial.
        giveaways: What tells the bot from players, in sentences, the worst first.
        left_out: Measures that could not be taken, in sentences.
        facts: How players were held out.
        warnings: What spoils the comparison.
    """

    bot: str
    play: Play
    players: Sequence[Telemetry]
    rows: list[Row] = field(default_factory=list)
    histograms: list[Histogram] = field(default_factory=list)
    varieties: dict[str, Variety] = field(default_factory=dict)
    turing: dict[str, TuringResult] = field(default_factory=dict)
    recovery: Recovery | None = None
    standings: dict[str, Standing] = field(default_factory=dict)
    wins: dict[tuple[str, str], float] = field(default_factory=dict)
    curve: SkillCurve | None = None
    giveaways: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def row(self, key: str) -> Row | None:
        """Return a measure's row, None if it was left out."""
        return next((each for each in self.rows if each.key == key), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; NaN is null."""
        return _plain(
            {
                "bot": self.bot,
                "episodes": {name: len(each) for name, each in {"players": self.players, **self.play}.items()},
                "rows": [_row_form(each) for each in self.rows],
                "giveaways": self.giveaways,
                "left_out": self.left_out,
                "facts": self.facts,
                "warnings": self.warnings,
                "choices": {name: vars(each) for name, each in self.varieties.items()},
                "turing": {name: _turing_form(each) for name, each in self.turing.items()},
                "styles": None if self.recovery is None else _recovery_form(self.recovery),
                "ratings": rows_of(self.standings),
                "skill": None if self.curve is None else _curve_form(self.curve),
            }
        )


def _row_form(row: Row) -> dict[str, Any]:
    return {
        "key": row.key,
        "title": row.title,
        "unit": row.unit,
        "bot": row.bot.to_list(),
        "floor": row.floor and row.floor.to_list(),
        "ratio": row.ratio and row.ratio.to_list(),
        "baselines": {name: each.to_list() for name, each in row.baselines.items()},
        "verdict": row.verdict,
        "target": row.target,
    }


def _turing_form(result: TuringResult) -> dict[str, Any]:
    return {"auc": result.auc.to_list(), "episode_auc": result.episode_auc, "giveaways": result.giveaways}


def _recovery_form(recovery: Recovery) -> dict[str, Any]:
    return {
        "styles": list(recovery.styles),
        "confusion": recovery.confusion.tolist(),
        "accuracy": recovery.accuracy.to_list(),
        "by_round": recovery.by_round.to_list(),
        "blends": {name: {**vars(each), "between": each.between} for name, each in recovery.blends.items()},
    }


def _curve_form(curve: SkillCurve) -> dict[str, Any]:
    ratings = [each.rating.to_list() for each in curve.standings]
    return {"dials": list(curve.dials), "ratings": ratings, "spearman": curve.spearman.to_list()}


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value
