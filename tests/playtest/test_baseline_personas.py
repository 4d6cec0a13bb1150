"""The testers to compare with, as personas of a spec."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from grid_specs import grid_form
from grid_world import CLEAN

import field_world
from understudy.errors import PlaytestError
from understudy.playtest.report.page import write_report
from understudy.playtest.runner import Results
from understudy.playtest.spec_file import read_spec

Play = Callable[..., Results]


def field_form(*personas: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """The spec of a playtest of the field."""
    return {
        "game": {"id": "field/Field-v0", "import": "field_world"},
        "personas": list(personas),
        "budget": {"steps": 60},
        "oracles": [{"kind": "crash"}, {"kind": "timeout"}],
        "coverage": {"cell": 1},
        "replay": {"times": 1, "shrink": 0},
        "video": {"runs": 0},
        **keys,
    }


@pytest.fixture
def field(folder: Path) -> Path:
    """A folder with the field's module and demonstrations in it."""
    shutil.copy(field_world.__file__, folder)
    field_world.record_walks(folder / "walks", episodes=1)
    return folder


def test_retrieval_walks_what_its_demonstrations_show(play: Play, field: Path) -> None:
    """It is on the demonstrated path and nowhere else, and makes no style of it."""
    shown = str(next((field / "walks").rglob("golden*")))
    persona = {"name": "copy", "agent": "retrieval", "demonstrations": [shown]}
    trace = play(field_form(persona)).traces[0]
    cells = {(int(each[0]), int(each[1])) for each in trace.path}
    assert cells == field_world.path_cells("golden")


def test_go_explore_goes_further_than_chance(play: Play, field: Path) -> None:  # noqa: ARG001
    """Its run begins with the way to the farthest place it found on the side, so it ends farther off than dice do."""
    seekers = [{"name": each, "agent": each, "runs": 3} for each in ("go_explore", "random")]
    results = play(field_form(*seekers, budget={"steps": 300}))
    reached = dict.fromkeys(("go_explore", "random"), 0)
    for trace in results.traces:
        away = max(abs(x - field_world.START[0]) + abs(y - field_world.START[1]) for x, y, *_ in trace.path[:30])
        reached[trace.run.persona.name] += int(away)
    assert reached["go_explore"] > 1.3 * reached["random"]


def test_sticky_is_the_same_for_a_seed(play: Play) -> None:
    """Played twice, it walks the same way; it is no privileged agent."""
    form = grid_form(CLEAN, personas=[{"name": "sticky", "agent": "sticky"}], budget={"steps": 60})
    first, second = (play(form).traces[0] for _ in range(2))
    assert first.path == second.path
    assert not first.run.persona.privileged


@pytest.mark.parametrize(("agent", "lacks"), [("go_explore", "get_state"), ("navmesh", "reachable_cells")])
def test_a_game_that_lets_nobody_look_behind_it_is_named(play: Play, agent: str, lacks: str) -> None:
    """The error says what the game lacks, in words that tell that the agent is privileged."""
    form = grid_form(CLEAN, personas=[{"name": "x", "agent": agent}], budget={"steps": 5, "retries": 0})
    with pytest.raises(PlaytestError, match=rf"'{agent}' is privileged.* has no {lacks}\(\)"):
        play(form)


def test_what_go_explore_met_on_the_side_happens_in_the_run(play: Play, field: Path) -> None:
    """A crash while it explores from restored states is found again by the run's own inputs, and replays."""
    module = (field / "field_world.py").read_text()
    crash = "        if self.place == (7, 9):\n            raise RuntimeError('the floor is gone')\n"
    seen = "        seen, info = self._see()\n        return seen, float"
    assert seen in module
    (field / "field_world.py").write_text(module.replace(seen, crash + seen))
    results = play(field_form({"name": "seeker", "agent": "go_explore"}, budget={"steps": 300}))
    assert [each.kind for each in results.findings] == ["crash"]
    assert (results.findings[0].reproduced, results.findings[0].replays) == (1, 1)


@pytest.mark.slow  # the park takes a while to be made
def test_the_level_walker_walks_the_park(play: Play) -> None:
    """In Parkland it gets from half cell to half cell, and the report says that it is privileged."""
    pytest.importorskip("panda3d")
    game = {"id": "understudy/Parkland-v0", "args": {"seed": 1, "size": 42}}
    persona = {"name": "walker", "agent": "navmesh"}
    results = play(field_form(persona, game=game, budget={"steps": 150}, coverage={"cell": 4}))
    assert results.traces[0].played, results.traces[0].ending
    assert results.traces[0].totals()["distance"] > 10
    write_report(results, results.out / "report.html")
    assert "navmesh (privileged)" in (results.out / "report.html").read_text()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"agent": "retrieval"}, "no 'demonstrations'"),
        ({"agent": "navmesh", "style": "fast"}, "none to choose"),
        ({"agent": "sticky", "demonstrations": ["x"]}, "none to choose"),
    ],
)
def test_what_such_a_persona_cannot_have_is_told(tmp_path: Path, keys: dict[str, Any], told: str) -> None:
    """The spec is refused in a sentence."""
    import yaml

    form = {"game": {"id": "x"}, "personas": [{"name": "p", **keys}]}
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(form))
    with pytest.raises(PlaytestError, match=told):
        read_spec(tmp_path / "spec.yaml")


def test_retrievals_paths_are_beside_the_spec(tmp_path: Path) -> None:
    """Demonstrations are taken from the spec's folder, and no bundle stays none."""
    (tmp_path / "spec.yaml").write_text(
        "game: {id: x}\npersonas: [{name: p, agent: retrieval, demonstrations: [walks]}]\n"
    )
    persona = read_spec(tmp_path / "spec.yaml").personas[0]
    assert persona.demonstrations == (str(tmp_path / "walks"),)
    assert persona.bundle == ""
