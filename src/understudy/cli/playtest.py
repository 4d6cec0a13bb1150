"""`understudy playtest`: play a game as a spec says, look for bugs, and write a report."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from understudy.errors import PlaytestError, require

if TYPE_CHECKING:
    from understudy.playtest.runner import Results


def playtest(
    spec: Annotated[Path, typer.Argument(help="The playtest's YAML file; playtest-init writes a first one.")],
    out: Annotated[Path | None, typer.Option(help="A new folder; by default named by the spec and the time.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Games at the same time.")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="Replaces the first seed of every persona.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict only.")] = False,
) -> None:
    """Play a game as a spec says, look for bugs, and write a report.

    The exit status is 0 if the playtest passes, 1 if it fails and 2 if it could not be run. Ctrl-C ends it and keeps
    what it found.
    """
    for package in ("av", "jinja2", "pyarrow"):
        require(package, "play")
    from understudy.playtest.junit import JUNIT_FILE, write_junit
    from understudy.playtest.progress import ProgressBar
    from understudy.playtest.report import REPORT_FILE, write_report
    from understudy.playtest.runner import run_playtest
    from understudy.playtest.spec import read_spec

    asked = read_spec(spec)
    out = out or Path("playtests") / f"{spec.stem}-{datetime.now():%Y%m%d-%H%M%S}"
    with nullcontext() if quiet else ProgressBar(Console(stderr=True)) as listener:
        results = run_playtest(asked, spec.resolve().parent, out, workers=workers, seed=seed, listener=listener)
    write_junit(results, out / JUNIT_FILE)
    write_report(results, out / REPORT_FILE)
    console = Console(soft_wrap=True, highlight=False)
    if not quiet:
        _print_findings(results, console)
        console.print(f"Report: {escape(str(out / REPORT_FILE))}")
    console.print(f"[{'green' if results.verdict.passed else 'red'}]{escape(results.verdict.sentence)}[/]")
    raise typer.Exit(0 if results.verdict.passed else 1)


def playtest_init(
    spec: Annotated[Path, typer.Argument(help="The file to write.")] = Path("playtest.yaml"),
) -> None:
    """Write a first playtest spec, with a comment at each key."""
    text = files("understudy.playtest").joinpath("templates", "spec.yaml").read_text(encoding="utf-8")
    try:
        with spec.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise PlaytestError(f"{spec} is there already; name another file.") from error
    except OSError as error:
        raise PlaytestError(
            f"{spec} cannot be written ({error.strerror}); name a file in a folder that exists."
        ) from error
    Console(soft_wrap=True, highlight=False).print(
        f"Wrote {escape(str(spec))}. Run it: understudy playtest {escape(str(spec))}"
    )


def _print_findings(results: Results, console: Console) -> None:
    for each in results.findings:
        times = "once" if len(each.seen) == 1 else f"{len(each.seen)} times"
        console.print(f"[bold]{each.id}[/] at {each.place}: {escape(each.message)}")
        console.print(
            f"    seen {times}, reproduced {each.reproduced} of {each.replays}: "
            f"understudy replay {escape(str(results.out / 'findings' / each.id))}"
        )
