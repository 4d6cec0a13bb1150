"""`understudy replay`: play a finding's inputs again and see whether the bug is still there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from understudy.errors import require


def replay(
    finding: Annotated[Path, typer.Argument(help="A folder under findings/ of a playtest, or its finding.json.")],
    times: Annotated[int, typer.Option(min=1, help="How often to play it.")] = 1,
) -> None:
    """Play a finding's inputs again and see whether the bug is still there.

    The exit status is 0 if it was reproduced at least once and 1 if not.
    """
    require("pyarrow", "play")
    from understudy.playtest.findings.finding import Finding
    from understudy.playtest.findings.replay import replay as replay_finding

    console = Console(soft_wrap=True, highlight=False)
    found = Finding.load(finding)
    console.print(f"[bold]{found.id}[/] at {found.place}: {escape(found.message)}")
    folder = finding if finding.is_dir() else finding.parent
    reproduced = sum(replay_finding(found, folder, times))
    console.print(f"reproduced {reproduced} of {times} times")
    raise typer.Exit(0 if reproduced else 1)
