"""The findings of a playtest with their replays, kept on disk one by one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from understudy.errors import PlaytestError
from understudy.playtest.findings.candidates import Limits
from understudy.playtest.findings.finding import Finding, collect, keep_evidence
from understudy.playtest.findings.replay import measure
from understudy.playtest.findings.shrinking import shrink
from understudy.playtest.listening import Listener
from understudy.playtest.run.play import Halt
from understudy.playtest.run.trace import Trace
from understudy.playtest.schedule import halting
from understudy.playtest.spec import PlaytestSpec, ReplaySpec

_SECONDS_A_MINUTE = 60


def gather(
    spec: PlaytestSpec,
    folder: Path,
    out: Path,
    traces: Sequence[Trace],
    halt: Halt,
    workers: int,
    listener: Listener,
) -> list[Finding]:
    """Return every bug once, replayed and shrunk, and keep each with its evidence under `out/findings/`.

    What an earlier, interrupted call kept there is taken over and gone on with if it is still the same finding.

    Args:
        spec: Of the playtest.
        folder: Where the spec lies.
        out: The playtest's folder.
        traces: The runs, in the order of the spec.
        halt: Its event ends the replays; its deadline is for the runs, and does not.
        workers: Games at the same time.
        listener: Hears of each replay.
    """
    home = out / "findings"
    patience = Halt(halt.event)
    found = collect(spec, folder, traces)
    _drop_others(home, [finding.id for finding, _ in found])
    kept = [_kept(finding, home / finding.id) or _made(finding, trace, home) for finding, trace in found]
    return [_tried(finding, home / finding.id, spec.replay, patience, workers, listener) for finding in kept]


def _kept(finding: Finding, home: Path) -> Finding | None:
    """The same finding as an earlier call left it, if it was replayed."""
    if not home.exists():
        return None
    with suppress(PlaytestError):
        before = Finding.load(home, finding.folder)
        if before.replays and _inputs_of(before) == _inputs_of(finding):
            tried = {"replays": before.replays, "reproduced": before.reproduced, "shrunk": before.shrunk}
            kept = finding.model_copy(update=tried)
            kept.save(home)
            return kept
    shutil.rmtree(home)
    return None


def _inputs_of(finding: Finding) -> tuple[object, ...]:
    """What tells whose inputs up to where show which bug; its detail names folders, which may have been moved."""
    return finding.message, finding.key, finding.persona.name, finding.seed, finding.tick


def _made(finding: Finding, trace: Trace, home: Path) -> Finding:
    keep_evidence(finding, trace, home / finding.id)
    return finding


def _tried(finding: Finding, home: Path, options: ReplaySpec, halt: Halt, workers: int, listener: Listener) -> Finding:
    # A finding that cannot be replayed now is still one; the report says that it was not tried.
    with halting(halt), suppress(PlaytestError):
        if not finding.replays and not halt.now:
            rate = measure(finding, home, options.times, halt, listener=listener)
            finding = finding.model_copy(update={"replays": rate.tries, "reproduced": rate.hits})
            finding.save(home)
        if options.shrink and not halt.now and not (finding.shrunk and finding.shrunk.complete):
            limits = Limits(options.shrink, options.minutes * _SECONDS_A_MINUTE, workers)
            finding = shrink(finding, home, limits, halt, options.times, listener)
    return finding


def _drop_others(home: Path, names: Sequence[str]) -> None:
    for each in home.iterdir() if home.exists() else ():
        if each.name not in names:
            shutil.rmtree(each)
