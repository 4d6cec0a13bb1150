"""The report: one HTML page that needs nothing else, neither network nor scripts."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import jinja2

import understudy
from understudy.agents.bundle import Bundle
from understudy.errors import BundleError, ServingError
from understudy.evaluation.statistics import Interval
from understudy.playtest.charts import PLOT_HEIGHT, PLOT_WIDTH, draw_curves, draw_maps
from understudy.playtest.findings import PICTURE_FILE, Finding
from understudy.playtest.runner import Results
from understudy.playtest.spec import PersonaSpec
from understudy.playtest.summary import UNITS, summarise
from understudy.playtest.trace import Trace
from understudy.playtest.video import Clip, film

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
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("understudy.playtest"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"amount": amount, "clock": clock}
    table = [(each, summarise(results.of(each)), len(results.of(each))) for each in results.spec.personas]
    page = environment.get_template("report.html.j2").render(
        results=results,
        spec=results.spec,
        version=understudy.__version__,
        pictures={each.id: _picture(each, results.out) for each in results.findings},
        maps=draw_maps(results),
        curves=draw_curves(results),
        plot=(PLOT_WIDTH, PLOT_HEIGHT),
        units=UNITS,
        table=table,
        columns=[name for name in UNITS if any(name in totals for _, totals, _ in table)],
        videos=_videos(results),
        learned=_learned(results.spec.personas),
        decisions=sum(len(each.actions) for each in results.traces),
        game_seconds=sum(len(each.actions) / each.hz for each in results.traces),
    )
    path.write_text(page, encoding="utf-8")


def amount(value: float | Interval) -> str:
    """Return a number as people write it: four figures where it is small, thousands marked where it is large."""
    number = value.mean if isinstance(value, Interval) else value
    if abs(number) >= 100 or number == int(number):
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, or as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def _picture(finding: Finding, out: Path) -> str | None:
    path = out / "findings" / finding.id / PICTURE_FILE
    return _data_url("image/png", path.read_bytes()) if path.exists() else None


def _videos(results: Results) -> list[Video]:
    shown = [
        trace
        for each in results.spec.personas
        for trace in results.of(each)[: results.spec.video.runs]
        if trace.actions
    ]
    clips = [(trace, film(trace, results.spec.video)) for trace in shown]
    return [_video(trace, clip) for trace, clip in clips if clip]


def _video(trace: Trace, clip: Clip) -> Video:
    return Video(trace.run.name, clip, _data_url("video/mp4", clip.mp4), _data_url("image/jpeg", clip.poster))


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


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
