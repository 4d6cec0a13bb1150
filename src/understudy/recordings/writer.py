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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from gymnasium import spaces

from understudy.errors import RecordingError
from understudy.recordings.fitting import (
    count_rows,
    fit_actions,
    fit_events,
    fit_extras,
    fit_reward,
    fit_rewards,
    fit_whole_number,
    fit_whole_numbers,
    fit_words,
)
from understudy.recordings.layout import CRC_KEY, SUFFIX, Layout, batch_crc
from understudy.recordings.provenance import Provenance, hash_player, project_key
from understudy.spec import Action, BehaviorSpec, Observation

_QUEUED_BATCHES = 8


class _Batch:
    """Decisions not yet handed to the writer's thread, as columns with room for `capacity` rows and a final one."""

    def __init__(self, layout: Layout, capacity: int) -> None:
        self.num_rows = 0
        self.capacity = capacity
        rows = capacity + 1
        # Zeros cost nothing until they are written to, and are what a final row's actions are.
        self.observations = {name: np.zeros((rows, *c.shape), c.dtype) for name, c in layout.sensors.items()}
        self.actions = {name: np.zeros((rows, *c.shape), c.dtype) for name, c in layout.actions.items()}
        self.extras = {name: np.zeros((rows, *c.shape), c.dtype) for name, c in layout.extra_columns.items()}
        self.rewards = np.full(rows, np.nan, np.float32)
        self.ticks, self.times_ns = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        self.flags = {name: np.zeros(rows, bool) for name in ("terminated", "truncated", "final")}
        self.events: list[Sequence[str]] = []

    def put(
        self, rows: int | slice, observations: Observation, actions: Action, extras: Mapping[str, np.ndarray]
    ) -> None:
        """Copy what fits into a row, or into several."""
        for columns, values in ((self.observations, observations), (self.actions, actions), (self.extras, extras)):
            for name in values.keys() & columns.keys():
                columns[name][rows] = values[name]

    def encode(self, layout: Layout) -> pa.RecordBatch:
        """Turn the columns into what lies in the file."""
        rows = slice(self.num_rows)
        rewards = self.rewards[rows]
        arrays: dict[str, Any] = {
            "tick": pa.array(self.ticks[rows]),
            "time_ns": pa.array(self.times_ns[rows]),
            "reward": pa.array(rewards, mask=np.isnan(rewards)),
            "events": pa.array(self.events, pa.list_(pa.string())),
            **{name: pa.array(values[rows]) for name, values in self.flags.items()},
        }
        for columns, values in (
            (layout.sensors, self.observations),
            (layout.actions, self.actions),
            (layout.extra_columns, self.extras),
        ):
            arrays |= {column.key: column.encode(values[name][rows]) for name, column in columns.items()}
        schema = layout.arrow_schema
        return pa.RecordBatch.from_arrays([arrays[name] for name in schema.names], schema=schema)


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
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if provenance.player and not reveal_player:
                provenance = replace(provenance, player=hash_player(provenance.player, project_key(folder)))
        self.layout = Layout(behavior, provenance.stamped(), dict(extras or {}))
        self.path = folder / f"{name or _fresh_name(provenance.game)}{SUFFIX}"
        _require_json(self.layout)
        self.num_steps = 0
        self._rows_per_batch = math.ceil(behavior.decision_hz)
        self._batch = _Batch(self.layout, self._rows_per_batch)
        self._ended = self._closed = False
        self._queue: queue.Queue[_Batch | None] = queue.Queue(_QUEUED_BATCHES)
        self._failure: BaseException | None = None
        with _writing(self.path):
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
        layout = self.layout
        layout.behavior.check_observation(observation)
        fitting_actions = fit_actions(layout, action, ())
        fitting_extras = fit_extras(layout, extras or {}, ())
        known_reward, words = fit_reward(reward), fit_words(events)
        number = fit_whole_number("A tick", self.num_steps if tick is None else tick)
        clock = fit_whole_number("A time", time.time_ns() if time_ns is None else time_ns)
        # A full batch is only written once another row comes: only `finish` knows which row is the last.
        if self._batch.num_rows == self._batch.capacity:
            self._flush(_Batch(layout, self._rows_per_batch))
        batch, row = self._batch, self._batch.num_rows
        batch.put(row, observation, fitting_actions, fitting_extras)
        batch.rewards[row], batch.ticks[row], batch.times_ns[row] = known_reward, number, clock
        batch.events.append(words)
        batch.num_rows += 1
        self.num_steps += 1

    def extend(
        self,
        observations: Mapping[str, np.ndarray],
        actions: Mapping[str, np.ndarray],
        *,
        rewards: np.ndarray | None = None,
        events: Sequence[Sequence[str]] | None = None,
        extras: Mapping[str, np.ndarray] | None = None,
        ticks: np.ndarray | None = None,
        times_ns: np.ndarray | None = None,
    ) -> None:
        """Record many decisions at once, as columns; n is their number.

        Args:
            observations: By sensor name, shape (n, *sensor shape).
            actions: By part name, shape (n, *part shape).
            rewards: Shape (n,), NaN where unknown.
            events: The words of each step.
            extras: By name, shape (n, *shape).
            ticks: Shape (n,); by default the numbers of the decisions.
            times_ns: Shape (n,); by default game time from nought, at the decision rate.
        """
        self._require_open()
        layout, num_rows = self.layout, count_rows(self.layout, actions)
        layout.behavior.check_observation(observations, rows=num_rows)
        fitting_actions = fit_actions(layout, actions, (num_rows,))
        fitting_extras = fit_extras(layout, extras or {}, (num_rows,))
        numbers = np.arange(self.num_steps, self.num_steps + num_rows)
        game_time = np.round(numbers * (1e9 / layout.behavior.decision_hz)).astype(np.int64)
        fitting_ticks = fit_whole_numbers("Ticks", numbers if ticks is None else ticks, num_rows)
        fitting_times = fit_whole_numbers("Times", game_time if times_ns is None else times_ns, num_rows)
        fitting_rewards = fit_rewards(np.full(num_rows, np.nan) if rewards is None else rewards, num_rows)
        words = fit_events([()] * num_rows if events is None else events, num_rows)
        if not num_rows:
            return
        self._flush(_Batch(layout, num_rows))
        batch, rows = self._batch, slice(num_rows)
        batch.put(rows, observations, fitting_actions, fitting_extras)
        batch.rewards[rows], batch.ticks[rows], batch.times_ns[rows] = fitting_rewards, fitting_ticks, fitting_times
        batch.events += words
        batch.num_rows = num_rows
        self.num_steps += num_rows

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
        batch = self._batch
        if not batch.num_rows:
            raise RecordingError(f"{self.path} has no step; an episode needs one before it can end.")
        batch.flags["terminated"][batch.num_rows - 1] = terminated
        batch.flags["truncated"][batch.num_rows - 1] = truncated
        if final_observation is not None:
            self._append_final(final_observation)
        self._ended = True
        self.close()

    def close(self) -> None:
        """Write what is left. Without `finish` before it, the recording stays readable but counts as incomplete."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._failure is None:
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

    def _append_final(self, observation: Observation) -> None:
        self.layout.behavior.check_observation(observation)
        batch, row = self._batch, self._batch.num_rows
        batch.put(row, observation, {}, {})
        batch.ticks[row] = min(int(batch.ticks[row - 1]) + 1, np.iinfo(np.int64).max)
        batch.times_ns[row] = batch.times_ns[row - 1]
        batch.flags["final"][row] = True
        batch.events.append(())
        batch.num_rows += 1

    def _flush(self, fresh: _Batch | None = None) -> None:
        self._raise_failure()
        if self._batch.num_rows:
            self._queue.put(self._batch)
        self._batch = fresh or _Batch(self.layout, 0)

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
        self._stream = pa.ipc.new_stream(self._file, self.layout.arrow_schema)
        for batch in iter(self._queue.get, None):
            self._attempt(self._write_batch, batch)
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

    def _write_batch(self, batch: _Batch) -> None:
        encoded = batch.encode(self.layout)
        self._stream.write_batch(encoded, custom_metadata={CRC_KEY: str(batch_crc(encoded)).encode()})
        _sync(self._file)

    def _write_end(self) -> None:
        """Write the end mark, which only a finished episode may have."""
        if self._ended:
            self._stream.close()
            _sync(self._file)


@contextlib.contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordingError(f"{place} cannot be written: {error.strerror}.") from error


def _require_json(layout: Layout) -> None:
    """Make the schema here: what fails in the writer's thread, nobody would hear of."""
    try:
        _ = layout.arrow_schema
    except (TypeError, ValueError) as error:
        raise RecordingError(f"The provenance cannot be written as JSON: {error}.") from error


def _fresh_name(game: str) -> str:
    word = re.sub(r"[^A-Za-z0-9_-]+", "-", game).strip("-") or "episode"
    return f"{word}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}"


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
