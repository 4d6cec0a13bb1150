"""The report on a bot's likeness: one HTML page that needs nothing else, neither network nor scripts, and a JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import understudy
from understudy.errors import RecordingError, require
from understudy.evaluation.charts import histogram_plot, inks, roc_plot, skill_plot
from understudy.evaluation.held_out import describe_players
from understudy.evaluation.matched import Estimate
from understudy.evaluation.pictures import occupancy_maps, side_by_side
from understudy.evaluation.ratings import Standing
from understudy.evaluation.result import AMBER, GREEN, RED, Evaluation

REPORT_FILE, JSON_FILE = "report.html", "evaluation.json"
_FIGURES = {"m": 1}
_MOST_CHOICES, _MOST_NAMED = 12, 4


def write_report(found: Evaluation, page: Path, title: str, *, films: int = 3) -> Path:
    """Write the page, and the JSON beside it.

    Args:
        found: An evaluation.
        page: The HTML file; what is there is replaced.
        title: What was evaluated.
        films: Rounds of the bot that are shown beside a player's.

    Returns:
        Where the JSON is.

    Raises:
        RecordingError: If a file cannot be written.
    """
    jinja2 = require("jinja2", "play")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("understudy.evaluation"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"number": number, "range": interval, "times": times, "share": share}
    text = environment.get_template("evaluation.html.j2").render(title=title, **_parts(found, films))
    data = page.with_suffix(".json")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
        data.write_text(json.dumps({"title": title, **found.to_dict()}, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise RecordingError(f"{page} cannot be written: {error.strerror}.") from error
    return data


def _parts(found: Evaluation, films: int) -> dict[str, Any]:
    judged = [each for each in found.rows if each.verdict in (GREEN, AMBER, RED)]
    return {
        "found": found,
        "nan": float("nan"),
        "beaten": [words for name in found.play if name != found.bot and (words := _beaten(found, name))],
        "version": understudy.__version__,
        "counts": {name: sum(each.verdict == name for each in judged) for name in (GREEN, AMBER, RED)},
        "players": describe_players(found.players),
        "baselines": [name for name in found.play if name != found.bot],
        "inks": inks(found),
        "plots": [histogram_plot(found, each) for each in found.histograms],
        "maps": occupancy_maps(found),
        "roc": roc_plot(found, found.turing) if found.turing else None,
        "giveaways": _turing_giveaways(found),
        "matrix": _matrix(found),
        "skill": skill_plot(found.curve) if found.curve else None,
        "choices": _choices(found),
        "sides": list(found.standings)[:16],
        "films": side_by_side(found, films),
    }


def _beaten(found: Evaluation, baseline: str) -> str:
    """Say where a baseline is nearer to players than the bot is."""
    shared = [each for each in found.rows if baseline in each.baselines and each.verdict in (GREEN, AMBER, RED)]
    better = [each.title for each in shared if (each.baselines[baseline].mean > each.bot.mean) == each.more_is_better]
    if not better:
        return ""
    named = f": {', '.join(better)}" if len(better) <= _MOST_NAMED else ""
    return f"The baseline '{baseline}' does better than the bot in {len(better)} of {len(shared)} measures{named}."


def _turing_giveaways(found: Evaluation) -> list[tuple[str, float]]:
    result = found.turing.get(found.bot)
    falls = sorted(result.giveaways.items(), key=lambda item: -item[1]) if result else []
    return [(name, fall) for name, fall in falls if fall > 0.005][:6]


def _matrix(found: Evaluation) -> list[tuple[str, list[tuple[int, float]]]]:
    """Rows of (count, share of the row) by style asked for."""
    if found.recovery is None:
        return []
    totals = found.recovery.confusion.sum(1)
    return [
        (name, [(int(count), float(count / max(total, 1))) for count in row])
        for name, row, total in zip(found.recovery.styles, found.recovery.confusion, totals, strict=True)
        if total
    ]


def _choices(found: Evaluation) -> list[tuple[str, list[float]]]:
    """The most frequent choices, and everybody's share of them."""
    totals: dict[str, float] = {}
    for each in found.varieties.values():
        for label, part in each.shares.items():
            totals[label] = totals.get(label, 0.0) + part
    labels = sorted(totals, key=lambda label: -totals[label])[:_MOST_CHOICES]
    return [(label, [each.shares.get(label, 0.0) for each in found.varieties.values()]) for label in labels]


def number(value: Estimate | float | None, unit: str = "") -> str:
    """Return a number with three digits, or a dash where there is none."""
    mean = value.mean if isinstance(value, Estimate) else value
    if mean is None or mean != mean:
        return "–"
    return f"{mean:.{_FIGURES.get(unit, 3)}f}"


def interval(value: Estimate | Standing, unit: str = "") -> str:
    """Return the interval in words."""
    estimate = value.rating if isinstance(value, Standing) else value
    if estimate.low != estimate.low:
        return ""
    digits = _FIGURES.get(unit, 3)
    return f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}"


def times(value: Estimate | None) -> str:
    """Return a ratio, with fewer digits the larger it is."""
    if value is None or value.mean != value.mean:
        return "–"
    return f"{value.mean:.0f} ×" if value.mean >= 10 else f"{value.mean:.2f} ×"


def share(value: float) -> str:
    """Return a share in percent."""
    return "–" if value != value else f"{value:.0%}"
