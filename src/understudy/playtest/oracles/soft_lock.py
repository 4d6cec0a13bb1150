"""The oracle of soft locks: nothing that the player does leads anywhere new."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Hashable
from typing import Literal

from understudy.playtest.options import Count, Positive
from understudy.playtest.oracles.asking import action_key
from understudy.playtest.oracles.oracle import OracleOptions, Quiet
from understudy.playtest.run.moment import Moment, Sighting, cell_of
from understudy.spec import BehaviorSpec


class SoftLockSpec(OracleOptions):
    """The player tries things for a long time and no new state of the game is reached.

    Attributes:
        seconds: Of game time.
        cell: Side of a square cell of the level, in the game's units, that counts as one state.
        state: Numbers of `info` that are part of the state too, such as a quest's stage.
        max_states: How many states a locked player may still reach.
        tries: How many different things the player must have asked for in that time.
    """

    kind: Literal["soft_lock"] = "soft_lock"
    seconds: Positive = 60.0
    cell: Positive = 64.0
    state: tuple[str, ...] = ()
    max_states: Count = 4
    tries: Count = 4


class SoftLock(Quiet):
    """The player tried different things for a long time and the game stayed in the same few states.

    A state is the cell that the player is in together with the numbers that the options name; a game that gives neither
    is never soft-locked. One spell is one sighting: the next needs a state that the player could not reach during it.
    """

    kind = "soft_lock"
    Options = SoftLockSpec

    def __init__(self, options: SoftLockSpec | None = None) -> None:
        self.options = options or SoftLockSpec()
        self._length = 0
        self._cage: frozenset[Hashable] = frozenset()
        self._told = False
        self._clear()

    def reset(self, behavior: BehaviorSpec) -> None:
        """Forget the last run."""
        self._length = max(2, math.ceil(self.options.seconds * behavior.decision_hz))
        self._clear()

    def observe(self, moment: Moment) -> Sighting | None:
        """Report the moment nothing new has been reached for long enough."""
        state = self._state(moment)
        if state is None or moment.action is None or moment.info.get("dead"):
            self._clear()
            return None
        self._push(state, action_key(moment.action))
        if self._told and state not in self._cage:
            self._told = False
        locked = len(self._window) == self._length and len(self._states) <= self.options.max_states
        if not locked or self._told or len(self._deeds) < self.options.tries:
            return None
        self._told, self._cage = True, frozenset(self._states)
        message = (
            f"{len(self._deeds)} different actions in {self.options.seconds:g} s led to no new state: "
            f"{len(self._states)} in all."
        )
        key = "" if moment.position else "state"
        reach = self.options.cell * self.options.max_states
        return Sighting(self.kind, message, moment.tick, moment.position, key=key, reach=reach)

    def _state(self, moment: Moment) -> Hashable | None:
        where = cell_of(moment.position, self.options.cell) if moment.position else None
        told = tuple(str(moment.info[name]) for name in self.options.state if name in moment.info)
        return (where, told) if where or told else None

    def _push(self, state: Hashable, deed: bytes) -> None:
        self._window.append((state, deed))
        self._states[state] += 1
        self._deeds[deed] += 1
        if len(self._window) > self._length:
            old_state, old_deed = self._window.popleft()
            _less(self._states, old_state)
            _less(self._deeds, old_deed)

    def _clear(self) -> None:
        self._window: deque[tuple[Hashable, bytes]] = deque()
        self._states: Counter[Hashable] = Counter()
        self._deeds: Counter[bytes] = Counter()
        self._told = False
        self._cage = frozenset()


def _less(counts: Counter, key: Hashable) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
