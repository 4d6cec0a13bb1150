"""Replaying a finding: the same game, the same seed, the same inputs, and whether the same oracle sees it again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from understudy.errors import PlaytestError
from understudy.playtest.coverage import CoverageSpec
from understudy.playtest.findings.finding import INPUTS_FILE, SHRUNK_FILE, Finding, concluded
from understudy.playtest.findings.rate import Rate
from understudy.playtest.listening import Listener, Silence
from understudy.playtest.report.video import Clip, film
from understudy.playtest.run.moment import Ended, Sighting
from understudy.playtest.run.play import Halt, play_run
from understudy.playtest.run.trace import Run, Trace
from understudy.playtest.spec import BudgetSpec, PlaytestSpec, VideoSpec

_LONGEST_S = 30.0


def replay(
    finding: Finding, folder: Path, times: int, halt: Halt | None = None, inputs: str = INPUTS_FILE
) -> Iterator[bool]:
    """Replay a finding, yielding after each time whether it was reproduced.

    Args:
        finding: To replay.
        folder: That holds its inputs.
        times: How often.
        halt: Stops the replays early.
        inputs: The file in `folder` with the inputs: those of the run, or the shrunk ones.

    Raises:
        PlaytestError: If the inputs are not there, or the game cannot be made.
    """
    path = folder / inputs
    if not path.exists() and finding.tick > 0:
        raise PlaytestError(f"{path} is not there; replay the whole folder that the playtest wrote.")
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="understudy-replay-") as scratch:
            # A game that crashes before the first decision leaves no inputs, and needs none.
            trace = play_again(finding, path if path.exists() else None, Path(scratch), halt or Halt())
        yield seen_again(finding, trace) is not None


def measure(
    finding: Finding,
    folder: Path,
    times: int,
    halt: Halt | None = None,
    inputs: str = INPUTS_FILE,
    listener: Listener | None = None,
) -> Rate:
    """Return how often a finding is reproduced; fewer tries than asked for if `halt` ends them.

    Raises:
        PlaytestError: If the inputs are not there, or the game cannot be made.
    """
    listener, hits, tries = listener or Silence(), 0, 0
    what = f"replaying {finding.id}{', shrunk' if inputs == SHRUNK_FILE else ''}"
    listener.replays(what, 0, times)
    for reproduced in replay(finding, folder, times, halt, inputs):
        if halt is not None and halt.now:
            break
        hits, tries = hits + reproduced, tries + 1
        listener.replays(what, tries, times)
    return Rate(hits, tries)


def play_again(finding: Finding, inputs: Path | None, scratch: Path, halt: Halt, *, record: bool = False) -> Trace:
    """Play inputs in the finding's game, watched by its oracle alone.

    Args:
        finding: With the game, the seed and the oracle.
        inputs: A file of inputs; None for a game that is over before the first decision.
        scratch: An empty folder for what the run writes.
        halt: Stops it early.
        record: Whether to record it, with pictures if the finding has some.

    Raises:
        PlaytestError: If the game cannot be made.
    """
    spec = PlaytestSpec(
        game=finding.game,
        personas=(finding.persona,),
        budget=BudgetSpec(steps=finding.tick + 1),
        oracles=(finding.oracle.alone(),),
        coverage=CoverageSpec(cell=finding.cell_size),
        video=VideoSpec(runs=int(finding.pictures)),
    )
    run = Run(finding.persona, finding.seed, scratch / "replay", inputs, record=record)
    trace = play_run(spec, finding.folder, run, halt)
    if trace.ending.how is Ended.BROKEN:
        raise PlaytestError(f"The finding '{finding.id}' cannot be replayed. {trace.ending.message}")
    return trace


def film_again(finding: Finding, folder: Path, inputs: str = INPUTS_FILE, halt: Halt | None = None) -> Clip | None:
    """Replay a finding once and return the video of it; None if its game shows no pictures, or died within a second.

    Args:
        finding: To replay.
        folder: That holds its inputs.
        inputs: See `replay`.
        halt: Stops it early.

    Raises:
        PlaytestError: If the game cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="understudy-replay-") as scratch:
        shown = finding.model_copy(update={"pictures": True})
        trace = play_again(shown, folder / inputs, Path(scratch), halt or Halt(), record=True)
        return film(trace, VideoSpec(seconds=_LONGEST_S), until=max(0, len(trace.actions) - 1))


def seen_again(finding: Finding, trace: Trace) -> Sighting | None:
    """Return the first sighting of the same bug in a run that played the finding's inputs; None if there is none."""
    seen = (*trace.sightings, *(sighting for sighting, _ in concluded(finding.oracle.alone(), [trace])))
    return next((each for each in seen if each.same_bug(finding.sighting, finding.cell_size)), None)
