"""Reads a log whole, checking each row against its spec, and compares what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import ObservationError
from understudy.recordings.formats.protocol import Ending, Importer, ImportOptions, LogEpisode, Rows

MAX_ROWS = 4096
MAX_PICTURES = 64


def promise(kept: bool, otherwise: str) -> None:
    """Raise `AssertionError` for a promise that was not kept."""
    if not kept:
        raise AssertionError(f"The importer breaks its contract: {otherwise}.")


@dataclass(frozen=True)
class EpisodeRead:
    """What was read of an episode: its columns by `kind.name`, whole, and how it ended."""

    name: str
    player: str
    source: str
    columns: dict[str, np.ndarray]
    events: tuple[tuple[str, ...], ...]
    ending: Ending | None
    num_losses: int

    @property
    def num_steps(self) -> int:
        """How many steps it has."""
        return len(next(iter(self.columns.values()))) if self.columns else 0


def read_log(importer: Importer, log: Path, options: ImportOptions) -> list[EpisodeRead]:
    """Read a log whole and check that every row fits its spec.

    Raises:
        RecordingError: If the importer does.
        AssertionError: If rows do not fit, or anything else comes out of the importer.
    """
    importer.describe(log, options)
    return [_read_episode(each) for each in importer.iter_episodes(log, options)]


def _read_episode(log: LogEpisode) -> EpisodeRead:
    parts: dict[str, list[np.ndarray]] = {}
    events: list[tuple[str, ...]] = []
    ending: Ending | None = None
    for rows in log.rows:
        promise(ending is None, f"episode '{log.name}' goes on after its ending")
        _check_rows(log, rows)
        for key, values in _columns(rows).items():
            parts.setdefault(key, []).append(np.array(values))
        events += [tuple(words) for words in rows.events] if rows.events is not None else [()] * len(rows)
        ending = rows.ending
    columns = {key: np.concatenate(values) for key, values in parts.items()}
    found = EpisodeRead(
        log.name,
        log.provenance.player,
        log.provenance.source,
        columns,
        tuple(events),
        ending,
        len(log.losses),
    )
    known = log.num_steps is None or log.num_steps >= found.num_steps
    promise(known, f"episode '{log.name}' promises {log.num_steps} steps and has {found.num_steps}")
    return found


def _columns(rows: Rows) -> dict[str, np.ndarray]:
    columns = {f"observation.{name}": values for name, values in rows.observations.items()}
    columns |= {f"action.{name}": values for name, values in rows.actions.items()}
    columns |= {f"extra.{name}": values for name, values in rows.extras.items()}
    plain = {"reward": rows.rewards, "tick": rows.ticks, "time_ns": rows.times_ns}
    return columns | {name: values for name, values in plain.items() if values is not None}


def _check_rows(log: LogEpisode, rows: Rows) -> None:
    where, size = f"episode '{log.name}'", len(rows)
    pictures = any(len(each.space.shape) == 3 and each.space.dtype == np.uint8 for each in log.behavior.sensors)
    limit = MAX_PICTURES if pictures else MAX_ROWS
    promise(size <= limit, f"{where} yields {size} rows at once, above {limit}")
    try:
        log.behavior.check_observation(rows.observations, rows=size)
        if rows.ending is not None and rows.ending.final_observation is not None:
            log.behavior.check_observation(rows.ending.final_observation)
    except ObservationError as error:
        raise AssertionError(f"The importer breaks its contract: {where}: {error}") from error
    for what, found, expected in (
        ("sensors", rows.observations, log.behavior.sensor_names),
        ("action parts", rows.actions, log.behavior.action_names),
        ("extras", rows.extras, log.extras),
    ):
        promise(set(found) == set(expected), f"{where} has the {what} {sorted(found)}, not {sorted(expected)}")
    _check_actions(log, rows, where)
    _check_others(log, rows, where)


def _check_actions(log: LogEpisode, rows: Rows, where: str) -> None:
    for part in log.behavior.actions:
        values = rows.actions[part.name]
        _check_form(f"{where}: part '{part.name}'", values, (len(rows), *part.shape), part.dtype)
        inside = isinstance(part.space, spaces.Box) or all(part.space.contains(value) for value in values)
        promise(bool(inside and np.isfinite(values).all()), f"{where}: part '{part.name}' leaves {part.space}")


def _check_others(log: LogEpisode, rows: Rows, where: str) -> None:
    size = len(rows)
    for name, space in log.extras.items():
        _check_form(f"{where}: extra '{name}'", rows.extras[name], (size, *space.shape), np.dtype(space.dtype))
    for name, found, dtype in (
        ("rewards", rows.rewards, np.float32),
        ("ticks", rows.ticks, np.int64),
        ("times_ns", rows.times_ns, np.int64),
    ):
        if found is not None:
            _check_form(f"{where}: {name}", found, (size,), np.dtype(dtype))
    promise(rows.events is None or len(rows.events) == size, f"{where} has events of other steps than it has")


def _check_form(what: str, values: np.ndarray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    fits = values.shape == shape and values.dtype == dtype
    promise(fits, f"{what} is {values.dtype} of shape {values.shape}, not {dtype} of shape {shape}")


def is_beginning(part: EpisodeRead, whole: EpisodeRead, unsettled: int) -> bool:
    """Whether `part` is the first rows of `whole`, but for the last `unsettled` of them, in the columns of both."""
    size = part.num_steps if part.num_steps == whole.num_steps else max(0, part.num_steps - unsettled)
    shared = _forms(part) & _forms(whole)
    return part.num_steps <= whole.num_steps and all(
        _agrees(key, part.columns[key][:size], whole.columns[key][:size]) for key, _, _ in shared
    )


def _agrees(key: str, part: np.ndarray, whole: np.ndarray) -> bool:
    # What followed the last action may have been in what was cut off.
    if key == "reward" and np.isnan(part[-1:]).all():
        part, whole = part[:-1], whole[:-1]
    return _equal(part, whole)


def has_all_columns(part: EpisodeRead, whole: EpisodeRead) -> bool:
    """Whether nothing that goes with a step was left out."""
    size = part.num_steps
    return _forms(part) == _forms(whole) and part.events[:size] == whole.events[:size]


def _forms(episode: EpisodeRead) -> set[tuple[str, str, tuple[int, ...]]]:
    return {(key, values.dtype.name, values.shape[1:]) for key, values in episode.columns.items()}


def is_same(one: Sequence[EpisodeRead], other: Sequence[EpisodeRead]) -> bool:
    """Whether two readings of a log are equal."""
    return len(one) == len(other) and all(
        (left.name, left.player, left.events) == (right.name, right.player, right.events)
        and left.num_steps == right.num_steps
        and has_all_columns(left, right)
        and is_beginning(left, right, 0)
        and _same_ending(left.ending, right.ending)
        for left, right in zip(one, other, strict=True)
    )


def _same_ending(one: Ending | None, other: Ending | None) -> bool:
    if one is None or other is None:
        return one is other
    finals = (one.final_observation or {}, other.final_observation or {})
    same = (one.terminated, one.truncated, set(finals[0])) == (other.terminated, other.truncated, set(finals[1]))
    return same and all(_equal(finals[0][name], finals[1][name]) for name in finals[0])


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
