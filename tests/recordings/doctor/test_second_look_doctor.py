"""Odd recordings, odd names and fixes applied together: what the doctor must neither trip over nor make worse."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import typer
from gymnasium import spaces
from typer.testing import CliRunner

from understudy.cli.logs.doctor import doctor, fix
from understudy.errors import RecordingError
from understudy.recordings import EpisodeWriter, Provenance, open_recordings
from understudy.recordings.doctor import Finding, Fix, Plot, Report, Severity, checks, examine, make_plan
from understudy.recordings.doctor.drawing import draw
from understudy.recordings.doctor.page import write_page
from understudy.recordings.doctor.similarity import _owners
from understudy.recordings.surgery import AnyOperation, Deduplicate, Drop, Mask, Shift, Split, Trim, apply_plan
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec
from understudy.training.first_recipe import first_recipe
from understudy.training.recipe import load_recipe

APP = typer.Typer()
APP.command()(doctor)
APP.command()(fix)

NUMBERS = SensorSpec("numbers", spaces.Box(-np.inf, np.inf, (4,), np.float32))
DOUBLES = SensorSpec("numbers", spaces.Box(-np.inf, np.inf, (4,), np.float64))
PLAIN = ActionSpec("choice", spaces.Discrete(4))
NONE_OR_GO = ActionSpec("walk", spaces.Discrete(2), labels=("none", "go"))
CAR = ActionSpec(
    "car", spaces.Box(np.array([-1, 0, 0], np.float32), np.ones(3, np.float32)), labels=("turn", "gas", "stop")
)
Columns = dict[str, np.ndarray]


def behavior(sensors: Sequence[SensorSpec], actions: Sequence[ActionSpec], hz: float = 10.0) -> BehaviorSpec:
    """A behaviour of these sensors and action parts."""
    return BehaviorSpec("odd", tuple(sensors), tuple(actions), hz)


def draw_play(spec: BehaviorSpec, steps: int, rng: np.random.Generator) -> Columns:
    """Draw everything that is seen and done, by name."""
    found: Columns = {each.name: rng.normal(size=(steps, *each.shape)).astype(each.dtype) for each in spec.sensors}
    for part in spec.actions:
        if isinstance(part.space, spaces.Discrete):
            found[part.name] = rng.integers(0, int(part.space.n), steps)
        else:
            found[part.name] = rng.uniform(part.space.low, part.space.high, (steps, *part.space.shape)).astype(
                np.float32
            )
    return found


def write(
    folder: Path,
    name: str,
    spec: BehaviorSpec,
    *,
    steps: int = 200,
    seed: int = 0,
    change: Callable[[Columns], Any] = lambda _columns: None,
) -> Path:
    """Write a recording with random play of a seed, changed at will."""
    columns = draw_play(spec, steps, np.random.default_rng(seed))
    change(columns)
    with EpisodeWriter(folder, spec, Provenance("odd", player=f"p{seed}"), name=name) as writer:
        if steps:
            writer.extend(
                {key: columns[key] for key in spec.sensor_names},
                {key: columns[key] for key in spec.action_names},
                ticks=np.arange(steps),
                times_ns=np.arange(steps) * round(1e9 / spec.decision_hz),
            )
            writer.finish(terminated=True)
        return writer.path


def look(folder: Path, *names: str) -> Report:
    """Examine a folder with the checks named, or all."""
    return examine(list(open_recordings(folder)), folder.parent / "cache", checks=checks(names))


def run(*arguments: object) -> tuple[int, str]:
    """Run a command and return its exit status and what it printed; a user's mistake is raised."""
    result = CliRunner().invoke(APP, list(map(str, arguments)), env={"COLUMNS": "240", "NO_COLOR": "1"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def set_to(name: str, value: float, rows: slice = slice(None)) -> Callable[[Columns], None]:
    """A change that sets a column."""

    def change(columns: Columns) -> None:
        columns[name][rows] = value

    return change


NO_RANGE = ActionSpec("fixed", spaces.Box(np.array([0, -1], np.float32), np.array([0, 1], np.float32)))
ONE_WORD = ActionSpec("one", spaces.Discrete(1), labels=("noop",))


@pytest.mark.parametrize(
    ("spec", "steps", "change"),
    [
        (behavior([NUMBERS], [PLAIN]), 1, lambda _: None),
        (behavior([NUMBERS], [PLAIN]), 2, lambda _: None),
        (behavior([NUMBERS], [PLAIN]), 200, set_to("choice", 1)),
        (behavior([NUMBERS], [PLAIN]), 200, lambda c: (c["choice"].fill(1), c["numbers"].fill(1))),
        (behavior([NUMBERS], [PLAIN]), 200, set_to("numbers", 3.4e38, slice(3, 9))),
        (behavior([DOUBLES], [PLAIN]), 200, set_to("numbers", 1e308, slice(3, 9))),
        (behavior([NUMBERS], [ONE_WORD]), 200, lambda _: None),
        (behavior([NUMBERS], [NO_RANGE]), 200, lambda _: None),
        (behavior([NUMBERS], [CAR], hz=0.1), 50, lambda c: c["car"].fill(0)),
        (behavior([NUMBERS], [NONE_OR_GO], hz=0.1), 50, lambda _: None),
    ],
)
def test_odd_recordings_are_examined(tmp_path: Path, spec: BehaviorSpec, steps: int, change: Any) -> None:
    """All checks, the page and the JSON form come to an end with whatever a spec allows."""
    for seed in range(14):
        write(tmp_path / "logs", f"s{seed:02}", spec, steps=steps, seed=seed, change=change)

    report = look(tmp_path / "logs")

    write_page(report, tmp_path / "page.html", "odd")
    report.save(tmp_path / "report.json")
    assert Report.load(tmp_path / "report.json") == report


def test_pedal_held_down_is_no_idling(tmp_path: Path) -> None:
    """Full gas on a straight is an input, though the number does not change; letting go of everything is none."""

    def drive(columns: Columns) -> None:
        columns["car"][50:150] = (0, 1, 0)
        columns["car"][250:350] = 0

    write(tmp_path / "logs", "race", behavior([NUMBERS], [CAR]), steps=400, change=drive)

    (found,) = [each for each in look(tmp_path / "logs", "idle").findings if each.steps]

    assert found.steps == (250, 350)


def test_choice_held_without_a_word_for_rest_is_no_idling(tmp_path: Path) -> None:
    """What `1` means is not known; while the numbers move, it may be a key held."""
    write(tmp_path / "logs", "run", behavior([NUMBERS], [PLAIN]), change=set_to("choice", 1, slice(50, None)))

    assert not look(tmp_path / "logs", "idle", "dead-tail").findings


def test_noise_has_no_lag(tmp_path: Path) -> None:
    """Inputs that have nothing to do with what is seen explain it at no lag, by however many numbers."""
    spec = behavior([SensorSpec("x", spaces.Box(-9, 9, (), np.float32))], [PLAIN])
    for seed in range(24):
        write(tmp_path / "logs", f"s{seed:02}", spec, seed=seed)

    assert not look(tmp_path / "logs", "lag").findings


def test_short_recording_does_not_end_a_measure_of_the_others(tmp_path: Path) -> None:
    """One recording of two steps is left out; the others are measured all the same."""
    for seed in range(6):
        write(tmp_path / "logs", f"s{seed}", behavior([NUMBERS], [PLAIN]), seed=seed)
    write(tmp_path / "logs", "tiny", behavior([NUMBERS], [PLAIN]), steps=2)

    cards = {each.name: each.measures for each in look(tmp_path / "logs", "action-variance").recordings}

    assert {name for name, measures in cards.items() if "overlap" in measures} == {f"s{seed}" for seed in range(6)}


def finding(recording: str, *operations: AnyOperation, name: str = "mend") -> Finding:
    """A finding with a fix."""
    offered = Fix(name=name, sentence="", operations=operations)
    return Finding(check="c", recording=recording, severity=Severity.PROBLEM, sentence="", fix=offered)


def test_trim_to_what_is_dropped_as_duplicate_drops_the_recording() -> None:
    """Two fixes that together leave nothing drop the recording, instead of a plan that is none."""
    trim = finding("a", Trim(recordings=("a",), keep=((5, 8),)))
    twice = finding("a", Deduplicate(recordings=("a",), steps=(5, 6, 7)))

    assert make_plan([trim, twice], ["all"], {"a": 10}).operations == (Drop(recordings=("a",)),)


def test_piece_shorter_than_its_shift_is_left_out() -> None:
    """A gap near an end and a lag are mended together: the few steps beyond the gap cannot be shifted."""
    split = finding("a", Split(recordings=("a",), at=(3,)))
    late = finding("a", Shift(recordings=("a",), steps=-4))

    first, second = make_plan([split, late], ["all"], {"a": 50}).operations

    assert (first, second) == (Trim(recordings=("a",), keep=((3, 50),)), Shift(recordings=("a",), steps=-4))


def test_name_that_looks_like_a_pattern_hits_only_itself(tmp_path: Path) -> None:
    """`walk[12]` is dropped, and `walk1`, which the pattern would hit, stays."""
    for name in ("walk[12]", "walk1", "walk2"):
        write(tmp_path / "logs", name, behavior([NUMBERS], [PLAIN]), steps=20)
    plan = make_plan([finding("walk[12]", Drop(recordings=("walk[12]",)))], ["all"], {})

    written = apply_plan(plan, list(open_recordings(tmp_path / "logs")), tmp_path / "out")

    assert [path.stem for path in written] == ["walk1", "walk2"]


def test_part_that_never_changes_is_taken_out_where_it_never_does(tmp_path: Path) -> None:
    """The fix removes the part from its own behaviour, and leaves another behaviour's part of that name alone."""
    one = behavior([NUMBERS], [PLAIN, NONE_OR_GO])
    other = behavior([NUMBERS], [NONE_OR_GO])
    for seed in range(2):
        write(tmp_path / "logs", f"one{seed}", one, seed=seed, change=set_to("walk", 0))
        write(tmp_path / "logs", f"other{seed}", other, seed=seed)
    run("doctor", tmp_path / "logs", "--check", "class-balance", "--out", tmp_path / "report")

    run("fix", tmp_path / "logs", tmp_path / "out", "--report", tmp_path / "report.json")

    kept = {each.name: each.behavior.action_names for each in open_recordings(tmp_path / "out")}
    assert kept == {"one0": ("choice",), "one1": ("choice",), "other0": ("walk",), "other1": ("walk",)}


def test_masks_of_two_sensors_are_one_and_spare_the_dropped() -> None:
    """What is dropped is not masked as well: surgery would find no such recording."""
    masks = [finding("", Mask(recordings=("a", "b"), sensors=(each,))) for each in ("x", "y")]
    gone = finding("b", Drop(recordings=("b",)))

    plan = make_plan([*masks, gone], ["all"], {"a": 5, "b": 5})

    assert plan.operations == (Drop(recordings=("b",)), Mask(recordings=("a",), sensors=("x", "y")))


def test_last_sensor_that_says_something_is_needed_for_the_fix(tmp_path: Path) -> None:
    """Where all sensors are dead, none is taken out: nothing would be left to see."""
    spec = behavior([NUMBERS, SensorSpec("more", spaces.Box(0, 1, (2,), np.float32))], [PLAIN])
    write(tmp_path / "logs", "dead", spec, change=lambda c: (c["numbers"].fill(1), c["more"].fill(0)))

    found = look(tmp_path / "logs", "constant-sensor").findings

    assert (len(found), {each.fix for each in found}) == (2, {None})


def test_copy_held_out_and_its_original_are_not_both_dropped(tmp_path: Path) -> None:
    """The shorter one is held out: both checks agree to drop the one that is trained on."""
    spec = behavior([NUMBERS], [PLAIN])
    write(tmp_path / "logs", "long", spec)
    draw_again = draw_play(spec, 200, np.random.default_rng(0))
    write(
        tmp_path / "logs",
        "part",
        spec,
        steps=150,
        seed=1,
        change=lambda c: c.update({k: v[:150] for k, v in draw_again.items()}),
    )
    recordings = list(open_recordings(tmp_path / "logs"))
    held = {"part": {"episodes": ((0, 150),)}}

    report = examine(recordings, tmp_path / "cache", checks=checks(["near-duplicate", "leak"]), held_out=held)

    plan = make_plan(report.findings, ["all"], report.lengths)
    assert plan.operations == (Drop(recordings=("long",)),)


def test_equal_names_in_two_folders_are_told_apart_and_not_mended_together(tmp_path: Path) -> None:
    """The report names the folder; a fix, which would hit both, is refused."""
    for home, seed in (("monday", 0), ("friday", 1)):
        write(tmp_path / "logs" / home, "ep", behavior([NUMBERS], [PLAIN]), steps=200 - 190 * seed, seed=seed)
    run("doctor", tmp_path / "logs", "--check", "damaged", "--out", tmp_path / "report")
    report = Report.load(tmp_path / "report.json")

    assert report.lengths == {"friday/ep": 10, "monday/ep": 200}
    assert [each.recording for each in report.findings] == ["friday/ep"]
    with pytest.raises(
        RecordingError, match=r"2 recordings in .* are called 'ep', so a fix of one would hit the others"
    ):
        run("fix", tmp_path / "logs", tmp_path / "out", "--report", tmp_path / "report.json")


def test_empty_recording_is_left_out_by_its_fix(tmp_path: Path) -> None:
    """What holds no step is dropped by name, though surgery never sees it."""
    write(tmp_path / "logs", "whole", behavior([NUMBERS], [PLAIN]))
    killed = write(tmp_path / "logs", "empty", behavior([NUMBERS], [PLAIN]))
    with pa.memory_map(str(killed)) as source:
        pa.ipc.open_stream(source)
        schema_ends = source.tell()
    os.truncate(killed, schema_ends)
    status, _ = run("doctor", tmp_path / "logs", "--check", "damaged", "--out", tmp_path / "report")

    run("fix", tmp_path / "logs", tmp_path / "out", "--report", tmp_path / "report.json")

    assert status == 1
    assert [each.name for each in open_recordings(tmp_path / "out")] == ["whole"]


def test_report_of_changed_recordings_of_the_same_length_is_refused(tmp_path: Path) -> None:
    """Steps that were numbered in another recording are not cut out of this one."""
    for seed in range(2):
        write(tmp_path / "logs", f"s{seed}", behavior([NUMBERS], [PLAIN]), steps=10, seed=seed)
    run("doctor", tmp_path / "logs", "--check", "damaged", "--out", tmp_path / "report")
    (tmp_path / "logs" / "s1.arrows").unlink()
    write(tmp_path / "logs", "s1", behavior([NUMBERS], [PLAIN]), steps=10, seed=7)

    with pytest.raises(RecordingError, match="'s1' has changed since"):
        run("fix", tmp_path / "logs", tmp_path / "out", "--report", tmp_path / "report.json")


def test_owners_of_shared_hashes() -> None:
    """Each hash that several sets hold gives the numbers of these, and one that a single set holds gives nothing."""
    sets = [np.array(each, np.uint64) for each in ([1, 2, 3], [2, 3], [3, 9], [])]

    assert list(_owners(sets)) == [[0, 1], [0, 1, 2]]


def test_first_recipe_of_words_that_yaml_reads_as_others(tmp_path: Path) -> None:
    """A behaviour called `null` with a sensor `on` and a part `off` gives a recipe that loads."""
    spec = BehaviorSpec(
        "null",
        (SensorSpec("on", spaces.Box(-9, 9, (4,), np.float32)),),
        (ActionSpec("off", spaces.Box(-1, 1, (2,), np.float32)),),
        10.0,
    )
    write(tmp_path / "logs", "a", spec)
    (tmp_path / "recipe.yaml").write_text(first_recipe(open_recordings(tmp_path / "logs")))

    recipe = load_recipe(tmp_path / "recipe.yaml")

    assert (recipe.name, list(recipe.sensors), list(recipe.bins)) == ("null", ["on"], ["off"])


def test_number_beside_a_plot_fits() -> None:
    """Thousands are told in few letters: there is room for six."""
    plot = Plot(x=(0, 1), y=(0, 4252), bars=True)

    assert draw(plot).high == "4.25k"
