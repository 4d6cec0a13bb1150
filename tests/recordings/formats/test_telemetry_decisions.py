"""Rows become decisions and episodes as the mapping says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telemetry_reading import BASE, column, episodes, mapped, steady
from telemetry_tables import browser, write_csv

from understudy.errors import RecordingError
from understudy.recordings.formats import ImportOptions
from understudy.recordings.formats.telemetry import TelemetryImporter

# Decisions by the clock


def test_rows_on_time_are_the_decisions(tmp_path: Path) -> None:
    """Rows exactly at the decision rate come in one to one, whatever the rounding of their times."""
    (_, rows), *rest = episodes(mapped(write_csv(tmp_path / "a.csv", steady(50))))
    assert not rest
    assert column(rows, "observations", "x") == list(range(50))
    assert column(rows, "actions", "fire") == [int(i % 3 == 0) for i in range(50)]
    assert rows[0].times_ns[:3].tolist() == [0, 100_000_000, 200_000_000]


def test_each_way_of_resampling(tmp_path: Path) -> None:
    """Sensors look back and actions look ahead: the last value, the mean, the sum, and any."""
    values = [(0.0, 1, 0), (0.04, 5, 1), (0.08, 9, 0), (0.1, 2, 0), (0.3, 7, 0)]
    table = [{"t": t, "v": v, "b": b} for t, v, b in values]
    sensors = [{"name": way, "columns": ["v"], "resample": way} for way in ("last", "mean", "sum")]
    axes = [
        {"name": f"do_{way}", "kind": "axes", "columns": ["v"], "low": 0, "high": 9, "resample": way}
        for way in ("last", "mean", "sum")
    ]
    press = {"name": "press", "kind": "buttons", "columns": ["b"]}
    ((_, rows),) = episodes(mapped(write_csv(tmp_path / "a.csv", table), sensors=sensors, actions=[*axes, press]))
    assert column(rows, "observations", "last") == [1, 2, 2, 7]
    assert column(rows, "observations", "mean") == pytest.approx([1, 16 / 3, 2, 7])
    assert column(rows, "observations", "sum") == [1, 16, 0, 7]
    assert column(rows, "actions", "do_last") == [9, 2, 2, 7]
    assert column(rows, "actions", "do_mean") == [5, 2, 2, 7]
    assert column(rows, "actions", "do_sum") == [15, 2, 0, 7]
    assert column(rows, "actions", "press") == [1, 0, 0, 0]


@settings(max_examples=40, deadline=None)
@given(
    gaps=st.lists(st.integers(1, 400), min_size=2, max_size=60),
    presses=st.data(),
    rate=st.sampled_from([5.0, 10.0, 30.0, 60.0]),
)
def test_nothing_done_is_lost_at_any_rate(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[int], presses: Any, rate: float
) -> None:
    """At any uneven times deltas and rewards add up to the table's own sum, and a press is in its own decision."""
    times = np.cumsum([0, *gaps]).tolist()
    deltas = presses.draw(st.lists(st.integers(-9, 9), min_size=len(times), max_size=len(times)))
    rows = [
        {"t": t, "x": i, "d": d, "fire": int(d == 9), "r": d}
        for i, (t, d) in enumerate(zip(times, deltas, strict=True))
    ]
    actions = [
        *BASE["actions"],
        {"name": "d", "kind": "axes", "columns": ["d"], "low": -9, "high": 9, "resample": "sum"},
    ]
    path = mapped(
        write_csv(tmp_path_factory.mktemp("t") / "a.csv", rows),
        rate_hz=rate, clock={"column": "t", "unit": "ms"}, actions=actions, reward={"column": "r"},
    )  # fmt: skip
    ((episode, found),) = episodes(path)
    assert not episode.losses
    assert sum(column(found, "actions", "d")) == pytest.approx(sum(deltas))
    assert sum(float(each.rewards.sum()) for each in found) == pytest.approx(sum(deltas))
    fire, x = column(found, "actions", "fire"), column(found, "observations", "x")
    assert len(fire) == math.floor(times[-1] * rate / 1000 + 1e-6) + 1
    for t, d in zip(times, deltas, strict=True):
        assert fire[math.floor(t * rate / 1000 + 1e-6)] or d != 9
    for k, seen in enumerate(x):
        assert seen == np.searchsorted(times, k * 1000 / rate + 1e-6, "right") - 1


def test_blocks_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a few rows at a time, a table gives the same decisions as read at once."""
    path = browser(tmp_path)
    form = {
        "clock": {"column": "timestamp_ms", "unit": "ms"},
        "sensors": [{"name": "p", "columns": ["pos_x"], "resample": "mean"}],
    }
    mapped(path, **form, actions=[{"name": "keys", "kind": "buttons", "columns": ["key_w", "lmb"]}])
    ((_, whole),) = episodes(path)
    monkeypatch.setattr("understudy.recordings.formats.telemetry.tables.BLOCK_ROWS", 7)
    ((_, pieces),) = episodes(path)
    for kind, name in (("observations", "p"), ("actions", "keys")):
        first, second = (np.concatenate([getattr(each, kind)[name] for each in rows]) for rows in (whole, pieces))
        np.testing.assert_allclose(first, second, rtol=1e-6)


# Where episodes end


def test_gap_and_clock_set_back_begin_an_episode(tmp_path: Path) -> None:
    """A long time without a row, and a clock set back, each begin a new episode and are told."""
    rows = steady(20) + [{**row, "t": row["t"] + 30} for row in steady(20)] + steady(10)
    first, second, third = episodes(mapped(write_csv(tmp_path / "a.csv", rows)))
    assert [sum(map(len, each[1])) for each in (first, second, third)] == [20, 20, 10]
    assert first[0].name != second[0].name
    assert all(each[1][-1].ending.truncated for each in (first, second, third))
    told = " ".join(loss.what for each in (first, second, third) for loss in each[0].losses)
    assert "28.1 s without a row" in told
    assert "goes back by 31.9 s" in told


def test_row_a_little_late_is_dropped_and_told(tmp_path: Path) -> None:
    """A row slightly before the one above it is dropped where the clock decides, and told."""
    rows = steady(20)
    rows[7], rows[8] = rows[8], rows[7]
    ((episode, found),) = episodes(mapped(write_csv(tmp_path / "a.csv", rows)))
    assert column(found, "observations", "x")[6:10] == [6, 6, 8, 9]
    assert "goes back by less than" in episode.losses[0].what
    assert "row 9" in episode.losses[0].where


def test_done_flag_ends_an_episode(tmp_path: Path) -> None:
    """The row after a done flag begins the next episode."""
    rows = [{**row, "done": i in (9, 14)} for i, row in enumerate(steady(20))]
    found = episodes(mapped(write_csv(tmp_path / "a.csv", rows), terminated="done", steps="rows"))
    assert [sum(map(len, rows)) for _, rows in found] == [10, 5, 5]
    assert [rows[-1].ending.terminated for _, rows in found] == [True, True, False]


@pytest.mark.parametrize("player", [None, "who"])
def test_interleaved_episodes_are_sorted_out(tmp_path: Path, player: str | None) -> None:
    """Rows of several episodes in turns give the same episodes as one after the other."""
    table = [
        {**row, "who": f"p{k}", "match": "m", "x": 100 * k + i} for i, row in enumerate(steady(300)) for k in range(5)
    ]
    path = mapped(
        write_csv(tmp_path / "a.csv", table), episode=["match"] if player else ["match", "who"], player=player
    )
    found = episodes(path)
    assert len(found) == 5
    for k, (episode, rows) in enumerate(found):
        assert column(rows, "observations", "x") == [100 * k + i for i in range(300)]
        assert episode.provenance.player == (f"p{k}" if player else "")
        assert not episode.losses
    assert len({each.name for each, _ in found}) == 5


def test_too_many_open_episodes_say_sort(tmp_path: Path) -> None:
    """More interleaved episodes than allowed are refused with the columns to sort by."""
    table = [{**row, "who": f"p{k}"} for row in steady(3) for k in range(5)]
    path = mapped(write_csv(tmp_path / "a.csv", table), episode=["who"], max_open=4)
    with pytest.raises(RecordingError, match=r"5 episodes lie interleaved.*Sort the table by who"):
        episodes(path)


def test_unread_rows_do_not_hold_up_the_next(tmp_path: Path) -> None:
    """Episodes whose rows are left unread do not disturb those that follow, sorted or interleaved."""
    table = [{**row, "who": f"p{k}", "x": k} for k in range(4) for row in steady(50)]
    for name, rows in (("sorted", table), ("mixed", sorted(table, key=lambda row: row["t"]))):
        path = mapped(write_csv(tmp_path / f"{name}.csv", rows), episode=["who"])
        seen = []
        for number, episode in enumerate(TelemetryImporter().iter_episodes(path, ImportOptions())):
            if number == 2:
                seen = column(list(episode.rows), "observations", "x")
        assert seen == [2] * 50
        assert number == 3
