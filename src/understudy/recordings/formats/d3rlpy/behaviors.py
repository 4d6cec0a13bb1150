"""What a d3rlpy file was recorded of. It names no spaces: they are ours if we wrote it, else found in the data."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import RecordingError, SpecError
from understudy.recordings.formats import hdf5
from understudy.recordings.formats.d3rlpy.arrays import action_width, stored_shape
from understudy.recordings.formats.d3rlpy.file import Place, places
from understudy.recordings.formats.guessed import Range, guessed_parts, guessed_sensor
from understudy.recordings.formats.gymspaces import ASSUMED_HZ, GymSettings, file_name
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

STORED = "understudy/behavior"
_SCAN_ROWS = 65536


def find(file: Any, path: Path, settings: GymSettings) -> tuple[BehaviorSpec, bool]:
    """Return the file's behaviour, and whether it is one that we stored and that fits its data.

    Raises:
        RecordingError: If there is no episode, or the actions cannot be had as they are.
    """
    where = str(path)
    first = next(places(file, where), None)
    if first is None:
        raise RecordingError(f"{where} holds no episode.")
    stored = _stored(file, where)
    if stored is not None and _fits(stored, file, first, where):
        return stored, True
    sensors = tuple(_sensors(file, first, settings, where))
    try:
        parts = tuple(_parts(file, first, settings, where))
        return BehaviorSpec(file_name(path.stem), sensors, parts, settings.decision_hz or ASSUMED_HZ), False
    except SpecError as error:
        raise RecordingError(f"{where} makes no behaviour: {error}") from error


def _stored(file: Any, where: str) -> BehaviorSpec | None:
    text = hdf5.scalar(file, STORED, where)
    try:
        found = BehaviorSpec.from_json(text) if isinstance(text, str) else None
    except (SpecError, RecursionError):
        return None
    return found if found is not None and found.name == file_name(found.name) else None


def _fits(behavior: BehaviorSpec, file: Any, first: Place, where: str) -> bool:
    seen = [hdf5.dataset(file, name, where) for name in first.observations]
    shapes = [(tuple(each.shape[1:]), each.dtype) for each in seen]
    done = hdf5.dataset(file, first.actions, where)
    wanted = [(stored_shape(each), each.space.dtype) for each in behavior.sensors]
    return shapes == wanted and tuple(done.shape[1:]) == (action_width(behavior),)


def _sensors(file: Any, first: Place, settings: GymSettings, where: str) -> Iterator[SensorSpec]:
    for index, name in enumerate(first.observations):
        data = hdf5.dataset(file, name, where)
        shape = tuple(data.shape[1:])
        if data.dtype == np.uint8 and len(shape) == 3:
            shape = (*shape[1:], shape[0])
        label = "observation" if len(first.observations) == 1 else f"observation_{index}"
        yield guessed_sensor(label, shape, data.dtype, settings)


def _parts(file: Any, first: Place, settings: GymSettings, where: str) -> Iterator[ActionSpec]:
    data = hdf5.dataset(file, first.actions, where)
    if len(data.shape) > 2:
        raise RecordingError(f"{where}: actions of shape {data.shape[1:]} are not a choice or a row of numbers.")
    found = Range(math.prod(data.shape[1:]))
    # What is damaged is left for the stream to meet.
    with contextlib.suppress(RecordingError):
        for place in places(file, where):
            _scan(file, place, found, where)
    return guessed_parts(data.dtype, found.low, found.high, settings, where)


def _scan(file: Any, place: Place, found: Range, where: str) -> None:
    data = hdf5.dataset(file, place.actions, where)
    end = place.first + place.num_steps
    for start in range(place.first, end, _SCAN_ROWS):
        rows = hdf5.read(data, start, min(start + _SCAN_ROWS, end), found.low.shape, where)
        found.take(rows)
