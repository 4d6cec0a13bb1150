"""The checks that come with Understudy."""

from __future__ import annotations

from understudy.recordings.doctor.checks.balance import ClassBalance
from understudy.recordings.doctor.checks.clocks import ClockJumps, DroppedFrames
from understudy.recordings.doctor.checks.compatibility import Compatibility
from understudy.recordings.doctor.checks.damage import DamagedRecordings
from understudy.recordings.doctor.checks.duplicates import Leaks, NearDuplicates
from understudy.recordings.doctor.checks.extraneous import Extraneous
from understudy.recordings.doctor.checks.keys import StuckKeys
from understudy.recordings.doctor.checks.lag import InputLag
from understudy.recordings.doctor.checks.learning import LearningCurve
from understudy.recordings.doctor.checks.quality import ActionVariance
from understudy.recordings.doctor.checks.rewards import RewardOutliers
from understudy.recordings.doctor.checks.sensors import ConstantSensors, OutOfRange
from understudy.recordings.doctor.checks.stretches import DeadTails, DuplicateFrames, IdleStretches, Menus

OURS = (
    DamagedRecordings,
    InputLag,
    StuckKeys,
    DuplicateFrames,
    DroppedFrames,
    ClockJumps,
    IdleStretches,
    Menus,
    DeadTails,
    ConstantSensors,
    OutOfRange,
    NearDuplicates,
    Leaks,
    RewardOutliers,
    ClassBalance,
    ActionVariance,
    Extraneous,
    Compatibility,
    LearningCurve,
)

__all__ = [
    "OURS",
    "ActionVariance",
    "ClassBalance",
    "ClockJumps",
    "Compatibility",
    "ConstantSensors",
    "DamagedRecordings",
    "DeadTails",
    "DroppedFrames",
    "DuplicateFrames",
    "Extraneous",
    "IdleStretches",
    "InputLag",
    "Leaks",
    "LearningCurve",
    "Menus",
    "NearDuplicates",
    "OutOfRange",
    "RewardOutliers",
    "StuckKeys",
]
