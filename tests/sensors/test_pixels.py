from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.errors import ObservationError, SpecError
from understudy.sensors import Pixels, area_weights
from understudy.spec import BehaviorSpec, SensorSpec


def _picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("source", "target"), [((200, 320), (100, 160)), ((200, 320), (84, 84)), ((37, 53), (37, 20)), ((64, 90), (7, 89))]
)
def test_the_matrices_average_as_opencv_does(source: tuple[int, int], target: tuple[int, int]) -> None:
    """Rows and columns of `area_weights` shrink a picture within one level of INTER_AREA, whole ratio or not."""
    picture = _picture(*source)
    rows, columns = area_weights(source[0], target[0]), area_weights(source[1], target[1])
    ours = np.einsum("tr,rcx,uc->tux", rows, picture.astype(np.float32), columns, optimize=True)
    theirs = cv2.resize(picture, target[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(np.rint(ours) - theirs).max() <= 1


@settings(deadline=None)
@given(small=st.integers(1, 60), more=st.integers(0, 60))
def test_each_cell_is_an_average_and_every_pixel_counts_the_same(small: int, more: int) -> None:
    """The rows of `area_weights` sum to one and its columns to the ratio of the lengths."""
    weights = area_weights(small + more, small)
    assert weights.dtype == np.float32
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(weights.sum(axis=0), small / (small + more), rtol=1e-4)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_pixels_come_back_from_their_spec_and_fill_its_space(data: st.DataObject) -> None:
    """A spec read from JSON rebuilds the very same pixels, and what they read lies in its space."""
    height, width = data.draw(st.integers(2, 40)), data.draw(st.integers(2, 40))
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    crop = (top, left, data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left)))
    pixels = Pixels(
        source=(height, width, 3),
        crop=data.draw(st.sampled_from((None, crop))),
        size=(data.draw(st.integers(1, crop[2])), data.draw(st.integers(1, crop[3]))),
        channels=data.draw(st.sampled_from(("rgb", "grey"))),
        stack=data.draw(st.integers(1, 4)),
    )
    spec = SensorSpec.from_dict(pixels.spec().to_dict())
    assert Pixels.from_computed(spec.computed) == pixels
    reader = pixels.reader()
    reader.reset()
    assert spec.space.contains(reader.read(_picture(height, width)))


def test_the_stack_is_oldest_first_and_starts_full() -> None:
    """The first picture after a reset fills the stack; later ones push the oldest out."""
    reader = Pixels(source=(2, 2, 3), size=(1, 1), channels="grey", stack=3).reader()
    grey = [np.full((2, 2, 3), level, np.uint8) for level in (10, 20, 30, 40)]
    reader.reset()
    assert [reader.read(each).ravel().tolist() for each in grey] == [
        [10, 10, 10],
        [10, 10, 20],
        [10, 20, 30],
        [20, 30, 40],
    ]
    reader.reset()
    assert reader.read(grey[0]).ravel().tolist() == [10, 10, 10]


def test_grey_is_the_rec_601_luma() -> None:
    """Red, green and blue weigh 0.299, 0.587 and 0.114."""
    pixels = Pixels(source=(1, 3, 3), size=(1, 3), channels="grey")
    assert pixels(np.diag([255, 255, 255]).astype(np.uint8)[None]).ravel().tolist() == [76, 150, 29]


def test_a_crop_keeps_its_part_alone() -> None:
    """Nothing outside the crop reaches the sensor."""
    pixels = Pixels(source=(6, 8, 3), crop=(1, 2, 4, 4), size=(2, 2))
    picture = np.full((6, 8, 3), 255, np.uint8)
    picture[1:5, 2:6] = 7
    assert pixels(picture).tolist() == np.full((2, 2, 3), 7).tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (201, 10)}, r"only shrinks: \(200, 320\) pixels cannot become \(201, 10\)"),
        ({"size": (0, 10)}, "only shrinks"),
        ({"crop": (0, 0, 201, 10)}, "leaves the picture"),
        ({"crop": (-1, 0, 20, 10), "size": (5, 5)}, "leaves the picture"),
        ({"channels": "gray"}, "Did you mean 'grey'"),
        ({"source": (200, 320, 1)}, "1 source channels"),
        ({"stack": 0}, "at least 1"),
    ],
)
def test_pixels_that_make_no_sense_are_refused(options: dict, message: str) -> None:
    """A wrong size, crop, channel name or stack is refused when the pixels are declared."""
    with pytest.raises(SpecError, match=message):
        Pixels(**{"source": (200, 320, 3), "size": (100, 160), **options})


def test_a_picture_of_another_shape_is_refused() -> None:
    """The message names both shapes."""
    with pytest.raises(ObservationError, match=r"\(200, 320, 3\), got float32 of shape \(3, 200, 320\)"):
        Pixels(source=(200, 320, 3), size=(100, 160))(np.zeros((3, 200, 320), np.float32))


@pytest.mark.parametrize("form", [{}, {"kind": "rays"}, {"kind": "pixels"}, {"kind": "pixels", "source": 3}])
def test_only_a_description_of_pixels_becomes_pixels(form: dict) -> None:
    """Anything else is a SpecError, not a KeyError."""
    with pytest.raises(SpecError):
        Pixels.from_computed(form)


def test_pixels_are_part_of_a_behaviour() -> None:
    """Two behaviours whose pictures are cropped differently are different."""
    from understudy.envs.doom.behavior import FRAME, doom_behavior

    cropped = Pixels(source=FRAME.source, crop=(0, 0, 168, 320), size=FRAME.size)
    assert FRAME.spec().space == cropped.spec().space
    assert doom_behavior(FRAME.spec()) != doom_behavior(cropped.spec())
    assert BehaviorSpec.from_json(doom_behavior(FRAME.spec()).to_json()) == doom_behavior(FRAME.spec())
