"""The program on the page `docs/clients.md`, as a reader would copy it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from client_builds import CLIENTS, ROOT, run
from served_bots import Served

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]


def test_the_pages_program_prints_what_the_page_says(library: Path, served: Served, tmp_path: Path) -> None:
    """It compiles as C11 without a warning, plays, and its output is the one shown."""
    page = (ROOT / "docs/clients.md").read_text()
    program = re.search(r"```c\n(.*?)```", page, re.DOTALL)
    assert program
    shown = re.search(r"```\n(tick 0.*?)```", page, re.DOTALL)
    assert shown
    (tmp_path / "game.c").write_text(program[1])
    flags = ("-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{CLIENTS / 'c/include'}")
    link = (f"-L{library}", "-lunderstudy", f"-Wl,-rpath,{library}")
    run("gcc", *flags, tmp_path / "game.c", "-o", tmp_path / "game", *link)

    assert run(tmp_path / "game", served.address) == shown[1]
