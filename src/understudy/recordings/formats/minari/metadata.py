"""A Minari data set's `metadata.json`: its spaces, its environment, and our own spec where we wrote it."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import RecordingError, SpecError
from understudy.recordings.formats import guards, hdf5
from understudy.recordings.formats.gymspaces import GymSettings, Leaf, behavior_of, file_name, flatten, renamed
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

METADATA = "metadata.json"
HDF5_FILE = "main_data.hdf5"
_MAX_DEPTH = 16
_RATES = ("render_fps", "video.frames_per_second", "fps")


@dataclass(frozen=True)
class DataSet:
    """What a Minari data set says about all of its episodes.

    Attributes:
        folder: The one with `metadata.json` and the data.
        metadata: As read.
        behavior: Of its spaces, or ours where we wrote it.
        observations: Leaves of the observation space.
        actions: Leaves of the action space.
        ours: Whether we wrote it, so that our own columns may be there.
    """

    folder: Path
    metadata: Mapping[str, Any]
    behavior: BehaviorSpec
    observations: tuple[Leaf, ...]
    actions: tuple[Leaf, ...]
    ours: bool

    @property
    def dataset_id(self) -> str:
        """The id, such as `"D4RL/door/human-v2"`, or the folder's name if it has none."""
        found = self.metadata.get("dataset_id")
        return found if isinstance(found, str) and found else self.folder.parent.name

    @property
    def game(self) -> str:
        """The environment's id, or the data set's."""
        found = _env_spec(self.metadata).get("id")
        return found if isinstance(found, str) and found else self.dataset_id

    @property
    def assumed_rate(self) -> bool:
        """Whether the data name no decision rate."""
        return not self.ours and _rate(self.metadata) is None

    def text(self, key: str) -> str:
        """A value of the metadata that should be text; empty if it is not."""
        found = self.metadata.get(key)
        return found if isinstance(found, str) else ""


def data_folder(path: Path) -> Path | None:
    """The folder with the data, given it, the data set's own folder, or the HDF5 file; None if it is no data set."""
    if path.name == HDF5_FILE:
        path = path.parent
    for folder in (path / "data", path):
        if not folder.resolve().is_relative_to(path.resolve()):
            continue
        if (folder / METADATA).is_file() or (folder / HDF5_FILE).is_file():
            return folder
    return None


def looks_right(folder: Path) -> bool:
    """Whether a folder's `metadata.json`, by its first and last 32 KiB, or its HDF5 file, is Minari's."""
    file = folder / METADATA
    if not file.exists():
        return guards.head(folder / HDF5_FILE, 8) == hdf5.SIGNATURE
    text = guards.head(file, 32 << 10) + _tail(file, 32 << 10)
    return all(key in text for key in (b'"total_episodes"', b'"total_steps"', b'"observation_space"'))


def _tail(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read(size)
    except OSError:
        return b""


def read_data_set(path: Path, settings: GymSettings) -> DataSet:
    """Read what a data set says about itself.

    Raises:
        RecordingError: If it is none, or its spaces cannot be had as sensors and action parts.
    """
    folder = data_folder(path)
    if folder is None:
        raise RecordingError(f"{path} is not a Minari data set: it has no data/{METADATA}.")
    metadata = _read_metadata(folder)
    try:
        observation_form = _loads(metadata.get("observation_space"))
        action_form = _loads(metadata.get("action_space"))
        observations = flatten(space_from_json(observation_form), "observation")
        actions = flatten(space_from_json(action_form), "action")
    except RecordingError as error:
        raise RecordingError(f"{folder / METADATA}: {error}") from error
    ours = _stored_behavior(metadata)
    if ours is not None and (space_json(ours.sensors), space_json(ours.actions)) == (observation_form, action_form):
        named = renamed(observations, ours.sensor_names), renamed(actions, ours.action_names)
        return DataSet(folder, metadata, ours, tuple(named[0]), tuple(named[1]), ours=True)
    name = file_name(str(_env_spec(metadata).get("id") or metadata.get("dataset_id") or "minari"))
    behavior = behavior_of(name, observations, actions, settings, _rate(metadata))
    return DataSet(folder, metadata, behavior, tuple(observations), tuple(actions), ours=False)


def _read_metadata(folder: Path) -> Mapping[str, Any]:
    file = folder / METADATA
    if file.exists():
        found = _loads(guards.read_text(guards.inside(folder, METADATA)))
        if not isinstance(found, dict):
            raise RecordingError(f"{file} is not a JSON object.")
        return found
    # Before 0.5 all of it were attributes of the HDF5 file.
    where = str(folder / HDF5_FILE)
    with hdf5.opened(guards.inside(folder, HDF5_FILE)) as h5:
        keys = ("observation_space", "action_space", "env_spec", "dataset_id", "minari_version", "total_steps")
        found = {key: hdf5.attribute(h5, key, where) for key in keys}
        return {"data_format": "hdf5", **{key: value for key, value in found.items() if value is not None}}


def _loads(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordingError("its spaces or its whole text are not JSON.") from error


def _env_spec(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        found = json.loads(metadata.get("env_spec") or "{}")
    except (TypeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _rate(metadata: Mapping[str, Any]) -> float | None:
    """The frames a second that the metadata, or the environment's arguments, name."""
    kwargs = _env_spec(metadata).get("kwargs")
    for place in (metadata, kwargs if isinstance(kwargs, dict) else {}):
        for key in _RATES:
            rate = place.get(key)
            if isinstance(rate, (int, float)) and 0 < rate < math.inf:
                return float(rate)
    return None


def _stored_behavior(metadata: Mapping[str, Any]) -> BehaviorSpec | None:
    """Our own spec, if it is one and could be a folder's name."""
    text = metadata.get("understudy")
    try:
        behavior = BehaviorSpec.from_json(text) if isinstance(text, str) else None
    except (SpecError, RecursionError):
        return None
    return behavior if behavior is not None and behavior.name == file_name(behavior.name) else None


def space_json(specs: tuple[SensorSpec, ...] | tuple[ActionSpec, ...]) -> dict[str, Any]:
    """Say in Minari's JSON what space sensors or parts make: a plain one if it is one, else a `Dict` by name."""
    forms = {each.name: _leaf_json(each.space) for each in specs}
    return next(iter(forms.values())) if len(forms) == 1 else {"type": "Dict", "subspaces": forms}


def _leaf_json(space: spaces.Space) -> dict[str, Any]:
    if isinstance(space, spaces.Discrete):
        return {"type": "Discrete", "dtype": "int64", "start": 0, "n": int(space.n)}
    if isinstance(space, spaces.MultiBinary):
        return {"type": "MultiBinary", "n": int(np.asarray(space.n))}
    box = {"type": "Box", "dtype": np.dtype(space.dtype).name, "shape": list(space.shape or ())}
    assert isinstance(space, spaces.Box)
    return {**box, "low": space.low.tolist(), "high": space.high.tolist()}


def space_from_json(form: Any, depth: int = 0) -> spaces.Space:
    """Build a space from Minari's JSON.

    Raises:
        RecordingError: If it is not one, is nested too deeply, or is of a kind that Minari does not write.
    """
    if depth > _MAX_DEPTH:
        raise RecordingError(f"A space is nested more than {_MAX_DEPTH} deep.")
    try:
        if form["type"] == "Dict":
            # gymnasium sorts the keys of a plain dict.
            subspaces = ((key, space_from_json(each, depth + 1)) for key, each in form["subspaces"].items())
            return spaces.Dict(OrderedDict(subspaces))
        if form["type"] == "Tuple":
            return spaces.Tuple([space_from_json(each, depth + 1) for each in form["subspaces"]])
        return _leaf_from_json(form)
    except RecordingError:
        raise
    except Exception as error:
        # gymnasium's spaces assert, or raise nearly anything, over what they are given.
        raise RecordingError(f"A space in it is not as Minari writes it ({type(error).__name__}: {error}).") from error


def _leaf_from_json(form: Mapping[str, Any]) -> spaces.Space:
    kind = form["type"]
    if kind == "Discrete":
        return spaces.Discrete(int(form["n"]), start=int(form.get("start", 0)))
    if kind == "MultiDiscrete":
        nvec = np.asarray(form["nvec"], np.int64)
        return spaces.MultiDiscrete(nvec, start=np.asarray(form.get("start", np.zeros_like(nvec)), np.int64))
    if kind == "MultiBinary":
        size = form["n"] if isinstance(form["n"], int) else [int(each) for each in form["n"]]
        if np.prod(size) > guards.MAX_PIXELS:
            raise RecordingError(f"A space has {np.prod(size):,} buttons.")
        return spaces.MultiBinary(size)
    if kind == "Text":
        return spaces.Text(max(int(form["max_length"]), 1))
    if kind != "Box":
        raise RecordingError(f"A space is of the unknown type {kind!r}.")
    dtype, shape = np.dtype(form["dtype"]), tuple(form["shape"])
    if dtype.kind not in "biuf":
        raise RecordingError(f"A Box holds {dtype}, which is no number.")
    low, high = np.array(form["low"], dtype), np.array(form["high"], dtype)
    if low.shape != shape or high.shape != shape:
        raise RecordingError(f"A Box of shape {shape} has bounds of shape {low.shape} and {high.shape}.")
    return spaces.Box(low, high, shape, dtype.type)
