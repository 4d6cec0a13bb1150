"""One batch per turn: while a batch computes in its own thread, arriving requests gather for the next one.

Nothing waits for a batch to fill. A stream that is alone on the server, and has one tick under way, has nobody to
share a batch with, so a short turn of it computes in the event loop itself: handing it to the thread and back would
cost two wake-ups.
"""

from __future__ import annotations

import asyncio
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from understudy.errors import ServingError
from understudy.serving.metrics import LateReason
from understudy.serving.request import Decided, Late, Request
from understudy.serving.table import BotTable
from understudy.serving.versions import Versions

MAX_ROWS = 1024
"""Of a batch. Throughput no longer rises there, and a longer turn only keeps the next one waiting."""

MAX_WAITING_ROWS = 16 * MAX_ROWS
"""Rows that may wait for their turn; the tick that comes on top of them is put aside."""

SHORT_TURN_S = 0.005
"""Seconds a batch may keep the event loop, with its health checks, waiting."""

_LOG = logging.getLogger(__name__)


class PolicyStepError(Exception):
    """The policy itself failed. Not an `UnderstudyError`: no client can mend it."""


class _Ask:
    """A request on its way: waiting, computing, decided or put aside."""

    __slots__ = ("answer", "claimed", "outcome", "request", "rows")

    def __init__(self, request: Request, answer: asyncio.Future[Decided] | None) -> None:
        self.request = request
        self.answer = answer  # None if it is computed while its stream looks on
        self.claimed = False  # by a turn that keeps its result, or by the timer that put it aside
        self.outcome: Decided | Exception | None = None
        self.rows = len(request.slots)  # that count as waiting

    @property
    def cancelled(self) -> bool:
        return self.answer is not None and self.answer.cancelled()


class Batcher:
    """Computes the requests of every stream of one bundle, in the order they came, as few batches as possible.

    Args:
        versions: Of the policy.
        table: The memory of its bots; only a turn touches it.
        name: Of the bundle, for the thread and the log.
        max_waiting_rows: Beyond which the newest tick is put aside.
    """

    def __init__(
        self, versions: Versions, table: BotTable, name: str, max_waiting_rows: int = MAX_WAITING_ROWS
    ) -> None:
        self._versions = versions
        self._table = table
        self._name = name
        self._max_waiting_rows = max_waiting_rows
        self._inbox: queue.SimpleQueue[_Ask | None] = queue.SimpleQueue()
        self._held: _Ask | None = None
        # Each has one writer: the event loop counts what comes, the thread what it took.
        self._rows_in = self._rows_out = self._asks_in = self._asks_out = 0
        self._closed = False
        self._turn = threading.Lock()
        self._claims = threading.Lock()
        self._turn_s = math.inf
        self._thread = threading.Thread(target=self._work, name=f"policy {name}", daemon=True)
        self._thread.start()

    def submit(self, request: Request, *, inline: bool) -> Decided | asyncio.Future[Decided]:
        """Return the decision, or a future of it.

        Args:
            request: What one stream asks for. Its births and changes of style happen even if it is late.
            inline: Whether it may be computed here and now.

        Raises:
            ServingError: If the batcher is closed.
            PolicyStepError: If the policy itself failed.
        """
        if self._closed:
            raise ServingError(f"The bundle '{self._name}' is no longer served; the server is stopping.")
        idle = self._asks_in == self._asks_out
        if inline and idle and self._turn_s < SHORT_TURN_S and self._turn.acquire(blocking=False):
            return self._decide_here(request)
        return self._enqueue(request)

    def between_turns(self, change: Callable[[BotTable], None]) -> None:
        """Change the bots' memory while no turn is being taken; blocks until then."""
        with self._turn:
            change(self._table)

    def close(self) -> None:
        """Finish what is queued and end the thread. Calling it twice does no harm."""
        self._closed = True
        self._inbox.put(None)
        self._thread.join()

    # --- the event loop --------------------------------------------------------------------------------------------

    def _decide_here(self, request: Request) -> Decided:
        ask = _Ask(request, None)
        try:
            self._take_turn([ask])
        finally:
            self._turn.release()
        return self._reckon(ask)

    def _enqueue(self, request: Request) -> asyncio.Future[Decided]:
        loop = asyncio.get_running_loop()
        ask = _Ask(request, loop.create_future())
        assert ask.answer is not None
        waiting = self._rows_in - self._rows_out
        if waiting and ask.rows and waiting + ask.rows > self._max_waiting_rows:
            self._put_aside(ask, Late.OVERLOAD)
            ask.rows = 0
        elif request.deadline < math.inf:
            timer = loop.call_later(request.deadline - time.perf_counter(), self._put_aside, ask, Late.BUDGET)
            ask.answer.add_done_callback(lambda _: timer.cancel())
        self._rows_in += ask.rows
        self._asks_in += 1
        self._inbox.put(ask)
        return ask.answer

    def _put_aside(self, ask: _Ask, why: Late) -> None:
        """Answer with fallbacks, unless a turn keeps the result; what the tick saves still comes from its turn."""
        with self._claims:
            if ask.claimed:
                return
            ask.outcome = Decided(None, why)  # first, for a turn looks at `claimed` without the lock
            ask.claimed = True
        if not ask.request.save:
            _deliver([ask], self._reckon)

    def _reckon(self, ask: _Ask) -> Decided:
        """Return the outcome, counted; raises it if it is an error."""
        if isinstance(ask.outcome, Exception):
            raise ask.outcome
        assert ask.outcome is not None
        if ask.outcome.late:
            reason: LateReason = "budget" if ask.outcome.late is Late.BUDGET else "overload"
            self._versions.newest.counters.late(reason, len(ask.request.slots))
        return ask.outcome

    # --- the thread ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (first := self._next()) is not None:
            batch = self._gather(first)
            self._rows_out += sum(each.rows for each in batch)
            with self._turn:
                self._take_turn(batch)
                self._asks_out += len(batch)
                _post(batch, self._reckon)

    def _next(self) -> _Ask | None:
        held, self._held = self._held, None
        return held if held is not None else self._inbox.get()

    def _gather(self, first: _Ask) -> list[_Ask]:
        batch, rows, owners = [first], len(first.request.slots), {id(first.request.owner)}
        while rows < MAX_ROWS:
            try:
                ask = self._inbox.get_nowait()
            except queue.Empty:
                break
            if ask is None:
                self._inbox.put(None)
                break
            if id(ask.request.owner) in owners:  # Its bots' states must first be those after the tick before.
                self._held = ask
                break
            owners.add(id(ask.request.owner))
            batch.append(ask)
            rows += len(ask.request.slots)
        return batch

    # --- a turn, in either -----------------------------------------------------------------------------------------

    def _take_turn(self, asks: list[_Ask]) -> None:
        began = time.perf_counter()
        for each in asks:
            self._change(each)
        # A session gives back its slots only after it cancelled its ticks. Looking at `cancelled` here, after the last
        # `get` and inside the turn, means: no slot decides twice in a batch, or in two turns at once.
        deciding = [each for each in asks if not each.claimed and not each.cancelled]
        if deciding:
            self._decide(deciding)
        for each in asks:
            if each.request.save and isinstance(each.outcome, Decided):
                each.outcome = each.outcome._replace(saved=self._table.save(each.request.save))
        self._turn_s = time.perf_counter() - began

    def _change(self, ask: _Ask) -> None:
        """Do what comes before the decision; a mistake of ours in it must not end the thread, which plays for all."""
        births, restyles = ask.request.births, ask.request.restyles
        try:
            if births is not None:
                self._table.reset(births.slots, births.seeds, births.styles)
                if births.saved:
                    self._table.restore(list(births.saved), list(births.saved.values()))
            if restyles is not None:
                self._table.restyle(*restyles)
        except Exception:
            self._fail(ask, "The bots of a tick for '%s' could not be changed")

    def _fail(self, ask: _Ask, log: str) -> None:
        _LOG.exception(log, self._name)
        with self._claims:
            ask.outcome, ask.claimed = PolicyStepError("The policy failed on this tick."), True

    def _decide(self, asks: list[_Ask]) -> None:
        """Compute, and give each its outcome; a batch that fails is computed again, one stream at a time."""
        requests = [each.request for each in asks]
        slots, sensors = _join(requests)
        try:
            queue_s = time.perf_counter() - requests[0].received
            actions, state = self._versions.step(slots, sensors, self._table.read(slots), len(asks), queue_s)
        except Exception:
            if len(asks) > 1:
                for each in asks:
                    self._decide([each])
                return
            self._fail(asks[0], "The policy '%s' failed on a tick")
            return
        self._keep(asks, slots, state)
        rows = [len(each.slots) for each in requests]
        for each, parts in zip(asks, _split(actions, rows), strict=True):
            if each.outcome is None:
                each.outcome = Decided(parts)

    def _keep(self, asks: list[_Ask], slots: np.ndarray, state: np.ndarray) -> None:
        """Keep the next states, but of bots whose answer comes too late: for them, nothing has happened."""
        now = time.perf_counter()
        with self._claims:
            late = [each.claimed or each.cancelled or now > each.request.deadline for each in asks]
            for each, too_late in zip(asks, late, strict=True):
                if too_late and not each.claimed:
                    each.outcome = Decided(None, Late.BUDGET)
                each.claimed = True
        if any(late):
            kept = ~np.repeat(late, [len(each.request.slots) for each in asks])
            slots, state = slots[kept], state[kept]
        self._table.advance(slots, state)


def _join(requests: list[Request]) -> tuple[np.ndarray, Sequence[np.ndarray]]:
    if len(requests) == 1:
        return requests[0].slots, requests[0].sensors
    slots = np.concatenate([each.slots for each in requests])
    columns = zip(*(each.sensors for each in requests), strict=True)
    return slots, [np.concatenate(column) for column in columns]


def _split(actions: Sequence[np.ndarray], rows: Sequence[int]) -> list[Sequence[np.ndarray]]:
    if len(rows) == 1:
        return [actions]
    ends = np.cumsum(rows)
    return [[part[end - count : end] for part in actions] for end, count in zip(ends, rows, strict=True)]


def _post(asks: list[_Ask], reckon: Callable[[_Ask], Decided]) -> None:
    answer = asks[0].answer
    assert answer is not None
    try:
        answer.get_loop().call_soon_threadsafe(_deliver, asks, reckon)
    except RuntimeError:
        _LOG.debug("The event loop ended before %d answers", len(asks))


def _deliver(asks: list[_Ask], reckon: Callable[[_Ask], Decided]) -> None:
    for each in asks:
        if each.answer is None or each.answer.done():  # put aside already, or cancelled
            continue
        try:
            each.answer.set_result(reckon(each))
        except Exception as error:  # the outcome itself: the stream that waits raises it
            each.answer.set_exception(error)
