"""A pytest plugin: playtests as tests.

    def test_level(playtest):
        playtest("level1.yaml").assert_no("crash", "stuck").assert_coverage(at_least=0.6)

The fixture plays a spec and returns what was found. A failed assertion prints each finding with the command that
replays it, and where the report lies. Nothing of a playtest is imported before the first one is played.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from understudy.playtest.checking import Playtested


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--playtest-out` and the ini option of the same name."""
    help_text = "keep the reports of playtests below this folder; by default below pytest's own, for three sessions"
    group = parser.getgroup("understudy", "playtests")
    group.addoption("--playtest-out", metavar="FOLDER", default=None, help=help_text)
    group.addoption(
        "--playtest-workers", metavar="N", type=int, default=1, help="games that a playtest runs at the same time"
    )
    parser.addini("playtest_out", help_text, default="")


@pytest.fixture
def playtest(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Playtested]]:
    """Play a spec: `playtest("level1.yaml")`; its path is taken from the test's own folder.

    Keywords are those of `understudy.playtest.checking.play`, such as `seed` and `workers`.
    """
    home = _home(request, tmp_path_factory)
    played: list[Playtested] = []

    def play(spec: str | Path, **options: Any) -> Playtested:
        from understudy.playtest.checking import play as play_spec

        path = request.path.parent / spec
        name = path.stem if not any(each.name == path.stem for each in played) else f"{path.stem}-{len(played) + 1}"
        options.setdefault("workers", request.config.getoption("--playtest-workers"))
        played.append(play_spec(path, home / name, **options))
        return played[-1]

    yield play
    for each in played:
        request.node.user_properties.append(("playtest_report", str(each.report)))


def _home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this test's reports."""
    told = request.config.getoption("--playtest-out") or request.config.getini("playtest_out")
    name = re.sub(r"[^\w.-]+", "-", request.node.nodeid).strip("-")
    if told:
        return request.config.rootpath / str(told) / name
    return tmp_path_factory.mktemp("playtest") / name
