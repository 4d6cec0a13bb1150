"""One batch per turn: while a batch computes in its own thread, arriving requests gather for the next one.

Nothing waits for a batch to fill. A stream that is alone on the server has nobody to share a batch with, so a short
turn of it computes in the event loop itself: handing it to the thread and back would cost two wake-ups.
"""

from __future__ import annotations

import asyncio
import logging
import math
import queue
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from understudy.errors import ServingError
from understudy.serving.table import BotTable

MAX_ROWS = 1024
"""Of a batch. Throughput no longer rises there, and a longer turn only keeps the next one waiting."""

SHORT_TURN_S = 0.005
"""Seconds a batch may keep the event loop, with its health checks, waiting."""

_LOG = logging.getLogger(__name__)

Answer: TypeAlias = "list[np.ndarray] | Exception"


class Runtime(Protocol):
    """What computes a batch; `understudy.agents.runtime.PolicyRuntime` does."""

    def step(
        self, sensors: Sequence[np.ndarray], state: np.ndarray, noise: np.ndarray
    ) -> tuple[Sequence[np.ndarray], np.ndarray]:
        """Return the action parts and the next state, one row per bot."""
        ...


class PolicyStepError(Exception):
    """The policy itself failed. Not an `UnderstudyError`: no client can mend it."""


class Spawned(NamedTuple):
    """The bots that start afresh.

    Attributes:
        slots: int64, shape (spawned,), each once.
        seeds: Of their noise streams, uint64, shape (spawned,).
    """

    slots: np.ndarray
    seeds: np.ndarray


class Request(NamedTuple):
    """What one stream asks for in one tick.

    Attributes:
        spawned: Starts afresh before anything decides.
        slots: The slots that decide, int64, shape (bots,), each once.
        sensors: One array per sensor, in order, of shape (bots, *sensor shape).
    """

    spawned: Spawned | None
    slots: np.ndarray
    sensors: list[np.ndarray]


class _Waiting(NamedTuple):
    request: Request
    answer: asyncio.Future[list[np.ndarray]]


class Batcher:
    """Computes the requests of every stream of one bundle, in the order they came, as few batches as possible.

    Args:
        runtime: The policy.
        table: The memory of its bots; only this batcher's thread touches it.
        name: Of the bundle, for the thread and the log.
    """

    def __init__(self, runtime: Runtime, table: BotTable, name: str) -> None:
        self._runtime = runtime
        self._table = table
        self._name = name
        self._inbox: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._turn = threading.Lock()
        self._turn_s = math.inf
        self._thread = threading.Thread(target=self._work, name=f"policy {name}", daemon=True)
        self._thread.start()

    async def decide(self, request: Request, *, alone: bool) -> list[np.ndarray]:
        """Return one array per action part, in order, of shape (bots, *part shape).

        Args:
            request: What one stream asks for.
            alone: Whether no other stream is open on the server.

        Raises:
            ServingError: If the batcher is closed.
            PolicyStepError: If the policy itself failed.
        """
        if self._closed:
            raise ServingError(f"The bundle '{self._name}' is no longer served; the server is stopping.")
        if alone and self._turn_s < SHORT_TURN_S and self._turn.acquire(blocking=False):
            try:
                answer = self._answer([request])[0]
            finally:
                self._turn.release()
            if isinstance(answer, Exception):
                raise answer
            return answer
        waiting = _Waiting(request, asyncio.get_running_loop().create_future())
        self._inbox.put(waiting)
        return await waiting.answer

    def settle(self) -> None:
        """Do what the last turn put off, if no turn is being taken: a good moment is after its answer was sent."""
        if self._turn.acquire(blocking=False):
            try:
                self._table.settle()
            finally:
                self._turn.release()

    def close(self) -> None:
        """Finish what is queued and end the thread. Calling it twice does no harm."""
        self._closed = True
        self._inbox.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._inbox.get()) is not None:
            batch = self._gather(first)
            with self._turn:
                # A stream gives back its slots only after it cancelled its request. Looking at `cancelled` here, after
                # the last `get` and inside the turn, means: no slot is in two requests of a batch, or in two turns.
                batch = [each for each in batch if not each.answer.cancelled()]
                if batch:
                    _post(batch, self._answer([each.request for each in batch]))
                    self._table.settle()

    def _gather(self, first: _Waiting) -> list[_Waiting]:
        batch, rows = [first], len(first.request.slots)
        while rows < MAX_ROWS:
            try:
                waiting = self._inbox.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                self._inbox.put(None)
                break
            batch.append(waiting)
            rows += len(waiting.request.slots)
        return batch

    def _answer(self, requests: list[Request]) -> Sequence[Answer]:
        try:
            return self._compute(requests)
        except Exception:
            if len(requests) > 1:  # So that one stream's trouble stays its own.
                return [self._answer([each])[0] for each in requests]
            _LOG.exception("The policy '%s' failed on a batch of %d bots", self._name, len(requests[0].slots))
            return [PolicyStepError("The policy failed on this tick.")]

    def _compute(self, requests: list[Request]) -> list[list[np.ndarray]]:
        began = time.perf_counter()
        for each in requests:
            if each.spawned is not None:
                self._table.reset(each.spawned.slots, each.spawned.seeds)
        slots, sensors = _join(requests)
        state, noise = self._table.read(slots)
        actions, next_state = self._runtime.step(sensors, state, noise)
        self._table.advance(slots, next_state)
        self._turn_s = time.perf_counter() - began
        return _split(actions, [len(each.slots) for each in requests])


def _join(requests: list[Request]) -> tuple[np.ndarray, list[np.ndarray]]:
    if len(requests) == 1:
        return requests[0].slots, requests[0].sensors
    slots = np.concatenate([each.slots for each in requests])
    columns = zip(*(each.sensors for each in requests), strict=True)
    return slots, [np.concatenate(column) for column in columns]


def _split(actions: Sequence[np.ndarray], rows: Sequence[int]) -> list[list[np.ndarray]]:
    if len(rows) == 1:
        return [list(actions)]
    ends = np.cumsum(rows)
    return [[part[end - count : end] for part in actions] for end, count in zip(ends, rows, strict=True)]


def _post(batch: list[_Waiting], answers: Sequence[Answer]) -> None:
    try:
        batch[0].answer.get_loop().call_soon_threadsafe(_deliver, batch, answers)
    except RuntimeError:
        _LOG.debug("The event loop ended before %d answers", len(batch))


def _deliver(batch: list[_Waiting], answers: Sequence[Answer]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(answer, Exception):
            waiting.answer.set_exception(answer)
        else:
            waiting.answer.set_result(answer)
