"""`understudy`: the commands, and the one place where a user's mistake becomes a sentence and an exit code."""

from __future__ import annotations

import io
import os
import sys

import typer
from rich.console import Console

from understudy.cli import (
    bots,
    detect,
    evaluate,
    explore,
    export,
    logs,
    play,
    playtest,
    record,
    replay,
    serve,
    style,
    train,
)
from understudy.errors import UnderstudyError

_INTERRUPTED = 130

app = typer.Typer(
    name="understudy",
    help="Game agents that learn from people's play, are served to engines, and test games.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(logs.app, name="logs")
app.command("play")(play.play)
app.command("record")(record.record)
app.command("train")(train.train)
app.command("train-init")(train.train_init)
app.command("explore")(explore.explore)
app.command("export")(export.export)
app.command("style")(style.style)
app.command("detect")(detect.detect)
app.command("serve")(serve.serve)
app.add_typer(bots.app, name="bots")
app.add_typer(playtest.app, name="playtest")
app.command("replay")(replay.replay)
app.command("evaluate")(evaluate.evaluate)


def run() -> None:
    """Run the command line. Exit status 2 and one sentence for a user's mistake, 130 for Ctrl-C."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files need not be text, and not every terminal knows every letter.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except UnderstudyError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]error:[/] {_escape(str(error))}")
        sys.exit(2)
    except SystemExit as end:
        # Typer makes this of a Ctrl-C, without a word.
        if end.code == _INTERRUPTED:
            Console(stderr=True).print("Stopped. Run the same command again to go on where it can.")
        raise
    except BrokenPipeError:
        # The reader of our output went away (`| head`); Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


if __name__ == "__main__":
    run()
