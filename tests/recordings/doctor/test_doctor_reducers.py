"""What sensors are reduced to does not depend on how they are read, and is what it is said to be."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from understudy.recordings.doctor.inputs import mix
from understudy.recordings.doctor.reducers import PictureReducer, VectorReducer, is_picture
from understudy.recordings.doctor.runs import find_runs
from understudy.recordings.doctor.similarity import LENGTH, _shingles

SPACE = spaces.Box(-1, 1, (3,), np.float32)
PICTURES = spaces.Box(0, 255, (24, 32, 3), np.uint8)


def reduce(reducer: VectorReducer | PictureReducer, values: np.ndarray, cuts: list[int]) -> dict[str, np.ndarray]:
    """Reduce values in chunks cut at some rows."""
    chunks = [chunk for chunk in np.split(values, sorted({cut % len(values) for cut in cuts})) if len(chunk)]
    columns = [reducer.columns(chunk) for chunk in chunks]
    return {name: np.concatenate([each[name] for each in columns]) for name in columns[0]} | reducer.summary()


@given(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, np.nan]), min_size=1, max_size=40), st.lists(st.integers(0, 99)))
def test_chunks_do_not_matter_for_numbers(series: list[float], cuts: list[int]) -> None:
    """However a recording is cut into chunks, its numbers are reduced to the same, and counted right."""
    values = np.tile(np.array(series, np.float32)[:, None], (1, 3))
    whole, parts = reduce(VectorReducer(SPACE), values, []), reduce(VectorReducer(SPACE), values, cuts)

    for name, expected in whole.items():
        np.testing.assert_array_equal(parts[name], expected, err_msg=name)
    assert whole["bad"][0] == np.isnan(values[:, 0]).sum()
    assert whole["out"][0] == (values[:, 0] == -2).sum()
    start, stop = whole["run"][0]
    clean = np.nan_to_num(values[:, 0])
    same = [find_runs(clean == value) for value in np.unique(clean)]
    assert stop - start == max(int((runs[:, 1] - runs[:, 0]).max()) for runs in same)


def test_first_bad_value_is_told() -> None:
    """The first step with a value that is not finite, and the first out of range, are kept by number."""
    values = np.zeros((10, 3), np.float32)
    values[4, 1], values[7, 1], values[6, 2] = np.inf, np.nan, 5.0
    found = reduce(VectorReducer(SPACE), values, [5])

    np.testing.assert_array_equal(found["first_bad"], [-1, 4, -1])
    np.testing.assert_array_equal(found["first_out"], [-1, -1, 6])


def test_many_numbers_become_few() -> None:
    """More than 32 numbers are projected, alike each time, and what changes still changes."""
    values = np.random.default_rng(0).uniform(-1, 1, (20, 200)).astype(np.float32)
    space = spaces.Box(-1, 1, (200,), np.float32)
    first, again = (reduce(VectorReducer(space), values, [])["values"] for _ in range(2))

    assert first.shape == (20, 32)
    np.testing.assert_array_equal(first, again)
    assert (np.abs(np.diff(first, axis=0)).max(axis=1) > 0).all()


@given(st.lists(st.integers(0, 99), max_size=4))
def test_chunks_do_not_matter_for_pictures(cuts: list[int]) -> None:
    """A picture's motion is measured from the one before, in whichever chunk that was."""
    pictures = np.random.default_rng(1).integers(0, 255, (12, 24, 32, 3), np.uint8)
    whole, parts = reduce(PictureReducer(PICTURES), pictures, []), reduce(PictureReducer(PICTURES), pictures, cuts)

    for name, expected in whole.items():
        np.testing.assert_array_equal(parts[name], expected, err_msg=name)


@pytest.mark.parametrize("channels_first", [False, True])
def test_shift_of_a_picture_is_measured(channels_first: bool) -> None:
    """A picture that moved by a tenth of its width is seen to have done so, wherever its channels are."""
    grain = np.random.default_rng(2).integers(0, 255, (12, 20, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    pictures = np.stack([grain, np.roll(grain, 16, axis=1)])
    if channels_first:
        pictures = np.moveaxis(pictures, -1, 1)
    found = reduce(PictureReducer(spaces.Box(0, 255, pictures.shape[1:], np.uint8)), pictures, [])

    np.testing.assert_allclose(found["shift"][1], (0.1, 0.0), atol=0.01)
    assert found["motion"][1] > 10


@pytest.mark.parametrize(
    ("shape", "dtype", "picture"),
    [
        ((64, 64, 3), np.uint8, True),
        ((4, 84, 84), np.uint8, True),
        ((84, 84), np.uint8, False),
        ((9, 9, 3), np.float32, False),
    ],
)
def test_pictures_are_told_from_numbers(shape: tuple[int, ...], dtype: type, picture: bool) -> None:
    """A sensor is a picture if it is of bytes, has two sides and a few channels."""
    assert is_picture(spaces.Box(0, 255, shape, dtype)) is picture


@given(st.integers(0, 200), st.integers(0, 200))
def test_shingles_do_not_mind_trimming(first: int, last: int) -> None:
    """What is left of a session after trimming has only pieces that the whole has."""
    tokens = np.random.default_rng(3).integers(0, 5, 600).astype(np.uint64)
    whole, part = _shingles(tokens), _shingles(tokens[first : 600 - last])

    assert np.isin(part, whole).all()
    assert len(part) > 0.9 * (600 - first - last - LENGTH)


def test_holding_one_action_is_no_shingle() -> None:
    """Pieces in which nothing changes say nothing about who played them."""
    assert len(_shingles(np.full(500, 7, np.uint64))) == 0


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=50, unique=True))
def test_hashes_of_unlike_values_differ(values: list[int]) -> None:
    """Mixing keeps unlike values apart."""
    tokens = np.array(values, np.uint64)

    assert len(np.unique(mix(np.zeros_like(tokens), tokens))) == len(values)
