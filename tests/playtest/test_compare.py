from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from understudy.cli.main import app
from understudy.errors import PlaytestError
from understudy.playtest.compare import COMPARISON_FILE, COMPARISON_PAGE, compare, write_comparison
from understudy.playtest.compare.bugs import normalised
from understudy.playtest.compare.statistics import holm, pairs_needed, sign_flip_p

CELL = 10.0
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def bug(message: str, position: tuple[float, ...] | None, seeds: list[int], kind: str = "crash") -> dict[str, Any]:
    """A finding as `results.json` holds it."""
    seen = [{"persona": "monkey", "seed": seed, "tick": 3} for seed in seeds]
    return {
        "id": f"{kind}-1",
        "kind": kind,
        "message": message,
        "position": position,
        "cell_size": CELL,
        "seen": seen,
        "replays": 3,
        "reproduced": 2,
    }


def playtest(folder: Path, *, cells: list[float], findings: list[dict[str, Any]], **keys: Any) -> Path:
    """Write a playtest of one persona with so many cells visited in each run, as the runner does."""
    alive = keys.get("alive", [10.0] * len(cells))
    runs = [
        {
            "persona": "monkey",
            "seed": keys.get("seed", 0) + index,
            "ended": "budget",
            "message": "",
            "cells": count,
            "totals": {"seconds alive": alive[index], "reward": 0.0},
        }
        for index, count in enumerate(cells)
    ]
    form = {
        "format": 1,
        "spec": {
            "game": {"id": "a/B-v0", "build": keys.get("build", "")},
            "budget": keys.get("budget", {}),
            **keys.get("spec", {}),
        },
        "passed": True,
        "coverage": {"kind": keys.get("kind", "cells"), "cell": keys.get("cell", CELL)},
        "runs": runs,
        "findings": findings,
    }
    visited = [[column, 0] for column in range(int(max(cells)))]
    coverage = {
        "personas": {"monkey": {"keys": visited, "runs": [1] * len(visited)}},
        "lines": [[0, 0, 99, 0, 1]],
    }
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(form))
    (folder / "coverage.json").write_text(json.dumps(coverage))
    return folder


def test_bugs_are_new_fixed_or_still_there(tmp_path: Path) -> None:
    """A bug is the same if kind and place are, and the message but for its numbers; else it is new or fixed."""
    old = [bug("IndexError: 3 (level.py, line 7)", (5, 5), [0, 1]), bug("Stuck.", (50, 5), [0], "stuck")]
    new = [bug("IndexError: 4 (level.py, line 9)", (8, 5), [1, 2]), bug("KeyError", (5, 5), [2])]
    a = playtest(tmp_path / "a", cells=[5] * 3, findings=old, build="1.0")
    b = playtest(tmp_path / "b", cells=[5] * 3, findings=new, build="1.1")
    found = compare(a, b)
    assert [(each.status, each.bug.message) for each in found.bugs] == [
        ("new", "KeyError"),
        ("fixed", "Stuck."),
        ("there", "IndexError: 4 (level.py, line 9)"),
    ]
    there = found.of("there")[0]
    assert (there.runs_before, there.runs_after) == (2, 2)
    assert found.exit_code == 1
    assert found.sentence == "Failed: 1 new bug, 1 fixed, 1 still there."


def test_a_playtest_against_itself_changes_nothing(tmp_path: Path) -> None:
    """The same results twice have no new bug, nothing lost, and no difference that is certain."""
    a = playtest(tmp_path / "a", cells=[3, 9, 4, 6], findings=[bug("X", None, [0])])
    found = compare(a, a)
    assert found.passed
    assert {each.status for each in found.bugs} == {"there"}
    assert not found.lost
    assert not found.gained
    assert {each.p for each in (*found.coverage, *found.difficulty)} == {1.0}


def test_coverage_that_is_lost_for_certain_fails(tmp_path: Path) -> None:
    """Fewer cells in each of twelve pairs is no chance; the lost cells are named, and harder is told as harder."""
    cells, alive = np.arange(20.0, 32.0), np.linspace(10, 20, 12)
    a = playtest(tmp_path / "a", cells=list(cells), findings=[], alive=list(alive))
    b = playtest(tmp_path / "b", cells=list(cells - 8), findings=[], alive=list(alive / 2))
    found = compare(a, b)
    (shift,) = found.coverage
    assert (shift.difference.mean, shift.pairs) == (-8.0, 12)
    assert shift.corrected == pytest.approx(2 * 2**-12 * 2)
    assert not found.passed
    assert found.lost == {(column, 0) for column in range(23, 31)}
    assert found.sentence == (
        "Failed: 0 new bugs, 0 fixed, 0 still there; coverage lost by monkey; difficulty moved (time alive)."
    )


def test_few_pairs_are_told_to_be_few(tmp_path: Path) -> None:
    """With three pairs nothing is certain, however large, and the page says how many it would take."""
    a = playtest(tmp_path / "a", cells=[50, 60, 70], findings=[])
    b = playtest(tmp_path / "b", cells=[1, 2, 3], findings=[])
    found = compare(a, b)
    assert found.passed
    assert "play 7 or more" in found.notes[0]


def test_what_cannot_be_compared_is_told(tmp_path: Path) -> None:
    """Other cells, another budget and runs without a partner are each a note."""
    a = playtest(tmp_path / "a", cells=[5] * 9, findings=[])
    b = playtest(tmp_path / "b", cells=[5] * 8, findings=[], cell=20.0, budget={"steps": 3})
    found = compare(a, b)
    assert found.coverage == ()
    assert "1 run that only one" in found.notes[0]
    assert "different ways" in found.notes[1]
    assert "differ in budget" in found.notes[2]


def test_playtests_without_a_common_run_are_refused(tmp_path: Path) -> None:
    """Other seeds cannot be paired; a folder without results is named."""
    a = playtest(tmp_path / "a", cells=[5], findings=[])
    b = playtest(tmp_path / "b", cells=[5], findings=[], seed=4)
    with pytest.raises(PlaytestError, match="no run in common"):
        compare(a, b)
    with pytest.raises(PlaytestError, match=r"results\.json is not there"):
        compare(a, tmp_path)
    (b / "results.json").write_text("{")
    with pytest.raises(PlaytestError, match="is damaged"):
        compare(a, b)
    (b / "results.json").write_text('{"format": 1}')
    with pytest.raises(PlaytestError, match="no playtest of this version"):
        compare(a, b)


def test_the_page_and_the_file_say_the_same(tmp_path: Path) -> None:
    """The page needs nothing else and shows verdict, bugs, map and measures; the JSON holds them for programs."""
    a = playtest(tmp_path / "a", cells=[9] * 9, findings=[bug("Old <b>", (5, 5), [0])], build="1.0")
    b = playtest(tmp_path / "b", cells=[6] * 9, findings=[bug("New <b>", (40, 5), [0])], build="1.1")
    found = compare(a, b)
    write_comparison(found, tmp_path / "out")
    form = json.loads((tmp_path / "out" / COMPARISON_FILE).read_text())
    assert (form["passed"], form["verdict"]) == (False, found.sentence)
    assert [each["status"] for each in form["bugs"]] == ["new", "fixed"]
    assert form["coverage"]["lost"] == [[6, 0], [7, 0], [8, 0]]
    page = (tmp_path / "out" / COMPARISON_PAGE).read_text()
    for words in (
        "1.0 → 1.1",
        "New &lt;b&gt;",
        f"understudy replay {b}/findings/crash-1",
        'class="map"',
        "cells visited",
    ):
        assert words in page
    assert not re.search(r"https?://|<script|<link|@import", page)


def test_the_command_compares_two_folders(tmp_path: Path) -> None:
    """It prints what is new and the verdict, leaves the page with the build after, and exits by the verdict."""
    a = playtest(tmp_path / "a", cells=[5], findings=[])
    b = playtest(tmp_path / "b", cells=[5], findings=[bug("KeyError", (5, 5), [0])])
    worse = CliRunner().invoke(app, ["playtest", "compare", str(a), str(b)])
    assert worse.exit_code == 1
    assert "new crash-1 at (5, 5): KeyError" in worse.stdout
    assert "Failed: 1 new bug, 0 fixed, 0 still there." in worse.stdout
    assert (b / COMPARISON_PAGE).exists()
    better = CliRunner().invoke(app, ["playtest", "compare", str(b), str(a), "--out", str(tmp_path / "out")])
    assert better.exit_code == 0
    assert (tmp_path / "out" / COMPARISON_FILE).exists()


@given(P_VALUES)
def test_holm_never_lowers_a_p_value_nor_swaps_two(values: list[float]) -> None:
    """Corrected values lie between the raw ones and Bonferroni's, in the same order."""
    corrected = holm(values)
    for raw, now in zip(values, corrected, strict=True):
        assert raw <= now <= min(1.0, raw * len(values)) + 1e-12
    assert [corrected[index] for index in np.argsort(values, kind="stable")] == sorted(corrected)


def test_holm_is_that_of_the_paper() -> None:
    """Four values worked by hand: 4 × 0.005, 3 × 0.01, 2 × 0.03, and never less than the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_the_permutation_test_is_that_of_every_sign(values: list[int]) -> None:
    """It is the share of all sign flips whose sum is as far from nought, pairs without a difference left out."""
    changed = [each for each in values if each]
    sums = [0]
    for each in changed:
        sums = [total + sign * each for total in sums for sign in (1, -1)]
    expected = np.mean([abs(total) >= abs(sum(changed)) for total in sums])
    assert sign_flip_p(values) == pytest.approx(expected)


def test_drawn_signs_agree_with_counted_ones() -> None:
    """Beyond what can be counted, the drawn p-value is near a normal's, and never nought."""
    values = np.random.default_rng(3).normal(0.3, 1, 40)
    normal = math.erfc(abs(values.sum()) / math.sqrt(2 * (values**2).sum()))
    assert sign_flip_p(values.tolist()) == pytest.approx(normal, abs=0.01)
    assert 0 < sign_flip_p([1.0] * 60) < 1e-3


def test_enough_pairs_are_enough() -> None:
    """As many pairs as are asked for, all one way, are certain after the correction; one fewer are not."""
    for tests in (1, 3, 10):
        needed = pairs_needed(tests)
        assert sign_flip_p([1.0] * needed) * tests < 0.05 <= sign_flip_p([1.0] * (needed - 1)) * tests


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIGSEGV at 0x7f00", "SIGSEGV at 0x1"),
        ("IndexError (/home/a/game/level.py, line 3)", "IndexError (/srv/level.py, line 12)"),
        ("Frame took 31.5 ms", "Frame took 40 ms"),
    ],
)
def test_messages_are_compared_without_numbers_and_folders(one: str, other: str) -> None:
    """What changes from run to run does not make another bug."""
    assert normalised(one) == normalised(other)


def test_other_words_are_another_message() -> None:
    """Only numbers, addresses and folders are left out."""
    assert normalised("IndexError") != normalised("KeyError")


def test_other_states_are_not_compared(tmp_path: Path) -> None:
    """States of another key are no cells lost; the same key in another folder is the same."""
    keys = [{"place": 0.1}, {"place": 0.2}, "/old/checks.py:state", "/new/tree/checks.py:state"]
    wide, fine, old, new = (
        playtest(tmp_path / str(index), cells=[4.0], findings=[], kind="state", spec={"coverage": {"key": key}})
        for index, key in enumerate(keys)
    )
    assert compare(wide, fine).coverage == ()
    assert any("counted in different ways" in each for each in compare(wide, fine).notes)
    assert compare(old, new).coverage != ()
    assert not any("differ in" in each for each in compare(old, new).notes)
