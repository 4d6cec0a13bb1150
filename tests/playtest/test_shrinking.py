from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grid_specs import grid_form
from grid_world import CLEAN, GridWorld, centre, planted

from understudy.playtest.coverage import Coverage, CoverageSpec, open_measure
from understudy.playtest.findings import candidates, shrinking
from understudy.playtest.findings.candidates import MEMORY_FILE, Limits
from understudy.playtest.findings.finding import (
    CLIP_FILE,
    INPUTS_FILE,
    SHRUNK_CLIP_FILE,
    SHRUNK_FILE,
    Finding,
    collect,
    keep_evidence,
)
from understudy.playtest.findings.rate import Rate
from understudy.playtest.findings.replay import measure
from understudy.playtest.findings.shrinking import shrink
from understudy.playtest.oracles import Panel, build_oracle
from understudy.playtest.run.moment import Ended, Ending, Moment
from understudy.playtest.run.personas import load_inputs
from understudy.playtest.run.play import Halt
from understudy.playtest.run.trace import Run, Trace
from understudy.playtest.spec import PlaytestSpec
from understudy.spec import Action

ROOM = planted("X", 7, 3)
SHORTEST = 8  # six steps east and two south


def walk(room: list[str], actions: list[Action], oracle: Any, slippery: float = 0.0, seed: int = 0) -> Trace:
    """What a run of the grid world is, played in this process."""
    spec = PlaytestSpec.model_validate(grid_form(room))
    trace = Trace(Run(spec.personas[0], seed, Path("run")), Coverage(open_measure(CoverageSpec(cell=20))))
    game, panel = GridWorld(room, slippery=slippery), Panel([build_oracle(oracle)])
    trace.behavior = game.behavior
    panel.reset(game.behavior)
    _, info = game.reset(seed=seed)
    ending, moment = Ending(Ended.BUDGET, len(actions)), None
    for tick, action in enumerate(actions):
        moment = Moment(tick, {"position": list(info["position"])}, action)
        trace.observe(moment, panel)
        try:
            _, _, _, _, info = game.step(action)
        except IndexError as error:
            ending = Ending(Ended.RAISED, tick, moment.position, f"IndexError: {error}")
            break
    trace.end(ending, panel)
    return trace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A finding's folder: a random walk of the grid world that ends on the tile that crashes it."""
    spec = PlaytestSpec.model_validate(grid_form(ROOM))
    rng = np.random.default_rng(9)
    actions: list[Action] = [{"move": np.array(move)} for move in rng.integers(0, 5, 90)]
    trace = walk(ROOM, actions, spec.oracles[0])
    ((finding, _),) = collect(spec, tmp_path, [trace])
    finding = finding.model_copy(update={"replays": 3, "reproduced": 3})
    keep_evidence(finding, trace, tmp_path / "crash-1")
    assert finding.tick > 5 * SHORTEST
    return tmp_path / "crash-1"


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Plays candidates in this process, and lists how long each was."""
    lengths: list[int] = []

    def again(finding: Finding, inputs: Path | None, scratch: Path, halt: Halt, *, record: bool = False) -> Trace:  # noqa: ARG001
        assert inputs is not None
        moves = load_inputs(inputs)["move"]
        lengths.append(len(moves))
        return walk(finding.game.args["room"], [{"move": move} for move in moves], finding.oracle)

    monkeypatch.setattr(candidates, "play_again", again)
    monkeypatch.setattr(shrinking, "measure", lambda *_: Rate(5, 5))
    monkeypatch.setattr(shrinking, "film_again", lambda *_: None)
    return lengths


def test_a_random_walk_shrinks_to_the_shortest_way(home: Path, played: list[int]) -> None:
    """Of hundreds of inputs only those that lead straight to the bug are left, and the original is kept."""
    finding = Finding.load(home)
    original = load_inputs(home / INPUTS_FILE)["move"]
    shrunk = shrink(finding, home, Limits(replays=300))
    assert shrunk.shrunk is not None
    assert (shrunk.shrunk.decisions, shrunk.shrunk.asks, shrunk.shrunk.complete) == (SHORTEST, SHORTEST, True)
    assert shrunk.shrunk.original == len(original) == finding.tick + 1
    assert sorted(load_inputs(home / SHRUNK_FILE)["move"]) == [2] * 2 + [4] * 6
    np.testing.assert_array_equal(load_inputs(home / INPUTS_FILE)["move"], original)
    assert Finding.load(home) == shrunk
    assert len(played) == shrunk.shrunk.tried < 200


def test_any_number_of_workers_finds_the_same(home: Path, played: list[int]) -> None:
    """Several candidates at a time are faster, and lead to the very same inputs."""
    finding = Finding.load(home)
    shrink(finding, home, Limits(replays=300))
    alone, num_alone = load_inputs(home / SHRUNK_FILE)["move"], len(played)
    (home / MEMORY_FILE).unlink()
    shrink(finding, home, Limits(replays=400, workers=3))
    np.testing.assert_array_equal(load_inputs(home / SHRUNK_FILE)["move"], alone)
    assert len(played) - num_alone >= num_alone


def test_shrinking_goes_on_where_it_was_stopped(home: Path, played: list[int]) -> None:
    """Stopped by its budget it keeps what it has; called again it repeats the run's own replay and nothing else."""
    finding = Finding.load(home)
    first = shrink(finding, home, Limits(replays=2)).shrunk
    assert first is not None
    assert not first.complete
    assert SHORTEST < first.decisions < first.original
    whole = shrink(finding, home, Limits(replays=300)).shrunk
    assert whole is not None
    assert (whole.decisions, whole.complete) == (SHORTEST, True)
    memory = json.loads((home / MEMORY_FILE).read_text())
    assert len(played) == memory["replays"] == len(memory["tried"]) + 2


def test_what_was_never_reproduced_is_not_shrunk(home: Path, played: list[int]) -> None:
    """A finding that no replay showed is left as it is."""
    finding = Finding.load(home).model_copy(update={"reproduced": 0})
    assert shrink(finding, home, Limits()) == finding
    assert played == []


@pytest.mark.usefixtures("played")
def test_a_stuck_player_keeps_asking(tmp_path: Path) -> None:
    """A trap shrinks to the way into it and the seconds that the oracle waits, all of them asking to move."""
    room = planted("T", 3, 2)
    spec = PlaytestSpec.model_validate(grid_form(room))
    rng = np.random.default_rng(15)
    actions: list[Action] = [{"move": np.array(move)} for move in rng.integers(0, 5, 90)]
    ((finding, trace),) = collect(spec, tmp_path, [walk(room, actions, spec.oracles[1])])
    keep_evidence(finding, trace, tmp_path / "stuck-1")
    assert finding.position == centre(3, 2)
    finding = finding.model_copy(update={"replays": 1, "reproduced": 1})
    shrunk = shrink(finding, tmp_path / "stuck-1", Limits(replays=60)).shrunk
    assert shrunk is not None
    assert 3 + 21 <= shrunk.decisions <= 3 + 21 + 4 < finding.tick
    assert 16 + 3 <= shrunk.asks <= shrunk.decisions


def test_a_finding_shrinks_in_processes_of_its_own(folder: Path) -> None:
    """With the real worker a short way is shortened, and the shortened way shows the bug every time; the finding has
    a picture and a video of the way there.
    """
    from understudy.playtest.run.play import play_run

    spec = PlaytestSpec.model_validate(grid_form(planted("X", 2, 1), video={"runs": 1}))
    run = Run(spec.personas[0], 0, folder / "run" / "run")
    trace = play_run(spec, folder, run, Halt())
    ((finding, _),) = collect(spec, folder, [trace])
    home = folder / finding.id
    keep_evidence(finding, trace, home)
    assert (home / CLIP_FILE).stat().st_size > 500
    rate = measure(finding, home, 1)
    finding = finding.model_copy(update={"replays": rate.tries, "reproduced": rate.hits})
    shrunk = shrink(finding, home, Limits(replays=5, workers=2), measured=1).shrunk
    assert shrunk is not None
    assert (shrunk.decisions, str(shrunk.rate)) == (1, "1 of 1 times (deterministic: 21 to 100 %)")
    assert (home / SHRUNK_CLIP_FILE).stat().st_size > 500


def test_a_clean_room_shows_nothing_again(home: Path) -> None:
    """The finding's inputs in the mended game show nothing, so its rate is nought."""
    finding = Finding.load(home)
    mended = finding.game.model_copy(update={"args": {"room": CLEAN}})
    import grid_world

    here = Path(grid_world.__file__).parent
    assert measure(finding.model_copy(update={"game": mended, "folder": here}), home, 1) == Rate(0, 1)
