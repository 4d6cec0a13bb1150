"""What real tables, replays and configurations hold, where a first reading of them was wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import osu_replays
import owamcap_logs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from telemetry_reading import column, episodes, mapped, steady

from understudy.envs.vizdoom.importer import _name
from understudy.envs.vizdoom.replay import Part
from understudy.envs.vizdoom.scenario import read_scenario
from understudy.recordings.formats import ImportOptions
from understudy.recordings.formats.osu import OsuImporter
from understudy.recordings.formats.owamcap import OwamcapImporter
from understudy.recordings.formats.telemetry import TelemetryImporter
from understudy.recordings.formats.telemetry.draft import draft_text
from understudy.recordings.formats.telemetry.guess import Draft, guess_mapping
from understudy.recordings.formats.telemetry.mapping import Mapping, check_mapping


def drafted(path: Path) -> tuple[Draft, Mapping]:
    """The first mapping of a table, and what its text means once it is read back."""
    draft = guess_mapping(path)
    return draft, check_mapping(yaml.safe_load(draft_text(draft)), "the draft")


def csv(path: Path, header: str, rows: list[str]) -> Path:
    """Write a table."""
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def lines(path: Path, rows: list[dict[str, Any]], start: bytes = b"") -> Path:
    """Write rows as JSON lines."""
    path.write_bytes(start + b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    return path


# --- osu! -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skip_ms", [-1, 11_500])
def test_osu_the_intro_before_the_song_is_play(tmp_path: Path, skip_ms: int) -> None:
    """The game's own way of beginning (0, where the intro could be skipped to, back to the lead-in) loses no frame."""
    frames = [(-skip_ms - 1200, 100, 100, 0), *((16, 100 + i, 100, 0) for i in range(200))]
    start = f"0|256|-500|0,{skip_ms}|256|-500|0,"
    path = tmp_path / "a.osr"
    path.write_bytes(osu_replays.replay_bytes(start + osu_replays.stream(frames, before=False)))
    (episode,) = OsuImporter().iter_episodes(path, ImportOptions())
    rows = list(episode.rows)
    assert episode.losses == []
    assert rows[0].observations["song_time"][0, 0] == pytest.approx(-1.2)
    assert sum(map(len, rows)) == 200 * 16 * 60 // 1000


# --- Telemetry: cells -------------------------------------------------------------------------------------------------


def choices(path: Path, values: list[str]) -> list[int]:
    """The choices read of the column `action`."""
    act = [{"name": "act", "kind": "choice", "column": "action", "values": values}]
    ((_, rows),) = episodes(mapped(path, actions=act, steps="rows"))
    found: list[int] = np.concatenate([each.actions["act"] for each in rows]).tolist()
    return found


def test_none_is_a_choice_if_the_mapping_lists_it(tmp_path: Path) -> None:
    """A player who did `none` did not go on doing what they did before."""
    words = ["jump", "none", "left", "none", "none"]
    path = csv(tmp_path / "a.csv", "t,x,action", [f"{i / 10},{i},{word}" for i, word in enumerate(words)])
    assert choices(path, ["jump", "left", "none"]) == [0, 2, 1, 2, 2]


def test_none_is_not_known_if_the_mapping_does_not_list_it(tmp_path: Path) -> None:
    """What is not known is held, as before."""
    path = csv(tmp_path / "a.csv", "t,x,action", ["0,0,jump", "0.1,1,none", "0.2,2,left"])
    assert choices(path, ["jump", "left"]) == [0, 0, 1]


def test_a_first_mapping_lists_none_and_says_so(tmp_path: Path) -> None:
    """The guess says that `none` is taken for doing nothing, where a person can see it."""
    words = ["jump", "none", "left", "none"] * 30
    path = csv(tmp_path / "a.csv", "t,x,action", [f"{i / 10},{i * 1.5},{word}" for i, word in enumerate(words)])
    draft, mapping = drafted(path)
    assert mapping.actions[0].values == ("jump", "left", "none")  # type: ignore[union-attr]
    assert "none is taken for doing nothing" in draft.of("choice")[0].why


def test_a_comma_before_the_milliseconds_of_a_date(tmp_path: Path) -> None:
    """Python's log writes 12:00:00,123, whose fraction is part of the time."""
    rows = [f'"2024-03-01 12:00:00,{i * 100:03d}",{i},1' for i in range(10)]
    path = mapped(csv(tmp_path / "a.csv", "t,x,fire", rows), clock={"column": "t", "unit": "iso"})
    ((_, found),) = episodes(path)
    assert column(found, "observations", "x") == list(range(10))


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 12), ("Europe/Berlin", 10), ("America/New_York", 16)])
def test_dates_of_parquet_without_a_zone_are_in_the_mappings(tmp_path: Path, zone: str, hour: int) -> None:
    """The mapping's time zone counts for Parquet's own dates as for those written as text, summer time and all."""
    start = datetime(2024, 7, 1, 12)
    times = pa.array([start + timedelta(seconds=i / 10) for i in range(10)], pa.timestamp("us"))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"t": times, "x": list(range(10)), "fire": [0] * 10}), path)
    clock = {"column": "t", "unit": "iso", "timezone": zone}
    ((_, rows),) = episodes(mapped(path, clock=clock, steps="rows"))
    assert datetime.fromtimestamp(int(rows[0].times_ns[0]) / 1e9, UTC).hour == hour


def test_what_is_held_keeps_its_fraction_over_thousands_of_empty_rows(tmp_path: Path) -> None:
    """A column that is only written when it changes is held exactly, whatever the blocks it is read in."""
    path = tmp_path / "a.csv"
    csv(path, "t,x,fire", [f"{i / 10},{1.5 if i == 5 else ''}{0.25 if i < 5 else ''},0" for i in range(9000)])
    ((_, rows),) = episodes(mapped(path, steps="rows"))
    assert column(rows, "observations", "x") == [0.25] * 5 + [1.5] * 8995


def test_no_number_has_underscores(tmp_path: Path) -> None:
    """An id such as 1_000 is not a thousand."""
    rows = [{**row, "x": "1_000" if i == 5 else row["x"]} for i, row in enumerate(steady(10))]
    ((episode, found),) = episodes(mapped(lines(tmp_path / "a.jsonl", rows), steps="rows"))
    assert column(found, "observations", "x")[4:7] == [4, 4, 6]
    assert "not a finite number" in episode.losses[0].what


def test_json_lines_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """C# writes one; the file is a table all the same."""
    path = mapped(lines(tmp_path / "a.jsonl", steady(10), b"\xef\xbb\xbf"), steps="rows")
    assert TelemetryImporter().sniff(path)
    ((_, rows),) = episodes(path)
    assert sum(map(len, rows)) == 10


@pytest.mark.parametrize("steps", ["rows", "clock"])
def test_a_sensor_and_an_action_may_have_one_name(tmp_path: Path, steps: str) -> None:
    """Where the mouse is and how it moved are told apart; what was done is never shown as what was seen."""
    rows = [f"{i / 10},{500 + i},{300 + i},{i % 5 - 2},{i % 7 - 3}" for i in range(50)]
    path = csv(tmp_path / "a.csv", "t,mouse_x,mouse_y,mouse_dx,mouse_dy", rows)
    form = yaml.safe_load(draft_text(guess_mapping(path)))
    assert [each["name"] for each in (*form["sensors"], *form["actions"])] == ["mouse", "mouse"]
    path.with_name("a.csv.map.yaml").write_text(yaml.safe_dump({**form, "steps": steps}))
    ((_, found),) = episodes(path)
    seen, moved = (
        np.concatenate([getattr(each, kind)["mouse"] for each in found]) for kind in ("observations", "actions")
    )
    assert seen.tolist() == [[500 + i, 300 + i] for i in range(50)]
    assert moved.tolist() == [[i % 5 - 2, i % 7 - 3] for i in range(50)]


# --- Telemetry: ends --------------------------------------------------------------------------------------------------


def test_a_flag_that_stays_on_ends_one_episode(tmp_path: Path) -> None:
    """While a death screen is shown the flag stays on: that is not an episode a row, and what is left out is told."""
    rows = [{**row, "dead": 10 <= i < 20} for i, row in enumerate(steady(30))]
    found = episodes(mapped(lines(tmp_path / "a.jsonl", rows), terminated="dead", steps="rows"))
    assert [column(rows, "observations", "x") for _, rows in found] == [list(range(11)), list(range(20, 30))]
    assert [rows[-1].ending.terminated for _, rows in found] == [True, False]
    assert sum(loss.steps for episode, _ in found for loss in episode.losses) == 9


# --- Telemetry: the first mapping -------------------------------------------------------------------------------------


def test_names_and_cells_with_newlines_stay_within_comments(tmp_path: Path) -> None:
    """What a table says cannot end a comment of its mapping and become a key."""
    rows = [f'{i / 10},{i * 1.5},{i % 2},"x\nmax_open: 7",b{i}' for i in range(50)]
    path = csv(tmp_path / "a.csv", 't,x,fire,constant,"What\nabout\x85this\u2028(m)"', rows)
    assert drafted(path)[1].max_open == 64


@pytest.mark.parametrize("name", ["no", "on", "off", "yes", "null", "true"])
def test_names_that_yaml_takes_for_something_else(tmp_path: Path, name: str) -> None:
    """A column named `No` or `on` comes back from the mapping as a name."""
    path = csv(tmp_path / "a.csv", f"t,{name},fire", [f"{i / 10},{i * i % 17},{i % 2}" for i in range(50)])
    assert name in {each.name for each in drafted(path)[1].sensors}


@pytest.mark.parametrize(
    ("name", "start", "step", "unit"),
    [
        ("uptime_ms", 432_000_000, 16, "ms"),  # five days since the computer was started
        ("time_ns", 518_400_000_000_000, 16_666_667, "ns"),
        ("time_us", 864_000_000_000, 16_667, "us"),
        ("time_s", 1_700_000_000_000, 16, "ms"),  # a name that cannot be true
        ("timestamp", 1_700_000_000, 1, "s"),
        ("timestamp", 1_700_000_000_000, 16, "ms"),
    ],
)
def test_the_clocks_unit(tmp_path: Path, name: str, start: int, step: int, unit: str) -> None:
    """What a clock's name says of its unit counts, unless the time would then be centuries away."""
    rows = [f"{start + i * step},{i * i % 17},{i % 2}" for i in range(50)]
    draft = drafted(csv(tmp_path / "a.csv", f"{name},x,fire", rows))[0]
    assert draft.clock is not None
    assert draft.clock.unit == unit


def test_a_key_named_run_is_a_button(tmp_path: Path) -> None:
    """Holding the key to run does not begin an episode."""
    rows = [f"{i / 10},{i * 1.5},{i // 5 % 2},{i % 2}" for i in range(60)]
    mapping = drafted(csv(tmp_path / "a.csv", "t,x,run,fire", rows))[1]
    assert mapping.episode == ()
    assert mapping.actions[0].columns == ("run", "fire")  # type: ignore[union-attr]


def test_a_run_is_an_episode(tmp_path: Path) -> None:
    """A number that changes once for each run still tells runs apart, be there only two."""
    rows = [f"{i / 10},{i * 1.5},{i // 30},{i % 2}" for i in range(60)]
    assert drafted(csv(tmp_path / "a.csv", "t,x,run,fire", rows))[1].episode == ("run",)


def test_decimal_commas_are_left_out_with_the_reason(tmp_path: Path) -> None:
    """A table of a program that writes 1,5 says so in its first mapping."""
    path = csv(tmp_path / "a.csv", "t;x;fire;speed", [f"{i};{i * i % 17};{i % 2};{i},5" for i in range(50)])
    draft, mapping = drafted(path)
    assert [each.name for each in mapping.sensors] == ["position"]
    assert [each.why for each in draft.of("left out")] == [
        "numbers with a comma, of which nobody can say what it means; write 1.5 for one and a half"
    ]


def test_what_a_car_measures_is_not_what_its_driver_does(tmp_path: Path) -> None:
    """Speeds of wheels, temperatures and best times are seen; a steering wheel has a place, so it is not summed."""
    header = "time,wheel_speed_fl,brake_temp,delta_best,delta_time,skill_rating,brake,steering_wheel,mouse_wheel"
    rows = [
        f"{i / 60:.3f},{80 + i % 7},{300 + i},{i * 0.1 - 4:.1f},0.0{16 + i % 2},{1500 + i % 3},{i % 10 / 10},"
        f"{i % 90 - 45},{(i % 50 == 0) * 2}"
        for i in range(200)
    ]
    mapping = drafted(csv(tmp_path / "a.csv", header, rows))[1]
    sensors = {"wheel_speed_fl", "brake_temp", "delta_best", "delta_time", "skill_rating"}
    assert {each.name for each in mapping.sensors} == sensors
    ways = {each.columns[0]: each.resample for each in mapping.actions}  # type: ignore[union-attr]
    assert ways == {"brake": "last", "steering_wheel": "last", "mouse_wheel": "sum"}


# --- OWAMcap ----------------------------------------------------------------------------------------------------------


def test_owamcap_raw_movements_under_their_first_names(tmp_path: Path) -> None:
    """The first recorders with raw mice wrote dx and dy where later ones write last_x and last_y."""
    raw = [(50 + i * 10, "RawMouseEvent", {"dx": 3, "dy": -2, "button_flags": 0, "button_data": 0}) for i in range(20)]
    path = owamcap_logs.write_mcap(tmp_path / "a.mcap", [owamcap_logs.move(0, 5, 5), *raw])
    ((episode, rows),) = [(each, list(each.rows)) for each in OwamcapImporter().iter_episodes(path, ImportOptions())]
    assert episode.losses == []
    assert np.concatenate([each.actions["mouse"] for each in rows]).sum(axis=0).tolist() == [60, -40]


# --- ViZDoom ----------------------------------------------------------------------------------------------------------


def test_vizdoom_configurations_as_the_engine_reads_them(tmp_path: Path) -> None:
    """`+=` adds to a list, `=` begins it again, and names may be written either way."""
    path = tmp_path / "a.cfg"
    path.write_text(
        "livingReward = -3\nDEATH_PENALTY = 5\nscreenResolution = RES_320X240\n"
        "available_buttons = { ATTACK }\navailableButtons += { USE }\navailable_buttons += {\n JUMP\n}\n"
        "available_game_variables = { AMMO2 }\navailable_game_variables = { HEALTH }\n"
    )
    scenario = read_scenario(path)
    assert scenario.rewards == {"living_reward": -3, "death_penalty": 5}
    assert (scenario.buttons, scenario.variables) == (("ATTACK", "USE", "JUMP"), ("HEALTH",))
    assert scenario.resolution == "RES_320X240"


def test_vizdoom_a_file_called_after_its_players_names_no_episode(tmp_path: Path) -> None:
    """The names of players, which the demo holds, are not in the names of episodes."""
    game = str(tmp_path / "cig.wad")
    part = Part("", 0, game, "", "MAP01", 3, (), (), {}, "RES_160X120")
    assert _name(part, Path("anna_vs_ann.lmp"), 2, ["Ann", "Anna", ""]) == "cig-player_vs_player-p2"
