"""A run on disk: every report of its worker as it came, and, written last, a mark that the run is over.

A run's folder, `OUT/runs/PERSONA-SEED/`, holds

- `PERSONA-SEED.arrows`, the recording, which the worker writes;
- `PERSONA-SEED.log`, what the game printed, if it printed anything;
- `reports.gz`, the worker's reports, as `reports` describes them;
- `run.json`, which says how it ended. A run without it was cut off and is played again.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from understudy.errors import PlaytestError
from understudy.playtest.run.builder import TraceBuilder
from understudy.playtest.run.moment import Ended, Ending
from understudy.playtest.run.reports import Report, ReportReader
from understudy.playtest.run.trace import Run, Trace
from understudy.playtest.spec import PlaytestSpec

FORMAT = 1
RUN_FILE = "run.json"
REPORTS_FILE = "reports.gz"
_FAST = 1
_CHUNK = 1 << 20


class Journal:
    """Keeps a run's reports as they come.

    Args:
        folder: Of the run; it is made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = gzip.GzipFile(folder / REPORTS_FILE, "wb", compresslevel=_FAST)

    def add(self, chunk: bytes) -> None:
        """Keep bytes as they came."""
        self._file.write(chunk)

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


def mark_over(trace: Trace) -> None:
    """Say on disk that a run is over; its journal is closed by then."""
    ending = trace.ending
    form = {
        "format": FORMAT,
        "persona": trace.run.persona.name,
        "seed": trace.run.seed,
        "ended": ending.how.name.lower(),
        "message": ending.message,
        "detail": ending.detail,
        "again": ending.again,
        "lost": trace.lost,
        "cells": trace.coverage.num_cells,
        "totals": trace.totals(),
        "sightings": len(trace.sightings),
        "reports": trace.reports,
    }
    write_whole(trace.run.folder / RUN_FILE, json.dumps(form, indent=1))


def read_run(spec: PlaytestSpec, run: Run) -> Trace | None:
    """Return the trace of a run that is over; None if it was never played to its end.

    Raises:
        PlaytestError: If its files are damaged.
    """
    path = run.folder / RUN_FILE
    if not path.exists():
        return None
    try:
        form = json.loads(path.read_text(encoding="utf-8"))
        if form["format"] != FORMAT:
            raise ValueError(f"its format is {form['format']}, and this version reads {FORMAT}")
        builder = TraceBuilder(spec, run)
        # What the worker reported beyond that was no longer looked at.
        for report in islice(_reports(run.folder), form["reports"]):
            builder.take(report)
        trace = builder.end(_ending(builder, form))
        trace.lost = form["lost"]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise PlaytestError(
            f"{run.folder} is damaged ({error}); delete the folder, and the run is played again."
        ) from error
    return trace


def clear(run: Run) -> None:
    """Delete what a run that was cut off left behind."""
    shutil.rmtree(run.folder, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that, killed at any instant, it is the old one or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _reports(folder: Path) -> Iterator[Report]:
    reader = ReportReader()
    with gzip.open(folder / REPORTS_FILE, "rb") as file:
        while chunk := file.read(_CHUNK):
            yield from reader.feed(chunk)


def _ending(builder: TraceBuilder, form: dict[str, Any]) -> Ending:
    how = Ended[form["ended"].upper()]
    return builder.ending(how, form["message"], form["detail"], again=form["again"])
