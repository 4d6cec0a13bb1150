from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grid_specs import grid_form
from grid_world import CLEAN, centre, planted

from understudy.errors import PlaytestError, SpecError
from understudy.playtest.findings.finding import Finding
from understudy.playtest.findings.replay import replay
from understudy.playtest.report.page import write_report
from understudy.playtest.run.moment import Ended
from understudy.playtest.run.play import Halt, play_run
from understudy.playtest.run.trace import Run
from understudy.playtest.runner import RESULTS_FILE, Results
from understudy.playtest.spec import PlaytestSpec
from understudy.recordings import open_recordings

Play = Callable[..., Results]
NEAR = 15.0
"""A crash is placed where the step began that led to it: one tile away."""


def facts(results: Results) -> list[tuple[Any, ...]]:
    """What must be the same whenever the same playtest is run."""
    return [
        (each.id, each.message, each.persona.name, each.seed, each.tick, each.position, each.seen)
        for each in results.findings
    ]


def test_a_clean_world_has_no_findings(play: Play) -> None:
    """In a room without bugs no oracle fires, every run uses its steps up, and the playtest passes."""
    results = play(grid_form(CLEAN))
    assert results.findings == ()
    assert {each.ending.how for each in results.traces} == {Ended.BUDGET}
    assert results.verdict.passed


def test_the_stuck_oracle_fires_at_the_trap(play: Play) -> None:
    """Every run that walked into the trap reports it, as one finding, exactly there; the replay shows it again."""
    results = play(grid_form(planted("T", 3, 2), personas=[{"name": "monkey", "agent": "random", "runs": 3}]))
    (finding,) = results.findings
    assert (finding.kind, finding.position) == ("stuck", centre(3, 2))
    assert len(finding.seen) == sum(bool(each.sightings) for each in results.traces) >= 2
    assert (finding.replays, finding.reproduced) == (1, 1)
    trapped = next(each for each in results.traces if each.sightings)
    assert trapped.totals()["seconds stuck"] > 5


@pytest.mark.parametrize(
    ("crash", "message"),
    [
        ("raise", "IndexError: no such tile (grid_world.py, line "),
        ("exit", "The game's process died. It left with exit status 3."),
        ("segv", "The game's process died. It was killed by SIGSEGV."),
    ],
)
def test_a_crash_is_a_finding_and_the_other_runs_go_on(play: Play, crash: str, message: str) -> None:
    """However a game dies, its run is a finding with a replay, and every other run is played to its end."""
    results = play(grid_form(planted("X", 4, 3), crash, budget={"steps": 60}), workers=2)
    assert [each.run.seed for each in results.traces] == [0, 1, 2]
    crashed = [each for each in results.traces if each.sightings]
    (finding,) = results.findings
    assert 0 < len(crashed) < 3
    assert finding.message.startswith(message)
    assert finding.position is not None
    assert np.abs(np.subtract(finding.position, centre(4, 3))).sum() < NEAR
    assert (finding.replays, finding.reproduced) == (1, 1)
    assert {each.ending.how for each in results.traces if not each.sightings} == {Ended.BUDGET}
    assert not results.verdict.passed


def test_a_hang_is_killed_and_found(play: Play) -> None:
    """A step that does not end is killed after its limit and found by the timeout oracle, with a replay."""
    oracles = [{"kind": "timeout", "step_seconds": 1.5}]
    personas = [{"name": "monkey", "agent": "random"}]
    results = play(grid_form(planted("H", 2, 1), personas=personas, oracles=oracles))
    (finding,) = results.findings
    assert (finding.kind, finding.message) == ("timeout", "A step of the game did not end within 1.5 s.")
    assert finding.reproduced == 1


def test_an_unreachable_goal_shows_in_the_coverage(play: Play) -> None:
    """The walled-off tile is never visited, so asking for one cell more than can be reached fails the playtest."""
    personas = [{"name": "monkey", "agent": "random"}]
    keys = {"coverage": {"cell": 10}, "budget": {"steps": 2000}, "personas": personas}
    reachable = "".join(CLEAN).count(".") + 1
    results = play(grid_form(CLEAN, **keys, **{"pass": {"min_coverage": reachable + 1}}))
    found = {cell for trace in results.traces for cell in trace.coverage.visits}
    assert len(found) == reachable
    assert (8, 5) not in found
    assert results.verdict.sentence == f"Failed: {reachable} of at least {reachable + 1} cells visited."


def test_the_same_seed_gives_the_same_findings(play: Play) -> None:
    """A playtest repeats from its seed, with any number of workers; another seed plays otherwise."""
    form = grid_form(planted("T", 3, 2), budget={"steps": 200})
    form["game"]["args"]["slippery"] = 0.2
    first, again, other = play(form, workers=1), play(form, workers=3), play(form, seed=50)
    assert facts(first) == facts(again) != facts(other)
    for one, two in zip(first.traces, again.traces, strict=True):
        assert one.path == two.path
    assert [each.run.seed for each in other.traces] == [50, 51, 52]


def test_a_finding_replays_from_disk_and_notices_a_mended_game(play: Play) -> None:
    """A finding read back from its folder is reproduced each time; in a game without the bug it is not."""
    results = play(grid_form(planted("X", 3, 2), "exit"))
    home = results.out / "findings" / "crash-1"
    finding = Finding.load(home)
    assert list(replay(finding, home, 2)) == [True, True]
    mended = finding.game.model_copy(update={"args": {"room": CLEAN}})
    assert list(replay(finding.model_copy(update={"game": mended}), home, 1)) == [False]


def test_a_crash_at_the_start_replays_without_inputs(play: Play) -> None:
    """A game that dies before the first decision is a finding too, and its replay needs no inputs."""
    room = list(CLEAN)
    room[1] = "#........#"
    results = play(grid_form(room))
    (finding,) = results.findings
    assert finding.message.startswith("StopIteration")
    assert (finding.tick, finding.position, finding.reproduced, len(finding.seen)) == (0, None, 1, 3)


def test_runs_are_recorded_with_the_games_numbers(play: Play) -> None:
    """A recording holds the observations, the actions, and as extras the numbers of `info` that go with them."""
    results = play(grid_form(CLEAN, budget={"steps": 25}))
    episode = open_recordings(results.out / "runs" / "monkey-0" / "monkey-0.arrows")[0]
    assert episode.complete
    assert episode.num_steps == 25
    assert np.array_equal(episode.extra("position"), episode.observation("place"))
    assert [int(each["move"]) for each in results.traces[0].actions] == episode.action("move").tolist()
    assert episode.extra("health")[0] == 100.0


def test_the_results_file_says_it_all(play: Play) -> None:
    """results.json holds the verdict, each run with its totals, each finding and the coverage."""
    results = play(grid_form(planted("T", 3, 2)))
    form = json.loads((results.out / RESULTS_FILE).read_text())
    assert form["passed"] is False
    assert [each["seed"] for each in form["runs"]] == [0, 1, 2]
    assert form["findings"][0]["kind"] == "stuck"
    assert form["coverage"]["cells"] == form["coverage"]["by_persona"]["monkey"] > 0
    assert form["runs"][0]["totals"]["distance"] > 0
    assert form["spec_digest"] == results.spec.digest


def test_findings_that_are_allowed_do_not_fail(play: Play) -> None:
    """A spec may allow findings of a kind."""
    results = play(grid_form(planted("T", 3, 2), **{"pass": {"max_findings": {"stuck": 1}}}))
    assert len(results.findings) == 1
    assert results.verdict.passed


def test_a_run_can_be_stopped(folder: Path) -> None:
    """A run that is told to stop ends at once, with what it did so far."""
    spec = PlaytestSpec.model_validate(grid_form(CLEAN, budget={"steps": 10**7}))
    halt = Halt()
    trace = play_run(spec, folder, Run(spec.personas[0], 0, folder / "runs" / "monkey-0"), halt, halt.event.set)
    assert trace.ending.how is Ended.STOPPED
    assert 0 < len(trace.actions) < 1000
    assert trace.played


def test_no_run_starts_when_the_time_is_up(play: Play) -> None:
    """Once the minutes are used up no run is started, and a playtest without a run does not pass."""
    results = play(grid_form(CLEAN, budget={"minutes": 1e-9}))
    assert results.traces == ()
    assert results.verdict.sentence == "Failed: 0 of 3 runs played before the time was up."
    write_report(results, results.out / "report.html")
    assert "0 of 3 runs played" in (results.out / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"game": {"id": "playtest/Grid-v0", "import": "grid_wordl"}}, "No module named 'grid_wordl'"),
        ({"personas": [{"name": "bot", "agent": "bundle", "bundle": "nowhere"}]}, "nowhere is no bundle"),
        ({"personas": [{"name": "walker", "agent": "scripted"}]}, "has no sensor 'rays'"),
    ],
)
def test_what_cannot_be_played_is_an_error(play: Play, folder: Path, change: dict[str, Any], message: str) -> None:
    """If not one run can be played, that is a mistake of the spec, not a bug of the game; nothing is left behind."""
    with pytest.raises(PlaytestError, match=r"No run could be played\. ") as told:
        play(grid_form(CLEAN, **change))
    assert message in str(told.value)
    assert not (folder / "out0").exists()


@pytest.mark.parametrize(
    ("game", "message"),
    [
        ({"id": "playtest/Gird-v0", "import": "grid_world"}, r"registers\. Did you mean 'playtest/Grid-v0'\?"),
        ({"id": "CartPol-v1"}, r"registers\. Did you mean 'CartPole-v1'\?"),
        ({"id": "a/B-v0"}, "registers; name the module that does as 'import'."),
        ({"id": "a/B-v0", "import": "grid_world"}, "registers; the module 'grid_world' does not register it."),
    ],
)
def test_an_unknown_game_is_told_before_anything_is_played(
    play: Play, folder: Path, game: dict[str, str], message: str
) -> None:
    """A misspelt id is an error with the nearest that is known, and no run is started for it."""
    with pytest.raises(PlaytestError, match=f"The spec's game has the id '{game['id']}', which nothing {message}"):
        play(grid_form(CLEAN, game=game))
    assert not (folder / "out0").exists()


def test_a_persona_that_cannot_play_fails_the_verdict(play: Play) -> None:
    """If only some runs can be played, they are, and the verdict says which could not."""
    personas = [
        {"name": "monkey", "agent": "random"},
        {"name": "away", "agent": "remote", "address": "127.0.0.1:1"},
    ]
    results = play(grid_form(CLEAN, personas=personas, budget={"steps": 20}))
    assert [each.played for each in results.traces] == [True, False]
    assert results.findings == ()
    assert results.verdict.criteria[0].found.startswith("1 of 2 runs played (away-0: ")
    assert not results.verdict.passed


def test_an_oracle_that_does_not_fit_the_game_is_an_error(play: Play) -> None:
    """An action part that the game does not have ends the playtest with a sentence."""
    with pytest.raises(SpecError, match="has no action part 'walk'"):
        play(grid_form(CLEAN, oracles=[{"kind": "stuck", "parts": ["walk"]}]))


def test_a_folder_in_use_is_refused(play: Play, folder: Path) -> None:
    """A playtest never writes among other files."""
    (folder / "out0").mkdir()
    (folder / "out0" / "thesis.txt").write_text("mine")
    with pytest.raises(PlaytestError, match="already holds something"):
        play(grid_form(CLEAN))


@pytest.mark.parametrize("game", ["CartPole-v1", "Pendulum-v1", "FrozenLake-v1"])
def test_classic_games_can_be_played(play: Play, game: str) -> None:
    """An environment without a behaviour gets one from its spaces; without positions it has no coverage."""
    form = grid_form(CLEAN, game={"id": game}, budget={"steps": 30}, video={"runs": 0})
    results = play({**form, "personas": [{"name": "monkey", "agent": "random"}]})
    assert results.verdict.passed
    assert results.traces[0].played
    assert "area" not in results.traces[0].totals()
