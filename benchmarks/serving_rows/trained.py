"""A GRU-256 policy that has learned something: agreement of random weights would say nothing.

Recorded, trained and exported once, below demo/bench; about two minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from serving_rows.settings import KEPT
from understudy.agents.bundle import Bundle

GAME = {"map": "E1M1", "sensors": ["rays"], "max_seconds": 60}
EPISODES = 20
RECIPE = """\
name: rays-256
sensors:
  rays: {encoder: vector, widths: [128]}
bins:
  turn: {bins: [-60, -35, -22, -14, -10, -7, -4, -2, 0, 2, 4, 7, 10, 14, 22, 35, 60]}
policy: {hidden: 256, memory: 256, past_dropout: 0.3}
split: {episodes: 0.2}
loop: {updates: 600, batch: 16, window: 32, segment: 128, learning_rate: 2.0e-3, threads: 1}
"""


def trained_bundle() -> Bundle:
    """Return the policy with its variants in int8 and, where the processor has it, bf16."""
    folder = KEPT / "rays-256"
    if not (folder / "bundle.json").exists():
        _make(folder)
    bundle = Bundle.load(folder)
    return bundle if bundle.card.variants else _vary(bundle)


def _make(folder: Path) -> None:
    logs, run = KEPT / "logs", KEPT / "run"
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / "recipe.yaml").write_text(RECIPE)
    if not logs.exists():
        arguments = ["--episodes", str(EPISODES), "--args", json.dumps(GAME)]
        _understudy("record", "understudy/Doom-v0", "--out", f"{logs}.part", *arguments)
        Path(f"{logs}.part").rename(logs)
    _understudy("train", str(KEPT / "recipe.yaml"), str(logs), "--out", str(run))
    _understudy("export", str(run), str(folder), "--logs", str(logs))


def _vary(bundle: Bundle) -> Bundle:
    from understudy.agents.backends import has_bf16
    from understudy.recordings import open_recordings
    from understudy.training.variants import add_variants

    return add_variants(bundle, open_recordings(KEPT / "logs"), ["int8", "bf16"] if has_bf16() else ["int8"])


def _understudy(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "understudy.cli.main", *arguments], check=True)
