"""What decides that something is a bug.

An oracle watches one run: `reset` at its start, `observe` once per decision, `end` when it is over. It runs beside the
game's process, not in it, so that it outlives a crash. Each bug is reported once, when it becomes certain.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from gymnasium import spaces

from understudy.playtest.moment import Ended, Ending, Moment, Position, Sighting
from understudy.playtest.spec import CrashSpec, OracleSpec, StuckSpec, TimeoutSpec
from understudy.spec import Action, ActionSpec, BehaviorSpec

MOVING_PARTS = ("move", "strafe")
IDLE_LABELS = frozenset({"none", "no", "keep", "stay", "idle", "noop", "still"})
_STILL = 1e-3


class Oracle(Protocol):
    """Decides that something in a run is a bug; `kind` names the sort of bug."""

    kind: str

    def reset(self, behavior: BehaviorSpec) -> None:
        """Start watching a run of a game with this behaviour."""
        ...

    def observe(self, moment: Moment) -> Sighting | None:
        """Watch one decision; return a sighting when a bug becomes certain."""
        ...

    def end(self, ending: Ending) -> Sighting | None:
        """Hear how the run ended; return a sighting if that is a bug."""
        ...


class Crash:
    """The game raised an error, or its process died."""

    kind = "crash"

    def reset(self, behavior: BehaviorSpec) -> None:
        """Nothing to keep."""

    def observe(self, moment: Moment) -> Sighting | None:  # noqa: ARG002
        """A running game has not crashed."""
        return None

    def end(self, ending: Ending) -> Sighting | None:
        """Report an error or a death."""
        if ending.how not in (Ended.RAISED, Ended.DIED):
            return None
        return Sighting(self.kind, ending.message, ending.tick, ending.position, ending.detail)


class Timeout:
    """A step or the whole run took longer than its limit, so the game was killed."""

    kind = "timeout"

    def reset(self, behavior: BehaviorSpec) -> None:
        """Nothing to keep."""

    def observe(self, moment: Moment) -> Sighting | None:  # noqa: ARG002
        """The clock is the runner's."""
        return None

    def end(self, ending: Ending) -> Sighting | None:
        """Report a game that had to be killed."""
        if ending.how not in (Ended.HUNG, Ended.OVERTIME):
            return None
        return Sighting(self.kind, ending.message, ending.tick, ending.position, ending.detail)


class Stuck:
    """The player asked to move for some time and did not get away.

    One spell of being stuck is one sighting: the next needs the player to have got `distance` away from the last.

    Attributes:
        is_stuck: Whether the player is stuck at this decision.
        num_decisions: For how many decisions of the run the player was stuck, with those before it became certain.
    """

    kind = "stuck"

    def __init__(self, options: StuckSpec) -> None:
        self.options = options
        self.is_stuck = False
        self.num_decisions = 0
        self._moving: tuple[ActionSpec, ...] = ()
        self._window: deque[tuple[Position, bool]] = deque()
        self._spot: Position | None = None

    def reset(self, behavior: BehaviorSpec) -> None:
        """Forget the last run; raises `SpecError` if a part that should move the player is unknown."""
        names = self.options.parts or [name for name in behavior.action_names if name in MOVING_PARTS]
        self._moving = tuple(behavior.action(name) for name in names) or behavior.actions
        self._window = deque(maxlen=max(2, math.ceil(self.options.seconds * behavior.decision_hz) + 1))
        self._spot, self.is_stuck, self.num_decisions = None, False, 0

    def observe(self, moment: Moment) -> Sighting | None:
        """Report the moment the player has been stuck long enough."""
        if moment.position is None or moment.action is None:
            return None
        if moment.info.get("dead"):
            self._window.clear()
        self._window.append((moment.position, asks_to_move(moment.action, self._moving)))
        was_stuck, self.is_stuck = self.is_stuck, self._stays() and self._asks()
        if self.is_stuck:
            self.num_decisions += 1 if was_stuck else len(self._window)
        if self._spot and math.dist(moment.position, self._spot) >= self.options.distance:
            self._spot = None
        if not self.is_stuck or self._spot:
            return None
        self._spot = moment.position
        message = f"Asked to move for {self.options.seconds:g} s and moved less than {self.options.distance:g} units."
        return Sighting(self.kind, message, moment.tick, moment.position)

    def end(self, ending: Ending) -> Sighting | None:  # noqa: ARG002
        """The end of a run is no place to be stuck in."""
        return None

    def _stays(self) -> bool:
        if len(self._window) < (self._window.maxlen or 0):
            return False
        extent = np.ptp(np.array([position for position, _ in self._window]), axis=0)
        return float(np.linalg.norm(extent)) < self.options.distance

    def _asks(self) -> bool:
        return sum(asks for _, asks in self._window) >= self.options.share * len(self._window)


def asks_to_move(action: Action, parts: Sequence[ActionSpec]) -> bool:
    """Return whether any of `parts` asks for more than standing still.

    A choice does unless its label is one of `IDLE_LABELS`; buttons do if one is pressed, numbers if one is not zero.
    """
    return any(_asks(action[part.name], part) for part in parts)


def _asks(value: np.ndarray, part: ActionSpec) -> bool:
    if isinstance(part.space, spaces.Discrete):
        return not part.labels or part.labels[int(value)] not in IDLE_LABELS
    return bool(np.any(np.abs(value) > _STILL))


def build_oracle(options: OracleSpec) -> Oracle:
    """Return the oracle that these options describe."""
    match options:
        case CrashSpec():
            return Crash()
        case StuckSpec():
            return Stuck(options)
        case TimeoutSpec():
            return Timeout()
