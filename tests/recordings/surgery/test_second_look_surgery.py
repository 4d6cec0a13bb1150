"""Surgery where it is tried hard: odd numbers, long recordings, many recordings, names that tell, no place to write."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from surgeon import assert_equal, operate

from toys import write_episode
from understudy.errors import RecordingError
from understudy.recordings import Episode, EpisodeWriter, Provenance, open_recordings
from understudy.recordings.surgery import (
    Anonymise,
    Deduplicate,
    Mask,
    Merge,
    Operation,
    Plan,
    Relabel,
    Split,
    Trim,
    apply_plan,
)
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

SMALL = BehaviorSpec(
    "small", (SensorSpec("x", spaces.Box(0, 1, (), np.float32)),), (ActionSpec("act", spaces.Discrete(2)),), 10.0
)


def write_long(folder: Path, name: str, steps: int, *, start_ns: int = 0) -> Path:
    """Write a long recording of small steps, each with an event."""
    with EpisodeWriter(folder, SMALL, Provenance("toy", started="2024-01-01T00:00:00+00:00"), name=name) as writer:
        for start in range(0, steps, 1000):
            count = min(1000, steps - start)
            writer.extend(
                {"x": np.zeros(count, np.float32)},
                {"act": np.zeros(count, np.int64)},
                events=[["stepped"]] * count,
                times_ns=start_ns + 100_000_000 * np.arange(start, start + count),
            )
        writer.finish(truncated=True)
    return writer.path


@pytest.mark.parametrize(
    "form",
    [
        '{"op": "trim", "keep": [[0, Infinity]]}',
        '{"op": "trim", "keep": [[NaN, null]], "unit": "seconds"}',
        '{"op": "split", "every": Infinity}',
        '{"op": "split", "every": Infinity, "unit": "seconds"}',
        '{"op": "split", "gap_s": NaN}',
        '{"op": "merge", "max_gap_s": Infinity}',
        '{"op": "rerate", "decision_hz": Infinity}',
        '{"op": "rerate", "decision_hz": 1e300}',
        '{"op": "rerate", "decision_hz": 1e-300}',
        '{"op": "mask", "neutral": ["turn"], "values": {"turn": Infinity}}',
        '{"op": "mask", "neutral": ["move"], "values": {"move": NaN}}',
    ],
)
def test_numbers_that_are_none_are_told_in_a_sentence(form: str) -> None:
    """No plan has them, from a file or from the command line."""
    with pytest.raises(RecordingError, match="operation 1"):
        Plan.from_json(f'{{"operations": [{form}]}}')


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Mask(neutral=("move",), values={"move": "inf"}), "move' has no"),
        (Mask(neutral=("move",), values={"move": "nan"}), "move' has no"),
        (Mask(neutral=("turn",), values={"turn": "inf"}), "turn"),
        (Mask(neutral=("buttons",), values={"buttons": 0.5}), "0.5 is no value of the action part 'buttons'"),
        (Mask(neutral=("buttons",), values={"buttons": 300}), "300 is no value of the action part 'buttons'"),
        (Split(every=0.01, unit="seconds"), "shorter than a step"),
    ],
)
def test_values_that_are_none_are_told_in_a_sentence(tmp_path: Path, operation: Operation, sentence: str) -> None:
    """What no step can hold, and pieces that no recording has."""
    write_episode(tmp_path / "logs", "walk", steps=12)

    with pytest.raises(RecordingError, match=sentence):
        operate(tmp_path / "logs", tmp_path / "out", operation)


@pytest.mark.parametrize("far", [1e308, 10**30])
@pytest.mark.parametrize("unit", ["steps", "seconds"])
def test_a_range_may_end_far_behind_the_end(tmp_path: Path, far: float, unit: Any) -> None:
    """What lies past the end is ignored, however far."""
    write_episode(tmp_path / "logs", "walk", steps=12)

    result = operate(tmp_path / "logs", tmp_path / "out", Trim(keep=((0, far),), unit=unit), Split(at=(far,)))

    assert result["walk"].num_steps == 12


def test_no_more_is_in_memory_than_is_written(tmp_path: Path) -> None:
    """A hundred times as many steps, each with an event, take little more, and nothing stays behind."""
    peaks = []
    for steps in (1000, 100_000):
        write_long(tmp_path / f"logs-{steps}", "long", steps)
        recordings = open_recordings(tmp_path / f"logs-{steps}")
        tracemalloc.start()
        apply_plan(Plan(operations=(Relabel(style="calm"),)), recordings, tmp_path / f"out-{steps}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] + 4_000_000, peaks


def test_many_recordings_are_joined_in_the_time_of_few(tmp_path: Path) -> None:
    """Each of them is looked at once for its own steps, not once for each piece of the whole that is read."""
    from understudy.recordings.surgery.joining import _join
    from understudy.recordings.surgery.take import take_from

    write_long(tmp_path, "one", 4)
    take = take_from(open_recordings(tmp_path)[0])
    seen: list[int] = []
    chain = _CountedTakes([take] * 1000, seen)

    joined = _join(chain, marked=True)
    seen.clear()

    rows = joined.act(3990, 4000)

    assert len(rows) == 10
    assert [index for index, words in enumerate(rows.events or ()) if "cut" in words] == [2, 6]
    assert len(seen) <= 4


def test_joined_pieces_of_any_length_read_alike(tmp_path: Path) -> None:
    """Wherever a read begins and ends."""
    write_episode(tmp_path / "logs", "walk", steps=37)
    whole = open_recordings(tmp_path / "logs")[0]

    result = operate(tmp_path / "logs", tmp_path / "out", Split(at=(1, 2, 9, 30, 36)), Merge())

    assert_equal(result["walk"], whole)


@pytest.mark.parametrize("keep_clock", [False, True])
def test_names_do_not_tell_when_it_was_played(tmp_path: Path, keep_clock: bool) -> None:
    """The recorder names files by their start; without the clock, neither a name nor the history may tell it."""
    for number in range(2):
        write_episode(
            tmp_path / "logs", f"toy-20240203T04050{number}-abcdef{number}", steps=12, seed=number, player="ann"
        )
        write_episode(tmp_path / "logs", f"ann-20240203T04050{number}", steps=12, seed=9 + number, player="ann")
    operations = (Split(at=(5,)), Relabel(style="calm"), Anonymise(ids="pseudonyms", keep_clock=keep_clock))

    result = operate(tmp_path / "logs", tmp_path / "out", *operations, Relabel(style="wild"))

    assert len(result) == 8
    told = b"20240203T04050"
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    found = [path for path in files if told in str(path).encode() + path.read_bytes()]
    assert len(found) == (8 if keep_clock else 0)
    joined = operate(tmp_path / "out", tmp_path / "joined", Relabel(style="calm"), Merge())
    assert len(joined) == (4 if keep_clock else 8)


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """A file is in the way, or a name becomes too long."""
    write_episode(tmp_path / "logs", "walk", steps=12)
    write_episode(tmp_path / "long", "x" * 245, steps=12)
    (tmp_path / "file").write_text("")

    with pytest.raises(RecordingError, match=r"out cannot be written: Not a directory\."):
        operate(tmp_path / "logs", tmp_path / "file" / "out", Trim(keep=((0, 5),)))
    with pytest.raises(RecordingError, match="cannot be written: File name too long"):
        operate(tmp_path / "long", tmp_path / "out", Split(at=(5,)))


def test_a_stop_at_any_recording_goes_on(tmp_path: Path) -> None:
    """After Ctrl-C in the middle of writing, the same plan finishes the work, and nothing half is left."""
    for number in range(3):
        write_episode(tmp_path / "logs", f"walk-{number}", steps=600, seed=number)
    recordings = open_recordings(tmp_path / "logs")
    plan = Plan(operations=(Deduplicate(steps=(3, 4)),))

    def stop(_what: str, done: int, _total: int) -> None:
        if done > 700:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_plan(plan, recordings, tmp_path / "out", stop)
    assert [each.complete for each in open_recordings(tmp_path / "out")] == [True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "out"]
    calls: list[tuple[int, int]] = []
    written = apply_plan(plan, recordings, tmp_path / "out", lambda _, *counts: calls.append(counts))

    assert [Episode(path).num_steps for path in written] == [598] * 3
    assert all(one <= other for (one, _), (other, _) in pairwise(calls))
    assert calls[-1] == (1794, 1794)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["surgery.json", "walk-0.arrows", "walk-1.arrows", "walk-2.arrows"]


class _CountedTakes(list[Any]):
    """Takes that note each time one is taken out of the list."""

    def __init__(self, takes: list[Any], seen: list[int]) -> None:
        super().__init__(takes)
        self.seen = seen

    def __iter__(self) -> Any:
        for index in range(len(self)):
            yield self[index]

    def __getitem__(self, index: Any) -> Any:
        self.seen.append(index)
        return super().__getitem__(index)
