"""Stretches of a session in which nothing comes of the inputs, or there are none: found once, told apart here.

tail     to the end of the session: after a death, or a recorder left running
menu     between two cuts of the picture: a menu, a map, a loading screen
frozen   the last picture repeated while inputs go on: the recorder or the game hung
idle     no input for long
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from understudy.recordings.doctor.runs import Range, as_range, bridge, find_runs
from understudy.recordings.doctor.session import Session
from understudy.recordings.doctor.stillness import Stillness, expect_stillness, still_steps, surprise_of, unexplained

Kind = Literal["tail", "menu", "frozen", "idle"]

_SURPRISED_NATS = 10.0
_IDLE_S = 4.0
_MENU_S = 1.5
_TAIL_S = 1.4
_SURE_TAIL_S = 3.0
_TAIL_ACTIVE = 0.08
_TAIL_MOTION = 0.5
_TAIL_TIMES = 1.5
_SOME = 40
_REFERENCES = 600
_NEAR_S = 1.5
_NEW = 1.05
_LEAST_CUT = 0.8
_GAME_CUT = 3.0
_MOMENT_S = 0.6
_SCREEN = 5.0
_SCREEN_ALONE = 9.0
_LONG_S = 2.0
_LONG_TIMES = 1.5
_FLICKER_SHARE = 0.5
_LEAST_FROZEN = 3


@dataclass(frozen=True)
class Stretch:
    """Steps of one kind.

    Attributes:
        kind: Which.
        steps: Half-open.
        surprise: How unlikely so still a picture is under these inputs, in nats.
        active: The share of its steps with an input.
    """

    kind: Kind
    steps: Range
    surprise: float
    active: float

    @property
    def length(self) -> int:
        """Steps."""
        return self.steps[1] - self.steps[0]


@lru_cache(maxsize=2)
def find_stretches(sessions: tuple[Session, ...]) -> dict[str, tuple[Stretch, ...]]:
    """Find the stretches of each session, by its name.

    Args:
        sessions: All of one behaviour.
    """
    expected = expect_stillness(sessions)
    return {session.name: _of_session(session, expected) for session in sessions}


def _of_session(session: Session, expected: Stillness) -> tuple[Stretch, ...]:
    if session.num_steps < 2:
        return ()
    view = session.view
    still = still_steps(session, view)
    # A choice without a word for it may be a key that is held, if the picture moves.
    active = session.inputs.active if session.inputs.rest_is_known else session.inputs.active | ~still
    surprise = surprise_of(session, still, expected)
    cuts = unexplained(session, view)
    tail = _tail(session, view, still, active, surprise)
    end = tail[0].steps[0] if tail else session.num_steps
    found = [
        each
        for run in find_runs(_joined(session, view, still))
        for each in _inner(session, as_range(run), end, surprise, cuts)
    ]
    taken = np.zeros(session.num_steps, bool)
    for each in found:
        taken[slice(*each.steps)] = True
    idle = [each for each in _idle(session, active, end) if taken[slice(*each.steps)].mean() < 0.5]
    return tuple(sorted([*found, *idle, *tail], key=lambda each: each.steps))


def _joined(session: Session, view: np.ndarray, still: np.ndarray) -> np.ndarray:
    """Still runs, with the short flickers between them filled in: a blinking cursor does not end a menu, a cut does."""
    long = np.zeros(len(still), bool)
    for start, stop in find_runs(still):
        long[start:stop] = stop - start >= _LEAST_FROZEN
    flicker = view < _FLICKER_SHARE * _usual_motion(view, still)
    return long | (bridge(long, session.steps(0.15)) & flicker) if session.pictures else long


def _usual_motion(view: np.ndarray, still: np.ndarray) -> float:
    return float(np.median(view[~still])) if (~still).any() else 0.0


def _inner(session: Session, run: Range, end: int, surprise: np.ndarray, cuts: np.ndarray) -> list[Stretch]:
    """A still run that does not belong to the tail: a menu, or a frozen picture."""
    start, stop = run[0], min(run[1], end)
    if stop - start < _LEAST_FROZEN or stop >= session.num_steps:
        return []
    nats = float(surprise[start:stop].sum())
    active = float(session.inputs.active[max(0, start - 1) : stop - 1].mean())
    if stop - start >= session.steps(_MENU_S) and _is_cut_out(session, start, stop, cuts):
        return [Stretch("menu", (start - 1, stop), nats, active)]
    # Right after a cut of its own (a teleport) a game may take no input for a moment.
    moment = cuts[start - 1] > _GAME_CUT and stop - start < session.steps(_MOMENT_S)
    return [Stretch("frozen", (start, stop), nats, active)] if nats > _SURPRISED_NATS and not moment else []


def _is_cut_out(session: Session, start: int, stop: int, cuts: np.ndarray) -> bool:
    """Whether another screen lies between two cuts: `start - 1` shows its first picture, `stop` the game again.

    Play has cuts, new pictures and pauses too; a screen has both ends cut, is newer, and stays longer.
    """
    if start < 2 or min(cuts[start - 1], cuts[stop]) < _LEAST_CUT:
        return False
    # A player who does nothing in it is away, more likely than in a menu.
    least = _SCREEN if session.inputs.active[start : stop - 1].any() else _SCREEN_ALONE
    stays = min(_LONG_TIMES, math.sqrt((stop - start) / session.steps(_LONG_S)))
    return bool((cuts[start - 1] + cuts[stop]) * _newness(session, start - 1, stop) * stays > least)


def _newness(session: Session, start: int, stop: int) -> float:
    """How far a stretch's first picture is from all moving play, in units of how far one of ten of that is."""
    if not session.pictures:
        return 0.0
    small = session.column(session.pictures[0], "small")
    moving = np.flatnonzero(~still_steps(session, session.view))
    moving = moving[:: max(1, len(moving) // _REFERENCES)]
    known = np.asarray(small[moving], np.float32).reshape(len(moving), -1)
    near = session.steps(_NEAR_S)

    def alone(first: int, last: int) -> float:
        others = known[(moving < first - near) | (moving > last + near)]
        picture = np.asarray(small[first], np.float32).reshape(-1)
        return float(np.abs(others - picture).mean(axis=1).min()) if len(others) else 0.0

    usual = [alone(int(at), int(at)) for at in moving[:: max(1, len(moving) // _SOME)]]
    return alone(start, stop) / max(float(np.quantile(usual, 0.9)), 1.0) if usual else 0.0


def _idle(session: Session, active: np.ndarray, end: int) -> list[Stretch]:
    runs = find_runs(~active[:end])
    long = [as_range(run) for run in runs if run[1] - run[0] >= session.steps(_IDLE_S)]
    return [Stretch("idle", run, 0.0, 0.0) for run in long]


def _tail(
    session: Session, view: np.ndarray, still: np.ndarray, active: np.ndarray, surprise: np.ndarray
) -> list[Stretch]:
    """The end of a session in which nothing happens any more: no inputs, or none that move the picture."""
    starts = [
        each
        for each in (_quiet_from(session, view, still, active), _still_from(session, view, still, surprise))
        if each
    ]
    if not starts:
        return []
    start = min(starts)
    nats, share = float(surprise[start:].sum()), float(active[start:].mean())
    return [Stretch("tail", (start, session.num_steps), nats, share)]


def _quiet_from(session: Session, view: np.ndarray, still: np.ndarray, active: np.ndarray) -> int | None:
    """Where inputs cease for good, but for a key pressed now and then to go on to the next life."""
    steps = len(active)
    later, left = np.cumsum(active[::-1])[::-1], np.arange(steps, 0, -1)
    few = (later <= np.maximum(_TAIL_ACTIVE * left, 1)) & ~active
    begins = few & np.concatenate([[True], active[:-1]]) & (left >= session.steps(_TAIL_S))
    found = (int(start) for start in np.flatnonzero(begins) if _is_dead(session, int(start), view, still, active))
    return next(found, None)


def _is_dead(session: Session, start: int, view: np.ndarray, still: np.ndarray, active: np.ndarray) -> bool:
    """Whether a quiet end is more than a pause: long, or calm and longer than other pauses or unlike all play."""
    length = len(active) - start
    if length >= session.steps(_SURE_TAIL_S):
        return True
    calm = still[start:].mean() > 0.5 or np.median(view[start:]) < _TAIL_MOTION * np.median(view[: max(1, start)])
    rests = find_runs(~active[:start])
    longest = float(np.quantile(rests[:, 1] - rests[:, 0], 0.99)) if len(rests) else 0.0
    return bool(calm) and (length > _TAIL_TIMES * longest or _newness(session, start + length // 2, len(active)) > _NEW)


def _still_from(session: Session, view: np.ndarray, still: np.ndarray, surprise: np.ndarray) -> int | None:
    """Where the picture stands still for good, whatever the inputs."""
    runs = find_runs(_joined(session, view, still))
    if not len(runs) or runs[-1][1] < len(still) - 1:
        return None
    start = int(runs[-1][0])
    long = len(still) - start >= session.steps(_TAIL_S)
    return start if long and surprise[start:].sum() > _SURPRISED_NATS else None
