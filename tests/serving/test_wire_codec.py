"""Arrays to bytes and back."""

from __future__ import annotations

import numpy as np
import pytest
from arena import BEHAVIOR, observe

from understudy.errors import ObservationError
from understudy.serving.codec import Codec

CODEC = Codec(BEHAVIOR)


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_sensors_survive_the_wire(rows: int) -> None:
    """Encoding and decoding observations gives the same arrays, dtypes and shapes."""
    observations = observe(np.random.default_rng(rows), rows)
    decoded = CODEC.decode_sensors(CODEC.encode_sensors(observations), rows)
    for name, array in zip(BEHAVIOR.sensor_names, decoded, strict=True):
        assert array.dtype == observations[name].dtype
        np.testing.assert_array_equal(array, observations[name])


def test_actions_survive_the_wire() -> None:
    """Encoding and decoding actions gives the same arrays, also from slices that are not contiguous."""
    rng = np.random.default_rng(0)
    actions = [part.space.sample() for part in BEHAVIOR.actions]
    batch = [np.stack([np.asarray(each)] * 6)[::2] * rng.integers(1) for each in actions]
    decoded = CODEC.decode_actions(CODEC.encode_actions(batch), 3)
    for part, array, sent in zip(BEHAVIOR.actions, decoded.values(), batch, strict=True):
        assert array.dtype == part.dtype
        np.testing.assert_array_equal(array, sent)


def test_the_wire_is_little_endian_and_in_row_order() -> None:
    """The bytes are those that any language writes from a packed array."""
    rays = np.arange(8, dtype=np.float32).reshape(4, 2).T.repeat(1, axis=0)[:, :4]
    payload = CODEC.encode_sensors({"rays": rays, "frame": np.zeros((2, 2, 3), np.uint8)})[0]
    assert payload == np.array([0, 2, 4, 6, 1, 3, 5, 7], "<f4").tobytes()


def test_no_bots_need_no_sensors() -> None:
    """A tick that only spawns may leave the sensors out."""
    assert [each.shape for each in CODEC.decode_sensors([], 0)] == [(0, 4), (0, 2, 3)]


BAD = [
    ([b""], 1, "Behaviour 'arena' has 2 sensors (rays, frame), got 1 arrays."),
    ([], 1, "Behaviour 'arena' has 2 sensors (rays, frame), got 0 arrays."),
    ([b"12", b"123456"], 1, "Sensor 'rays' should hold 16 bytes (1 rows of float32 (4,)), got 2."),
    ([bytes(16), bytes(7)], 1, "Sensor 'frame' should hold 6 bytes (1 rows of uint8 (2, 3)), got 7."),
    ([bytes(16), bytes(6)], 2**31, f"Sensor 'rays' should hold {2**35} bytes"),
    (
        [np.array([1, 2, np.nan, 0], "<f4").tobytes(), bytes(6)],
        1,
        "Sensor 'rays' holds nan at index [0, 2]; every value must be finite.",
    ),
]


@pytest.mark.parametrize(("payloads", "rows", "message"), BAD)
def test_wrong_sensors_are_named(payloads: list[bytes], rows: int, message: str) -> None:
    """Each fault of a message is told with the sensor, what it should hold and what was found."""
    with pytest.raises(ObservationError) as caught:
        CODEC.decode_sensors(payloads, rows)
    assert str(caught.value).startswith(message)
