"""`understudy playtest`: play a game as a spec says, look for bugs, and write a report."""

from __future__ import annotations

import json
import re
import sys
from contextlib import nullcontext
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from understudy.errors import PlaytestError, require

if TYPE_CHECKING:
    from understudy.playtest.results import Results

_SCHEMA_LINE = "# yaml-language-server: $schema={}\n"
_SUFFIXES = (".yaml", ".yml")
_GAME = "understudy/Doom-v0"
_GAME_ID = re.compile(r"([\w.]+:)?([\w-]+/)?[\w:.-]+-v\d+")


class _RunByDefault(TyperGroup):
    """Commands of which `run` may be left out: `understudy playtest SPEC.yaml` plays it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunByDefault,
    help="Play a game as a spec says, look for bugs, and write a report: understudy playtest SPEC.yaml",
    no_args_is_help=True,
)


@app.command()
def run(
    spec: Annotated[Path | None, typer.Argument(help="The playtest's YAML file; init writes a first one.")] = None,
    out: Annotated[Path | None, typer.Option(help="A new folder; by default named by the spec and the time.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Go on with the playtest in this folder, instead of a spec.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Games at the same time; by default 1, or a Ray cluster's CPUs.")
    ] = None,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Play on a Ray cluster: host:port of its head, or auto.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Replaces the first seed of every persona.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict only.")] = False,
) -> None:
    """Play a game as a spec says, look for bugs, and write a report. The word "run" may be left out.

    The exit status is 0 if the playtest passes, 1 if it fails and 2 if it could not be run to its end. Ctrl-C ends it
    and keeps what it found; --resume goes on with it, and with one whose machine died.
    """
    for package in ("av", "jinja2", "pyarrow"):
        require(package, "play")
    from understudy.playtest.progress import ProgressBar
    from understudy.playtest.runner import resume_playtest, run_playtest
    from understudy.playtest.spec_file import read_spec

    if (spec is None) == (resume is None) or (resume and (out or seed is not None)):
        raise PlaytestError(
            "Name either a spec to play, or with --resume the folder of a playtest to go on with, which has its spec, "
            "its seeds and its folder already."
        )
    with nullcontext() if quiet else ProgressBar(Console(stderr=True)) as listener:
        if spec is None or resume is not None:
            results = resume_playtest(resume or Path(), workers=workers, ray=ray, listener=listener)
        else:
            out = out or Path("playtests") / f"{spec.stem}-{datetime.now():%Y%m%d-%H%M%S}"
            results = run_playtest(
                read_spec(spec), spec.parent, out, workers=workers, seed=seed, ray=ray, listener=listener
            )
    _tell(results, spec, quiet=quiet)
    raise typer.Exit(results.exit_code)


@app.command()
def init(
    game: Annotated[str, typer.Argument(help="The gymnasium id of a game; may be left out before a file.")] = _GAME,
    spec: Annotated[Path, typer.Argument(help="The file to write.")] = Path("playtest.yaml"),
) -> None:
    """Write a first playtest spec, with a comment at each key, and its schema beside it for editors.

    For example: understudy playtest init CartPole-v1

    or: understudy playtest init level.yaml
    """
    from understudy.playtest.schema import SCHEMA_FILE

    if Path(game).suffix in _SUFFIXES:
        game, spec = _GAME, Path(game)
    if not _GAME_ID.fullmatch(game):
        raise PlaytestError(f"'{game}' is neither a game's id, such as CartPole-v1, nor a file named *.yaml.")
    text = files("understudy.playtest").joinpath("templates", "spec.yaml").read_text(encoding="utf-8")
    text = text.replace(_GAME, game)
    try:
        with spec.open("x", encoding="utf-8") as file:
            file.write(_SCHEMA_LINE.format(SCHEMA_FILE) + text)
        spec.with_name(SCHEMA_FILE).write_text(_schema_text(), encoding="utf-8")
    except FileExistsError as error:
        raise PlaytestError(f"{spec} is there already; name another file.") from error
    except OSError as error:
        raise PlaytestError(
            f"{spec} cannot be written ({error.strerror}); name a file in a folder that exists."
        ) from error
    Console(soft_wrap=True, highlight=False).print(
        f"Wrote {escape(str(spec))}. Run it: understudy playtest {escape(str(spec))}"
    )


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The folder of the playtest of the build before.")],
    after: Annotated[Path, typer.Argument(help="Of the build after: the same spec, personas and seeds.")],
    out: Annotated[Path | None, typer.Option(help="Where the page and the JSON go; by default into AFTER.")] = None,
) -> None:
    """Compare two builds: new and fixed bugs, coverage lost and gained, difficulty moved.

    The exit status is 0 if there is no new bug and for certain no coverage lost, 1 if there is, 2 if the playtests
    cannot be compared.
    """
    require("jinja2", "play")
    from understudy.playtest.compare import COMPARISON_PAGE, write_comparison
    from understudy.playtest.compare import compare as compare_playtests
    from understudy.playtest.disk import telling_of_a_failed_write

    found, out = compare_playtests(before, after), out or after
    with telling_of_a_failed_write(out):
        write_comparison(found, out)
    console = Console(soft_wrap=True, highlight=False)
    for each in found.of("new"):
        console.print(f"[bold]new[/] {each.bug.id} at {each.bug.place}: {escape(each.bug.message)}")
    console.print(f"Comparison: {escape(str(out / COMPARISON_PAGE))}")
    console.print(f"[{'green' if found.passed else 'red'}]{escape(found.sentence)}[/]")
    raise typer.Exit(found.exit_code)


@app.command()
def schema() -> None:
    """Print the JSON Schema of specs, which editors complete and check keys by."""
    typer.echo(_schema_text(), nl=False)


def _schema_text() -> str:
    from understudy.playtest.schema import spec_schema

    return json.dumps(spec_schema(), indent=1) + "\n"


def _tell(results: Results, spec: Path | None, *, quiet: bool) -> None:
    """Write what people and their tools read of the results, and print them.

    Raises:
        PlaytestError: If the disk is full.
    """
    from understudy.playtest.disk import telling_of_a_failed_write
    from understudy.playtest.report.annotations import annotate
    from understudy.playtest.report.junit import JUNIT_FILE, write_junit
    from understudy.playtest.report.page import REPORT_FILE, write_report

    console = Console(soft_wrap=True, highlight=False)
    if not quiet:
        _print_findings(results, console)
    if results.problem:
        raise PlaytestError(results.problem)
    with telling_of_a_failed_write(results.out):
        write_junit(results, results.out / JUNIT_FILE)
        write_report(results, results.out / REPORT_FILE)
    annotate(results, spec, sys.stdout)
    if not quiet:
        console.print(f"Report: {escape(str(results.out / REPORT_FILE))}")
    console.print(f"[{'green' if results.verdict.passed else 'red'}]{escape(results.verdict.sentence)}[/]")


def _print_findings(results: Results, console: Console) -> None:
    from understudy.playtest.report.cards import rate_words, replay_command

    for each in results.findings:
        times = "once" if len(each.seen) == 1 else f"{len(each.seen)} times"
        console.print(f"[bold]{each.id}[/] at {each.place}: {escape(each.message)}")
        console.print(escape(f"    seen {times}, reproduced {rate_words(each)}: {replay_command(results, each)}"))
