"""From events to decisions at a steady rate.

What is seen in decision k is how things were just before its time t_k: the cursor, and the newest picture. What is
done in it is all that happened in [t_k, t_(k+1)): a key or button counts if it was held at t_k or went down before
t_(k+1), so that no tap is lost; movements and the wheel are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from understudy.recordings.formats.owamcap.keyboard import MOUSE_CODES
from understudy.recordings.formats.owamcap.messages import Event


@dataclass(frozen=True)
class Step:
    """One decision.

    Attributes:
        time: Nanoseconds since 1970.
        cursor: (x, y) in pixels of the screen.
        screen: Which picture was shown: its place and time; None if none was yet.
        keys: Codes held at any time of it.
        buttons: Names likewise.
        moved: (right, down).
        wheel: (right, up), in notches.
        words: What else happened.
    """

    time: int
    cursor: tuple[int, int]
    screen: tuple[str, int | None] | None
    keys: frozenset[int]
    buttons: frozenset[str]
    moved: tuple[float, float]
    wheel: tuple[float, float]
    words: tuple[str, ...]


@dataclass
class Binner:
    """Gathers events into decisions.

    Args:
        period_ns: Of a decision.
        raw_mouse: Movements are those of the device, not of the cursor.
        raw_clicks: Clicks and the wheel are those of the device too, for there are no others.
        needs_screen: Decisions begin once there is a picture.
        needs_cursor: Decisions begin once the cursor is known.
        keep_text: Keep the titles of windows.
    """

    period_ns: float
    raw_mouse: bool
    raw_clicks: bool
    needs_screen: bool
    needs_cursor: bool
    keep_text: bool
    start: int | None = None
    count: int = 0
    _held: set[int] = field(default_factory=set)
    _pressed: set[int] = field(default_factory=set)
    _buttons: set[str] = field(default_factory=set)
    _clicked: set[str] = field(default_factory=set)
    _cursor: tuple[int, int] | None = None
    _screen: tuple[str, int | None] | None = None
    _title: str | None = None
    _seen: tuple[Any, Any] = ((0, 0), None)
    _sums: np.ndarray = field(default_factory=lambda: np.zeros(4))
    _words: list[str] = field(default_factory=list)

    def take(self, event: Event) -> Iterator[Step]:
        """Take the next event in time; yield the decisions that were over before it."""
        if self.start is not None:
            while event.time >= self._time(self.count + 1):
                yield self._close()
        self._apply(event)
        if self.start is None and self._ready():
            self.start = event.time
            self._open()

    def _apply(self, event: Event) -> None:
        appliers: dict[str, Callable[[Any], None]] = {
            "press": self._press, "release": self._release, "keys": self._keys, "button": self._button,
            "buttons": self._buttons_state, "cursor": self._cursor_at, "raw": self._raw, "raw_button": self._raw_button,
            "wheel": self._wheel, "raw_wheel": self._raw_wheel, "screen": self._screen_shown, "window": self._window,
        }  # fmt: skip
        appliers[event.kind](event.value)

    def finish(self) -> Iterator[Step]:
        """Yield the decision that was going on; its end was not seen."""
        if self.start is not None:
            yield self._close()

    def _time(self, number: int) -> int:
        return (self.start or 0) + round(number * self.period_ns)

    def _ready(self) -> bool:
        return (self._screen is not None or not self.needs_screen) and (
            self._cursor is not None or not self.needs_cursor
        )

    def _open(self) -> None:
        self._seen = (self._cursor or (0, 0), self._screen)
        self._pressed, self._clicked = set(self._held), set(self._buttons)
        self._sums[:] = 0

    def _close(self) -> Step:
        cursor, screen = self._seen
        right, down, wheel_x, wheel_y = self._sums.tolist()
        step = Step(
            self._time(self.count), cursor, screen, frozenset(self._pressed), frozenset(self._clicked),
            (right, down), (wheel_x, wheel_y), tuple(self._words),
        )  # fmt: skip
        self.count += 1
        self._words = []
        self._open()
        return step

    def _press(self, code: int) -> None:
        if code not in MOUSE_CODES:
            self._held.add(code)
            self._pressed.add(code)

    def _release(self, code: int) -> None:
        self._held.discard(code)

    def _keys(self, codes: frozenset[int]) -> None:
        """A state mends what lost events left: a key held for ever, or never."""
        self._held = set(codes - set(MOUSE_CODES))
        self._pressed |= self._held

    def _button(self, value: tuple[str, bool]) -> None:
        name, held = value
        if held:
            self._buttons.add(name)
            self._clicked.add(name)
        else:
            self._buttons.discard(name)

    def _raw_button(self, value: tuple[str, bool]) -> None:
        if self.raw_clicks:
            self._button(value)

    def _buttons_state(self, names: frozenset[str]) -> None:
        self._buttons = set(names)
        self._clicked |= names

    def _cursor_at(self, place: tuple[int, int]) -> None:
        if not self.raw_mouse and self._cursor is not None:
            self._sums[:2] += np.subtract(place, self._cursor)
        self._cursor = place

    def _raw(self, way: tuple[int, int]) -> None:
        if self.raw_mouse:
            self._sums[:2] += way

    def _wheel(self, notches: tuple[float, float]) -> None:
        self._sums[2:] += notches

    def _raw_wheel(self, notches: tuple[float, float]) -> None:
        if self.raw_clicks:
            self._wheel(notches)

    def _screen_shown(self, place: tuple[str, int | None]) -> None:
        self._screen = place

    def _window(self, title: str) -> None:
        if self._title is not None and title != self._title:
            self._words.append("window changed")
        if self.keep_text and title != self._title:
            self._words.append(f"window: {title}")
        self._title = title
