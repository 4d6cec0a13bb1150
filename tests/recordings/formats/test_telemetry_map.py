"""The first mapping of a table is right on the shapes that studios have, and says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import yaml
from telemetry_tables import SHAPES, browser, gridworld, racing, unity, unreal, write_csv
from typer.testing import CliRunner

from understudy.cli.logs.map import map_
from understudy.errors import RecordingError
from understudy.recordings import open_recordings
from understudy.recordings.formats import ImportOptions, import_logs
from understudy.recordings.formats.telemetry.draft import draft_text
from understudy.recordings.formats.telemetry.guess import guess_mapping
from understudy.recordings.formats.telemetry.mapping import Mapping, check_mapping


def drafted(path: Path) -> tuple[Mapping, str]:
    """The mapping drafted of a table, read back, and its text."""
    text = draft_text(guess_mapping(path))
    return check_mapping(yaml.safe_load(text), "the draft"), text


def parts(mapping: Mapping) -> dict[str, tuple[str, ...]]:
    """The columns of each sensor and action part."""
    return {each.name: each.inputs for each in (*mapping.sensors, *mapping.actions)}


@pytest.mark.parametrize(
    ("shape", "clock", "unit", "rate", "steps", "episode", "player"),
    [
        (unreal, "Timestamp", "s", 20, "rows", ("MatchId",), "PlayerName"),
        (unity, "t", "s", 50, "rows", ("session",), "player.id"),
        (browser, "timestamp_ms", "ms", None, "clock", (), None),
        (racing, "wallclock", "iso", 60, "rows", ("session_id",), "driver"),
        (gridworld, "date", "iso", 5, "rows", ("episode",), None),
    ],
)
def test_clock_rate_and_keys_are_found(
    tmp_path: Path,
    shape: Callable[[Path], Path],
    clock: str,
    unit: str,
    rate: float | None,
    steps: str,
    episode: tuple[str, ...],
    player: str | None,
) -> None:
    """On each shape the clock, its unit, the rate, whether it is steady, the episodes and the player are found."""
    mapping, _ = drafted(shape(tmp_path))
    assert mapping.clock is not None
    assert (mapping.clock.column, mapping.clock.unit) == (clock, unit)
    assert rate is None or mapping.rate_hz == rate
    assert mapping.steps == steps
    assert mapping.episode == episode
    assert mapping.player == player


def test_unreal_columns_are_what_they_are(tmp_path: Path) -> None:
    """Of a shooter: positions and angles are grouped, inputs told from states, chat is text, enemies are privileged."""
    mapping, _ = drafted(unreal(tmp_path))
    found = parts(mapping)
    assert found["position"] == ("PosX", "PosY", "PosZ")
    assert found["rotation"] == ("Yaw", "Pitch")
    assert found["buttons"] == ("bIsFiring", "bIsJumping")
    assert found["mouse"] == ("MouseDX", "MouseDY")
    assert found["is_alive"] == ("bIsAlive",)
    assert mapping.text == ("ChatMessage",)
    assert mapping.map == "MapName"
    behavior = mapping.behavior()
    assert behavior.action("weapon").labels == ("Knife", "Rifle")
    assert behavior.sensor("enemy_distance").privileged
    assert behavior.sensor("rotation").units == "degrees"
    assert not behavior.sensor("position").privileged


def test_unity_columns_are_what_they_are(tmp_path: Path) -> None:
    """Of nested lines: axes rest in their middle, even one that never went below it; lists of words are events."""
    mapping, _ = drafted(unity(tmp_path))
    found = parts(mapping)
    assert found["horizontal"] == ("input.horizontal",)
    assert found["vertical"] == ("input.vertical",)
    assert found["buttons"] == ("input.jump",)
    assert found["grounded"] == ("grounded",)
    assert mapping.behavior().action("vertical").space.low.tolist() == [-1]
    assert [each.column for each in mapping.events] == ["events"]


def test_browser_columns_are_what_they_are(tmp_path: Path) -> None:
    """Of uneven rows: keys and clicks are buttons, mouse deltas are summed, and no episode column is made up."""
    mapping, text = drafted(browser(tmp_path))
    found = parts(mapping)
    assert found["buttons"] == ("key_w", "key_a", "key_s", "key_d", "lmb")
    assert found["mouse"] == ("mouse_dx", "mouse_dy")
    assert next(each.resample for each in mapping.actions if each.name == "mouse") == "sum"
    assert "uneven" in text
    assert "No column tells episodes apart" in text


def test_racing_columns_are_what_they_are(tmp_path: Path) -> None:
    """Of a race: pedals from 0, the wheel both ways, gears as a choice, rays as one array."""
    mapping, _ = drafted(racing(tmp_path))
    behavior = mapping.behavior()
    assert parts(mapping)["ray"] == ("ray_0", "ray_1", "ray_2")
    assert behavior.action("throttle").space.low.tolist() == [0]
    assert behavior.action("steer").space.low.tolist() == [-1]
    assert behavior.action("gear").labels == ("1", "2", "3", "4", "5", "6")
    assert mapping.map == "track"


def test_grid_columns_are_what_they_are(tmp_path: Path) -> None:
    """Of a researcher's table: reward, done and step are known, row numbers and empty columns are left out."""
    mapping, text = drafted(gridworld(tmp_path))
    assert mapping.reward is not None
    assert mapping.reward.column == "reward"
    assert mapping.terminated == "done"
    assert mapping.tick == "step"
    assert mapping.behavior().action("action").labels == ("down", "left", "right", "up")
    assert "comment: it is empty" in text
    assert "it only counts the rows" in text


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_draft_imports_without_loss(tmp_path: Path, shape: Callable[[Path], Path]) -> None:
    """The mapping as drafted, unedited, brings the whole table in without a loss."""
    path = shape(tmp_path)
    (tmp_path / "m.yaml").write_text(draft_text(guess_mapping(path)))
    options = ImportOptions(mapping=tmp_path / "m.yaml", salvage=False)
    report = import_logs([path], tmp_path / "out", options=options)
    assert report.steps >= 300
    assert len(open_recordings(tmp_path / "out")) == len(report.written)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_each_guess_carries_its_reason(tmp_path: Path, shape: Callable[[Path], Path]) -> None:
    """Every column is either in the mapping or listed as left out, and every guess has its reason in a comment."""
    path = shape(tmp_path)
    draft = guess_mapping(path)
    mapping, text = drafted(path)
    left = {column for guess in draft.of("left out") for column in guess.columns}
    assert set(mapping.columns) | left == {column for guess in draft.guesses for column in guess.columns}
    for guess in draft.guesses:
        assert guess.why in text


@pytest.mark.parametrize(
    ("name", "start", "step", "unit"),
    [
        ("time", 0, 0.05, "s"),
        ("time", 0, 50, "ms"),
        ("time", 0, 50_000, "us"),
        ("time", 0, 50_000_000, "ns"),
        ("ts", 1_717_236_000, 0.05, "s"),
        ("ts", 1_717_236_000_000, 50, "ms"),
        ("ts", 1_717_236_000_000_000, 50_000, "us"),
        ("ts", 1_717_236_000_000_000_000, 50_000_000, "ns"),
        ("elapsed_ms", 0, 50, "ms"),
        ("GameTimeSeconds", 3, 0.05, "s"),
        ("timestampMs", 5000, 50, "ms"),
    ],
)
def test_units_of_clocks_are_told_by_name_and_size(tmp_path: Path, name: str, start: Any, step: Any, unit: str) -> None:
    """Seconds to nanoseconds, from nought or from 1970, are told apart, and all give 20 rows a second."""
    rows = [{name: start + i * step, "x": i % 7, "jump": i % 2} for i in range(200)]
    mapping, _ = drafted(write_csv(tmp_path / "a.csv", rows))
    assert mapping.clock is not None
    assert (mapping.clock.column, mapping.clock.unit, mapping.rate_hz) == (name, unit, 20)


def test_interleaved_players_do_not_blur_the_rate(tmp_path: Path) -> None:
    """Ten players' rows at the same times are still 30 rows a second each."""
    rows = [{"t": round(i / 30, 4), "player": f"p{k}", "x": i, "jump": i % 2} for i in range(60) for k in range(10)]
    mapping, _ = drafted(write_csv(tmp_path / "a.csv", rows))
    assert (mapping.rate_hz, mapping.steps, mapping.player) == (30, "rows", "player")


def test_two_clocks_the_finer_wins(tmp_path: Path) -> None:
    """A wall clock in whole seconds loses against the game's own time."""
    rows = [
        {"wallclock": f"2024-06-01T10:00:{i // 20:02d}Z", "game_time": i * 0.05, "x": i % 9, "jump": i % 2}
        for i in range(200)
    ]
    mapping, text = drafted(write_csv(tmp_path / "a.csv", rows))
    assert mapping.clock is not None
    assert mapping.clock.column == "game_time"
    assert "wallclock: another column is the clock" in text


def test_steady_but_rounded_milliseconds_are_sixty_hertz(tmp_path: Path) -> None:
    """Rows at 60 Hz whose clock is rounded to milliseconds (16, 17, 17) are found as 60 Hz, every row a decision."""
    rows = [{"t_ms": round(i * 1000 / 60), "x": i % 5, "jump": i % 2} for i in range(300)]
    mapping, _ = drafted(write_csv(tmp_path / "a.csv", rows))
    assert (mapping.rate_hz, mapping.steps) == (60, "rows")


def test_table_without_actions_says_so(tmp_path: Path) -> None:
    """Where nothing looks like an action, the draft says that one is needed, and importing with it is refused."""
    rng = np.random.default_rng(0)
    path = write_csv(tmp_path / "a.csv", [{"t": i * 0.1, "hp": int(rng.integers(100))} for i in range(50)])
    text = draft_text(guess_mapping(path))
    assert "NONE FOUND" in text
    with pytest.raises(RecordingError, match="actions"):
        check_mapping(yaml.safe_load(text), "the draft")


def test_command_writes_the_mapping_and_prints_the_table(tmp_path: Path) -> None:
    """The command prints each column with its reason, writes the mapping beside the table, and never over one."""
    app = typer.Typer()
    app.command()(map_)
    path = browser(tmp_path)
    done = CliRunner().invoke(app, [str(path)], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "timestamp_ms" in done.output
    assert "numbers of this size are ms since 1970" in done.output
    assert (tmp_path / "browser.tsv.map.yaml").is_file()
    assert isinstance(CliRunner().invoke(app, [str(path)]).exception, RecordingError)
    assert CliRunner().invoke(app, [str(path), "--force"]).exit_code == 0
    assert import_logs([path], tmp_path / "out").steps > 100


def test_command_refuses_what_is_no_table(tmp_path: Path) -> None:
    """A folder, an empty table and another file are refused in one sentence."""
    (tmp_path / "empty.csv").write_text("a,b\n")
    (tmp_path / "text.txt").write_text("hello")
    for path, message in (
        (tmp_path, "not a file"),
        (tmp_path / "empty.csv", "no row"),
        (tmp_path / "text.txt", "no table"),
    ):
        with pytest.raises(RecordingError, match=message):
            map_(path)
