"""Bytes of a request to a message and back: JSON and protobuf, with sentences for what is neither."""

from __future__ import annotations

import json
from typing import Any

from connectrpc.code import Code
from connectrpc.codec import Codec
from connectrpc.errors import ConnectError
from google.protobuf import json_format
from google.protobuf.message import DecodeError

MAX_REASON = 200
"""Characters of a library's complaint that are passed on."""

_WRONG = (json_format.Error, ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""The many ways in which json and protobuf refuse a text that is no message."""


class BinaryCodec(Codec):
    """Protobuf, for Connect clients with generated code and for gRPC-Web."""

    def name(self) -> str:
        """Return the content type's last part."""
        return "proto"

    def encode(self, message: Any) -> bytes:
        """Return the bytes of an answer."""
        return bytes(message.SerializeToString())

    def decode(self, data: bytes | bytearray, message_class: Any) -> Any:
        """Return the message; raises `ConnectError` if the bytes are none."""
        try:
            return message_class.FromString(bytes(data))
        except DecodeError:
            raise _refusal(message_class, "generate the client from web.proto") from None


class JsonCodec(Codec):
    """Protobuf's JSON form, strict about unknown names.

    Long lists of a tick's numbers pass beside `json_format`, which would look at each for a microsecond.
    """

    def name(self) -> str:
        """Return the content type's last part."""
        return "json"

    def encode(self, message: Any) -> bytes:
        """Return the text of an answer, with every field, so that a client need not know the defaults."""
        return json_format.MessageToJson(
            message, indent=None, always_print_fields_with_no_presence=True, ensure_ascii=False
        ).encode()

    def decode(self, data: bytes | bytearray, message_class: Any) -> Any:
        """Return the message; raises `ConnectError` if the text is none."""
        try:
            form = json.loads(data)
            if not isinstance(form, dict):
                raise ValueError("a JSON object should be there")
            numbers = _take_numbers(form)
            message = json_format.ParseDict(form, message_class())
            for name, values in numbers.items():
                message.sensors[name].numbers.extend(values)
        except _WRONG as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise _refusal(message_class, reason[:MAX_REASON]) from None
        return message


def _take_numbers(form: dict[str, Any]) -> dict[str, list[float]]:
    """Take every plain list of numbers out of a tick's sensors; what looks otherwise stays, for `json_format`."""
    sensors = form.get("sensors")
    if not isinstance(sensors, dict):
        return {}
    plain = {name: array["numbers"] for name, array in sensors.items() if isinstance(array, dict) and _is_plain(array)}
    for name in plain:
        del sensors[name]["numbers"]
    return plain


def _is_plain(array: dict[str, Any]) -> bool:
    numbers = array.get("numbers")
    return type(numbers) is list and set(map(type, numbers)) <= {int, float}


def _refusal(message_class: Any, reason: str) -> ConnectError:
    name = message_class.DESCRIPTOR.name
    return ConnectError(Code.INVALID_ARGUMENT, f"That message is no {name}: {reason.rstrip('.')}.")
