"""What decides that something is a bug: one small class per kind, with its options."""

from understudy.playtest.oracles.asking import IDLE_LABELS, asks_to_move, idle_action
from understudy.playtest.oracles.bounds import OutOfBounds
from understudy.playtest.oracles.cost import FrameTime, Memory
from understudy.playtest.oracles.endings import Crash, Timeout
from understudy.playtest.oracles.falling import Falling
from understudy.playtest.oracles.faults import Nan
from understudy.playtest.oracles.goals import UnreachableGoal
from understudy.playtest.oracles.invariant import Invariant, View
from understudy.playtest.oracles.log import LogPattern
from understudy.playtest.oracles.oracle import Note, Oracle, OracleOptions, OverRuns, Quiet
from understudy.playtest.oracles.panel import Panel
from understudy.playtest.oracles.picture import PictureFault
from understudy.playtest.oracles.registry import OracleSpec, build_oracle, oracle_kinds
from understudy.playtest.oracles.soft_lock import SoftLock
from understudy.playtest.oracles.stuck import Stuck

__all__ = [
    "IDLE_LABELS",
    "Crash",
    "Falling",
    "FrameTime",
    "Invariant",
    "LogPattern",
    "Memory",
    "Nan",
    "Note",
    "Oracle",
    "OracleOptions",
    "OracleSpec",
    "OutOfBounds",
    "OverRuns",
    "Panel",
    "PictureFault",
    "Quiet",
    "SoftLock",
    "Stuck",
    "Timeout",
    "UnreachableGoal",
    "View",
    "asks_to_move",
    "build_oracle",
    "idle_action",
    "oracle_kinds",
]
