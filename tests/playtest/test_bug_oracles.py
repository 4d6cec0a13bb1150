from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bug_house
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from understudy.errors import PlaytestError
from understudy.playtest.oracles import OracleOptions, OracleSpec, Panel, UnreachableGoal, build_oracle
from understudy.playtest.oracles.cost import surely_grows
from understudy.playtest.oracles.goals import UnreachableGoalSpec
from understudy.playtest.oracles.picture import PictureSpec
from understudy.playtest.run.game import Game
from understudy.playtest.run.gauge import Looker
from understudy.playtest.run.moment import Ended, Ending, Moment, Picture, Sighting
from understudy.playtest.spec import GameSpec
from understudy.recordings import EpisodeWriter, Provenance

NORTH, SOUTH, WEST, EAST = 1, 2, 3, 4
MARCH = [EAST] * 30
WANDER = [EAST] * 8 + [NORTH, EAST, SOUTH, WEST] * 15
GOAL = {"name": "find the exit", "info": "quest", "at_least": 2}
ORACLES: dict[str, dict[str, Any]] = {
    "out_of_bounds": {"box": [[-50, -50, -9], [50, 50, 9]]},
    "falling": {"seconds": 1},
    "soft_lock": {"seconds": 4, "cell": 1},
    "frame_time": {"budget_ms": 15, "warmup": 2},
    "nan": {},
    "picture": {"seconds": 0.5, "every": 0.1, "still": 2},
    "invariant": {"functions": ["house_rules:solvent", "house_rules:near_home"]},
}


def options_of(kind: str, **options: Any) -> OracleOptions:
    """Options as a spec gives them."""
    return TypeAdapter(OracleSpec).validate_python({"kind": kind, **(options or ORACLES.get(kind, {}))})


def play(bug: str, moves: Sequence[int], *oracles: OracleOptions) -> Iterator[Moment]:
    """The moments of the little game, measured as a worker does it."""
    game = Game(
        GameSpec(id="playtest/House-v0", args={"bug": bug}), Path(bug_house.__file__).parent, pictures=True, faults=True
    )
    look = next((each for each in oracles if isinstance(each, PictureSpec)), PictureSpec(every=0.1))
    looker = Looker("frame", look, 10.0)
    seen, info = game.reset(0)
    for tick, move in enumerate([*moves, None]):
        action = None if move is None else {"move": np.array(move)}
        picture = Picture(**looker.look(seen))
        yield Moment(tick, info, action, 0.0, game.step_seconds, faults=game.faults, picture=picture)
        if action is not None:
            seen, _, _, _, info = game.step(action)


def watch(bug: str, moves: Sequence[int], *oracles: OracleOptions) -> list[Sighting]:
    """What these oracles see in a run."""
    panel = Panel([build_oracle(each) for each in oracles])
    panel.reset(bug_house.BugHouse().behavior)
    seen = [sighting for moment in play(bug, moves, *oracles) for sighting in panel.observe(moment)]
    assert panel.failures == {}
    return seen + panel.end(Ending(Ended.BUDGET, len(moves)))


@pytest.mark.parametrize("moves", [MARCH, WANDER], ids=["march", "wander"])
def test_a_sound_game_gives_no_sightings(moves: list[int]) -> None:
    """No oracle sees anything in a game without bugs, whether the player marches on or walks in circles."""
    assert (
        watch(
            "",
            moves,
            *(
                options_of(kind, **{**ORACLES[kind], "max_states": 1} if kind == "soft_lock" else {})
                for kind in ORACLES
            ),
        )
        == []
    )


@pytest.mark.parametrize(
    ("kind", "bug", "moves", "place", "words"),
    [
        ("falling", "hole", MARCH, (4, 0, 0), "has been falling for 1 s, 10 units deep."),
        ("soft_lock", "pen", [EAST] * 5 + [NORTH, SOUTH, WEST, 0] * 12, (5, 0, 0), "in 4 s led to no new state"),
        ("frame_time", "slow", MARCH, (11, 0, 0), "the budget is 15 ms."),
        ("nan", "nan", MARCH, (5, 0, 0), "'speed' is NaN or infinite."),
        ("nan", "inf", MARCH, (5, 0, 0), "'heat' is NaN or infinite."),
        ("picture", "black", MARCH, (10, 0, 0), "The picture has been black for 0.5 s."),
        ("picture", "frozen", MARCH, (11, 0, 0), "frozen, while the player plays on for 0.5 s."),
        ("picture", "magenta", MARCH, (8, 0, 0), "100 % of the picture is in a colour"),
        ("invariant", "debt", MARCH, (5, 0, 0), "The player owes 3 gold at decision 5."),
    ],
)  # fmt: skip
def test_each_bug_is_seen_once_where_it_is(
    kind: str, bug: str, moves: list[int], place: tuple[float, ...], words: str
) -> None:
    """A planted bug gives its own oracle one sighting, at its place, however long it goes on."""
    oracles = [options_of(each) for each in ORACLES if each == kind]
    (seen,) = watch(bug, moves, *oracles)
    assert seen.kind == kind
    assert words in seen.message
    assert seen.position is not None
    np.testing.assert_allclose(seen.position, place, atol=2.0)


def test_a_sighting_is_seen_again_by_a_replay_that_ends_there() -> None:
    """What an oracle sees at a decision it sees too in a run that is cut after that decision, as a replay is."""
    for kind, bug in (("falling", "hole"), ("nan", "nan"), ("picture", "black"), ("picture", "magenta")):
        (seen,) = watch(bug, MARCH, options_of(kind))
        (again,) = watch(bug, MARCH[: seen.tick + 1], options_of(kind))
        assert again.same_bug(seen, 1.0)


@pytest.mark.parametrize(
    "bounds",
    [
        {"box": [[-2, -2], [9, 9]]},
        {"polygon": [[-2, -2], [9, -2], [9, 9], [-2, 9]]},
        {"box": [[-99, -99, -1], [9, 99, 1]], "z": [-1, 1]},
    ],
    ids=["box", "polygon", "both"],
)
def test_a_trip_out_of_bounds_is_one_sighting(bounds: dict[str, Any]) -> None:
    """Leaving the bounds is seen once per trip, at the place of the exit; a short step outside is forgiven."""
    out_and_back = [EAST] * 16 + [WEST] * 10 + [EAST] * 10
    seen = watch("", out_and_back, options_of("out_of_bounds", **bounds))
    assert [each.position for each in seen] == [(10, 0, 0), (10, 0, 0)]
    assert not watch("", [EAST] * 10 + [WEST] * 9, options_of("out_of_bounds", **bounds))


@pytest.mark.parametrize("shape", ["box", "polygon"])
def test_bounds_are_learned_from_good_play(shape: str, tmp_path: Path) -> None:
    """Bounds learned from recordings hold what was played, with a margin, and nothing else."""
    house = bug_house.BugHouse()
    extras = {"position": bug_house.spaces.Box(-np.inf, np.inf, (3,), np.float32)}
    with EpisodeWriter(tmp_path / "good", house.behavior, Provenance("house"), extras=extras) as writer:
        observation, _ = house.reset()
        for spot in ((0, 0, 0), (9, 0, 0), (9, 9, 0), (0, 9, 0)):
            writer.append(observation, {"move": np.array(0)}, extras={"position": np.array(spot, np.float32)})
        writer.finish(terminated=True, final_observation=observation)
    learn = {"recordings": "good", "shape": shape, "margin": 2}
    options = options_of("out_of_bounds", learn=learn).anchored(tmp_path)
    (seen,) = watch("", [EAST] * 20, options)
    assert seen.position == (12, 0, 0)
    with pytest.raises(PlaytestError, match="no recording there has 'position'"):
        build_oracle(options_of("out_of_bounds", learn=learn).anchored(_recordings_without_places(tmp_path)))


def _recordings_without_places(folder: Path) -> Path:
    house = bug_house.BugHouse()
    observation, _ = house.reset()
    with EpisodeWriter(folder / "bare" / "good", house.behavior, Provenance("house")) as writer:
        writer.append(observation, {"move": np.array(0)})
        writer.finish(terminated=True, final_observation=observation)
    return folder / "bare"


def goal_notes(*runs: list[int], **options: Any) -> tuple[UnreachableGoal, list[Any]]:
    """What runs of the game with the quest that ends at stage 1 leave to the goals' oracle."""
    oracle = UnreachableGoal(UnreachableGoalSpec.model_validate({"goals": [{**GOAL, **options}]}))
    notes = []
    for moves in runs:
        oracle.reset(bug_house.BugHouse().behavior)
        for moment in play("", moves):
            oracle.observe(moment)
        oracle.end(Ending(Ended.BUDGET, len(moves), (float(len(moves)), 0.0, 0.0)))
        notes.append(oracle.note())
    return oracle, notes


def test_a_goal_that_nobody_reached_is_decided_over_all_runs() -> None:
    """A goal that runs tried and none reached is one sighting, in the run that had tried first; one that
    any run reached, that too few tried, or that nobody came near, is none.
    """
    oracle, notes = goal_notes([EAST] * 2, [EAST] * 9, [EAST] * 6, tried_at=1)
    ((run, seen),) = oracle.conclude(notes)
    assert (run, seen.tick, seen.position, seen.key) == (1, 3, (3, 0, 0), "find the exit")
    assert "though 2 runs tried" in seen.message
    for options in ({"tried_at": 1, "tries": 3}, {"index": 1}, {"near": [99, 99], "radius": 5}):
        oracle, notes = goal_notes([EAST] * 2, [EAST] * 9, [EAST] * 6, **options)
        assert oracle.conclude(notes) == []
    oracle, notes = goal_notes([EAST] * 9, near=[5, 0], radius=2, seconds=0.4)
    assert [seen.tick for _, seen in oracle.conclude(notes)] == [6]


def memory_sightings(held: np.ndarray) -> list[Sighting]:
    """What the memory oracle sees of a game that holds so many MiB, one decision a second, measured each second."""
    oracle = build_oracle(options_of("memory", mb_per_minute=10))
    behavior = bug_house.BugHouse().behavior
    oracle.reset(behavior)
    for tick, value in enumerate(held):
        oracle.observe(Moment(10 * tick, {}, None, memory_mb=float(value)))
    found = oracle.end(Ending(Ended.BUDGET, 10 * len(held)))
    return [found] if found else []


def test_a_leak_is_told_from_a_cache() -> None:
    """Memory that grows all the way is a leak; noise, one step up, and a cache that fills and stays are none."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 2, 240)
    time = np.arange(240)
    assert len(memory_sightings(200 + time * 0.5 + noise)) == 1
    assert not memory_sightings(200 + noise)
    assert not memory_sightings(200 + 100 * (time > 120) + noise)
    assert not memory_sightings(200 + np.minimum(time * 1.0, 110) + noise)
    assert not memory_sightings(200 + time * 0.01 + noise)


def test_a_sure_slope_is_that_of_the_line() -> None:
    """The slope of a straight line is found exactly, and one wild sample does not move it far."""
    times = np.arange(40.0)
    assert surely_grows(times, 3 * times) == pytest.approx(3)
    wild = 3 * times
    wild[20] += 1000
    assert 2.5 < surely_grows(times, wild) <= 3


def test_an_oracle_that_throws_is_named_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's function that throws is named with the line and not asked again; what the others see is kept."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    oracles = [options_of("invariant", functions=["house_rules:confused"]), options_of("nan")]
    panel = Panel([build_oracle(each) for each in oracles])
    panel.reset(bug_house.BugHouse().behavior)
    seen = [sighting for moment in play("nan", MARCH) for sighting in panel.observe(moment)]
    assert [each.kind for each in seen] == ["nan"]
    assert list(panel.failures) == ["invariant"]
    words = panel.failures["invariant"]
    assert words.startswith("The oracle 'invariant' failed at decision 3 and was not asked again in that run: KeyError")
    assert "The game tells no 'silver'" in words


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"kind": "crush"}, "is no oracle. Did you mean 'crash'?"),
        ({"kind": "out_of_bounds"}, "has no bounds; give a 'box', a 'polygon', a 'z' range or 'learn'"),
        ({"kind": "log", "patterns": ["("]}, "holds '(', no regular expression: missing )"),
        ({"kind": "invariant", "functions": ["rules"]}, "holds 'rules'; write module:function"),
        ({"kind": "picture", "shade": 3}, "shade"),
        ({"kind": "unreachable_goal"}, "Field required"),
    ],
)
def test_wrong_options_are_told(form: dict[str, Any], words: str) -> None:
    """Options that make no sense are named with what to do."""
    with pytest.raises(ValidationError) as told:
        TypeAdapter(OracleSpec).validate_python(form)
    assert words in str(told.value)


def test_options_survive_json() -> None:
    """Every kind's options read back from JSON as they were."""
    adapter = TypeAdapter(OracleSpec)
    for kind in (*ORACLES, "memory", "log", "crash", "stuck", "timeout"):
        options = options_of(kind)
        assert adapter.validate_json(adapter.dump_json(options)) == options


def test_a_package_brings_its_own_oracle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed entry point is a kind like any other: its own options are checked, and its class is asked."""
    (tmp_path / "homesick.py").write_text(
        "from typing import Literal\n"
        "from understudy.playtest.run.moment import Sighting\n"
        "from understudy.playtest.oracles import OracleOptions, Quiet\n"
        "class HomesickSpec(OracleOptions):\n"
        "    kind: Literal['homesick'] = 'homesick'\n"
        "    far: float = 3.0\n"
        "class Homesick(Quiet):\n"
        "    kind = 'homesick'\n"
        "    Options = HomesickSpec\n"
        "    def __init__(self, options):\n"
        "        self.options = options\n"
        "    def observe(self, moment):\n"
        "        if moment.position[0] == self.options.far:\n"
        "            return Sighting(self.kind, 'Far from home.', moment.tick, moment.position)\n"
    )
    info = tmp_path / "homesick-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: homesick\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[understudy.oracles]\nhomesick = homesick:Homesick\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [each.tick for each in watch("", MARCH, options_of("homesick", far=7))] == [7]
    with pytest.raises(ValidationError, match="farr"):
        options_of("homesick", farr=7)
    (info / "entry_points.txt").write_text("[understudy.oracles]\nhomesick = homesik:Homesick\n")
    sys.modules.pop("homesick")
    with pytest.raises(PlaytestError, match=r"The oracle 'homesick' \(homesik:Homesick\) cannot be imported"):
        options_of("homesick", far=7)
