"""Triton's newest client, which cannot be installed beside us, plays a bundle unchanged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from arena import observe
from oip_server import LocalBots, OipServer

from understudy.agents.bundle import Bundle

PYTHON = Path(__file__).parents[4] / ".venv-triton" / "bin" / "python"
ROWS, STEPS, SEED = 3, 30, 5


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.exists(), reason="There is no .venv-triton; run benchmarks/peers/setup-triton.sh")
def test_the_newest_client_plays_as_local_agents(oip: OipServer, bundles: list[Bundle], tmp_path: Path) -> None:
    """From a Python with older packages than ours, over a whole sequence."""
    rng = np.random.default_rng(0)
    steps = [observe(rng, ROWS) for _ in range(STEPS)]
    np.savez(tmp_path / "seen.npz", **{name: np.stack([each[name] for each in steps]) for name in steps[0]})
    script = Path(__file__).with_name("newest_client.py")
    command = [str(PYTHON), str(script), oip.address, str(tmp_path / "seen.npz"), str(tmp_path / "done.npz")]
    subprocess.run(command, check=True, timeout=60)
    actions, local = dict(np.load(tmp_path / "done.npz")), LocalBots(bundles[0], range(SEED, SEED + ROWS))
    for step, observations in enumerate(steps):
        local.require_equal(observations, {name: array[step] for name, array in actions.items()})
