"""`understudy evaluate`: how much like players a bot plays, beside how much like each other players play."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from understudy.errors import GameError, RecordingError, require

if TYPE_CHECKING:
    from understudy.evaluation.result import Row

_COLOURS = {"green": "green", "amber": "yellow", "red": "red", "plain": "default"}
_WORDS = {"green": "like", "amber": "close", "red": "gives away", "plain": "–"}
_QUICK_ROUNDS, _QUICK_RATED, _QUICK_MOST = 24, 1, 160
_ROUNDS, _RATED, _MOST, _SKILLS = 96, 4, 400, (0.0, 0.25, 0.5, 0.75, 1.0)


def evaluate(
    bot: Annotated[Path, typer.Argument(help="A bundle, which is then let play, or recordings of bots.")],
    against: Annotated[Path, typer.Option(help="Recordings of players, best of some never trained on.")],
    out: Annotated[Path | None, typer.Option(help="The page; the JSON and the bot's play go beside it.")] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="NAME=what: a bundle, recordings, 'random', 'scripted' or a persona such as rusher@0.5."),
    ] = None,
    demonstrations: Annotated[
        Path | None, typer.Option(help="Recordings that styles are learned from; by default the players'.")
    ] = None,
    levels: Annotated[str | None, typer.Option(help="To play on, with commas; by default the players'.")] = None,
    styles: Annotated[str | None, typer.Option(help="The bot's, with commas; by default the players'.")] = None,
    games: Annotated[int | None, typer.Option(min=4, help="Rounds the bot and each baseline play.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds and draws, for a first look.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of everything by chance.")] = 0,
) -> None:
    """Compare a bot with players: a verdict on each measure, what gives the bot away, and a report.

    Every number stands beside its floor, which is what it is between players. The exit status is 0 whatever is found.
    """
    for package in ("ot", "openskill", "scipy", "jinja2", "av"):
        require(package, "evaluate")
    require("torch", "train")
    from understudy.evaluation.panel import Options
    from understudy.evaluation.report import REPORT_FILE, write_report
    from understudy.playtest.arena.likeness import Request
    from understudy.playtest.arena.likeness import evaluate as run

    page = out or Path("evaluations") / f"{bot.name}-{datetime.now():%Y%m%d-%H%M%S}" / REPORT_FILE
    if page.suffix.lower() not in (".html", ".htm"):
        page = page / REPORT_FILE
    if page.exists():
        raise RecordingError(f"{page} is there already; name another report.")
    request = Request(
        bot,
        against,
        page.parent / "play",
        _baselines(baseline or []),
        demonstrations,
        _words(levels),
        _words(styles),
        games or (_QUICK_ROUNDS if quick else _ROUNDS),
        _SKILLS,
        _QUICK_MOST if quick else _MOST,
        _QUICK_RATED if quick else _RATED,
        seed,
        Options.quick(seed) if quick else Options(seed=seed),
    )
    with Console(stderr=True).status("opening") as status:
        found, title = run(request, lambda words: status.update(escape(words)))
        status.update("writing the report")
        data = write_report(found, page, title)
    console = Console(soft_wrap=True, highlight=False)
    console.print(_table(found.rows))
    for each in found.warnings:
        console.print(f"[yellow]{escape(each)}[/]")
    for each in found.giveaways[:3]:
        console.print(f"- {escape(each)}")
    console.print(f"Report: {escape(str(page))}\nJSON: {escape(str(data))}")


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip()) if text else ()


def _baselines(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, mark, what = text.partition("=")
        if not (mark and name and what):
            raise GameError(f"The baseline '{text}' should be NAME=PATH, such as random=random or old=bundles/old.")
        if name in found or name in ("bot", "players"):
            raise GameError(f"Two things compared cannot both be called '{name}'; name the baseline otherwise.")
        found[name] = what
    return found


def _table(rows: Sequence[Row]) -> Table:
    table = Table("measure", "verdict", box=None, pad_edge=False)
    for name in ("bot", "floor", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("asked for")
    for row in rows:
        ratio = "" if row.ratio is None or row.ratio.mean != row.ratio.mean else f"{row.ratio.mean:.2f} ×"
        words = f"[{_COLOURS[row.verdict]}]{_WORDS[row.verdict]}[/]"
        floor = f"{row.floor.mean:.3f}" if row.floor else ""
        table.add_row(row.title, words, f"{row.bot.mean:.3f}", floor, ratio, row.target)
    return table
