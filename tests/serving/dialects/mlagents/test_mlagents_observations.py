"""Which observation fills which sensor, and with what numbers."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from understudy.errors import ObservationError, SpecMismatchError
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.observations import match
from understudy.serving.dialects.mlagents.unity import agent_info, floats, png
from understudy.spec import SensorSpec

LEVELS = np.random.default_rng(1).integers(0, 256, (4, 5, 3), np.uint8)
FRAME = SensorSpec("frame", spaces.Box(0, 255, (4, 5, 3), np.uint8))
RAYS = SensorSpec("rays", spaces.Box(-np.inf, np.inf, (2, 3), np.float32))
STATE = SensorSpec("state", spaces.Box(-np.inf, np.inf, (6,), np.float32))
HEALTH = SensorSpec("health", spaces.Box(0, 100, (), np.float32))


def sensor(shape: tuple[int, ...], dtype: type = np.float32) -> SensorSpec:
    """A sensor without bounds to speak of."""
    low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if np.dtype(dtype).kind in "iu" else (-np.inf, np.inf)
    return SensorSpec("seen", spaces.Box(low, high, shape, dtype))


def read_one(spec: SensorSpec, observation: pb.ObservationProto) -> np.ndarray:
    """What the sensor gets of one agent with one observation."""
    rows = match([spec], [observation])[0].read([agent_info(0, [observation])])
    assert rows.shape == (1, *spec.space.shape)
    assert rows.dtype == spec.space.dtype
    return rows[0]


def test_sensors_are_filled_in_order() -> None:
    """Without names the first sensor takes the first observation, whatever else would fit."""
    readers = match([STATE, RAYS], [floats(np.arange(6)), floats(np.ones((2, 3)))])
    agent = agent_info(3, [floats(np.arange(6)), floats(np.full((2, 3), 7))])
    np.testing.assert_array_equal(readers[0].read([agent, agent]), [np.arange(6), np.arange(6)])
    np.testing.assert_array_equal(readers[1].read([agent]), np.full((1, 2, 3), 7))


def test_names_come_first() -> None:
    """A sensor takes the observation of its name, the other sensors what is left; a named surplus is passed over."""
    seen = [floats(np.zeros(6), "smell"), floats(np.zeros(6), "state")]
    assert [each.index for each in match([STATE], seen)] == [1]
    assert [each.index for each in match([RAYS, STATE], seen)] == [0, 1]


@pytest.mark.parametrize(
    ("sensors", "seen", "says"),
    [
        ([RAYS, HEALTH], [floats(np.zeros((2, 3)))], r"reads 'rays' \(2, 3\), 'health' \(\), the game sends \(2, 3\)$"),
        (
            [HEALTH],
            [floats(np.zeros(1)), floats(np.zeros(2), "b")],
            r"reads 'health' \(\), the game sends \(1,\), 'b' \(2,\)",
        ),
        ([HEALTH], [], r"the game sends nothing"),
        ([STATE], [floats(np.zeros(7))], r"sensor 'state' \(6,\) does not fit observation 0 of the game, \(7,\)"),
        ([RAYS], [floats(np.zeros((3, 2)))], r"'rays' \(2, 3\) does not fit observation 0 of the game, \(3, 2\)"),
        (
            [FRAME],
            [floats(np.zeros((5, 4, 3)))],
            r"'frame' \(4, 5, 3\) does not fit observation 0 of the game, \(5, 4, 3\)",
        ),
        ([STATE], [pb.ObservationProto(shape=[-2, -3])], r"does not fit observation 0 of the game, \(-2, -3\)"),
        ([STATE], [pb.ObservationProto(shape=[1] * 99)], r"does not fit observation 0 of the game, 99 dimensions"),
    ],
)
def test_a_misfit_is_named(sensors: list[SensorSpec], seen: list[pb.ObservationProto], says: str) -> None:
    """Observations that a bundle cannot read are refused with what it reads and what came."""
    with pytest.raises(SpecMismatchError, match=says):
        match(sensors, seen)


@pytest.mark.parametrize("channels_first", [False, True])
def test_a_picture_keeps_its_levels(channels_first: bool) -> None:
    """A PNG fills a uint8 sensor with its levels, whichever of the two orders the game or the sensor has."""
    sent = png(LEVELS, channels_first=channels_first)
    np.testing.assert_array_equal(read_one(FRAME, sent), LEVELS)
    np.testing.assert_array_equal(read_one(sensor((3, 4, 5), np.uint8), sent), LEVELS.transpose(2, 0, 1))


@given(levels=arrays(np.uint8, (3, 4, 2)))
def test_a_picture_that_is_not_compressed_is_the_same(levels: np.ndarray) -> None:
    """ML-Agents' numbers from 0 to 1 are the same picture as its PNG, for a sensor of levels and for one of floats."""
    plain = floats(levels.astype(np.float32) / np.float32(255))
    for spec in (sensor((3, 4, 2), np.uint8), sensor((2, 3, 4))):
        np.testing.assert_array_equal(read_one(spec, plain), read_one(spec, png(levels)))


def test_a_stack_of_pictures_is_a_picture_of_more_channels() -> None:
    """Frames that a game stacks arrive as several PNGs and fill one sensor."""
    stack = np.concatenate([LEVELS, 255 - LEVELS, LEVELS // 2], axis=2)
    np.testing.assert_array_equal(read_one(sensor((4, 5, 9), np.uint8), png(stack)), stack)


@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 6), (2, 1, 3)])
def test_flat_and_shaped_are_the_same_numbers(shape: tuple[int, ...]) -> None:
    """A vector fills a sensor of as many numbers row by row, and a flat sensor takes any shape of as many."""
    values = np.arange(6, dtype=np.float32)
    np.testing.assert_array_equal(read_one(sensor(shape), floats(values)), values.reshape(shape))
    np.testing.assert_array_equal(read_one(STATE, floats(values.reshape(shape))), values)


def test_one_number_fills_a_sensor_without_dimensions() -> None:
    """A vector of one number is a scalar."""
    assert read_one(HEALTH, floats(np.array([7.5]))) == 7.5


def test_integers_are_rounded_into_their_range() -> None:
    """A sensor of integers gets whole numbers within its dtype."""
    sent = floats(np.array([1.6, -3.0, 300.0, 1e30]))
    np.testing.assert_array_equal(read_one(sensor((4,), np.uint8), sent), [2, 0, 255, 255])
    np.testing.assert_array_equal(read_one(sensor((4,), np.int64), sent)[:3], [2, -3, 300])


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_number_stays_finite(value: float) -> None:
    """A wider sensor gets the very number, and in a narrower one no finite number becomes infinite."""
    sent = floats(np.array([value]))
    assert np.isfinite(read_one(sensor((1,), np.float16), sent)).all()
    for wide in (np.float32, np.float64):
        assert read_one(sensor((1,), wide), sent)[0] == value


@pytest.mark.parametrize(
    ("observation", "says"),
    [
        (pb.ObservationProto(shape=[5]), r"it has the shape \(5,\), and had \(6,\) before"),
        (pb.ObservationProto(shape=[6]), r"it holds 0 numbers for the shape \(6,\)"),
        (pb.ObservationProto(shape=[6], compression_type=pb.PNG), r"it is a PNG, but its shape is \(6,\)"),
        (floats(np.array([0, 0, 0, np.nan, 0, 0])), r"it holds nan, and every number must be finite"),
        (floats(np.array([0, 0, 0, -np.inf, 0, 0])), r"it holds -inf, and every number must be finite"),
    ],
)
def test_an_observation_that_changes_is_named(observation: pb.ObservationProto, says: str) -> None:
    """A later observation of another form is refused with the agent, the sensor and what is wrong."""
    reader = match([STATE], [floats(np.zeros(6))])[0]
    with pytest.raises(ObservationError, match=r"^Observation 0 of agent 4, for the sensor 'state', is wrong: " + says):
        reader.read([agent_info(4, [observation])])


def test_an_agent_that_lost_an_observation_is_named() -> None:
    """An agent with fewer observations than the first one is refused."""
    reader = match([STATE], [floats(np.zeros(6))])[0]
    with pytest.raises(ObservationError, match="has only 0 observations"):
        reader.read([agent_info(4, [])])
