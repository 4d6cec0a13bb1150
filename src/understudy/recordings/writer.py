"""The writer: append-only, a record batch a second, each flushed and synced, all of it off the game's thread."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from gymnasium import spaces

from understudy.errors import ObservationError, RecordingError
from understudy.recordings.layout import CRC_KEY, SUFFIX, Layout, batch_crc
from understudy.recordings.provenance import Provenance, hash_player, project_key
from understudy.spec import Action, ActionSpec, BehaviorSpec, Observation, check_array

_QUEUED_BATCHES = 8


@dataclass
class _Row:
    observation: dict[str, np.ndarray]
    action: dict[str, np.ndarray]
    extras: dict[str, np.ndarray]
    reward: float | None
    events: list[str]
    tick: int
    time_ns: int
    terminated: bool = False
    truncated: bool = False
    final: bool = False


class EpisodeWriter:
    """Writes one episode to `FOLDER/NAME.arrows`.

    `append` copies its arrays and returns; a thread of the writer's own encodes, writes and syncs. If the process is
    killed, all but about the last second reads back. Use it as a context manager, and call `finish` when the episode
    ended by itself: a recording without it is read as incomplete.

    Args:
        folder: Made if it is not there.
        behavior: What is recorded.
        provenance: Where it comes from.
        name: Of the file, without suffix; by default the game, the time and twelve random digits.
        extras: Spaces of further arrays kept beside the spec.
        reveal_player: Store the player's id as it is, not as a hash under the folder's own key.

    Raises:
        RecordingError: If a recording of that name is there already, or a write failed (the disk is full).
        ObservationError: If an observation, action or extra does not fit the spec.
    """

    def __init__(
        self,
        folder: Path | str,
        behavior: BehaviorSpec,
        provenance: Provenance,
        *,
        name: str | None = None,
        extras: Mapping[str, spaces.Box] | None = None,
        reveal_player: bool = False,
    ) -> None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if provenance.player and not reveal_player:
            provenance = replace(provenance, player=hash_player(provenance.player, project_key(folder)))
        self.layout = Layout(behavior, provenance.stamped(), dict(extras or {}))
        self.path = folder / f"{name or _fresh_name(provenance.game)}{SUFFIX}"
        self.num_steps = 0
        self._rows: list[_Row] = []
        self._rows_per_batch = math.ceil(behavior.decision_hz)
        self._ended = self._closed = False
        self._queue: queue.Queue[list[_Row] | None] = queue.Queue(_QUEUED_BATCHES)
        self._failure: BaseException | None = None
        try:
            self._file = self.path.open("xb")
        except FileExistsError as error:
            raise RecordingError(
                f"{self.path} is there already; name the new recording otherwise, or move it away."
            ) from error
        self._thread = threading.Thread(target=self._write_batches, name=f"writer {self.path.name}", daemon=True)
        self._thread.start()

    def append(
        self,
        observation: Observation,
        action: Action,
        *,
        reward: float | None = None,
        events: Sequence[str] = (),
        extras: Mapping[str, np.ndarray] | None = None,
        tick: int | None = None,
        time_ns: int | None = None,
    ) -> None:
        """Record one decision: what was seen, what was done then, and the reward that followed.

        Args:
            observation: One array per sensor.
            action: One array per action part.
            reward: Received after the action; None where unknown.
            events: Words for what happened in this step, such as `"kill"`.
            extras: One array per extra.
            tick: The game's own count; by default the number of the decision.
            time_ns: Wall clock in nanoseconds; by default now.
        """
        self._require_open()
        behavior = self.layout.behavior
        behavior.check_observation(observation)
        row = _Row(
            {each.name: observation[each.name].copy() for each in behavior.sensors},
            {
                each.name: _in_range(each, _fitting("Action part", each.name, action, each.shape, each.dtype))
                for each in behavior.actions
            },
            {
                name: _fitting("Extra", name, extras or {}, tuple(space.shape), np.dtype(space.dtype))
                for name, space in self.layout.extras.items()
            },
            reward,
            list(events),
            self.num_steps if tick is None else tick,
            time.time_ns() if time_ns is None else time_ns,
        )
        # The newest row is held back, for only `finish` knows whether it was the last.
        if len(self._rows) > self._rows_per_batch:
            held = self._rows.pop()
            self._flush()
            self._rows.append(held)
        self._rows.append(row)
        self.num_steps += 1

    def finish(
        self, *, terminated: bool = False, truncated: bool = False, final_observation: Observation | None = None
    ) -> None:
        """Mark the episode as ended, by its own rules (`terminated`) or from outside (`truncated`), and close the file.

        Args:
            terminated: The game ended the episode.
            truncated: Something else did, such as a time limit or the end of a log.
            final_observation: What was seen after the last action.
        """
        self._require_open()
        if not self._rows:
            raise RecordingError(f"{self.path} has no step; an episode needs one before it can end.")
        last = self._rows[-1]
        last.terminated, last.truncated = terminated, truncated
        if final_observation is not None:
            self._rows.append(self._final_row(last, final_observation))
        self._ended = True
        self.close()

    def close(self) -> None:
        """Write what is left. Without `finish` before it, the recording stays readable but counts as incomplete."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._rows and self._failure is None:
                self._flush()
        finally:
            self._queue.put(None)
            self._thread.join()
        self._raise_failure()

    def __enter__(self) -> EpisodeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _final_row(self, last: _Row, observation: Observation) -> _Row:
        self.layout.behavior.check_observation(observation)
        seen = {each.name: observation[each.name].copy() for each in self.layout.behavior.sensors}
        blank = ({name: np.zeros_like(value) for name, value in part.items()} for part in (last.action, last.extras))
        action, extras = blank
        return _Row(seen, action, extras, None, [], last.tick + 1, last.time_ns, final=True)

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        self._raise_failure()
        self._queue.put(rows)

    def _require_open(self) -> None:
        self._raise_failure()
        if self._closed:
            raise RecordingError(f"{self.path} is closed; open a new writer for the next episode.")

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise RecordingError(
                f"Could not write {self.path}: {self._failure}. What was written before it reads back; free some space."
            ) from self._failure

    def _write_batches(self) -> None:
        """The writer's thread. After a failure it goes on emptying the queue, so that the game never blocks on it."""
        # Arrow writes the schema together with the first batch.
        self._stream = pa.ipc.new_stream(self._file, self.layout.schema())
        for rows in iter(self._queue.get, None):
            self._attempt(self._write_batch, rows)
        self._attempt(self._write_end)
        # After a failed write, closing tries to write the same bytes again and fails again.
        with contextlib.suppress(OSError):
            self._file.close()

    def _attempt(self, write: Callable[..., None], *arguments: Any) -> None:
        """Write unless an earlier write failed; a failure is handed to the game's thread by `_raise_failure`."""
        if self._failure is None:
            try:
                write(*arguments)
            except BaseException as error:
                self._failure = error

    def _write_batch(self, rows: list[_Row]) -> None:
        batch = self._encode(rows)
        self._stream.write_batch(batch, custom_metadata={CRC_KEY: str(batch_crc(batch)).encode()})
        _sync(self._file)

    def _write_end(self) -> None:
        """Write the end mark, which only a finished episode may have."""
        if self._ended:
            self._stream.close()
            _sync(self._file)

    def _encode(self, rows: list[_Row]) -> pa.RecordBatch:
        layout, schema = self.layout, self.layout.schema()
        arrays: dict[str, Any] = {
            "tick": pa.array([row.tick for row in rows], pa.int64()),
            "time_ns": pa.array([row.time_ns for row in rows], pa.int64()),
            "reward": pa.array([row.reward for row in rows], pa.float32()),
            "events": pa.array([row.events for row in rows], pa.list_(pa.string())),
        }
        for flag in ("terminated", "truncated", "final"):
            arrays[flag] = pa.array([getattr(row, flag) for row in rows], pa.bool_())
        arrays |= {c.key: c.encode([row.observation[name] for row in rows]) for name, c in layout.sensors.items()}
        arrays |= {c.key: c.encode([row.action[name] for row in rows]) for name, c in layout.actions.items()}
        arrays |= {c.key: c.encode([row.extras[name] for row in rows]) for name, c in layout.extra_columns.items()}
        return pa.RecordBatch.from_arrays([arrays[name] for name in schema.names], schema=schema)


def _fitting(
    what: str, name: str, values: Mapping[str, Any], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> np.ndarray:
    if name not in values:
        raise ObservationError(f"{what} '{name}' is missing; found {', '.join(sorted(values)) or 'none'}.")
    array = np.array(values[name])
    if array.dtype.kind in "iub" and dtype.kind in "iu" and (array.astype(dtype) == array).all():
        array = array.astype(dtype)
    check_array(f"{what} '{name}'", array, shape, dtype)
    return array


def _in_range(part: ActionSpec, value: np.ndarray) -> np.ndarray:
    """Refuse a choice that is none: training would count it as one. Numbers may leave their range, as people's do."""
    if not isinstance(part.space, spaces.Box) and not part.space.contains(value):
        raise ObservationError(f"Action part '{part.name}' is {value.tolist()}, which is not in {part.space}.")
    return value


def _fresh_name(game: str) -> str:
    word = re.sub(r"[^A-Za-z0-9_-]+", "-", game).strip("-") or "episode"
    return f"{word}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}"


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
