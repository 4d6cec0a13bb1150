"""The stream of windows: rows inside their episodes, memory carried over consecutive windows, the same every time."""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from steering import STEERING, steering_recipe

from understudy.recordings import Cache, Recordings
from understudy.recordings.cache import Span
from understudy.training.build import build_codec
from understudy.training.data import Prefetch, Window, to_window
from understudy.training.recipe import LoopRecipe
from understudy.training.stream import WindowBatch, WindowStream


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Span], LoopRecipe]:
    """Spans with gaps between them, and sizes of windows, segments and batches."""
    spans, start = [], 0
    for index, (gap, length) in enumerate(
        draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 90)), min_size=1, max_size=6))
    ):
        start += gap
        spans.append(Span(f"e{index}", "a", start, start + length))
        start += length
    window = draw(st.integers(1, 8))
    loop = LoopRecipe(
        batch=draw(st.integers(1, 5)),
        window=window,
        segment=window * draw(st.integers(1, 5)),
        seed=draw(st.integers(0, 9)),
    )
    return spans, loop


def home(spans: list[Span], row: int) -> Span:
    """The span that a row belongs to."""
    return next(span for span in spans if span.start <= row < span.stop)


@given(streams(), st.integers(0, 60))
def test_rows_and_their_pasts_stay_in_one_episode(stream: tuple[list[Span], LoopRecipe], update: int) -> None:
    """A sequence's rows count up inside one span; the action before a row is the row before, or none at the start."""
    spans, loop = stream
    batch = WindowStream(spans, loop).batch(update)
    assert batch.rows.shape == batch.past.shape == batch.valid.shape == (loop.batch, loop.window)
    for rows, past, valid in zip(batch.rows, batch.past, batch.valid, strict=True):
        span = home(spans, int(rows[0]))
        assert ((rows >= span.start) & (rows < span.stop)).all()
        # Valid steps come first and are consecutive; what pads them repeats the last row.
        count = int(valid.sum())
        assert valid[:count].all()
        assert (np.diff(rows[:count]) == 1).all()
        assert (past[:count] == np.where(rows[:count] == span.start, -1, rows[:count] - 1)).all()


@given(streams(), st.integers(0, 8))
def test_the_memory_is_carried_over_consecutive_windows(stream: tuple[list[Span], LoopRecipe], group: int) -> None:
    """Within a group each window goes on where the last one stopped; only a group's first starts the memory anew."""
    spans, loop = stream
    windows = WindowStream(spans, loop)
    size = windows.windows_per_group
    batches = [windows.batch(group * size + index) for index in range(size)]
    assert [batch.first for batch in batches] == [True] + [False] * (size - 1)
    assert {batch.group for batch in batches} == {group}
    for before, after in pairwise(batches):
        going_on = after.valid[:, 0]
        assert (after.rows[going_on, 0] == before.rows[going_on, -1] + 1).all()
        # Once a short span has ended, it stays ended; but a memory's warm-up comes before what counts.
        assert before.first or not (after.valid[:, 0] & ~before.valid[:, -1]).any()


@given(streams(), st.integers(0, 60))
def test_a_window_is_a_function_of_the_seed_and_its_number(stream: tuple[list[Span], LoopRecipe], update: int) -> None:
    """A stream that starts at an update reads what one that was there all along reads."""
    spans, loop = stream
    going = WindowStream(spans, loop)
    for earlier in range(update):
        going.batch(earlier)
    one, other = going.batch(update), WindowStream(spans, loop).batch(update)
    for name in ("rows", "past", "valid"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(streams(), st.integers(0, 60))
def test_a_memory_that_begins_in_the_middle_warms_up(stream: tuple[list[Span], LoopRecipe], update: int) -> None:
    """Nothing counts in the first window of a segment that does not begin where its span does."""
    spans, loop = stream
    batch = WindowStream(spans, loop).batch(update)
    begun = batch.past[:, 0] == -1
    if batch.first and loop.segment > loop.window:
        assert not batch.valid[~begun].any()
        assert batch.valid[begun, 0].all()


@given(streams())
def test_an_epoch_reads_every_row(stream: tuple[list[Span], LoopRecipe]) -> None:
    """Every span is read from its first row to its last; what does not fill a batch waits for another epoch."""
    spans, loop = stream
    windows = WindowStream(spans, loop.model_copy(update={"batch": 1}))
    batches = [windows.batch(update) for update in range(windows.updates_per_epoch)]
    read = np.concatenate([batch.rows[batch.valid] for batch in batches])
    assert set(read) == {row for span in spans for row in range(span.start, span.stop)}
    assert len(read) < len(set(read)) + len(spans) * loop.segment
    starts = {int(batch.rows[0, 0]) for batch in batches if batch.first}
    assert starts >= {span.start for span in spans}
    assert any(batch.valid.any() for batch in batches)
    if max(len(span) for span in spans) < loop.segment:
        # Windows that no span reaches are not played at all.
        assert windows.windows_per_group == -(-max(len(span) for span in spans) // loop.window)


def test_a_window_holds_what_its_rows_hold(steering: Recordings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Sensors, targets and past actions of a window are those of its rows in the recordings."""
    cache = Cache.build(steering, tmp_path_factory.mktemp("cache"), sensors=STEERING.sensor_names)
    codec = build_codec(steering_recipe(), STEERING)
    rows = np.array([[0, 1, 2], [250, 251, 252]])
    past = np.array([[-1, 0, 1], [249, 250, 251]])
    window = to_window(cache, codec, WindowBatch.of(rows, past, np.ones((2, 3), bool), first=True))
    frames = np.concatenate([episode.observation("frame") for episode in steering])
    np.testing.assert_array_equal(window.sensors["frame"].numpy(), frames[rows])
    actions = {
        name: torch.from_numpy(np.concatenate([episode.action(name) for episode in steering]))
        for name in STEERING.action_names
    }
    indices = codec.encode(actions)
    assert torch.equal(window.targets, indices[torch.from_numpy(rows)])
    hot = codec.one_hot(indices[torch.from_numpy(np.maximum(past, 0))])
    hot[0, 0] = 0
    assert torch.equal(window.past, hot)


def numbered(update: int) -> Window:
    """A window that holds nothing but its number."""
    nothing = torch.empty(0)
    return Window({}, torch.tensor(update), nothing, nothing, False, nothing, 0, nothing)


def test_prefetched_windows_come_in_order_and_end() -> None:
    """The thread gives every window from the first to the last, once."""
    prefetch = Prefetch(numbered, 3, 9)
    assert [int(window.targets) for window in prefetch] == [3, 4, 5, 6, 7, 8]
    prefetch.close()


def test_a_failure_while_prefetching_reaches_the_training() -> None:
    """What goes wrong in the thread is raised where its windows are used, after those that were made."""

    def fail_at_two(update: int) -> Window:
        if update == 2:
            raise RuntimeError("the disk is gone")
        return numbered(update)

    prefetch = iter(Prefetch(fail_at_two, 0, 9))
    assert [int(next(prefetch).targets) for _ in range(2)] == [0, 1]
    with pytest.raises(RuntimeError, match="the disk is gone"):
        next(prefetch)


def test_closing_stops_the_thread_that_waits() -> None:
    """A training that stops early leaves no thread behind, even one that waits for a full queue."""
    before = threading.active_count()
    prefetch = Prefetch(numbered, 0, 10**9)
    next(iter(prefetch))
    assert threading.active_count() == before + 1
    prefetch.close()
    assert threading.active_count() == before
