from __future__ import annotations

import math
import os
import threading
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.playtest.run.moment import Moment, Picture
from understudy.playtest.run.reports import ReportReader, ReportWriter
from understudy.playtest.run.ring import Ring, make_ring_file
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

BEHAVIOR = BehaviorSpec(
    "toy",
    (SensorSpec("speed", spaces.Box(0, 1, (), np.float32)),),
    (
        ActionSpec("move", spaces.Discrete(3)),
        ActionSpec("keys", spaces.MultiBinary(3)),
        ActionSpec("turn", spaces.Box(-1, 1, (2,), np.float32)),
    ),
    10.0,
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
INFO = st.dictionaries(st.sampled_from(["position", "gold", "quest", "far"]), FINITE | st.lists(FINITE, min_size=1))
ACTION = st.fixed_dictionaries(
    {
        "move": st.integers(0, 2).map(np.int64),
        "keys": st.lists(st.integers(0, 1), min_size=3, max_size=3).map(lambda keys: np.array(keys, np.int8)),
        "turn": st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=2).map(lambda two: np.array(two, np.float32)),
    }
)
DETAIL = st.none() | st.just({"memory_mb": 3.5, "faults": ["far"], "log": ["a", "b"]})


def written(decisions: list[tuple[Any, ...]]) -> list[bytes]:
    """The records of a run with these decisions."""
    records: list[bytes] = []
    writer = ReportWriter(records.append)
    writer.ready(BEHAVIOR, {"lines": []})
    for tick, (info, action, detail) in enumerate(decisions):
        writer.decision(tick, info, action, 0.5 * tick, 0.25, detail)
    writer.decision(len(decisions), {}, None, 1.0, 0.5)
    writer.event("end", {"how": "BUDGET"})
    return records


@given(st.lists(st.tuples(INFO, ACTION, DETAIL), max_size=6), st.integers(1, 97))
@settings(max_examples=60, deadline=None)
def test_reports_are_read_as_they_were_written(decisions: list[tuple[Any, ...]], size: int) -> None:
    """Whatever numbers a game tells, and however the stream is cut into chunks, every report comes back whole."""
    stream, reader = b"".join(written(decisions)), ReportReader()
    found = [each for at in range(0, len(stream), size) for each in reader.feed(stream[at : at + size])]
    assert isinstance(found[0], dict)
    assert BehaviorSpec.from_dict(found[0]["behavior"]) == BEHAVIOR
    assert found[-1] == {"event": "end", "how": "BUDGET"}
    moments = [each for each in found if isinstance(each, Moment)]
    assert (moments[-1].action, moments[-1].tick, moments[-1].reward) == (None, len(decisions), 1.0)
    for tick, (moment, (info, action, detail)) in enumerate(zip(moments, decisions, strict=False)):
        assert (moment.tick, moment.info, moment.reward, moment.step_seconds) == (tick, info, 0.5 * tick, 0.25)
        assert (moment.memory_mb, moment.log) == ((3.5, ("a", "b")) if detail else (None, ()))
        for name, value in action.items():
            assert moment.action is not None
            np.testing.assert_array_equal(moment.action[name], value)
            assert moment.action[name].dtype == BEHAVIOR.action(name).dtype


def test_a_stream_that_was_cut_off_reads_up_to_its_last_whole_report() -> None:
    """A process that dies while it writes loses at most the report that it was writing."""
    action = {"move": np.int64(1), "keys": np.zeros(3, np.int8), "turn": np.zeros(2, np.float32)}
    records = written([({"gold": 1.0}, action, {"picture": vars(Picture(1.0, 2.0, True, 0.0, 0.0))})] * 3)
    stream = b"".join(records)
    for length in range(len(stream)):
        whole = sum(size <= length for size in np.cumsum([len(each) for each in records]))
        found = list(ReportReader().feed(stream[:length]))
        # Layouts and details are records too, but no reports of their own.
        assert len(found) == sum(each[4] not in (1, 2) for each in records[:whole])
    assert found[1].picture == Picture(1.0, 2.0, True, 0.0, 0.0)  # type: ignore[union-attr]


@given(st.lists(st.binary(max_size=300), max_size=30), st.integers(1, 128))
@settings(max_examples=40, deadline=None)
def test_bytes_come_out_of_a_ring_as_they_went_in(pieces: list[bytes], capacity: int) -> None:
    """A ring smaller than what goes through it, also than a single piece, loses and swaps nothing."""
    descriptor = make_ring_file(capacity)
    writer, reader = Ring(descriptor), Ring(descriptor)
    os.close(descriptor)
    thread = threading.Thread(target=lambda: [writer.write(each) for each in pieces])
    thread.start()
    found = b""
    while thread.is_alive():
        found += reader.take()
    found += reader.take()
    assert found == b"".join(pieces)
    assert reader.flag == 0
    writer.flag = 7
    assert reader.flag == 7
    for each in (reader, writer):
        each.close()


def test_a_writer_does_not_wait_for_a_reader_that_is_gone() -> None:
    """Once the reader is gone, a full ring is an error, not a wait without end."""
    descriptor = make_ring_file(8)
    ring = Ring(descriptor, gone=lambda: True)
    os.close(descriptor)
    with pytest.raises(BrokenPipeError, match="Nobody reads"):
        ring.write(b"nine bytes")
    ring.close()


def test_a_decision_is_a_few_dozen_bytes() -> None:
    """A decision of a game with a position costs its numbers, its action and 27 bytes."""
    action = {"move": np.int64(1), "keys": np.zeros(3, np.int8), "turn": np.zeros(2, np.float32)}
    record = written([({"position": [1.0, 2.0, 3.0]}, action, None)])[2]
    assert len(record) == math.prod((3, 8)) + (8 + 3 + 8) + 5 + 1 + 1 + 24
