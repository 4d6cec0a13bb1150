"""The living bots of one stream: which slot of the bundle's table each of the client's numbers means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.errors import ServingError
from understudy.serving.refusals import BotLimitError
from understudy.serving.table import SlotPool


class Roster:
    """The bots of one stream.

    Args:
        pool: The bundle's slots, shared with the other streams.
        max_bots: How many bots may live at once in this stream.
    """

    def __init__(self, pool: SlotPool, max_bots: int) -> None:
        self._pool = pool
        self._max_bots = max_bots
        self._slots: dict[int, int] = {}
        self._last: tuple[list[int], np.ndarray] = ([], np.zeros(0, np.intp))

    @property
    def living(self) -> list[int]:
        """The client's numbers of the bots that live."""
        return list(self._slots)

    def despawn(self, bots: Sequence[int]) -> list[int]:
        """End some bots and return their slots, to be given back once no tick uses them.

        Raises:
            ServingError: If one does not live, or is named twice; then all live on.
        """
        _require_unique(bots, "cannot be despawned twice in one tick.")
        for bot in bots:
            if bot not in self._slots:
                raise ServingError(f"Bot {bot} cannot be despawned: {self._unknown(bot)}")
        self._last = ([], np.zeros(0, np.intp))
        return [self._slots.pop(bot) for bot in bots]

    def spawn(self, bots: Sequence[int]) -> np.ndarray:
        """Return the slot of each bot, int64 (bots,), taking one for each that does not live yet.

        Raises:
            ServingError: If a bot is named twice.
            BotLimitError: If there would be too many.
        """
        _require_unique(bots, "is spawned twice in one tick; spawn each bot once.")
        new = [bot for bot in bots if bot not in self._slots]
        self.require_room(len(self._slots) + len(new))
        for bot in new:
            self._slots[bot] = self._pool.take()
        return np.array([self._slots[bot] for bot in bots], np.intp)

    def require_room(self, bots: int) -> None:
        """Raise `BotLimitError` if so many bots are too many for one stream."""
        if bots > self._max_bots:
            raise BotLimitError(
                f"{bots} bots in one stream; this server allows {self._max_bots}. Despawn some, open a second stream, "
                "or start the server with a higher --max-bots."
            )

    def slots(self, bots: Sequence[int]) -> np.ndarray:
        """Return the slot of each bot, int64 (bots,).

        Raises:
            ServingError: If a bot is named twice or does not live.
        """
        order, slots = self._last
        # A game mostly ticks the same bots in the same order.
        if bots == order:
            return slots
        _require_unique(bots, "is named twice in one tick; a bot decides once a tick.")
        try:
            slots = np.array([self._slots[bot] for bot in bots], np.intp)
        except KeyError as error:
            bot = error.args[0]
            raise ServingError(f"Bot {bot} cannot decide: {self._unknown(bot)}") from None
        self._last = (list(bots), slots)
        return slots

    def _unknown(self, bot: int) -> str:
        return f"no bot {bot} lives in this stream ({len(self._slots)} do). Spawn it first, with its seed."


def _require_unique(bots: Sequence[int], problem: str) -> None:
    if len(set(bots)) == len(bots):
        return
    seen: set[int] = set()
    for bot in bots:
        if bot in seen:
            raise ServingError(f"Bot {bot} {problem}")
        seen.add(bot)
