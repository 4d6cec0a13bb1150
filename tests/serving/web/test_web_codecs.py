"""Arrays and messages keep their values on their way through JSON and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from arena import BEHAVIOR
from connectrpc.errors import ConnectError
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from understudy.serving.codec import Codec
from understudy.serving.web import web_pb2 as pb
from understudy.serving.web.arrays import decode_sensors, encode_actions
from understudy.serving.web.codecs import BinaryCodec, JsonCodec

CODEC = Codec(BEHAVIOR)
rows = st.shared(st.integers(0, 5), key="rows")
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
rays = rows.flatmap(lambda count: hnp.arrays(np.float32, (count, 4), elements=floats))
frames = rows.flatmap(lambda count: hnp.arrays(np.uint8, (count, 2, 3)))
tame = st.floats(-(2.0**126), 2.0**126, width=32)  # protobuf's own JSON cannot read the largest float32 that it writes
arrays = st.builds(pb.WebArray, numbers=st.lists(tame, max_size=9)) | st.builds(pb.WebArray, data=st.binary(max_size=9))
ticks = st.builds(
    pb.WebTick,
    session=st.text(max_size=9),
    tick=st.integers(0, 2**32 - 1),
    bots=st.lists(st.integers(0, 2**32 - 1), max_size=4),
    spawn=st.lists(st.builds(pb.WebSpawn, seed=st.integers(0, 2**64 - 1), state=st.binary(max_size=5)), max_size=3),
    sensors=st.dictionaries(st.text(max_size=5), arrays, max_size=3),
)


@given(rays=rays, frame=frames, as_bytes=st.booleans())
def test_sensors_arrive_as_they_were_sent(rays: np.ndarray, frame: np.ndarray, as_bytes: bool) -> None:
    """As numbers or as bytes, and through JSON: the same arrays, to the last bit."""
    sent = {"rays": rays, "frame": frame}
    message = pb.WebTick(
        sensors={
            name: pb.WebArray(data=array.tobytes()) if as_bytes else pb.WebArray(numbers=array.ravel().tolist())
            for name, array in sent.items()
        }
    )
    read = JsonCodec().decode(JsonCodec().encode(message), pb.WebTick)
    for array, expected in zip(decode_sensors(CODEC, read.sensors, len(rays)), sent.values(), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == expected.dtype


@given(
    move=rows.flatmap(lambda count: hnp.arrays(np.int64, (count,), elements=st.integers(0, 2))),
    turn=rows.flatmap(lambda count: hnp.arrays(np.float32, (count, 1), elements=st.floats(-90, 90, width=32))),
)
def test_actions_arrive_as_they_were_decided(move: np.ndarray, turn: np.ndarray) -> None:
    """In both forms, the numbers are the policy's."""
    actions = [move, np.zeros((len(move), 2), np.int8), turn]
    numbers = encode_actions(CODEC, actions, pb.WEB_FORM_NUMBERS)
    data = encode_actions(CODEC, actions, pb.WEB_FORM_BYTES)
    read = json.loads(JsonCodec().encode(pb.WebActions(actions=numbers)))["actions"]
    for field, array in zip(CODEC.parts, actions, strict=True):
        np.testing.assert_array_equal(np.array(read[field.name]["numbers"], np.float32), array.ravel())
        np.testing.assert_array_equal(field.decode(data[field.name].data, len(array)), array)


@given(message=ticks)
def test_json_and_protobuf_are_read_back(message: pb.WebTick) -> None:
    """What is written is read, and the short way for long lists reads what protobuf's own way does."""
    for codec in (JsonCodec(), BinaryCodec()):
        assert codec.decode(codec.encode(message), pb.WebTick) == message
    text = json_format.MessageToJson(message)
    assert JsonCodec().decode(text.encode(), pb.WebTick) == json_format.Parse(text, pb.WebTick())


def read_or_refused(codec: JsonCodec | BinaryCodec, body: bytes, message: type) -> bool:
    """Whether `body` gives a message, or a refusal that names it."""
    try:
        return isinstance(codec.decode(body, message), message)
    except ConnectError as refusal:
        return refusal.message.startswith(f"That message is no {message.DESCRIPTOR.name}: ")


@given(body=st.binary(max_size=60))
def test_no_bytes_break_a_codec(body: bytes) -> None:
    """Each gives a message or a refusal, and nothing else."""
    for codec in (JsonCodec(), BinaryCodec()):
        for message in (pb.WebTick, pb.WebOpen):
            assert read_or_refused(codec, body, message)


@pytest.mark.parametrize("numbers", ['["NaN"]', "[null]", "[[1]]", "{}", '"1"', "[1e999]", "[NaN]"])
def test_numbers_that_are_none_do_not_take_the_short_way(numbers: str) -> None:
    """They are refused by protobuf's own reading, or later as not finite; none becomes another number."""
    text = f'{{"sensors": {{"rays": {{"numbers": {numbers}}}}}}}'.encode()
    try:
        read = JsonCodec().decode(text, pb.WebTick)
    except ConnectError:
        return
    assert not np.isfinite(read.sensors["rays"].numbers).any()
