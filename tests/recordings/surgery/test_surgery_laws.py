"""The laws of surgery, on recordings with pictures, choices, buttons, numbers, extras, events and unknown rewards."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from surgeon import assert_equal, operate, operations_in

from toys import EXTRAS, write_episode
from understudy.recordings import Episode, open_recordings
from understudy.recordings.surgery import Deduplicate, Mask, Merge, Plan, ReRate, Shift, Split, Trim, apply_plan

STEPS = 23
CUTS = st.lists(st.integers(1, STEPS - 1), min_size=1, max_size=5, unique=True).map(sorted)
FEW = settings(max_examples=15)


def _record(folder: Path, *, num: int = 2) -> dict[str, Episode]:
    for seed in range(num):
        write_episode(folder / "logs", f"walk-{seed}", steps=STEPS, seed=seed, player="ann", extras=EXTRAS)
    return {each.name: each for each in open_recordings(folder / "logs")}


def test_an_empty_plan_copies(tmp_path: Path) -> None:
    """Applying nothing gives recordings that hold the same, to the bit, and an empty history."""
    recorded = _record(tmp_path)
    copied = operate(tmp_path / "logs", tmp_path / "out")
    assert list(copied) == ["walk-0", "walk-1"]
    for name, episode in copied.items():
        assert_equal(episode, recorded[name])
        assert operations_in(episode) == []


@FEW
@given(cuts=CUTS, masked=st.booleans())
def test_split_then_merge_is_nothing(cuts: Sequence[int], masked: bool) -> None:
    """Pieces joined again are the whole, under its name and without a seam; in one plan or in two, masked or not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorded = _record(folder)
        between = (Mask(neutral=("move",)),) if masked else ()
        once = operate(folder / "logs", folder / "once", Split(at=tuple(cuts)), *between, Merge())
        pieces = operate(folder / "logs", folder / "pieces", Split(at=tuple(cuts)), *between)
        twice = operate(folder / "pieces", folder / "twice", Merge())
        expected = operate(folder / "logs", folder / "masked", *between) if masked else recorded
        assert list(once) == list(twice) == ["walk-0", "walk-1"]
        assert len(pieces) == 2 * (len(cuts) + 1)
        assert [each.num_steps for each in pieces.values()][: len(cuts) + 1] == np.diff([0, *cuts, STEPS]).tolist()
        for name in recorded:
            assert_equal(once[name], expected[name])
            assert_equal(twice[name], expected[name])


@FEW
@given(cuts=CUTS)
def test_trimmed_ranges_merge_to_the_original(cuts: Sequence[int]) -> None:
    """Ranges that cover an episode without a gap are the episode again once they are merged."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorded = _record(folder, num=1)
        operate(folder / "logs", folder / "pieces", Trim(keep=tuple(pairwise([0, *cuts, STEPS]))))
        merged = operate(folder / "pieces", folder / "merged", Merge())
        assert_equal(merged["walk-0"], recorded["walk-0"])


@FEW
@given(first=CUTS, second=CUTS)
def test_nested_splits_merge_step_by_step(first: Sequence[int], second: Sequence[int]) -> None:
    """Pieces of pieces become the pieces, and then the whole."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorded = _record(folder, num=1)
        plan = (Split(at=tuple(first)), Split(at=tuple(second)), Merge())
        once = operate(folder / "logs", folder / "once", *plan)
        twice = operate(folder / "logs", folder / "twice", *plan, Merge())
        assert len(twice) == 1
        assert len(once) <= len(first) + 1
        assert_equal(twice["walk-0"], recorded["walk-0"])


@FEW
@given(cuts=CUTS, hz=st.sampled_from([5.0, 3.0, 7.5, 1.0]))
def test_a_plan_is_its_operations_one_by_one(cuts: Sequence[int], hz: float) -> None:
    """One plan of two operations gives what two plans give, one after the other."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _record(folder, num=1)
        split, rate = Split(at=tuple(cuts)), ReRate(decision_hz=hz)
        at_once = operate(folder / "logs", folder / "at-once", split, rate)
        operate(folder / "logs", folder / "half", split)
        by_one = operate(folder / "half", folder / "by-one", rate)
        assert list(at_once) == list(by_one)
        for name, episode in at_once.items():
            assert_equal(episode, by_one[name])


@FEW
@given(hz=st.sampled_from([10.0, 5.0, 2.5, 1.0, 3.0, 7.0, 9.99, 0.1]))
def test_no_delta_reward_button_or_event_is_lost_at_a_lower_rate(hz: float) -> None:
    """Sums, presses, rewards and events add up to what they were, whatever the rate."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = _record(folder, num=1)["walk-0"]
        after = operate(folder / "logs", folder / "out", ReRate(decision_hz=hz))["walk-0"]
        assert after.behavior.decision_hz == hz
        assert after.num_steps == max(1, -(-(2 * STEPS - 1) * hz // 20))
        np.testing.assert_allclose(after.action("turn").sum(0), before.action("turn").sum(0), rtol=1e-5)
        np.testing.assert_allclose(np.nansum(after.reward), np.nansum(before.reward), rtol=1e-5)
        assert list(chain(*after.events)) == list(chain(*before.events))
        assert (after.action("buttons").any(0) == before.action("buttons").any(0)).all()
        assert after.behavior.action("turn").space.contains(after.action("turn")[0])
        assert (after.terminated, after.final_observation() is not None) == (True, True)


@FEW
@given(dropped=st.sets(st.integers(0, STEPS - 1), min_size=1, max_size=STEPS - 1))
def test_dropped_steps_are_folded_into_those_before(dropped: set[int]) -> None:
    """What is left are the other steps, with their sights and choices; only leading steps take their numbers away."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = _record(folder, num=1)["walk-0"]
        after = operate(folder / "logs", folder / "out", Deduplicate(steps=tuple(sorted(dropped))))["walk-0"]
        kept = [step for step in range(STEPS) if step not in dropped]
        for sensor in before.behavior.sensor_names:
            np.testing.assert_array_equal(after.observation(sensor), before.observation(sensor)[kept])
        np.testing.assert_array_equal(after.action("move"), before.action("move")[kept])
        np.testing.assert_allclose(after.action("turn").sum(0), before.action("turn")[kept[0] :].sum(0), rtol=1e-5)
        marked = [kept[row] for row, words in enumerate(after.events) if "cut" in words]
        assert marked == [step for step in kept[1:] if step - 1 in dropped]


@FEW
@given(by=st.integers(-6, 6))
def test_shifting_there_and_back_leaves_the_middle(by: int) -> None:
    """Actions that are moved and moved back are where they were, and only the ends are gone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = _record(folder, num=1)["walk-0"]
        once = operate(folder / "logs", folder / "once", Shift(steps=by))["walk-0"]
        back = operate(folder / "once", folder / "back", Shift(steps=-by))["walk-0"]
        middle = slice(abs(by), STEPS - abs(by))
        assert once.num_steps == STEPS - abs(by)
        for part in before.behavior.action_names:
            np.testing.assert_array_equal(back.action(part), before.action(part)[middle])
        np.testing.assert_array_equal(back.observation("frame"), before.observation("frame")[middle])
        seen = slice(max(0, -by), STEPS - max(0, by))
        done = slice(max(0, by), STEPS - max(0, -by))
        np.testing.assert_array_equal(once.observation("rays"), before.observation("rays")[seen])
        np.testing.assert_array_equal(once.action("turn"), before.action("turn")[done])
        np.testing.assert_array_equal(once.tick, before.tick[seen])


def test_history_grows_and_digests_differ(tmp_path: Path) -> None:
    """Each run adds to the history, names its sources by digest, and gives a recording with a digest of its own."""
    recorded = _record(tmp_path, num=1)["walk-0"]
    digests, source, folder = {recorded.digest}, recorded, tmp_path / "logs"
    for number, operation in enumerate((Trim(keep=((2, 20),)), Mask(sensors=("rays",)), ReRate(decision_hz=5)), 1):
        out = tmp_path / f"out-{number}"
        (edited,) = operate(folder, out, operation).values()
        history = edited.provenance.notes["history"]
        assert len(history) == number
        assert history[-1]["sources"] == [{"name": source.name, "digest": source.digest}]
        assert history[-1]["operation"] == operation.to_dict()
        digests.add(edited.digest)
        source, folder = edited, out
    assert len(digests) == 4


def test_the_source_is_never_touched(tmp_path: Path) -> None:
    """After a plan, each file of the logs has the bytes and the time it had."""
    _record(tmp_path)
    files = sorted((tmp_path / "logs").iterdir())
    before = [(each.name, each.read_bytes(), each.stat().st_mtime_ns) for each in files]
    plan = Plan(operations=(Split(every=5), Mask(sensors=("frame",)), Merge()))
    apply_plan(plan, open_recordings(tmp_path / "logs"), tmp_path / "out")
    after = [(each.name, each.read_bytes(), each.stat().st_mtime_ns) for each in sorted((tmp_path / "logs").iterdir())]
    assert after == before
