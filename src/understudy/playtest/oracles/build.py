"""From options to the oracle that they describe."""

from __future__ import annotations

from understudy.playtest.oracles.bounds import OutOfBounds
from understudy.playtest.oracles.cost import FrameTime, Memory
from understudy.playtest.oracles.endings import Crash, Timeout
from understudy.playtest.oracles.falling import Falling
from understudy.playtest.oracles.faults import Nan
from understudy.playtest.oracles.goals import UnreachableGoal
from understudy.playtest.oracles.invariant import Invariant
from understudy.playtest.oracles.log import LogPattern
from understudy.playtest.oracles.options import (
    CrashSpec,
    FallingSpec,
    FrameTimeSpec,
    InvariantSpec,
    LogSpec,
    MemorySpec,
    NanSpec,
    OracleOptions,
    OutOfBoundsSpec,
    PictureSpec,
    SoftLockSpec,
    StuckSpec,
    TimeoutSpec,
    UnreachableGoalSpec,
)
from understudy.playtest.oracles.oracle import Oracle
from understudy.playtest.oracles.picture import PictureFault
from understudy.playtest.oracles.registry import load_oracle_class
from understudy.playtest.oracles.soft_lock import SoftLock
from understudy.playtest.oracles.stuck import Stuck


def build_oracle(options: OracleOptions) -> Oracle:
    """Return the oracle that these options describe.

    Args:
        options: Of a built-in kind, or of one that an installed package brings as an entry point.

    Raises:
        PlaytestError: If the user's part of it cannot be imported or read.
    """
    match options:
        case CrashSpec():
            return Crash(options)
        case StuckSpec():
            return Stuck(options)
        case TimeoutSpec():
            return Timeout(options)
        case OutOfBoundsSpec():
            return OutOfBounds(options)
        case FallingSpec():
            return Falling(options)
        case SoftLockSpec():
            return SoftLock(options)
        case UnreachableGoalSpec():
            return UnreachableGoal(options)
        case FrameTimeSpec():
            return FrameTime(options)
        case MemorySpec():
            return Memory(options)
        case NanSpec():
            return Nan(options)
        case PictureSpec():
            return PictureFault(options)
        case LogSpec():
            return LogPattern(options)
        case InvariantSpec():
            return Invariant(options)
    oracle: Oracle = load_oracle_class(options.kind)(options)
    return oracle
