"""`understudy logs trim`, `apply`, `forget`, `view` and their like, as they are typed."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from understudy.cli.logs import edit, forget, view
from understudy.cli.logs.ranges import outside, parse_length, parse_ranges
from understudy.errors import RecordingError
from understudy.recordings import Episode, open_recordings
from understudy.recordings.surgery import Plan

EDITS = ("trim", "split", "drop", "merge", "mask", "rerate", "relabel", "anonymise", "shift", "apply")


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    """The commands of these files alone."""
    app = typer.Typer(pretty_exceptions_enable=False)
    edit.add_to(app)
    app.command()(forget.forget)
    app.command()(view.view)
    return app


def run(app: typer.Typer, *arguments: object, answer: str = "") -> Result:
    """Run a command, and raise what it raises."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], input=answer, env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize("command", [*EDITS, "forget", "view"])
def test_help_teaches_with_an_example(app: typer.Typer, command: str) -> None:
    """Each command's help ends with one that could be typed, of options that there are."""
    found = next(each for each in app.registered_commands if each.callback.__name__ == command)  # type: ignore[union-attr]
    example = (inspect.getdoc(found.callback) or "").rpartition("Example: ")[2]
    assert example.startswith("understudy logs ")
    shown = run(app, command, "--help").output
    options = set(re.findall(r"--[a-z-]+", shown.partition("Example:")[2]))
    assert set(re.findall(rf"logs {command}.*?(--[a-z-]+)", example)) <= options


@pytest.mark.parametrize(
    ("command", "steps"),
    [
        (("trim", "--keep", "1s..2s"), {"episode-0": 10, "episode-1": 10, "episode-2": 10}),
        (("trim", "--cut", "..50", "--only", "episode-0"), {"episode-0": 10, "episode-1": 70, "episode-2": 80}),
        (("trim", "--cut", "10..20", "--only", "episode-0"), {"episode-0.001": 10, "episode-0.002": 40}),
        (("split", "--every", "0.1m", "--only", "episode-1"), {"episode-1.001": 60, "episode-1.002": 10}),
        (("split", "--at", "5", "--at", "50", "--only", "*-0"), {"episode-0.002": 45, "episode-0.003": 10}),
        (("drop", "--only", "episode-[02]"), {"episode-1": 70}),
        (("drop", "--shorter-than", "7.5"), {"episode-2": 80}),
        (("merge", "--max-gap", "1"), {"episode-0": 60}),
        (("mask", "--sensor", "frame", "--neutral", "move", "--neutral", "turn=3"), {"episode-0": 60}),
        (("rerate", "--hz", "5", "--rule", "turn=last"), {"episode-0": 30}),
        (("relabel", "--style", "rusher"), {"episode-0": 60}),
        (("anonymise", "--ids", "pseudonyms"), {"episode-0": 60}),
        (("shift", "--steps", "-2", "--part", "turn"), {"episode-0": 58}),
    ],
)
def test_edits_and_their_plans(
    app: typer.Typer, toy_logs: Path, tmp_path: Path, command: tuple[str, ...], steps: dict[str, int]
) -> None:
    """A command writes what it says; its plan, applied, writes the same."""
    name, *options = command
    result = run(app, name, toy_logs, tmp_path / "out", *options)
    assert result.exit_code == 0
    edited = {each.name: each for each in open_recordings(tmp_path / "out")}
    assert {each: edited[each].num_steps for each in steps} == steps
    assert f"3 recordings (210 steps) became {len(edited)} (" in result.output
    plan = run(app, name, toy_logs, tmp_path / "nowhere", *options, "--show-plan").stdout
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "plan.json").write_text(plan)
    run(app, "apply", tmp_path / "plan.json", toy_logs, tmp_path / "again")
    again = open_recordings(tmp_path / "again")
    assert [each.name for each in again] == list(edited)
    if name != "anonymise":
        assert [each.digest for each in again] == [each.digest for each in edited.values()]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("trim",), r"Say what to keep \(--keep 10s\.\.2m\) or what to cut out"),
        (("trim", "--keep", "1..2", "--cut", "1..2"), "Say what to keep"),
        (("trim", "--keep", "5"), r"'5' is no range; write START\.\.STOP"),
        (("trim", "--keep", "1s..20"), "all ranges in steps, or all in seconds"),
        (("trim", "--cut", "1..9", "--cut", "5..20"), "The ranges to cut out overlap"),
        (("split", "--every", "soon"), "'soon' is no length; write steps as 120"),
        (("split",), "say one of at, every and gap_s"),
        (("drop",), "Say which to drop"),
        (("rerate", "--hz", "5", "--rule", "turn=best"), "rerate, rules, turn: Input should be 'first', 'last'"),
        (("anonymise", "--ids", "hash"), "Input should be 'rehash', 'pseudonyms' or 'none'"),
        (("relabel", "--only", "epsode-0"), "Did you mean 'episode-0'"),
    ],
)
def test_mistakes_are_sentences(
    app: typer.Typer, toy_logs: Path, tmp_path: Path, command: tuple[str, ...], sentence: str
) -> None:
    """What is wrong with the options is said before anything is written."""
    name, *options = command
    with pytest.raises(RecordingError, match=sentence):
        run(app, name, toy_logs, tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_lengths_and_ranges() -> None:
    """Steps, seconds and minutes; ends may be left out; what is outside of ranges is what they leave."""
    assert parse_length("120") == (120, "steps")
    assert parse_length("1.5m") == (90.0, "seconds")
    assert parse_ranges(["1m..", "5s..10s"]) == ([(5.0, 10.0), (60.0, None)], "seconds")
    assert outside([(0, 5), (9, None)]) == [(5, 9)]
    assert outside([(2, 5)]) == [(0, 2), (5, None)]


def test_forget_asks_first(app: typer.Typer, toy_logs: Path) -> None:
    """It lists what goes, does nothing at a no with status 1, and at a yes removes it and prints what is gone."""
    answered = run(app, "forget", "ann", toy_logs, answer="n\n")
    assert answered.exit_code == 1
    assert "Nothing was removed." in answered.output
    for words in ("Will be removed: recordings of the player (2):", "episode-0.arrows", "episode-2.arrows"):
        assert words in answered.output
    assert len(open_recordings(toy_logs)) == 3
    agreed = run(app, "forget", "ann", toy_logs, answer="y\n")
    assert agreed.exit_code == 0
    assert agreed.output.count("episode-2.arrows") == 2
    assert "Removed (2):" in agreed.output
    assert [each.name for each in open_recordings(toy_logs)] == ["episode-1"]


def test_forget_without_asking_and_twice(app: typer.Typer, toy_logs: Path, tmp_path: Path) -> None:
    """With --yes nothing is asked; who is not there (any more) is an error that says what to do."""
    card = {
        "provenance": {"recordings": [{"name": each.name, "digest": each.digest} for each in open_recordings(toy_logs)]}
    }
    (tmp_path / "bundles" / "bot").mkdir(parents=True)
    (tmp_path / "bundles" / "bot" / "bundle.json").write_text(json.dumps(card))
    player = Episode(toy_logs / "episode-1.arrows").provenance.player
    result = run(app, "forget", player, toy_logs, "--also", tmp_path / "bundles", "--yes")
    assert "Bundles trained on these recordings; train and export them again without (1):" in result.output
    with pytest.raises(RecordingError, match=r"put player\.key back"):
        run(app, "forget", player, toy_logs, "--yes")


def test_view_saves_files(app: typer.Typer, toy_logs: Path, tmp_path: Path) -> None:
    """One recording is a file, several a folder of them."""
    pytest.importorskip("rerun", reason="the package 'rerun' is not installed")
    assert run(app, "view", toy_logs, "--only", "episode-0", "--save", tmp_path / "one.rrd").exit_code == 0
    assert (tmp_path / "one.rrd").read_bytes()[:4] == b"RRF2"
    run(app, "view", toy_logs, "--save", tmp_path / "all")
    assert sorted(each.name for each in (tmp_path / "all").iterdir()) == [f"episode-{n}.rrd" for n in range(3)]
    with pytest.raises(RecordingError, match="There is no recording nobody"):
        run(app, "view", toy_logs, "--only", "nobody")


def test_the_plan_is_printed_alone(app: typer.Typer, toy_logs: Path, tmp_path: Path) -> None:
    """What --show-plan prints is a plan and nothing else."""
    shown = run(app, "split", toy_logs, tmp_path / "out", "--every", "30s", "--show-plan")
    (operation,) = Plan.from_json(shown.stdout).operations
    assert operation.to_dict() == {"op": "split", "every": 30.0, "unit": "seconds"}
