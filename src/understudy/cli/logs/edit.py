"""`understudy logs trim`, `split`, `drop` and so on: recordings mended, always into new ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from understudy.cli.logs.ranges import outside, parse_length, parse_ranges
from understudy.cli.progress import progress
from understudy.errors import RecordingError, require

if TYPE_CHECKING:
    from understudy.recordings.surgery import Plan

Logs = Annotated[Path, typer.Argument(help="A recording, or a folder of them; never changed.")]
Out = Annotated[Path, typer.Argument(help="The new folder to write.")]
Only = Annotated[
    list[str] | None, typer.Option("--only", help="Only recordings of this name, or pattern; may be repeated.")
]
ShowPlan = Annotated[bool, typer.Option("--show-plan", help="Print the plan for `logs apply`, and write nothing.")]


def trim(
    logs: Logs,
    out: Out,
    keep: Annotated[list[str] | None, typer.Option(help="A range to keep; may be repeated.")] = None,
    cut: Annotated[list[str] | None, typer.Option(help="A range to cut out; may be repeated.")] = None,
    only: Only = None,
    show_plan: ShowPlan = False,
) -> None:
    """Keep some ranges of recordings, or cut some out.

    A range is START..STOP in steps, or with s or m in seconds or minutes of game time; either end may be left out.
    What was cut apart becomes recordings of their own, NAME.001 and so on, for no memory should see the jump.

    Example: understudy logs trim LOGS OUT --cut ..30s --cut 5m..6m
    """
    if bool(keep) == bool(cut):
        raise RecordingError("Say what to keep (--keep 10s..2m) or what to cut out (--cut ..10s).")
    ranges, unit = parse_ranges(keep or cut or [])
    _edit(logs, out, "trim", only, show_plan, keep=ranges if keep else outside(ranges), unit=unit)


def split(
    logs: Logs,
    out: Out,
    at: Annotated[list[str] | None, typer.Option(help="Where to cut, as 1200 or 30s; may be repeated.")] = None,
    every: Annotated[str | None, typer.Option(help="How long each piece is, as 1200, 30s or 5m.")] = None,
    gap: Annotated[float | None, typer.Option(help="Cut where the wall clock jumps by more seconds than this.")] = None,
    only: Only = None,
    show_plan: ShowPlan = False,
) -> None:
    """Cut recordings into pieces, losing nothing; `logs merge` joins them again.

    Example: understudy logs split LOGS OUT --every 5m
    """
    lengths = [parse_length(each) for each in [*(at or []), *([every] if every else [])]]
    if len({unit for _, unit in lengths}) > 1:
        raise RecordingError("Give all places in steps, or all in seconds and minutes.")
    unit = lengths[0][1] if lengths else "steps"
    numbers = [number for number, _ in lengths]
    where = {"every": numbers[-1], "at": numbers[:-1]} if every else {"at": numbers}
    _edit(logs, out, "split", only, show_plan, unit=unit, gap_s=gap, **where)


def drop(
    logs: Logs,
    out: Out,
    only: Only = None,
    player: Annotated[list[str] | None, typer.Option(help="Those of this player, as `logs inspect` prints it.")] = None,
    shorter_than: Annotated[float | None, typer.Option(help="Those below so many seconds of game time.")] = None,
    incomplete: Annotated[bool, typer.Option(help="Those whose recorder was killed.")] = False,
    show_plan: ShowPlan = False,
) -> None:
    """Leave recordings out: those that fit everything that is said.

    Example: understudy logs drop LOGS OUT --shorter-than 10
    """
    if not (only or player or shorter_than or incomplete):
        raise RecordingError("Say which to drop: --only, --player, --shorter-than or --incomplete.")
    chosen = only or ["*"]
    _edit(
        logs, out, "drop", chosen, show_plan, players=player or [], shorter_than_s=shorter_than, incomplete=incomplete
    )


def merge(
    logs: Logs,
    out: Out,
    max_gap: Annotated[
        float | None, typer.Option(help="Also join recordings with at most so many seconds between them.")
    ] = None,
    only: Only = None,
    show_plan: ShowPlan = False,
) -> None:
    """Join recordings that follow each other: pieces that were cut apart, or with --max-gap by their clocks.

    A seam that is not seamless is marked: its first step carries the event `cut`.

    Example: understudy logs merge LOGS OUT --max-gap 2
    """
    _edit(logs, out, "merge", only, show_plan, max_gap_s=max_gap)


def mask(
    logs: Logs,
    out: Out,
    sensor: Annotated[list[str] | None, typer.Option(help="A sensor to remove; may be repeated.")] = None,
    part: Annotated[list[str] | None, typer.Option(help="An action part to remove; may be repeated.")] = None,
    extra: Annotated[list[str] | None, typer.Option(help="An extra to remove; may be repeated.")] = None,
    neutral: Annotated[
        list[str] | None,
        typer.Option(help="An action part to keep but make do nothing, as PART or PART=VALUE; may be repeated."),
    ] = None,
    only: Only = None,
    show_plan: ShowPlan = False,
) -> None:
    """Take sensors and action parts away, or make a part do nothing.

    Example: understudy logs mask LOGS OUT --sensor minimap --neutral weapon=none
    """
    pairs = [each.partition("=") for each in neutral or []]
    given: dict[str, Any] = {name: _number(value) for name, equals, value in pairs if equals}
    names = {
        "sensors": sensor or [],
        "parts": part or [],
        "extras": extra or [],
        "neutral": [name for name, *_ in pairs],
    }
    _edit(logs, out, "mask", only, show_plan, values=given, **names)


def rerate(
    logs: Logs,
    out: Out,
    hz: Annotated[float, typer.Option(help="Decisions a second.")],
    rule: Annotated[
        list[str] | None, typer.Option(help="Another rule for an action part, as turn=last; may be repeated.")
    ] = None,
    repeat: Annotated[bool, typer.Option(help="Allow a higher rate, with steps repeated.")] = False,
    only: Only = None,
    show_plan: ShowPlan = False,
) -> None:
    """Change the decision rate.

    Choices become what was held longest (majority), buttons are pressed if they were at any time (any), numbers per
    decision and rewards are summed (sum), other numbers averaged (mean); `first` and `last` go for all.

    Example: understudy logs rerate LOGS OUT --hz 10 --rule weapon=last
    """
    pairs = [each.partition("=") for each in rule or []]
    rules = {name: value for name, _, value in pairs}
    _edit(logs, out, "rerate", only, show_plan, decision_hz=hz, rules=rules, repeat=repeat)


def relabel(
    logs: Logs,
    out: Out,
    style: Annotated[str | None, typer.Option(help="The style's name; left out, the label is taken away.")] = None,
    only: Only = None,
    show_plan: ShowPlan = False,
) -> None:
    """Say in which style recordings were played.

    Example: understudy logs relabel LOGS OUT --style rusher --only "ann-*"
    """
    _edit(logs, out, "relabel", only, show_plan, style=style)


def anonymise(
    logs: Logs,
    out: Out,
    ids: Annotated[str, typer.Option(help="rehash, pseudonyms or none.")] = "rehash",
    keep_note: Annotated[list[str] | None, typer.Option(help="A note of the provenance to keep.")] = None,
    keep_clock: Annotated[bool, typer.Option(help="Keep the wall clock; else it counts from the start.")] = False,
    only: Only = None,
    show_plan: ShowPlan = False,
) -> None:
    """Make players unknown to whoever has the old key: new ids, no notes, no wall clock.

    Example: understudy logs anonymise LOGS OUT --ids pseudonyms
    """
    _edit(logs, out, "anonymise", only, show_plan, ids=ids, keep_notes=keep_note or [], keep_clock=keep_clock)


def shift(
    logs: Logs,
    out: Out,
    steps: Annotated[int, typer.Option(help="Positive: inputs were logged late; negative: frames were.")],
    part: Annotated[list[str] | None, typer.Option(help="An action part; all if left out.")] = None,
    only: Only = None,
    show_plan: ShowPlan = False,
) -> None:
    """Move actions against what was seen: step t gets the action recorded STEPS later.

    Example: understudy logs shift LOGS OUT --steps 2
    """
    _edit(logs, out, "shift", only, show_plan, parts=part or [], steps=steps)


def apply(
    plan: Annotated[Path, typer.Argument(help="A JSON file with operations, by hand or from the doctor.")],
    logs: Logs,
    out: Out,
) -> None:
    """Apply a plan of many operations at once, one after the other.

    Example: understudy logs trim LOGS OUT --cut ..30s --show-plan > plan.json; understudy logs apply plan.json LOGS OUT
    """
    require("pyarrow", "logs")
    from understudy.recordings.surgery import Plan

    _apply(Plan.load(plan), logs, out)


def add_to(app: typer.Typer) -> None:
    """Add these commands to an app."""
    for command in (trim, split, drop, merge, mask, rerate, relabel, anonymise, shift, apply):
        app.command()(command)


def _edit(logs: Path, out: Path, op: str, only: list[str] | None, show_plan: bool, **parameters: Any) -> None:
    require("pyarrow", "logs")
    from understudy.recordings.surgery import Plan

    form = {"op": op, **parameters, **({"recordings": only} if only else {})}
    plan = Plan.from_form({"operations": [form]}, f"understudy logs {op}")
    if show_plan:
        typer.echo(plan.to_json(), nl=False)
    else:
        _apply(plan, logs, out)


def _apply(plan: Plan, logs: Path, out: Path) -> None:
    from understudy.recordings import Episode, open_recordings
    from understudy.recordings.surgery import apply_plan

    recordings = open_recordings(logs)
    with progress() as report:
        written = apply_plan(plan, recordings, out, report)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    empty = [each.name for each in recordings if not each.num_steps]
    if empty:
        console.print(f"Left out, since they hold no step: {', '.join(empty)}")
    before, after = sum(each.num_steps for each in recordings), sum(Episode(path).num_steps for path in written)
    console.print(f"{len(recordings)} recordings ({before} steps) became {len(written)} ({after} steps) in {out}.")
    console.print(f"Look at them: understudy logs inspect {out}")


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
