"""The whole playtest: all runs, the findings with their replays, and the results on disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from understudy.errors import PlaytestError
from understudy.playtest.disk import free_reserve, full_disk_words, telling_of_a_failed_write
from understudy.playtest.findings.evidence import gather
from understudy.playtest.listening import Listener, Silence
from understudy.playtest.report.results_file import RESULTS_FILE, write_results
from understudy.playtest.results import Results
from understudy.playtest.run.lookup import require_registered
from understudy.playtest.run.moment import Ended
from understudy.playtest.run.pictures import drop_last_picture
from understudy.playtest.run.play import Halt, play_run
from understudy.playtest.run.trace import Trace
from understudy.playtest.schedule import PlayRun, Schedule, plan
from understudy.playtest.spec import PlaytestSpec
from understudy.playtest.store import Store
from understudy.playtest.styles import with_styles
from understudy.playtest.verdict import judge

__all__ = ["RESULTS_FILE", "Listener", "Results", "resume_playtest", "run_playtest"]

_SECONDS_A_MINUTE = 60


def run_playtest(
    spec: PlaytestSpec,
    folder: Path,
    out: Path,
    *,
    workers: int | None = None,
    seed: int | None = None,
    ray: str | None = None,
    listener: Listener | None = None,
) -> Results:
    """Play all runs, replay each finding, and write recordings, findings and results below `out`.

    A Ctrl-C ends the runs and keeps what they found; the verdict then says so, and `resume_playtest` goes on.

    Args:
        spec: What to do.
        folder: Where the spec lies.
        out: A folder that is new or empty.
        workers: Games at the same time; by default one, or as many as a Ray cluster has CPUs.
        seed: Replaces the first seed of every persona.
        ray: The address of a Ray cluster to play the runs on; None is this machine.
        listener: Hears how it goes on.

    Raises:
        PlaytestError: If nothing registers the game's id, `out` holds something, not one run could be played, or the
            cluster cannot be reached.
        UnderstudyError: If an oracle does not fit the game, or a persona's style cannot be read.
    """
    folder = folder.resolve()
    if ray is None:  # The nodes of a cluster may have a game that this machine lacks.
        require_registered(spec.game, folder)
    store = Store.create(out, spec, folder, seed)
    return _run(store, workers, ray, listener or Silence())


def resume_playtest(
    out: Path, *, workers: int | None = None, ray: str | None = None, listener: Listener | None = None
) -> Results:
    """Go on with a playtest that was interrupted, or whose process or machine died.

    Runs that were over are read back, the others are played; the results are those of an uninterrupted playtest.

    Args:
        out: The playtest's folder.
        workers: See `run_playtest`.
        ray: See `run_playtest`.
        listener: See `run_playtest`.

    Raises:
        PlaytestError: If there is no playtest in it, a file is damaged, or as for `run_playtest`.
    """
    return _run(Store.open(out), workers, ray, listener or Silence())


def _run(store: Store, workers: int | None, ray: str | None, listener: Listener) -> Results:
    with telling_of_a_failed_write(store.out):
        spec, begun, before = store.spec, time.monotonic(), store.seconds
        minutes = spec.budget.minutes
        halt = Halt(deadline=begun - before + minutes * _SECONDS_A_MINUTE if minutes else None)
        runs = plan(spec, store.out, store.seed, with_styles(spec.personas, store.out))
        play, places = _player(store, halt, listener, ray)
        schedule = Schedule(spec, runs, play, workers or places, halt, listener)
        try:
            traces = schedule.follow()
        finally:
            seconds = before + time.monotonic() - begun
            free_reserve(store.out)
            store.keep_seconds(seconds)
        problem = full_disk_words(store.out, str(schedule.full)) if schedule.full else ""
        _require_one_played(traces, store.out)
        interrupted = halt.event.is_set()
        findings = gather(spec, store.folder, store.out, traces, halt, workers or 1, listener)
        verdict = judge(spec, traces, findings, planned=schedule.planned, interrupted=interrupted)
        results = Results(
            spec, store.out, tuple(traces), tuple(findings), verdict, seconds, problem, halt.event.is_set()
        )
        write_results(results)
        if not halt.event.is_set():
            for each in traces:
                drop_last_picture(each)
    return results


def _player(store: Store, halt: Halt, listener: Listener, ray: str | None) -> tuple[PlayRun, int]:
    """What plays a run, and how many it can play at the same time."""
    if ray is None:
        return partial(play_run, store.spec, store.folder, halt=halt, on_step=listener.step), 1
    from understudy.playtest.cluster import Cluster

    cluster = Cluster(ray)
    return partial(cluster.play_run, store.spec, store.folder, halt=halt, on_step=listener.step), cluster.num_cpus


def _require_one_played(traces: Sequence[Trace], out: Path) -> None:
    if not traces or any(each.ending.how is not Ended.BROKEN or each.sightings for each in traces):
        return
    if all(each.behavior is None for each in traces):
        # Nothing in it but logs; the next try may have the same folder.
        shutil.rmtree(out)
    raise PlaytestError(f"No run could be played. {traces[0].run.name}: {traces[0].ending.message}")
