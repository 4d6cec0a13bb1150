"""The bots that one client plays with one bundle, apart from any protocol. It belongs to the event loop."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from understudy.errors import ServingError
from understudy.serving.codec import Codec
from understudy.serving.deployment import Deployment
from understudy.serving.fallback import Fallback
from understudy.serving.request import Births, Decided, Late, Request, Restyles
from understudy.serving.roster import Roster
from understudy.serving.saved import SavedBot
from understudy.spec import BehaviorSpec


class Birth(NamedTuple):
    """A bot that starts, or starts afresh.

    Attributes:
        bot: The client's own number for it, below 2**32.
        seed: Of its noise stream, below 2**64.
        style: float32, shape (style_size,); the bundle's default if None.
        state: Of a saved bot, which then goes on where it stopped; empty for a new one.
    """

    bot: int
    seed: int
    style: np.ndarray | None = None
    state: bytes = b""


class Decision(NamedTuple):
    """What some bots do.

    Attributes:
        actions: One array per action part, in the spec's order, of shape (bots, *part shape).
        late: Whether these are fallbacks.
        saved: The memory of the bots that were to be saved, in their order.
    """

    actions: Sequence[np.ndarray]
    late: Late
    saved: Sequence[SavedBot]


Answer: TypeAlias = "Decided | asyncio.Future[Decided]"


class Ticket(NamedTuple):
    """A tick that was submitted; `Session.complete` takes it back with its answer."""

    slots: np.ndarray
    born: np.ndarray | None
    answer: Answer


class Session:
    """Made by `Registry.open`.

    Args:
        deployment: The bundle it plays.
        max_bots: How many bots may live in it at once.
        peer: Who plays, for the status page.
        dialect: The protocol it speaks.
        on_close: Called once, when it ends.

    Attributes:
        budget_s: Seconds within which a tick must be answered.
        fallback: What late bots do.
        ticks: How many were decided, or answered with fallbacks.
        late_ticks: How many of them were late.
        began: When it was opened, by `time.monotonic`.
    """

    def __init__(
        self,
        deployment: Deployment,
        max_bots: int,
        peer: str = "",
        dialect: str = "",
        on_close: Callable[[Session], None] = lambda _: None,
    ) -> None:
        self.deployment = deployment
        self.peer = peer
        self.dialect = dialect
        self.budget_s = math.inf
        self.fallback = Fallback.REPEAT
        self.ticks = self.late_ticks = 0
        self.began = time.monotonic()
        self._roster = Roster(deployment.slots, max_bots)
        self._on_close = on_close
        self._births: list[Births] = []
        self._restyles: list[Restyles] = []
        self._last: tuple[np.ndarray, Sequence[np.ndarray]] | None = None
        # Each tick under way, with the slots of bots that were despawned before it: an earlier tick may still use them.
        self._ended: list[int] = []
        self._under_way: deque[tuple[list[int], Ticket]] = deque()
        self._closed = False

    @property
    def behavior(self) -> BehaviorSpec:
        """What its bots see and do."""
        return self.deployment.behavior

    @property
    def codec(self) -> Codec:
        """Of the behaviour."""
        return self.deployment.codec

    @property
    def living(self) -> list[int]:
        """The client's numbers of the bots that live."""
        return self._roster.living

    def require_room(self, bots: int) -> None:
        """Raise `BotLimitError` if one tick cannot name so many bots, before anything is made of them."""
        self._roster.require_room(bots)

    def despawn(self, bots: Sequence[int]) -> None:
        """End some bots now; raises `ServingError` if one does not live, or is named twice: then none ends."""
        self._ended += self._roster.despawn(bots)
        self._give_back()

    def spawn(self, births: Sequence[Birth]) -> None:
        """Start some bots with the next tick; one that lives starts afresh.

        Raises:
            ServingError: If a bot is named twice, a style does not fit, or the bytes of a saved bot do not.
            BotLimitError: If there would be too many bots.
        """
        bundle = self.deployment.bundle
        styles = np.zeros((len(births), bundle.style_size), np.float32)
        for row, each in enumerate(births):
            styles[row] = bundle.style() if each.style is None else self._checked_style(each.style)
        sizes = (bundle.state_size, bundle.style_size)
        saved = [SavedBot.from_bytes(each.state, *sizes) if each.state else None for each in births]
        slots = self._roster.spawn([each.bot for each in births])
        seeds = np.array([each.seed for each in births], np.uint64)
        restored = {int(slot): bot for slot, bot in zip(slots, saved, strict=True) if bot is not None}
        self._births.append(Births(slots, seeds, styles, restored))

    def restyle(self, bots: Sequence[int], styles: Sequence[np.ndarray]) -> None:
        """Change the style of some living bots with the next tick; raises `ServingError` if that cannot be."""
        slots = self._roster.slots(bots)
        self._restyles.append(Restyles(slots, np.stack([self._checked_style(each) for each in styles])))

    async def decide(self, bots: Sequence[int], sensors: Sequence[np.ndarray], save: Sequence[int] = ()) -> Decision:
        """Let some bots decide once.

        Args:
            bots: Their numbers, each living and at most once.
            sensors: In the spec's order, each of shape (len(bots), *sensor shape), checked already.
            save: Numbers of bots whose memory, after this, the answer shall hold.

        Raises:
            ServingError: If a bot does not live or is named twice.
            PolicyStepError: If the policy itself failed.
        """
        ticket = self.submit(bots, sensors, save)
        answer = ticket.answer
        try:
            decided = answer if isinstance(answer, Decided) else await answer
        except BaseException:
            self._abandon(ticket)
            raise
        return self.complete(ticket, decided)

    def submit(
        self, bots: Sequence[int], sensors: Sequence[np.ndarray], save: Sequence[int] = (), *, inline: bool = False
    ) -> Ticket:
        """Ask for a decision; see `decide`. Tickets must be completed in their order.

        Args:
            bots: As for `decide`.
            sensors: As for `decide`.
            save: As for `decide`.
            inline: Whether the batch may be computed in the event loop, here and now.
        """
        now = time.perf_counter()
        slots = self._roster.slots(bots)
        saving = self._roster.slots(save).tolist() if save else ()
        births = _join_births(self._births) if self._births else None
        restyles = Restyles(*map(np.concatenate, zip(*self._restyles, strict=True))) if self._restyles else None
        self._births, self._restyles = [], []
        request = Request(self, slots, sensors, births, restyles, saving, now, now + self.budget_s)
        answer = self.deployment.batcher.submit(request, inline=inline)
        ticket = Ticket(slots, None if births is None else births.slots, answer)
        self._under_way.append((self._ended, ticket))
        self._ended = []
        return ticket

    def complete(self, ticket: Ticket, decided: Decided) -> Decision:
        """Turn the answer to a ticket into what its bots do."""
        if self._under_way:  # else it was closed meanwhile
            self._free(self._under_way.popleft()[0])
        self.ticks += 1
        self._begin_idle(ticket)
        if decided.actions is None:
            self.late_ticks += 1
            return Decision(self._fallback(ticket.slots), decided.late, decided.saved)
        if self._last is not None and self._last[0] is not ticket.slots:
            self._spread_last()
        self._last = (ticket.slots, decided.actions)
        return Decision(decided.actions, Late.NO, decided.saved)

    def interrupt(self) -> None:
        """Forget the ticks under way: what is not decided will not be, but its bots are born."""
        for ended, ticket in self._under_way:
            self.ticks += _stop_waiting(ticket.answer)
            self._begin_idle(ticket)
            self._ended += ended
        self._under_way.clear()
        self._give_back()

    def close(self) -> None:
        """Free every bot. Calling it twice does no harm."""
        if not self._closed:
            self._closed = True
            self._births, self._restyles = [], []
            self.interrupt()
            self.despawn(self.living)
            self._on_close(self)

    def _abandon(self, ticket: Ticket) -> None:
        """Forget a tick whose answer nobody waits for; `interrupt` may have done so already."""
        for ended, each in self._under_way:
            if each is ticket:
                self._ended += ended
                self._begin_idle(ticket)
        self._under_way = deque(each for each in self._under_way if each[1] is not ticket)
        self._give_back()

    def _give_back(self) -> None:
        """Free the slots of bots that ended, unless a tick under way or one to come still changes them."""
        if not (self._under_way or self._births or self._restyles):
            self._free(self._ended)
            self._ended = []

    def _free(self, slots: Sequence[int]) -> None:
        if slots:
            self._spread_last()  # before somebody else's bot acts in one of them
            self.deployment.slots.give(slots)

    def _begin_idle(self, ticket: Ticket) -> None:
        if ticket.born is not None:
            self._spread_last()
            self.deployment.last_actions.forget(ticket.born)

    def _spread_last(self) -> None:
        if self._last is not None:
            self.deployment.last_actions.put(*self._last)
            self._last = None

    def _fallback(self, slots: np.ndarray) -> list[np.ndarray]:
        last = self.deployment.last_actions
        if self.fallback is Fallback.NOTHING:
            return last.idle(len(slots))
        self._spread_last()
        return last.get(slots)

    def _checked_style(self, style: np.ndarray) -> np.ndarray:
        size = self.deployment.bundle.style_size
        vector = np.asarray(style, np.float32)
        if vector.shape != (size,) or not np.isfinite(vector).all():
            raise ServingError(
                f"A style for the bundle '{self.deployment.name}' is {size} finite numbers, got {vector.size}."
            )
        return vector


def _stop_waiting(answer: Answer) -> bool:
    """Cancel an answer that is not there yet; return whether it was, and the bots' memory thus holds its tick."""
    if isinstance(answer, Decided):
        return True
    if answer.cancel() or answer.cancelled():
        return False
    return answer.exception() is None


def _join_births(births: Sequence[Births]) -> Births:
    """Return all of them as one; where a bot is born twice, the last counts."""
    if len(births) == 1:
        return births[0]
    slots, seeds, styles = (np.concatenate([each[column] for each in births]) for column in range(3))
    last = len(slots) - 1 - np.unique(slots[::-1], return_index=True)[1]
    saved: dict[int, SavedBot] = {}
    for each in births:
        saved = {slot: bot for slot, bot in saved.items() if slot not in each.slots} | each.saved
    return Births(slots[last], seeds[last], styles[last], saved)
