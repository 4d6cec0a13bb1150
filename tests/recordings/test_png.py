"""The PNG encoder: what it writes is read back, by others too, as it was."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from understudy.recordings.layout import decode_png, encode_png

shapes = st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3]))


@given(shapes.flatmap(lambda shape: arrays(np.uint8, shape)))
def test_pictures_come_back_to_the_bit(frame: np.ndarray) -> None:
    """OpenCV, which reads recordings, and Pillow see the very picture."""
    data = encode_png(frame)
    np.testing.assert_array_equal(decode_png(data, frame.shape), frame)
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(np.asarray(image).reshape(frame.shape), frame)


@pytest.mark.parametrize("step", [-1, 2])
def test_a_view_of_another_layout_is_encoded_as_it_looks(step: int) -> None:
    """Mirrored and strided frames need no copy by the caller."""
    frame = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)[:, ::step]
    np.testing.assert_array_equal(decode_png(encode_png(frame), frame.shape), frame)
