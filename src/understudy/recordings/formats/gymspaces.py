"""From the spaces of Gymnasium, which offline data sets name, to sensors and action parts, with the values they hold.

Nested `Dict` and `Tuple` spaces are flattened: a leaf is called by its keys, joined by `_`, with every character that
a Python name cannot have turned into `_`; an index, or no key at all, follows `observation` or `action`. An action of
`MultiDiscrete` becomes a `Discrete` part for each number (`action_0`, `action_1`). Choices count from 0 whatever their
start.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from gymnasium import spaces
from pydantic import Field

from understudy.errors import RecordingError, SpecError
from understudy.recordings.formats.protocol import Settings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

ASSUMED_HZ = 30.0
_MAX_DEPTH = 16
_MAX_LEAVES = 1000
_MAX_PARTS = 256


class GymSettings(Settings):
    """What data sets of Gymnasium's spaces do not say."""

    decision_hz: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description=f"decisions a second, if not in the data ({ASSUMED_HZ:g})"
    )
    action_limit: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="limit of action numbers (±) that the data leave unbounded"
    )
    keep_float64: bool = Field(default=False, description="keep float64 observations instead of rounding to float32")


@dataclass(frozen=True)
class Leaf:
    """A space without subspaces.

    Attributes:
        path: Keys and indices that lead to it; empty if the whole space is one.
        space: Of one value.
        names: Of the sensor, or of the action parts, that it becomes.
    """

    path: tuple[str | int, ...]
    space: spaces.Space
    names: tuple[str, ...] = ()


def flatten(space: spaces.Space, root: str) -> list[Leaf]:
    """Return the leaves of a space, named; `Text` is left out, for no sensor holds it.

    Args:
        space: Of observations or actions.
        root: `"observation"` or `"action"`; actions of many choices become many parts.

    Raises:
        RecordingError: If it is nested too deeply, has too many leaves, or is of a kind that cannot be read.
    """
    leaves: list[Leaf] = []
    taken: set[str] = set()
    for path, each in _walk(space, (), 0):
        if len(leaves) == _MAX_LEAVES:
            raise RecordingError(f"The {root} space has more than {_MAX_LEAVES} leaves.")
        base = _free(_name(path, root), taken)
        names = [base]
        if root == "action" and isinstance(each, spaces.MultiDiscrete):
            names = [_free(f"{base}_{index}", taken) for index in range(each.nvec.size)]
        if len(names) > _MAX_PARTS:
            raise RecordingError(f"The {root} space has {len(names)} choices in one; at most {_MAX_PARTS} are read.")
        taken.update(names)
        leaves.append(Leaf(path, each, tuple(names)))
    return leaves


def _walk(
    space: spaces.Space, path: tuple[str | int, ...], depth: int
) -> Iterator[tuple[tuple[str | int, ...], spaces.Space]]:
    if depth > _MAX_DEPTH:
        raise RecordingError(f"A space is nested more than {_MAX_DEPTH} deep.")
    if isinstance(space, spaces.Dict):
        for key, each in space.spaces.items():
            yield from _walk(each, (*path, str(key)), depth + 1)
    elif isinstance(space, spaces.Tuple):
        for index, each in enumerate(space.spaces):
            yield from _walk(each, (*path, index), depth + 1)
    elif isinstance(space, (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)):
        yield path, space
    elif not isinstance(space, spaces.Text):
        raise RecordingError(f"The space {space} is of a kind that no sensor or action part can hold.")


def _name(path: tuple[str | int, ...], root: str) -> str:
    words = [re.sub(r"\W", "_", str(each)) for each in path]
    name = "_".join(words)
    if not path or isinstance(path[0], int) or not name.isidentifier():
        name = "_".join([root, *words])
    return name


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name}_{number}" for number in range(2, len(taken) + 3) if f"{name}_{number}" not in taken)


def behavior_of(
    name: str, observations: Sequence[Leaf], actions: Sequence[Leaf], settings: GymSettings, hz: float | None = None
) -> BehaviorSpec:
    """Build the behaviour of flattened spaces; `hz` is the rate the data name, if they do.

    Raises:
        RecordingError: If an action is unbounded and no setting says how far it goes, or nothing is left of a space.
    """
    try:
        sensors = tuple(_sensor(each, keep_float64=settings.keep_float64) for each in observations)
        parts = tuple(part for each in actions for part in _parts(each, settings.action_limit))
        return BehaviorSpec(file_name(name), sensors, parts, settings.decision_hz or hz or ASSUMED_HZ)
    except (SpecError, AssertionError, ValueError, OverflowError) as error:
        raise RecordingError(f"The data set's spaces make no behaviour: {str(error).rstrip('.')}.") from error


def file_name(text: str) -> str:
    """Return `text` with what a file's name should not have replaced by `-`."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")[:100] or "log"


def _sensor(leaf: Leaf, *, keep_float64: bool) -> SensorSpec:
    space, (name,) = leaf.space, leaf.names
    if isinstance(space, spaces.Box):
        dtype = np.dtype(space.dtype)
        wide = dtype.kind == "f" and dtype.itemsize > 4 and not keep_float64
        return SensorSpec(name, _rounded(space) if wide else space)
    if isinstance(space, spaces.Discrete):
        return SensorSpec(name, spaces.Box(0, int(space.n) - 1, (), np.int64))
    if isinstance(space, spaces.MultiDiscrete):
        nvec = np.asarray(space.nvec, np.int64)
        return SensorSpec(name, spaces.Box(np.zeros_like(nvec), nvec - 1, nvec.shape, np.int64))
    return SensorSpec(name, spaces.Box(0, 1, tuple(space.shape or ()), np.int8))


def _parts(leaf: Leaf, limit: float | None) -> Iterator[ActionSpec]:
    space = leaf.space
    if isinstance(space, spaces.Discrete):
        yield ActionSpec(leaf.names[0], spaces.Discrete(int(space.n)))
    elif isinstance(space, spaces.MultiDiscrete):
        for name, size in zip(leaf.names, np.asarray(space.nvec).reshape(-1), strict=True):
            yield ActionSpec(name, spaces.Discrete(int(size)))
    elif isinstance(space, spaces.MultiBinary):
        yield ActionSpec(leaf.names[0], spaces.MultiBinary(math.prod(space.shape or ())))
    elif isinstance(space, spaces.Box):
        yield ActionSpec(leaf.names[0], _bounded(leaf.names[0], _rounded(space), limit))


def _rounded(space: spaces.Box) -> spaces.Box:
    with np.errstate(over="ignore"):
        low, high = space.low.astype(np.float32), space.high.astype(np.float32)
    return spaces.Box(low, high, space.shape, np.float32)


def _bounded(name: str, space: spaces.Box, limit: float | None) -> spaces.Box:
    if space.is_bounded():
        return space
    if limit is None:
        raise RecordingError(
            f"The action '{name}' has no bounds in the data set; say how far its numbers go: --set action_limit=1"
        )
    low = np.where(np.isfinite(space.low), space.low, np.float32(-limit))
    high = np.where(np.isfinite(space.high), space.high, np.float32(limit))
    return spaces.Box(low, high, space.shape, np.float32)


def notes_on(observations: Sequence[Leaf], actions: Sequence[Leaf], behavior: BehaviorSpec) -> list[str]:
    """Return lines for people: what the way into sensors and action parts changed."""
    lines = []
    for leaf in (*observations, *actions):
        dtype = np.dtype(leaf.space.dtype)
        if dtype == np.float64 and leaf.names[0] in {
            *behavior.action_names,
            *(each.name for each in behavior.sensors if each.space.dtype == np.float32),
        }:
            lines.append(f"'{leaf.names[0]}' is rounded from float64 to float32")
        if isinstance(leaf.space, spaces.MultiDiscrete) and leaf in actions:
            lines.append(f"the choices of {leaf.path or 'the action'} become {', '.join(leaf.names)}")
    return lines


Read = Callable[[Leaf], np.ndarray]


def sensor_values(leaves: Sequence[Leaf], behavior: BehaviorSpec, read: Read) -> dict[str, np.ndarray]:
    """Return observations by sensor name; `read` gives a leaf's raw values, shape (n, *its shape)."""
    return {
        leaf.names[0]: _cast(_counted(leaf.space, read(leaf)), behavior.sensor(leaf.names[0]).space.dtype)
        for leaf in leaves
    }


def action_values(leaves: Sequence[Leaf], behavior: BehaviorSpec, read: Read) -> dict[str, np.ndarray]:
    """Return actions by part name; `read` gives a leaf's raw values, shape (n, *its shape)."""
    found = {}
    for leaf in leaves:
        raw = _counted(leaf.space, read(leaf))
        flat = raw if isinstance(leaf.space, (spaces.Box, spaces.Discrete)) else raw.reshape(len(raw), -1)
        if isinstance(leaf.space, spaces.MultiDiscrete):
            found.update({name: _cast(flat[:, index], np.int64) for index, name in enumerate(leaf.names)})
        else:
            found[leaf.names[0]] = _cast(flat, behavior.action(leaf.names[0]).dtype)
    return found


def _counted(space: spaces.Space, raw: np.ndarray) -> np.ndarray:
    if isinstance(space, (spaces.Discrete, spaces.MultiDiscrete)):
        return raw.astype(np.int64) - np.asarray(space.start, np.int64)
    return raw


def _cast(values: np.ndarray, dtype: object) -> np.ndarray:
    """Cast; a number too large for float32 becomes infinite, which is then found to be damage."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(values.astype(np.dtype(dtype), copy=False))  # type: ignore[call-overload]


def renamed(leaves: Sequence[Leaf], names: Sequence[str]) -> list[Leaf]:
    """Return leaves of one name each under other names."""
    return [replace(leaf, names=(name,)) for leaf, name in zip(leaves, names, strict=True)]
