"""Mending recordings: always new ones with their history, never in place."""

from __future__ import annotations

from understudy.recordings.layout import CUT_EVENT
from understudy.recordings.surgery.applying import apply_plan
from understudy.recordings.surgery.operations import (
    Anonymise,
    AnyOperation,
    Deduplicate,
    Drop,
    Mask,
    Merge,
    Operation,
    Relabel,
    ReRate,
    Shift,
    Split,
    Trim,
)
from understudy.recordings.surgery.plan import Plan

__all__ = [
    "CUT_EVENT",
    "Anonymise",
    "AnyOperation",
    "Deduplicate",
    "Drop",
    "Mask",
    "Merge",
    "Operation",
    "Plan",
    "ReRate",
    "Relabel",
    "Shift",
    "Split",
    "Trim",
    "apply_plan",
]
