"""The examination: every check on every session, behaviour by behaviour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from understudy.recordings.doctor.checks.damage import find_damage
from understudy.recordings.doctor.naming import names_of
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.registry import checks as all_checks
from understudy.recordings.doctor.report import Report, SessionCard
from understudy.recordings.doctor.runs import Range
from understudy.recordings.doctor.session import Session
from understudy.recordings.doctor.signatures import sign
from understudy.recordings.formats.protocol import Progress
from understudy.recordings.reader import Episode

HeldOut = Mapping[str, Mapping[str, tuple[Range, ...]]]


def examine(
    recordings: Sequence[Episode],
    cache: Path,
    *,
    checks: Sequence[Check] | None = None,
    held_out: HeldOut | None = None,
    progress: Progress = lambda _what, _done, _total: None,
) -> Report:
    """Look at recordings for everything that would harm a bot trained on them.

    Args:
        recordings: Of any behaviours; each behaviour's are held against each other.
        cache: A folder for what sensors are reduced to; the next examination of the same recordings is faster by it.
        checks: Which; all by default.
        held_out: By recording (as `names_of` calls it) and kind, the ranges of steps that a recipe holds out.
        progress: Called with what is done, how much of it, and of how much.

    Returns:
        The findings, the gravest first.
    """
    checks = all_checks() if checks is None else checks
    named = dict(zip(names_of(recordings), recordings, strict=True))
    findings = [each for name, episode in named.items() for each in find_damage(episode, name)]
    unread = {each.recording for each in findings}
    readable = {name: episode for name, episode in named.items() if name not in unread}
    sessions = _reduce(readable, cache, held_out or {}, progress)
    groups = _groups(sessions)
    total, done = len(checks) * (len(sessions) + len(groups)), 0
    for group in groups:
        for session in group:
            for check in checks:
                findings += check.look(session)
            done += len(checks)
            progress("Examining", done, total)
        for check in checks:
            findings += check.look_all(group)
            done += 1
            progress("Examining", done, total)
    findings.sort(key=lambda each: (-each.severity, each.recording, each.steps or (0, 0), each.check))
    titles = {each.name: each.title for each in checks}
    return Report(recordings=tuple(map(_card, sessions)), findings=tuple(findings), checks=titles)


def _reduce(recordings: Mapping[str, Episode], cache: Path, held_out: HeldOut, progress: Progress) -> list[Session]:
    total, done = sum(episode.num_steps for episode in recordings.values()), 0

    def count(rows: int) -> None:
        nonlocal done
        done += rows
        progress("Reading", done, total)

    return [
        Session(episode, sign(episode, cache, count), held_out.get(name), name) for name, episode in recordings.items()
    ]


def _groups(sessions: Sequence[Session]) -> list[tuple[Session, ...]]:
    """The sessions of each behaviour."""
    groups: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        groups[session.behavior.digest].append(session)
    return [tuple(group) for group in groups.values()]


def _card(session: Session) -> SessionCard:
    active = session.inputs.active
    return SessionCard(
        name=session.name,
        behavior=session.behavior.name,
        player=session.player,
        steps=session.num_steps,
        seconds=session.num_steps / session.hz,
        active=float(active.mean()),
        measures=session.measures,
        digest=session.episode.digest,
    )
