"""Whether what a game or an importer hands to the writer fits the columns of a recording: else the words for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import ObservationError
from understudy.recordings.layout import Layout
from understudy.spec import ActionSpec, check_array

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_LARGEST = float(np.finfo(np.float32).max)


def fit_actions(layout: Layout, values: Mapping[str, Any], lead: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return the action's parts, each of its dtype and shape (*lead, *part shape), or raise `ObservationError`."""
    return {
        each.name: _in_range(each, _fitting("Action part", each.name, values, (*lead, *each.shape), each.dtype))
        for each in layout.behavior.actions
    }


def fit_extras(layout: Layout, values: Mapping[str, Any], lead: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return the extras, each of its dtype and shape (*lead, *extra shape), or raise `ObservationError`."""
    return {
        name: _fitting("Extra", name, values, (*lead, *column.shape), column.dtype)
        for name, column in layout.extra_columns.items()
    }


def count_rows(layout: Layout, actions: Mapping[str, Any]) -> int:
    """Return how many rows the columns of an action have."""
    name = layout.behavior.action_names[0]
    if name not in actions or not np.ndim(actions[name]):
        raise ObservationError(f"Action part '{name}' should be a column with a value for each step.")
    return len(actions[name])


def fit_whole_number(what: str, value: int) -> int:
    """Return a whole number that int64 holds."""
    if not _LOWEST <= value <= _HIGHEST:
        raise ObservationError(f"{what} should fit int64, got {value}.")
    return int(value)


def fit_whole_numbers(what: str, values: Any, num_rows: int) -> np.ndarray:
    """Return a column of whole numbers, int64; else they would be cut off or wrap round in silence."""
    column = np.asarray(values)
    if column.dtype.kind not in "iu" or column.shape != (num_rows,):
        raise ObservationError(
            f"{what} should be whole numbers of shape ({num_rows},), got {column.dtype} of shape {column.shape}."
        )
    if column.dtype.kind == "u" and num_rows and column.max() > _HIGHEST:
        raise ObservationError(f"{what} should fit int64, got {column.max()}.")
    return column


def fit_reward(value: float | None) -> float:
    """Return a reward, NaN where it is not known."""
    if value is None:
        return np.nan
    if _LARGEST < abs(value) < math.inf:
        raise ObservationError(f"Rewards should fit float32, got {value}.")
    return value


def fit_rewards(values: Any, num_rows: int) -> np.ndarray:
    """Return a column of rewards, float32."""
    column = np.asarray(values)
    if column.dtype.kind not in "fiub" or column.shape != (num_rows,):
        raise ObservationError(
            f"Rewards should be numbers of shape ({num_rows},), got {column.dtype} of shape {column.shape}."
        )
    with np.errstate(over="ignore"):
        narrow = column.astype(np.float32)
    too_large = np.isinf(narrow) & np.isfinite(column)
    if too_large.any():
        raise ObservationError(f"Rewards should fit float32, got {column[too_large][0]}.")
    return narrow


def fit_events(events: Sequence[Sequence[str]], num_rows: int) -> list[Sequence[str]]:
    """Return the events of each step."""
    if len(events) != num_rows:
        raise ObservationError(f"Events should be of {num_rows} steps, got {len(events)}.")
    return [fit_words(each) if len(each) else () for each in events]


def fit_words(words: Sequence[str]) -> list[str]:
    """Return the events of one step."""
    if isinstance(words, str):
        raise ObservationError(f"The events of a step should be a list of words, got {words!r}.")
    return [_word(each) for each in words]


def _word(word: str) -> str:
    if not isinstance(word, str):
        raise ObservationError(f"An event should be a word, got {word!r}.")
    # JSON can hold half a surrogate pair, which UTF-8 cannot.
    return word if word.isascii() else word.encode("utf-8", "replace").decode()


def _fitting(
    what: str, name: str, values: Mapping[str, Any], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> np.ndarray:
    if name not in values:
        raise ObservationError(f"{what} '{name}' is missing; found {', '.join(sorted(values)) or 'none'}.")
    array = np.asarray(values[name])
    if array.dtype != dtype and array.dtype.kind in "iub" and dtype.kind in "iu":
        narrow = array.astype(dtype)
        array = narrow if (narrow == array).all() else array
    check_array(f"{what} '{name}'", array, shape, dtype)
    return array


def _in_range(part: ActionSpec, values: np.ndarray) -> np.ndarray:
    """Refuse a choice that is none: training would count it as one. Numbers may leave their range, as people's do."""
    if not isinstance(part.space, spaces.Box):
        choices = 2 if isinstance(part.space, spaces.MultiBinary) else part.num_labels
        inside = 0 <= values < choices if not values.shape else _all_within(values, choices)
        if not inside:
            wrong = values if values.shape == part.shape else values[(values < 0) | (values >= choices)][:1]
            raise ObservationError(f"Action part '{part.name}' is {wrong.tolist()}, which is not in {part.space}.")
    return values


def _all_within(values: np.ndarray, choices: int) -> bool:
    return not values.size or bool(values.min() >= 0 and values.max() < choices)
