"""The log doctor: what in recordings would harm a bot trained on them, with evidence, and a fix by name."""

from __future__ import annotations

from understudy.recordings.doctor.examine import examine
from understudy.recordings.doctor.finding import Evidence, Finding, Fix, Plot, Severity
from understudy.recordings.doctor.fixes import make_plan
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.registry import checks
from understudy.recordings.doctor.report import Report, SessionCard
from understudy.recordings.doctor.session import Session

__all__ = [
    "Check",
    "Evidence",
    "Finding",
    "Fix",
    "Plot",
    "Report",
    "Session",
    "SessionCard",
    "Severity",
    "checks",
    "examine",
    "make_plan",
]
