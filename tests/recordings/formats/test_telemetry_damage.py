"""What is missing, strange, private, damaged or hostile in a table is told and does no harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telemetry_reading import BASE, column, episodes, mapped, steady
from telemetry_tables import START_MS, write_csv, write_jsonl

from understudy.errors import RecordingError
from understudy.recordings import open_recordings
from understudy.recordings.formats import ImportOptions, import_logs
from understudy.recordings.formats.telemetry import TelemetryImporter

# What is missing, strange or private


def test_missing_values_by_each_rule(tmp_path: Path) -> None:
    """A missing value is held, is nought, drops its row, or stops the import, as the mapping says."""
    rows: list[dict[str, Any]] = steady(6)
    rows[0]["x"], rows[3]["x"] = "", "NaN"
    path = write_csv(tmp_path / "a.csv", rows)

    def seen(rule: str) -> tuple[Any, list[Any]]:
        sensors = [{"name": "x", "columns": ["x"], "missing": rule}]
        ((episode, found),) = episodes(mapped(path, sensors=sensors, steps="rows"))
        return episode, column(found, "observations", "x")

    episode, held = seen("hold")
    assert held == [1, 2, 2, 4, 5]
    assert "not known yet" in episode.losses[0].what
    assert seen("zero")[1] == [0, 1, 2, 0, 4, 5]
    episode, dropped = seen("drop")
    assert dropped == [1, 2, 4, 5]
    assert "(2 rows)" in episode.losses[0].what
    with pytest.raises(RecordingError, match="row 1: 'x' is missing"):
        seen("error")


def test_strange_cells_are_told_with_their_row(tmp_path: Path) -> None:
    """Cells that are no numbers, unknown choices and rows of the wrong length are told, and the rest comes in."""
    path = tmp_path / "a.csv"
    path.write_text(
        "t,x,fire,w\n0.0,1,0,knife\n0.1,oops,0,knife\n0.2,3,0\n0.3,4,1,bazooka\n0.4,1e999,0,rifle\n0.5,6,1,rifle\n"
    )
    actions = [*BASE["actions"], {"name": "w", "kind": "choice", "column": "w", "values": ["knife", "rifle"]}]
    ((episode, rows),) = episodes(mapped(path, actions=actions))
    told = {loss.what: loss.where for loss in episode.losses}
    assert column(rows, "observations", "x") == [1, 1, 1, 4, 4, 6]
    assert np.concatenate([each.actions["w"] for each in rows]).tolist() == [0, 0, 0, 0, 1, 1]
    assert any("3 cells where the header has 4" in what for what in told)
    assert any("'w' is 'bazooka'" in what for what in told)
    assert any("'x' is not a finite number" in what for what in told)
    with pytest.raises(RecordingError, match="row"):
        episodes(path, salvage=False)


def test_what_people_typed_is_kept_only_when_asked(tmp_path: Path) -> None:
    """Chat stays out by default, and comes as events with keep_text."""
    rows = [{**row, "chat": "my phone is 555" if i == 4 else ""} for i, row in enumerate(steady(8))]
    path = mapped(write_csv(tmp_path / "a.csv", rows), text=["chat"])
    import_logs([path], tmp_path / "a")
    assert b"555" not in next((tmp_path / "a").rglob("*.arrows")).read_bytes()
    import_logs([path], tmp_path / "b", options=ImportOptions(keep_text=True))
    assert open_recordings(tmp_path / "b")[0].events[4] == ["chat: my phone is 555"]


def test_players_name_is_in_no_name_and_no_file(tmp_path: Path) -> None:
    """The player's name is neither in the recording's name, though key and file have it, nor in its bytes."""
    rows = [{**row, "session": "Zoe-7", "who": "zoe"} for row in steady(8)]
    path = mapped(write_csv(tmp_path / "zoe.csv", rows), episode=["session"], player="who")
    (file,) = import_logs([path], tmp_path / "out").written
    assert file.name == "player-7-0000.arrows"
    assert b"zoe" not in file.read_bytes().lower()


@pytest.mark.parametrize(
    ("unit", "cells"),
    [
        ("ms", [START_MS, START_MS + 100, START_MS + 200]),
        ("us", [START_MS * 1000 + k for k in (0, 100_000, 200_000)]),
        ("ns", [str(START_MS * 1_000_000 + k) for k in (0, 100_000_000, 200_000_000)]),
        ("s", [f"{START_MS // 1000}.{k}" for k in (0, 1, 2)]),
        ("iso", [f"2024-06-01T10:00:00.{k}00Z" for k in (0, 1, 2)]),
        ("iso", [f"2024/06/01 10:00:00.{k}" for k in (0, 1, 2)]),
        ("iso", [f"2024-06-01T12:00:00.{k}00000000+02:00" for k in (0, 1, 2)]),
    ],
)
def test_clocks_of_every_unit_tell_the_same_time(tmp_path: Path, unit: str, cells: list) -> None:
    """Seconds, milli-, micro- and nanoseconds and dates in several spellings give the same nanoseconds."""
    rows = [{"t": cell, "x": 1, "fire": 0} for cell in cells]
    ((episode, found),) = episodes(
        mapped(write_csv(tmp_path / "a.csv", rows), clock={"column": "t", "unit": unit}, steps="rows")
    )
    expected = [START_MS * 1_000_000 + k * 100_000_000 for k in range(3)]
    np.testing.assert_allclose(
        np.concatenate([each.times_ns for each in found]) - expected[0], np.array(expected) - expected[0], atol=300
    )
    assert episode.provenance.started == "2024-06-01T10:00:00+00:00"


def test_dates_without_a_zone_are_of_the_mappings_zone(tmp_path: Path) -> None:
    """A date that names no zone is read in the mapping's; a zone that is none is refused."""
    rows = [{"t": f"2024-06-01 12:00:00.{k}", "x": 1, "fire": 0} for k in range(3)]
    path = write_csv(tmp_path / "a.csv", rows)
    clock = {"column": "t", "unit": "iso", "timezone": "Europe/Berlin"}
    ((episode, _),) = episodes(mapped(path, clock=clock))
    assert episode.provenance.started == "2024-06-01T10:00:00+00:00"
    with pytest.raises(RecordingError, match="no time zone 'Mars'"):
        episodes(mapped(path, clock={**clock, "timezone": "Mars"}))


def test_same_rows_in_every_container_are_the_same_episode(tmp_path: Path) -> None:
    """CSV, JSON lines and Parquet of the same rows give the same decisions."""
    rows = steady(30)
    files = [
        write_csv(tmp_path / "a.csv", rows),
        write_csv(tmp_path / "b.tsv", rows, "\t"),
        write_jsonl(tmp_path / "c.jsonl", rows),
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "d.parquet")
    found = [episodes(mapped(path))[0][1] for path in (*files, tmp_path / "d.parquet")]
    for kind, name in (("observations", "x"), ("actions", "fire")):
        assert all(column(rows, kind, name) == column(found[0], kind, name) for rows in found)


# Damage


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_cut_gives_a_beginning_or_one_sentence(tmp_path: Path, kind: str) -> None:
    """A table cut at any byte gives the beginning of its episodes, or a RecordingError."""
    path = tmp_path / f"a.{kind}"
    rows = steady(12)
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        (write_csv if kind == "csv" else write_jsonl)(path, rows)
    data = path.read_bytes()
    mapped(path)
    came_in = 0
    for size in range(0, len(data), 1 if len(data) < 1000 else 37):
        path.write_bytes(data[:size])
        TelemetryImporter().sniff(path)
        try:
            found = episodes(path)
        except RecordingError:
            continue
        x = [each for _, rows in found for each in column(rows, "observations", "x")] if found and found[0][1] else []
        assert x[:-1] == list(range(12))[: max(0, len(x) - 1)]
        came_in += len(x) > 3
    assert came_in > 5 or kind == "parquet"


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(["csv", "jsonl", "parquet"]), place=st.integers(0, 20_000), value=st.integers(0, 255))
def test_any_changed_byte_is_survived(
    tmp_path_factory: pytest.TempPathFactory, kind: str, place: int, value: int
) -> None:
    """With any byte changed, only episodes or a RecordingError come out."""
    path = tmp_path_factory.mktemp("d") / f"a.{kind}"
    rows = steady(12)
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, write_page_checksum=True)
    else:
        (write_csv if kind == "csv" else write_jsonl)(path, rows)
    data = bytearray(path.read_bytes())
    data[place % len(data)] = value
    path.write_bytes(bytes(data))
    mapped(path)
    TelemetryImporter().sniff(path)
    try:
        import_logs([path], path.parent / "out")
    except RecordingError:
        return


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(["csv", "jsonl", "parquet"]),
    data=st.binary(max_size=400) | st.text(max_size=200).map(str.encode),
)
def test_any_bytes_are_survived(tmp_path_factory: pytest.TempPathFactory, kind: str, data: bytes) -> None:
    """Whatever is in a file with a table's suffix, only a RecordingError comes out."""
    path = tmp_path_factory.mktemp("d") / f"a.{kind}"
    path.write_bytes(data)
    mapped(path)
    TelemetryImporter().sniff(path)
    with pytest.raises(RecordingError):
        import_logs([path], path.parent / "out", format_name="telemetry")


def test_hostile_tables_are_refused_or_bounded(tmp_path: Path) -> None:
    """A line without end, objects nested without end, and text that is UTF-16 are told and do no harm."""
    path = mapped(tmp_path / "a.jsonl")
    good = [json.dumps(row) for row in steady(5)]
    path.write_text("\n".join([*good[:3], "[" * 100_000, '{"t":' + "9" * 3_000_000 + "}", *good[3:]]) + "\n")
    ((episode, rows),) = episodes(path)
    assert sum(map(len, rows)) == 5
    assert "(2 rows)" in episode.losses[0].what
    wide = mapped(tmp_path / "b.csv")
    wide.write_text(b"t,x,fire\n0,1,0\n".decode(), "utf-16")
    with pytest.raises(RecordingError, match="UTF-16"):
        episodes(wide)


def test_numbers_too_large_for_the_sensor_are_missing(tmp_path: Path) -> None:
    """A number that the dtype cannot hold is told and taken as missing, never wrapped round."""
    rows = [{**row, "x": 300 if i == 2 else row["x"]} for i, row in enumerate(steady(5))]
    sensors = [{"name": "x", "columns": ["x"], "dtype": "uint8"}]
    ((episode, found),) = episodes(mapped(write_csv(tmp_path / "a.csv", rows), sensors=sensors))
    assert column(found, "observations", "x") == [0, 1, 1, 3, 4]
    assert "too large for uint8" in episode.losses[0].what
