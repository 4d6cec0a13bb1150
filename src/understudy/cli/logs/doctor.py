"""`understudy logs doctor` and `understudy logs fix`: what is wrong with recordings, and mending it by name."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from glob import escape as escape_pattern
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from understudy.cli.progress import progress
from understudy.errors import RecordingError, require

if TYPE_CHECKING:
    from understudy.recordings import Episode, Recordings
    from understudy.recordings.doctor import Report, SessionCard
    from understudy.recordings.surgery import Plan

_SHOWN = 30
_COLOURS = {"problem": "red", "warning": "yellow", "note": "blue"}
HeldOut = Mapping[str, Mapping[str, tuple[tuple[int, int], ...]]]


class FailOn(StrEnum):
    """From which findings on the exit status is 1."""

    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"
    NEVER = "never"


def doctor(
    logs: Annotated[Path, typer.Argument(help="A recording, or a folder of them.")],
    out: Annotated[
        Path | None, typer.Option(help="The report: a page here (REPORT.html), and REPORT.json beside it.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="The recipe they are for: also look for leaks into what it holds out.")
    ] = None,
    check: Annotated[list[str] | None, typer.Option(help="Only this check; may be repeated.")] = None,
    fail_on: Annotated[FailOn, typer.Option(help="Exit status 1 from findings of this weight on.")] = FailOn.PROBLEM,
) -> None:
    """Look at recordings for everything that would harm a bot trained on them.

    Sensors are reduced once and kept in LOGS/.doctor, so that the next look is quick. The exit status is 0 if nothing
    of the weight asked for was found, and 1 otherwise.
    """
    require("pyarrow", "logs")
    if out:
        require("jinja2", "play")
    from understudy.recordings import open_recordings
    from understudy.recordings.doctor import Severity, checks, examine

    wanted = checks(check or ())
    recordings = open_recordings(logs)
    held_out = _held_out(recordings, recipe) if recipe else None
    with progress() as bar, _cache(logs) as cache:
        report = examine(list(recordings), cache, checks=wanted, held_out=held_out, progress=bar)
    _print(report)
    if out:
        _write(report, out, logs)
    if fail_on is not FailOn.NEVER and report.of(Severity[fail_on.name]):
        raise typer.Exit(1)


def fix(
    logs: Annotated[Path, typer.Argument(help="The recordings that were looked at.")],
    out: Annotated[Path, typer.Argument(help="The new folder to write mended ones to.")],
    report: Annotated[Path, typer.Option(help="The JSON report of understudy logs doctor.")],
    apply: Annotated[str, typer.Option(help="Names of fixes, with commas between them, or all.")] = "all",
) -> None:
    """Mend recordings by the fixes of a doctor's report, by name. Nothing is changed in place."""
    require("pyarrow", "logs")
    from understudy.recordings import open_recordings
    from understudy.recordings.doctor import Report, make_plan
    from understudy.recordings.surgery import apply_plan

    found, recordings = Report.load(report), open_recordings(logs)
    _require_same(found, recordings, report)
    names = [name.strip() for name in apply.split(",") if name.strip()]
    plan = _possible(make_plan(found.findings, names, found.lengths), recordings, logs)
    with progress() as bar:
        written = apply_plan(plan, list(recordings), out, bar)
    console = Console(highlight=False, soft_wrap=True)
    for operation in plan.operations:
        console.print(f"{operation.op}: {escape(', '.join(operation.recordings))}")
    console.print(f"{len(recordings)} recordings became {len(written)} in {escape(str(out))}.")


@contextmanager
def _cache(logs: Path) -> Iterator[Path]:
    """Where reduced sensors are kept: beside the recordings, or where those cannot be written, nowhere for long."""
    folder = (logs if logs.is_dir() else logs.parent) / ".doctor"
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        with tempfile.TemporaryDirectory(prefix="understudy-doctor-") as elsewhere:
            yield Path(elsewhere)
        return
    yield folder


def _held_out(recordings: Recordings, recipe: Path) -> HeldOut:
    """What a recipe's split holds out, by recording and kind."""
    from understudy.recordings.cache import Span
    from understudy.recordings.doctor.naming import names_of
    from understudy.training.recipe import load_recipe
    from understudy.training.split import split_spans

    asked = load_recipe(recipe)
    named = zip(names_of(recordings), recordings, strict=True)
    spans = [Span(name, each.provenance.player, 0, each.num_steps) for name, each in named]
    held: dict[str, dict[str, tuple[tuple[int, int], ...]]] = {}
    for kind, kept in split_spans(spans, asked.split, asked.loop.seed).held_out.items():
        for span in kept:
            of = held.setdefault(span.name, {})
            of[kind] = (*of.get(kind, ()), (span.start, span.stop))
    return held


def _require_same(report: Report, recordings: Recordings, path: Path) -> None:
    from understudy.recordings.doctor.naming import names_of

    there = dict(zip(names_of(recordings), recordings, strict=True))
    for card in report.recordings:
        found = _difference(card, there.get(card.name))
        if found:
            raise RecordingError(
                f"{path} is of other recordings: '{card.name}' {found}. Run understudy logs doctor again."
            )


def _difference(card: SessionCard, episode: Episode | None) -> str:
    if episode is None:
        return "is not there"
    if episode.num_steps != card.steps:
        return f"has {episode.num_steps} steps, not {card.steps}"
    return "has changed since" if card.digest not in ("", episode.digest) else ""


def _possible(plan: Plan, recordings: Recordings, logs: Path) -> Plan:
    """Refuse what would hit another recording of the same name, and leave the dropping of empty ones to surgery."""
    from understudy.recordings.doctor.naming import names_of

    counts = Counter(each.name for each in recordings)
    asked = {name for operation in plan.operations for name in operation.recordings}
    empty = set()
    for name, episode in zip(map(escape_pattern, names_of(recordings)), recordings, strict=True):
        if name in asked and counts[episode.name] > 1:
            raise RecordingError(
                f"{counts[episode.name]} recordings in {logs} are called '{episode.name}', so a fix of one would hit "
                f"the others. Examine and mend each folder by itself: understudy logs doctor {episode.path.parent}"
            )
        if not episode.num_steps:
            empty.add(name)
    pairs = ((each, tuple(name for name in each.recordings if name not in empty)) for each in plan.operations)
    kept = (each.model_copy(update={"recordings": names}) for each, names in pairs if names)
    return plan.model_copy(update={"operations": tuple(kept)})


def _write(report: Report, out: Path, logs: Path) -> None:
    from understudy.recordings.doctor.page import write_page

    base = out.with_suffix("") if out.suffix in (".html", ".json") else out
    base.parent.mkdir(parents=True, exist_ok=True)
    page, form = base.with_name(f"{base.name}.html"), base.with_name(f"{base.name}.json")
    write_page(report, page, logs.resolve().name)
    report.save(form)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Report: {escape(str(page))}")
    if report.fixes:
        names = ",".join(report.fixes)
        console.print(f"Mend: understudy logs fix {escape(str(logs))} OUT --report {escape(str(form))} --apply {names}")


def _print(report: Report) -> None:
    console = Console(highlight=False)
    if report.findings:
        table = Table("", "recording", "steps", "what was found", "fix")
        for each in report.findings[:_SHOWN]:
            word = each.severity.word
            steps = f"{each.steps[0]}–{each.steps[1] - 1}" if each.steps else ""
            cells: Sequence[str] = (each.recording, steps, each.sentence, each.fix.name if each.fix else "")
            table.add_row(f"[{_COLOURS[word]}]{word}[/]", *map(escape, cells))
        console.print(table)
    if len(report.findings) > _SHOWN:
        console.print(f"… and {len(report.findings) - _SHOWN} more findings; --out writes them all.")
    counts = ", ".join(f"{count} {severity.word}s" for severity, count in sorted(report.counts.items(), reverse=True))
    console.print(f"{len(report.recordings)} recordings, {len(report.checks)} checks: {counts or 'nothing found'}.")
