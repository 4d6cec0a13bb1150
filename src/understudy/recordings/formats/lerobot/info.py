"""`meta/info.json`: what a data set says of itself, checked before anything is believed.

Source: lerobot 0.4.4, `lerobot/datasets/utils.py` (the constants and `create_empty_dataset_info`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import RecordingError, SpecError
from understudy.recordings.formats.guards import MAX_PIXELS, head, inside, read_text
from understudy.spec import BehaviorSpec

INFO = "meta/info.json"
OURS = "understudy"
# What every data set has beside its features, and what has a place of its own in a recording.
PLAIN = ("timestamp", "frame_index", "episode_index", "index", "task_index")
REWARD, DONE, TRUNCATED, SUCCESS = "next.reward", "next.done", "next.truncated", "next.success"
_SNIFFED = 64 * 1024
_MAX_HZ = 10_000.0
_MAX_NUMBERS = 1 << 24  # of one feature, a step
_MAX_FEATURES = 4096
_PLACE = re.compile(r"\{(\w+)(?::0(\d)d)?\}")


@dataclass(frozen=True)
class Feature:
    """One column of a data set, or one of its videos.

    Attributes:
        key: Such as `"observation.images.top"`.
        dtype: A numpy dtype's name, `"image"`, `"video"` or `"string"`.
        shape: Of one step; a picture's is (height, width, channels) whatever order the file has.
        names: Of the numbers, if there is one for each.
    """

    key: str
    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...] = ()

    @property
    def picture(self) -> bool:
        """Whether it is a video or a picture a step."""
        return self.dtype in ("image", "video")

    @property
    def numbers(self) -> np.dtype[Any] | None:
        """The dtype in numpy, or None for pictures and texts."""
        try:
            found = np.dtype(self.dtype)
        except TypeError:
            return None
        return found if found.kind in "fiub" else None


@dataclass(frozen=True)
class Info:
    """A data set's own description.

    Attributes:
        root: Its folder.
        version: Such as (3, 0) or (2, 1).
        fps: Steps a second.
        robot: Its `robot_type`, empty if it has none.
        features: By key.
        behavior: Ours, if we exported it.
        discrete: How the export laid choices in the action: `"one_hot"` or `"index"`.
        form: All of the file.
    """

    root: Path
    version: tuple[int, int]
    fps: float
    robot: str
    features: Mapping[str, Feature]
    behavior: BehaviorSpec | None
    discrete: str
    form: Mapping[str, Any]

    def path(self, template: str, **numbers: int | str) -> Path:
        """Fill a template of the file, such as `data_path`, in.

        Raises:
            RecordingError: If there is none, it asks for anything but these numbers, or leads out of the folder.
        """
        text = self.form.get(template)
        if not isinstance(text, str):
            raise RecordingError(f"{self.root / INFO} has no '{template}', so the files it stands for cannot be found.")
        name = _PLACE.sub(lambda place: _fill(place, numbers), text)
        if "{" in name:
            raise RecordingError(f"{self.root / INFO}: the '{template}' {text!r} is not of a form known here.")
        return inside(self.root, name)


def is_dataset(path: Path) -> bool:
    """Whether the folder is a LeRobot data set of version 2 or 3, by the beginning of its `meta/info.json`."""
    start = head(path / INFO, _SNIFFED)
    return bool(re.search(rb'"codebase_version"\s*:\s*"v[23]\.\d+"', start)) and b'"fps"' in start


def read_info(root: Path) -> Info:
    """Read `meta/info.json`; raises `RecordingError` naming what is wrong in it."""
    where = root / INFO
    if not where.is_file():
        raise RecordingError(f"{root} is not a LeRobot data set: it has no {INFO}.")
    try:
        form = json.loads(read_text(where))
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{where} is not JSON ({error}); the data set cannot be read without it.") from error
    if not isinstance(form, dict) or not isinstance(form.get("features"), dict):
        raise RecordingError(f"{where} names no features; it is not of a LeRobot data set.")
    fps = form.get("fps")
    if isinstance(fps, bool) or not isinstance(fps, (int, float)) or not 0 < fps <= _MAX_HZ:
        raise RecordingError(f"{where} says {fps!r} frames a second; it must be above 0 and at most {_MAX_HZ:g}.")
    ours: Any = form.get(OURS)
    ours = ours if isinstance(ours, dict) else {}
    robot = form.get("robot_type")
    return Info(
        root,
        _version(form.get("codebase_version"), where),
        float(fps),
        robot if isinstance(robot, str) else "",
        _features(form["features"], where),
        _behavior(ours),
        "index" if ours.get("discrete") == "index" else "one_hot",
        form,
    )


def _version(text: Any, where: Path) -> tuple[int, int]:
    found = re.fullmatch(r"v?(\d{1,3})\.(\d{1,3})(\.\d+)?", str(text))
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version[0] not in (2, 3):
        raise RecordingError(
            f"{where} is of codebase version {text!r}; versions 2 and 3 are read. Convert it with LeRobot."
        )
    return version


def _features(forms: Mapping[str, Any], where: Path) -> dict[str, Feature]:
    if len(forms) > _MAX_FEATURES:
        raise RecordingError(f"{where} names {len(forms):,} features; at most {_MAX_FEATURES:,} are read.")
    return {key: _feature(key, form, where) for key, form in forms.items()}


def _feature(key: str, form: Any, where: Path) -> Feature:
    form = form if isinstance(form, dict) else {}
    shape = form.get("shape")
    whole = isinstance(shape, list) and all(isinstance(side, int) and 0 < side <= _MAX_NUMBERS for side in shape)
    if not whole or math.prod(shape) > max(_MAX_NUMBERS, 4 * MAX_PIXELS):
        raise RecordingError(f"{where}: the feature '{key}' has the shape {str(shape)[:60]}, which cannot be.")
    dtype = str(form.get("dtype"))[:40]
    names = _flat_names(form.get("names"))
    if dtype in ("image", "video"):
        return Feature(key, dtype, _picture_shape(key, tuple(shape), names, where))
    return Feature(key, dtype, tuple(shape), names if len(names) == math.prod(shape) else ())


def _flat_names(names: Any) -> tuple[str, ...]:
    """The names of a feature: a list, or lists by group (`{"motors": [...]}`), as older recorders wrote."""
    if isinstance(names, dict):
        names = [name for group in names.values() for name in (group if isinstance(group, list) else [])]
    return tuple(str(name)[:80] for name in names) if isinstance(names, list) else ()


def _picture_shape(key: str, shape: tuple[int, ...], names: tuple[str, ...], where: Path) -> tuple[int, ...]:
    """(height, width, channels): recorders wrote either order, and most say which in the names."""
    if len(shape) == 3 and (names[:1] in (("channel",), ("channels",)) or (shape[2] > 4 >= shape[0])):
        shape = (*shape[1:], shape[0])
    if len(shape) != 3 or shape[2] not in (1, 3) or shape[0] * shape[1] > MAX_PIXELS:
        raise RecordingError(f"{where}: the pictures '{key}' have the shape {list(shape)}; RGB or grey ones are read.")
    return shape


def _behavior(ours: Mapping[str, Any]) -> BehaviorSpec | None:
    try:
        behavior = BehaviorSpec.from_dict(ours["behavior"])
    except (KeyError, SpecError):
        return None
    # A behaviour's name becomes a folder's.
    return behavior if is_safe_name(behavior.name) else None


def is_safe_name(name: Any) -> bool:
    """Whether a name can be a file's: letters, digits, `-`, `_` and `.`, not hidden, not endless."""
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", name) is not None


def safe_name(text: str, otherwise: str) -> str:
    """Turn any text into such a name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")[:60] or otherwise


def _fill(place: re.Match[str], numbers: Mapping[str, int | str]) -> str:
    name, width = place[1], int(place[2] or 0)
    return str(numbers[name]).zfill(width) if name in numbers else place[0]
