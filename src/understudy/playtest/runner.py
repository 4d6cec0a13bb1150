"""The whole playtest: all runs, the findings with their replays, and the results on disk."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from understudy.errors import PlaytestError
from understudy.playtest.coverage import joined
from understudy.playtest.findings import Finding, collect, group, keep_evidence
from understudy.playtest.moment import Ended
from understudy.playtest.pictures import drop_last_picture
from understudy.playtest.play import Halt, play_run
from understudy.playtest.replay import replay as replay_finding
from understudy.playtest.spec import PersonaSpec, PlaytestSpec
from understudy.playtest.trace import Run, Trace
from understudy.playtest.verdict import Verdict, judge

FORMAT = 1
RESULTS_FILE = "results.json"
_SECONDS_A_MINUTE = 60


class Listener(Protocol):
    """Hears how a playtest goes on."""

    def step(self) -> None:
        """One decision was made; called from the threads that follow the runs."""
        ...

    def progress(self, done: int, planned: int, findings: int) -> None:
        """So many of the planned runs are over, and so many different bugs were seen."""
        ...


class Silence:
    """A listener that does nothing."""

    def step(self) -> None:
        """Say nothing."""

    def progress(self, done: int, planned: int, findings: int) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Results:
    """A finished playtest.

    Attributes:
        spec: What was asked.
        out: Where everything lies.
        traces: The runs that were started, in the order of the spec.
        findings: Each bug once.
        verdict: Whether it passes.
        seconds: Wall-clock time of the runs.
    """

    spec: PlaytestSpec
    out: Path
    traces: tuple[Trace, ...]
    findings: tuple[Finding, ...]
    verdict: Verdict
    seconds: float

    def of(self, persona: PersonaSpec) -> list[Trace]:
        """Return the runs of a persona."""
        return [each for each in self.traces if each.run.persona.name == persona.name]


def run_playtest(
    spec: PlaytestSpec,
    folder: Path,
    out: Path,
    *,
    workers: int = 1,
    seed: int | None = None,
    listener: Listener | None = None,
) -> Results:
    """Play all runs, replay each finding once, and write recordings, findings and results below `out`.

    A Ctrl-C ends the runs and keeps what they found; the verdict then says so.

    Args:
        spec: What to do.
        folder: Where the spec lies.
        out: A folder that is new or empty.
        workers: Games at the same time.
        seed: Replaces the first seed of every persona.
        listener: Hears how it goes on.

    Raises:
        PlaytestError: If `out` holds something, or not one run could be played.
        UnderstudyError: If an oracle does not fit the game.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PlaytestError(f"{out} already holds something; name a new folder with --out.")
    runs = plan(spec, out, seed)
    begun = time.monotonic()
    deadline = begun + spec.budget.minutes * _SECONDS_A_MINUTE if spec.budget.minutes else None
    halt = Halt(deadline=deadline)
    traces = _play_all(spec, folder, runs, workers, halt, listener or Silence())
    seconds = time.monotonic() - begun
    _require_one_played(traces, out)
    findings = _collect_with_replays(spec, folder, out, traces, halt)
    for each in traces:
        drop_last_picture(each)
    verdict = judge(spec, traces, findings, planned=len(runs), interrupted=halt.event.is_set())
    results = Results(spec, out, tuple(traces), tuple(findings), verdict, seconds)
    _write(results)
    return results


def plan(spec: PlaytestSpec, out: Path, seed: int | None) -> list[Run]:
    """Return every run of a spec: each persona with each of its seeds."""
    runs = [
        Run(persona, number, out / "runs" / f"{persona.name}-{number}")
        for persona in spec.personas
        for first in [persona.seed if seed is None else seed]
        for number in range(first, first + persona.runs)
    ]
    # One map is enough, and a game may take its time to draw it.
    return [replace(runs[0], survey=True), *runs[1:]]


def _play_all(
    spec: PlaytestSpec, folder: Path, runs: Sequence[Run], workers: int, halt: Halt, listener: Listener
) -> list[Trace]:
    """The traces of the runs that were started, in the order of `runs`."""

    def play(run: Run) -> Trace | None:
        return None if halt.now else play_run(spec, folder, run, halt, listener.step)

    with ThreadPoolExecutor(workers, "playtest") as pool:
        with _halting(halt):
            futures = [pool.submit(play, run) for run in runs]
            _await(futures, spec, halt, listener)
        traces = [future.result() for future in futures]
    return [each for each in traces if each is not None]


def _await(futures: Sequence[Future[Trace | None]], spec: PlaytestSpec, halt: Halt, listener: Listener) -> None:
    waiting = set(futures)
    listener.progress(0, len(futures), 0)
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        # A mistake in the spec shows in every run; do not wait for all of them.
        if any(future.exception() for future in done):
            halt.event.set()
            return
        over = [trace for future in futures if future.done() and (trace := future.result())]
        seen = [(sighting, trace) for trace in over for sighting in trace.sightings]
        listener.progress(len(futures) - len(waiting), len(futures), len(group(seen, spec.coverage.cell)))


@contextmanager
def _halting(halt: Halt) -> Iterator[None]:
    """Turn a Ctrl-C into the end of the runs."""
    try:
        yield
    except KeyboardInterrupt:
        halt.event.set()


def _require_one_played(traces: Sequence[Trace], out: Path) -> None:
    broken = [each for each in traces if each.ending.how is Ended.BROKEN]
    if broken and len(broken) == len(traces):
        # Nothing in it but logs; the next try may have the same folder.
        shutil.rmtree(out)
        raise PlaytestError(f"No run could be played. {broken[0].run.name}: {broken[0].ending.message}")


def _collect_with_replays(
    spec: PlaytestSpec, folder: Path, out: Path, traces: Sequence[Trace], halt: Halt
) -> list[Finding]:
    findings = []
    # The time limit is for the runs; each finding is replayed once even if they used it up.
    patience = Halt(halt.event)
    for finding, trace in collect(spec, folder, traces):
        home = out / "findings" / finding.id
        keep_evidence(finding, trace, home)
        # A finding that cannot be replayed now is still one; the report says that it was not tried.
        with _halting(patience), suppress(PlaytestError):
            if not patience.now:
                reproduced = sum(replay_finding(finding, home, 1, patience))
                if not patience.now:
                    finding = finding.model_copy(update={"replays": 1, "reproduced": reproduced})
        finding.save(home)
        findings.append(finding)
    return findings


def _write(results: Results) -> None:
    cell = results.spec.coverage.cell
    form = {
        "format": FORMAT,
        "spec": results.spec.model_dump(mode="json", by_alias=True),
        "spec_digest": results.spec.digest,
        "passed": results.verdict.passed,
        "verdict": results.verdict.sentence,
        "seconds": round(results.seconds, 3),
        "coverage": {
            "cell": cell,
            "cells": joined([each.coverage for each in results.traces], cell).num_cells,
            "by_persona": {
                each.name: joined([trace.coverage for trace in results.of(each)], cell).num_cells
                for each in results.spec.personas
            },
        },
        "runs": [_run_form(each) for each in results.traces],
        "findings": [each.model_dump(mode="json", by_alias=True, exclude={"folder"}) for each in results.findings],
    }
    results.out.mkdir(parents=True, exist_ok=True)
    (results.out / RESULTS_FILE).write_text(json.dumps(form, indent=1), encoding="utf-8")


def _run_form(trace: Trace) -> dict[str, object]:
    return {
        "persona": trace.run.persona.name,
        "seed": trace.run.seed,
        "ended": trace.ending.how.name.lower(),
        "message": trace.ending.message,
        "cells": trace.coverage.num_cells,
        "totals": trace.totals(),
    }
