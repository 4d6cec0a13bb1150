"""The report: one HTML page that needs nothing else, neither network nor scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import jinja2

import understudy
from understudy.agents.bundle import Bundle
from understudy.errors import BundleError, ServingError
from understudy.evaluation.statistics import Interval
from understudy.playtest.persona import PersonaSpec
from understudy.playtest.report.cards import data_url, draw_cards
from understudy.playtest.report.coverage_section import draw_coverage
from understudy.playtest.report.maps import label_marks
from understudy.playtest.report.summary import UNITS, summarise
from understudy.playtest.report.video import Clip, film
from understudy.playtest.results import Results

REPORT_FILE = "index.html"
_METRICS = ("head", "model", "markov", "marginal")


@dataclass(frozen=True)
class Video:
    """A clip in the page: which run, and the clip with its data as URLs."""

    run: str
    clip: Clip
    mp4_url: str
    poster_url: str


@dataclass(frozen=True)
class Learned:
    """How well a bundle predicts held-out play: for each head of the policy, nats per decision by model."""

    persona: str
    rows: Sequence[Mapping[str, object]]


def write_report(results: Results, path: Path) -> None:
    """Write the report of a playtest."""
    coverage = draw_coverage(results)
    table = [(each, summarise(results.of(each)), len(results.of(each))) for each in results.spec.personas]
    page = (
        environment()
        .get_template("report.html.j2")
        .render(
            results=results,
            spec=results.spec,
            version=understudy.__version__,
            cards=draw_cards(results, coverage.sheet),
            coverage=coverage,
            sheet=coverage.sheet,
            units=UNITS,
            table=table,
            columns=[name for name in UNITS if any(name in totals for _, totals, _ in table)],
            videos=_videos(results),
            learned=_learned(results.spec.personas),
            decisions=sum(len(each.actions) for each in results.traces),
            game_seconds=sum(len(each.actions) / each.hz for each in results.traces),
        )
    )
    path.write_text(page, encoding="utf-8")


def environment() -> jinja2.Environment:
    """Return the templates, with text escaped and names that are not there refused."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("understudy.playtest"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {"amount": amount, "clock": clock, "percent": percent, "labelled": label_marks}
    return made


def amount(value: float | Interval) -> str:
    """Return a number as people write it: four figures where it is small, thousands marked where it is large."""
    number = value.mean if isinstance(value, Interval) else value
    if abs(number) >= 100 or number == int(number):
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def percent(share: float) -> str:
    """Return a share as whole percent, with a decimal where that would say 0 or 100 and be wrong."""
    whole = f"{share:.0%}"
    return f"{share:.1%}" if whole in ("0%", "100%") and share not in (0, 1) else whole


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, or as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def _videos(results: Results) -> list[Video]:
    shown = [
        trace
        for each in results.spec.personas
        for trace in results.of(each)[: results.spec.video.runs]
        if trace.actions
    ]
    clips = ((trace.run.name, film(trace, results.spec.video)) for trace in shown)
    return [
        Video(name, clip, data_url("video/mp4", clip.mp4), data_url("image/jpeg", clip.poster))
        for name, clip in clips
        if clip
    ]


def _learned(personas: Sequence[PersonaSpec]) -> list[Learned]:
    """The metrics that training left in the bundles' cards, if it did."""
    found = []
    for persona in personas:
        metrics = _provenance(persona).get("metrics")
        table = metrics.get("heads") if isinstance(metrics, Mapping) else metrics
        rows = [each for each in table if _is_row(each)] if isinstance(table, list) else []
        if rows:
            found.append(Learned(persona.name, rows))
    return found


def _provenance(persona: PersonaSpec) -> Mapping[str, object]:
    """What is known of a persona's making; nothing if its bundle or its server is gone: the report stands without."""
    try:
        if persona.agent == "bundle":
            return Bundle.load(persona.bundle).card.provenance
        if persona.agent == "remote":
            return _served(persona)
    except (BundleError, ServingError):
        pass
    return {}


def _served(persona: PersonaSpec) -> Mapping[str, object]:
    from understudy.serving.client import Client

    with Client(persona.address) as client:
        known = {each.name: each.provenance for each in client.describe()}
    return known.get(persona.bundle) or next(iter(known.values()), {})


def _is_row(row: object) -> TypeGuard[Mapping[str, object]]:
    if not isinstance(row, Mapping) or any(name not in row for name in _METRICS):
        return False
    return all(isinstance(row[name], (int, float)) for name in _METRICS[1:])
