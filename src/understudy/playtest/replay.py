"""Replaying a finding: the same game, the same seed, the same inputs, and whether the same oracle sees it again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from understudy.errors import PlaytestError
from understudy.playtest.findings import INPUTS_FILE, Finding
from understudy.playtest.moment import Ended, Sighting
from understudy.playtest.play import Halt, play_run
from understudy.playtest.spec import BudgetSpec, CoverageSpec, PlaytestSpec, VideoSpec
from understudy.playtest.trace import Run


def replay(finding: Finding, folder: Path, times: int, halt: Halt | None = None) -> Iterator[bool]:
    """Replay a finding, yielding after each time whether it was reproduced.

    Args:
        finding: To replay.
        folder: That holds its inputs.
        times: How often.
        halt: Stops the replays early.

    Raises:
        PlaytestError: If the inputs are not there, or the game cannot be made.
    """
    inputs = folder / INPUTS_FILE
    if not inputs.exists() and finding.tick > 0:
        raise PlaytestError(f"{inputs} is not there; replay the whole folder that the playtest wrote.")
    spec = PlaytestSpec(
        game=finding.game,
        personas=(finding.persona,),
        budget=BudgetSpec(steps=finding.tick + 1),
        oracles=(finding.oracle,),
        coverage=CoverageSpec(cell=finding.cell_size),
        video=VideoSpec(runs=int(finding.pictures)),
    )
    for index in range(times):
        with tempfile.TemporaryDirectory(prefix="understudy-replay-") as scratch:
            # A game that crashes before the first decision leaves no inputs, and needs none.
            recording = Path(scratch) / f"replay-{index}"
            run = Run(finding.persona, finding.seed, recording, inputs if inputs.exists() else None)
            trace = play_run(spec, finding.folder, run, halt or Halt())
        if trace.ending.how is Ended.BROKEN:
            raise PlaytestError(f"The finding '{finding.id}' cannot be replayed. {trace.ending.message}")
        yield any(is_same(finding, each) for each in trace.sightings)


def is_same(finding: Finding, seen: Sighting) -> bool:
    """Return whether `seen` is the finding again: the same kind at the same place."""
    return seen.kind == finding.kind and seen.same_place(finding.sighting, finding.cell_size)
