"""The log doctor on human play: defects injected into the Freedoom project's demos, and the deaths at their ends."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml
from _table import Row

from logs_rows.scoring import Counts, Truth, count, in_words
from understudy.recordings import Episode, open_recordings
from understudy.recordings.doctor import Severity, checks, examine
from understudy.recordings.doctor.specimens import DEFECTS, Play, save, spoil

ROOT = Path(__file__).parents[2]
LOGS, RECIPE = ROOT / "demo" / "logs", ROOT / "recipes" / "doom.yaml"
TARGET = 0.95
PIECE = 600
ROUNDS = 3
EACH = 2
# The demos have no vectors, so nothing there can stick.
KINDS = tuple(kind for kind in DEFECTS if kind != "constant-sensor")
# A player who waits for five seconds at the beginning; rightly found, but not by us put there.
SKIPPED = {"freedoom2-DEMO3": 130}


def rows() -> list[Row]:
    """Cut the demos into half minutes, spoil most of them, and examine all; nothing if there are no demos."""
    if not LOGS.exists():
        return []
    pieces = [piece for episode in open_recordings(LOGS) for piece in _pieces(episode)]
    counts = sum((_round(pieces, seed) for seed in range(ROUNDS)), Counts())
    note = (
        f"{counts.num_there} defects of {len(KINDS)} kinds in half minutes of eight human Doom demos, {ROUNDS} times "
        f"beside {len(pieces) - EACH * (len(KINDS) - 1)} without; thresholds were chosen with these demos at hand; "
        f"{in_words(counts, KINDS)}"
    )
    return [
        Row("log doctor: defects in human play (recall)", counts.recall, TARGET, "share", note=note),
        Row("log doctor: findings in human play (precision)", counts.precision, TARGET, "share", note=note),
        *_tails(),
    ]


def _pieces(episode: Episode) -> Iterator[Play]:
    """Pieces of a demo up to its player's death."""
    stop = episode.num_steps - _trimmed()[episode.name]
    for first in range(SKIPPED.get(episode.name, 0), stop - PIECE + 1, PIECE):
        rows = slice(first, first + PIECE)
        yield Play(
            episode.behavior,
            {name: episode.observation(name, rows) for name in episode.behavior.sensor_names},
            {name: episode.action(name, rows) for name in episode.behavior.action_names},
            episode.tick[rows],
            episode.time_ns[rows],
            episode.provenance.player,
        )


def _round(pieces: list[Play], seed: int) -> Counts:
    rng = np.random.default_rng(seed)
    order = [pieces[index] for index in rng.permutation(len(pieces))]
    truth: dict[str, Truth] = {}
    with tempfile.TemporaryDirectory(prefix="doctor-doom-") as folder:
        clean = order[EACH * (len(KINDS) - 1) :]
        for index, play in enumerate(clean):
            truth[f"clean-{index}"] = Truth("")
            save(play, Path(folder), f"clean-{index}")
        for kind in KINDS:
            for index in range(EACH):
                play = clean[int(rng.integers(len(clean)))] if kind == "near-duplicate" else order.pop(0)
                spoiled = spoil(kind, play, rng)
                truth[f"{kind}-{index}"] = Truth(spoiled.check, spoiled.steps)
                save(spoiled.play, Path(folder), f"{kind}-{index}")
        report = examine(list(open_recordings(folder)), Path(folder) / ".doctor", checks=checks(KINDS))
    return count(truth, report.of(Severity.WARNING))


def _tails() -> list[Row]:
    """Compare the dead tails of the whole demos with those that a person trimmed."""
    with tempfile.TemporaryDirectory(prefix="doctor-doom-") as folder:
        report = examine(list(open_recordings(LOGS)), Path(folder), checks=checks(["dead-tail"]))
    found = {each.recording: each.steps[1] - each.steps[0] for each in report.findings if each.steps}
    by_hand = _trimmed()
    away = [abs(found.get(name, 0) - steps) for name, steps in by_hand.items()]
    note = ", ".join(f"{name} {found.get(name, 0)} (by hand {steps})" for name, steps in by_hand.items())
    return [
        Row("log doctor: ends of demos after the player's death that it finds", len(found), len(by_hand), "demos"),
        Row(
            "log doctor: steps its trim differs from a person's, median",
            float(np.median(away)),
            18,
            "steps",
            True,
            note,
        ),
    ]


def _trimmed() -> dict[str, int]:
    return dict(yaml.safe_load(RECIPE.read_text())["split"]["trim"])
