"""Bins that are spread put numbers in play where they were in the recordings, not at their bins' centres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from steering import steering_recipe

from understudy.agents.runtime import PolicyRuntime
from understudy.recordings import Recordings
from understudy.training.export import export_run
from understudy.training.loop import train


def test_a_bot_turns_as_far_as_people_did_not_as_its_bins_say(steering: Recordings, tmp_path: Path) -> None:
    """People turn by 3 degrees either way; so does the exported bot, whose bins have their centres at 4."""
    train(steering_recipe(bins={"turn": {"bins": [-4, 0, 4], "spread": True}}), steering, tmp_path / "run")
    bundle = export_run(tmp_path / "run", steering, tmp_path / "bundle")
    rng = np.random.default_rng(0)
    rays, noise = rng.random((200, 2), np.float32), rng.random((200, bundle.noise_size), np.float32)
    actions, _ = PolicyRuntime(bundle).step([rays], np.zeros((200, bundle.state_size), np.float32), noise)
    turns = actions[0].ravel()
    assert {-3.0, 3.0} <= set(turns.tolist())
    assert np.isin(turns[np.abs(turns) > 2], (-3.0, 3.0)).all()
