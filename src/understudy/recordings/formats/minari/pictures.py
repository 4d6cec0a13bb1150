"""The JPEG pictures that Minari makes of large uint8 arrays, unless it is told not to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats import guards

_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


def decode_pictures(pictures: Sequence[bytes], shape: tuple[int, ...], start: int, where: str) -> np.ndarray:
    """Decode JPEG pictures of one `shape`; raises `RecordingError` if one is none, or of another size."""
    frames = np.empty((len(pictures), *shape), np.uint8)
    for index, data in enumerate(pictures):
        place = f"{where}, picture {start + index}"
        size = guards.picture_size(data)
        if size is not None and size != shape[:2]:
            raise RecordingError(f"{place} says it is of size {size}, not {shape[:2]}.")
        if data[:2] == _JPEG and data.rstrip(b"\0")[-2:] != _JPEG_END:
            # The decoder would fill the rest with grey.
            raise RecordingError(f"{place} is cut.")
        picture = guards.decode_picture(data, place)
        if picture.size != frames[index].size:
            raise RecordingError(f"{place} is of shape {picture.shape}, not {shape}.")
        frames[index] = picture.reshape(shape)
    return frames
