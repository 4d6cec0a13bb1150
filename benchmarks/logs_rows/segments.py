"""What extraneous segments in a fifth of the demonstrations cost a bot, and how much of it the doctor brings back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from _table import Row

from logs_rows.errand import demonstrate, play
from understudy.agents.runtime import BundleAgent
from understudy.recordings import Recordings, open_recordings
from understudy.recordings.doctor import examine, make_plan
from understudy.recordings.doctor.checks.extraneous import Extraneous
from understudy.recordings.surgery import apply_plan
from understudy.training.export import export_run
from understudy.training.loop import train
from understudy.training.recipe import Recipe

SEEDS = range(20, 26)  # others than those the check's thresholds were chosen on
DEMONSTRATIONS, AFFECTED = 100, 0.2
WORLDS = range(1_000_000, 1_000_400)
RECIPE = Recipe.model_validate(
    {
        "name": "errand",
        "sensors": {name: {"encoder": "vector", "widths": [64]} for name in ("flag", "rays")},
        "policy": {"hidden": 64, "memory": 64, "past_dropout": 0.3},
        "split": {"episodes": 0.1},
        "loop": {"updates": 400, "batch": 16, "window": 16, "segment": 64, "learning_rate": 2e-3, "threads": 1},
    }
)


def rows() -> list[Row]:
    """Measure; about four minutes."""
    clean, affected, mended = (np.array(column) for column in zip(*(errands(seed) for seed in SEEDS), strict=True))
    loss, back = clean.mean() - affected.mean(), mended.mean() - affected.mean()
    successes = ", ".join(f"{c:.2f} / {a:.2f} / {m:.2f}" for c, a, m in zip(clean, affected, mended, strict=True))
    return [
        Row(
            "Extraneous segments in 20 % of demonstrations: share of the loss in play that filtering recovers",
            float(back / loss),
            0.8,
            "",
            note=f"errands done of {len(WORLDS)} in unseen worlds, by bots cloned from {DEMONSTRATIONS} "
            f"demonstrations: clean {clean.mean():.3f}, with segments {affected.mean():.3f}, filtered "
            f"{mended.mean():.3f}; {len(SEEDS)} seeds: {successes}",
        )
    ]


def errands(seed: int) -> tuple[float, float, float]:
    """Return the shares of errands done by bots cloned from clean, affected and filtered demonstrations."""
    numbers = range(1000 * seed, 1000 * seed + DEMONSTRATIONS)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        demonstrate(home / "clean", numbers, 0.0, seed)
        demonstrate(home / "affected", numbers, AFFECTED, seed)
        mend(open_recordings(home / "affected"), home / "mended", home / "doctor")
        clean, affected, mended = (clone(home / name, home / f"{name}-run") for name in ("clean", "affected", "mended"))
        return clean, affected, mended


def mend(recordings: Recordings, out: Path, cache: Path) -> None:
    """Apply what the doctor's check for extraneous segments proposes, and nothing else."""
    report = examine(recordings, cache, checks=[Extraneous()])
    lengths = {each.name: each.num_steps for each in recordings}
    apply_plan(make_plan(report.findings, ("all",), lengths), recordings, out)


def clone(logs: Path, home: Path) -> float:
    """Clone a bot from demonstrations, and return the share of errands it does."""
    recordings = open_recordings(logs)
    train(RECIPE, recordings, home / "run")
    return play(BundleAgent(export_run(home / "run", recordings, home / "bundle")), WORLDS)
