"""Pictures as sensors: crop, shrink by area averaging, grey, stack.

There is one definition of "the frame", used when a log is imported, when a game is played and, through
`area_weights`, inside an exported graph. A bot that saw another shrinking filter in training than in play would see
another game.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from gymnasium import spaces

from understudy.errors import ObservationError, SpecError, require, suggest
from understudy.spec import Json, SensorSpec

Channels = Literal["rgb", "grey"]
_NUM_CHANNELS = {"rgb": 3, "grey": 1}


def area_weights(source_len: int, target_len: int) -> np.ndarray:
    """Return the matrix that averages `source_len` pixels into `target_len` equal cells.

    A picture shrinks along both axes by `rows @ picture @ columns.T`, where `rows` and `columns` are such matrices.
    Rounded to whole levels it is within one level of OpenCV's `INTER_AREA`.

    Args:
        source_len: Pixels along the axis of the source, at least `target_len`.
        target_len: Pixels along the axis of the target, at least 1.

    Returns:
        float32, shape (target_len, source_len); each row is not negative and sums to 1.

    Raises:
        SpecError: If the target is longer than the source: averaging can only shrink.
    """
    _check_shrinks((source_len,), (target_len,))
    edges = np.arange(target_len + 1) * (source_len / target_len)
    pixels = np.arange(source_len)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.clip(overlap, 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


@dataclass(frozen=True)
class Pixels:
    """How a game's picture becomes a sensor.

    Attributes:
        source: (height, width, channels) of the game's picture; 3 channels are RGB, 1 is grey.
        crop: (top, left, height, width) of the part that is kept, in source pixels; None keeps all of it.
        size: (height, width) of the sensor, at most the crop's.
        channels: `"rgb"` or `"grey"`; grey is the Rec. 601 luma, 0.299 R + 0.587 G + 0.114 B.
        stack: How many consecutive pictures the sensor holds, oldest first, along the channels.
    """

    source: tuple[int, int, int]
    size: tuple[int, int]
    crop: tuple[int, int, int, int] | None = None
    channels: Channels = "rgb"
    stack: int = 1

    def __post_init__(self) -> None:
        if self.channels not in _NUM_CHANNELS:
            raise SpecError(f"Pixels know no channels {self.channels!r}.{suggest(self.channels, _NUM_CHANNELS)}")
        if self.source[2] not in (1, 3) or (self.source[2] == 1 and self.channels == "rgb"):
            raise SpecError(
                f"{self.source[2]} source channels cannot give {self.channels!r} pixels; 3 can, 1 gives grey."
            )
        if self.stack < 1:
            raise SpecError(f"Pixels stack {self.stack} pictures; it must be at least 1.")
        top, left, height, width = self.window
        if min(top, left) < 0 or top + height > self.source[0] or left + width > self.source[1]:
            raise SpecError(f"The crop {self.window} (top, left, height, width) leaves the picture {self.source[:2]}.")
        _check_shrinks((height, width), self.size)

    @property
    def window(self) -> tuple[int, int, int, int]:
        """(top, left, height, width) of the part of the source that is kept."""
        return self.crop or (0, 0, self.source[0], self.source[1])

    @property
    def shape(self) -> tuple[int, int, int]:
        """The sensor's shape: (height, width, channels × stack)."""
        return (*self.size, _NUM_CHANNELS[self.channels] * self.stack)

    def spec(self, name: str = "frame") -> SensorSpec:
        """Return the sensor: uint8 of `shape`, range [0, 255], rebuilt from its spec by `from_computed`."""
        computed: dict[str, Json] = {
            "kind": "pixels",
            "source": list(self.source),
            "crop": None if self.crop is None else list(self.crop),
            "size": list(self.size),
            "channels": self.channels,
            "stack": self.stack,
            "filter": "area",
        }
        return SensorSpec(name, spaces.Box(0, 255, self.shape, np.uint8), computed=computed)

    @classmethod
    def from_computed(cls, computed: Mapping[str, Any]) -> Pixels:
        """Rebuild from a sensor spec's `computed`; raises `SpecError` if that does not describe pixels."""
        if computed.get("kind") != "pixels":
            raise SpecError(f"A sensor computed as {computed.get('kind')!r} is not 'pixels'.")
        try:
            crop = computed["crop"]
            return cls(
                source=cast(tuple[int, int, int], _ints(computed["source"], 3)),
                size=cast(tuple[int, int], _ints(computed["size"], 2)),
                crop=None if crop is None else cast(tuple[int, int, int, int], _ints(crop, 4)),
                channels=computed["channels"],
                stack=int(computed["stack"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, SpecError):
                raise
            raise SpecError(f"Not a description of pixels: {type(error).__name__} at {error}.") from error

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Shrink one picture; the stack is the `reader`'s business.

        Args:
            frame: uint8 of shape `source`.

        Returns:
            uint8, shape (height, width, channels), a new array.

        Raises:
            ObservationError: If the picture has another shape or dtype.
        """
        if frame.shape != self.source or frame.dtype != np.uint8:
            raise ObservationError(
                f"The picture should be uint8 of shape {self.source}, got {frame.dtype} of shape {frame.shape}."
            )
        cv2 = require("cv2", "logs")
        top, left, height, width = self.window
        window = np.ascontiguousarray(frame[top : top + height, left : left + width])
        small = cv2.resize(window, (self.size[1], self.size[0]), interpolation=cv2.INTER_AREA)
        if self.channels == "grey" and self.source[2] == 3:
            small = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        return np.asarray(small).reshape(*self.size, -1)

    def reader(self) -> PixelReader:
        """Return a reader with a memory of its own: one for each player."""
        return PixelReader(self)


class PixelReader:
    """Turns consecutive pictures of one player into stacked readings."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels
        self._past: list[np.ndarray] = []

    def reset(self) -> None:
        """Forget the past: the next picture fills the whole stack."""
        self._past = []

    def read(self, frame: np.ndarray) -> np.ndarray:
        """Shrink `frame` (uint8 of `pixels.source`); return the stack, oldest first, uint8 of `pixels.shape`."""
        newest = self.pixels(frame)
        if self.pixels.stack == 1:
            return newest
        self._past = [*self._past[1:], newest] if self._past else [newest] * self.pixels.stack
        return np.concatenate(self._past, axis=-1)


def _check_shrinks(source: Sequence[int], target: Sequence[int]) -> None:
    if any(not 1 <= small <= large for small, large in zip(target, source, strict=True)):
        raise SpecError(f"Area averaging only shrinks: {tuple(source)} pixels cannot become {tuple(target)}.")


def _ints(values: Sequence[int], num: int) -> tuple[int, ...]:
    found = tuple(int(each) for each in values)
    if len(found) != num:
        raise SpecError(f"Pixels need {num} whole numbers there, not {list(values)}.")
    return found
