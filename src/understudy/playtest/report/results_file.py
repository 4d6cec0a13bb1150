"""What a playtest leaves for other programs: `results.json`, and every cell visited in `coverage.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from understudy.playtest.coverage import Coverage, union
from understudy.playtest.journal import write_whole

if TYPE_CHECKING:
    from understudy.playtest.results import Results
    from understudy.playtest.run.trace import Trace

FORMAT = 1
RESULTS_FILE = "results.json"
COVERAGE_FILE = "coverage.json"
_CURVE_POINTS = 41


def write_results(results: Results) -> None:
    """Write `results.json`, the same for the same playtest but for what measures time, and `coverage.json`."""
    write_whole(results.out / RESULTS_FILE, json.dumps(results_form(results), indent=1))
    write_whole(results.out / COVERAGE_FILE, json.dumps(coverage_form(results)))


def results_form(results: Results) -> dict[str, Any]:
    """Return the verdict, the runs with their totals, and the findings, as JSON values."""
    verdict = results.verdict
    return {
        "format": FORMAT,
        "spec": results.spec.model_dump(mode="json", by_alias=True),
        "spec_digest": results.spec.digest,
        "passed": verdict.passed,
        "verdict": verdict.sentence,
        "criteria": [{"name": each.name, "passed": each.passed, "found": each.found} for each in verdict.criteria],
        "problem": results.problem,
        "seconds": round(results.seconds, 3),
        "coverage": _summary(results),
        "runs": [_run(each) for each in results.traces],
        "findings": [each.model_dump(mode="json", by_alias=True, exclude={"folder"}) for each in results.findings],
    }


def coverage_form(results: Results) -> dict[str, Any]:
    """Return every key that was met, by persona, and how the coverage of each run grew, as JSON values."""
    longest = max((each.coverage.decisions for each in results.traces), default=0)
    steps = np.unique(np.linspace(0, longest, _CURVE_POINTS).round().astype(int))
    return {
        "format": FORMAT,
        "kind": results.spec.coverage.kind,
        "cell": results.spec.coverage.cell,
        "reachable": _reachable(results),
        "lines": next((each.lines for each in results.traces if each.lines), []),
        "personas": {each.name: _visited([t.coverage for t in results.of(each)]) for each in results.spec.personas},
        "steps": steps.tolist(),
        "curves": [
            {"persona": each.run.persona.name, "seed": each.run.seed, "met": each.coverage.growth(steps).tolist()}
            for each in results.traces
        ],
    }


def _summary(results: Results) -> dict[str, Any]:
    parts = [each.coverage for each in results.traces]
    met, reachable = union(parts), next((each.reachable for each in parts if each.reachable), None)
    return {
        "kind": results.spec.coverage.kind,
        "cell": results.spec.coverage.cell,
        "cells": len(met),
        "reachable": None if reachable is None else len(reachable),
        "share": None if reachable is None else round(len(met & reachable) / len(reachable), 6),
        "by_persona": {
            each.name: len(union(trace.coverage for trace in results.of(each))) for each in results.spec.personas
        },
        "problem": next((each.problem for each in parts if each.problem), ""),
    }


def _run(trace: Trace) -> dict[str, Any]:
    return {
        "persona": trace.run.persona.name,
        "privileged": trace.run.persona.privileged,
        "seed": trace.run.seed,
        "ended": trace.ending.how.name.lower(),
        "message": trace.ending.message,
        "lost": trace.lost,
        "failures": dict(trace.failures),
        "cells": trace.coverage.num_cells,
        "totals": trace.totals(),
    }


def _reachable(results: Results) -> list[list[int | str]] | None:
    told = next((each.coverage.reachable for each in results.traces if each.coverage.reachable), None)
    return None if told is None else sorted((list(each) for each in told), key=str)


def _visited(parts: list[Coverage]) -> dict[str, Any]:
    keys = sorted(union(parts), key=str)
    return {
        "keys": [list(each) for each in keys],
        "visits": [sum(part.visits[each] for part in parts) for each in keys],
        "runs": [sum(each in part.visits for part in parts) for each in keys],
    }
