"""What the messages say, of every version of the recorder, with each value checked.

Source: the packages owa-msgs 0.6 (`desktop/…`) and owa-env-desktop 0.3 (`owa_env_desktop.msg.…`), MIT.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from understudy.recordings.formats.owamcap.container import Container, Message
from understudy.recordings.formats.owamcap.keyboard import MOUSE_BUTTONS

_MAX_JSON = 32 * 1024 * 1024
_MAX_NUMBER = 1_000_000
_RELATIVE_MASK = 1
_RAW_BUTTONS = (
    (0x1, 0x2, "left"),
    (0x4, 0x8, "right"),
    (0x10, 0x20, "middle"),
    (0x40, 0x80, "x1"),
    (0x100, 0x200, "x2"),
)
_WHEEL, _SIDE_WHEEL, _NOTCH = 0x400, 0x800, 120
# Listeners run in threads of their own, so that events are written a little out of order.
_DISORDER_NS = 500_000_000
_MAX_HELD = 100_000


@dataclass(frozen=True)
class Event:
    """Something at a time.

    `kind` says what, and what is in `value`:
    `"press"`, `"release"`: a key's code. `"keys"`: all codes held. `"cursor"`: (x, y). `"button"`: (name, held).
    `"buttons"`: all names held. `"raw"`: (dx, dy). `"raw_button"`: (name, held). `"wheel"`, `"raw_wheel"`: (x, y) in
    notches. `"screen"`: (uri, nanoseconds in the video or None). `"window"`: the title.
    """

    time: int
    kind: str
    value: Any


@dataclass
class Events:
    """The events of a file in the order of their times.

    Attributes:
        container: The file.
        strange: Messages that are not as their schema says.
        late: Events that came more than half a second out of order, and count as of the newest before them.
    """

    container: Container
    strange: int = 0
    late: int = 0

    def __iter__(self) -> Iterator[Event]:
        heap: list[tuple[int, int, Event]] = []
        order, newest, given = count(), 0, 0
        for message in self.container.messages():
            for event in self._decode(message):
                heapq.heappush(heap, (event.time, next(order), event))
                newest = max(newest, event.time)
            while heap and (heap[0][0] <= newest - _DISORDER_NS or len(heap) > _MAX_HELD):
                given, event = self._in_order(heapq.heappop(heap)[2], given)
                yield event
        while heap:
            given, event = self._in_order(heapq.heappop(heap)[2], given)
            yield event

    def _in_order(self, event: Event, given: int) -> tuple[int, Event]:
        if event.time >= given:
            return event.time, event
        self.late += 1
        return given, Event(given, event.kind, event.value)

    def _decode(self, message: Message) -> list[Event]:
        decode = _DECODERS.get(message.schema.replace(".", "/").rsplit("/", 1)[-1])
        if decode is None:
            return []
        try:
            if len(message.data) > _MAX_JSON:
                raise ValueError
            form = json.loads(message.data)
            return [Event(message.time, kind, value) for kind, value in decode(form)]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.strange += 1
            return []


Found = Iterator[tuple[str, Any]]


def _number(value: Any) -> int:
    number = round(value)
    if abs(number) > _MAX_NUMBER:
        raise ValueError
    return number


def _code(value: Any) -> int:
    if not 0 <= value < 256:
        raise ValueError
    return int(value)


def _button(value: Any) -> str:
    if value not in MOUSE_BUTTONS:
        raise ValueError
    return str(value)


def _keyboard_event(form: dict[str, Any]) -> Found:
    if form["event_type"] not in ("press", "release"):
        raise ValueError
    yield form["event_type"], _code(form["vk"])


def _keyboard_state(form: dict[str, Any]) -> Found:
    held = form["buttons"] if "buttons" in form else form["pressed_vk_list"]
    yield "keys", frozenset(_code(each) for each in held)


def _mouse_event(form: dict[str, Any]) -> Found:
    yield "cursor", (_number(form["x"]), _number(form["y"]))
    if form["event_type"] == "click":
        if form["button"] != "unknown":
            yield "button", (_button(form["button"]), bool(form["pressed"]))
    elif form["event_type"] == "scroll":
        yield "wheel", (_number(form.get("dx") or 0), _number(form.get("dy") or 0))


def _mouse_state(form: dict[str, Any]) -> Found:
    yield "cursor", (_number(form["x"]), _number(form["y"]))
    yield "buttons", frozenset(_button(each) for each in form.get("buttons", ()) if each != "unknown")


def _raw_mouse_event(form: dict[str, Any]) -> Found:
    flags, data = _number(form.get("button_flags", 0)), _number(form.get("button_data", 0))
    if not _number(form.get("us_flags", 0)) & _RELATIVE_MASK:
        # The first recorders that wrote these called them dx and dy.
        way = ("last_x", "last_y") if "last_x" in form else ("dx", "dy")
        yield "raw", (_number(form[way[0]]), _number(form[way[1]]))
    for down, up, name in _RAW_BUTTONS:
        if flags & (down | up):
            yield "raw_button", (name, bool(flags & down))
    # A wheel's way is a signed number of 16 bits.
    notches = ((data & 0xFFFF) ^ 0x8000) - 0x8000
    if flags & (_WHEEL | _SIDE_WHEEL):
        yield "raw_wheel", (notches / _NOTCH, 0) if flags & _SIDE_WHEEL else (0, notches / _NOTCH)


def _screen(form: dict[str, Any]) -> Found:
    media = form.get("media_ref") or {"uri": form.get("path"), "pts_ns": form.get("pts")}
    place = media.get("pts_ns")
    if not isinstance(media["uri"], str) or (place is not None and not 0 <= int(place) < 2**62):
        raise ValueError
    yield "screen", (media["uri"], None if place is None else int(place))


def _window(form: dict[str, Any]) -> Found:
    yield "window", str(form["title"])[:500]


_DECODERS = {
    "KeyboardEvent": _keyboard_event,
    "KeyboardState": _keyboard_state,
    "MouseEvent": _mouse_event,
    "MouseState": _mouse_state,
    "RawMouseEvent": _raw_mouse_event,
    "ScreenCaptured": _screen,
    "ScreenEmitted": _screen,
    "WindowInfo": _window,
}
