"""A frozen encoder's features stand in for the pictures they were made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from toys import TOY, write_episode
from understudy.recordings import Cache, open_recordings
from understudy.training.augment import Augment
from understudy.training.build import build_policy
from understudy.training.data import to_window
from understudy.training.embed import FEATURES, embed
from understudy.training.recipe import Recipe
from understudy.training.stream import WindowBatch

RECIPE = Recipe.model_validate(
    {
        "name": "toy",
        "sensors": {"frame": {"encoder": "pixels", "channels": [4], "features": 8}},
        "bins": {"turn": {"bins": [-5, 0, 5]}},
        "policy": {"hidden": 8, "memory": 8, "bottleneck": 4, "remember_sensors": False},
        "mirror": {"sensors": ["frame"], "negate": ["turn"]},
        "loop": {"encoder_rate": 0},
    }
)


def test_features_give_the_decisions_that_pictures_give(tmp_path: Path) -> None:
    """Windows of embedded rows, mirrored ones too, lead the policy to the logits that their pictures lead it to."""
    write_episode(tmp_path, steps=30)
    behavior = TOY.select(["frame"])
    cache = Cache.build(open_recordings(tmp_path), tmp_path / "cache", sensors=["frame"])
    policy = build_policy(RECIPE, behavior).eval()
    torch.nn.init.normal_(policy.reflex.weight)
    embedded = embed(policy, cache, RECIPE, lambda *_: None)
    rows = np.arange(24).reshape(4, 6)
    batch = WindowBatch.of(rows, rows - 1, np.ones_like(rows, bool), first=True, group=3)
    augment = Augment(RECIPE, behavior)
    with torch.no_grad():
        seen = to_window(cache, policy.codec, batch, augment)
        known = to_window(embedded, policy.codec, batch, augment)
        state = torch.zeros(4, 8)
        from_pictures, _ = policy(seen.sensors, seen.past, state)
        from_features, _ = policy.decide(known.sensors[FEATURES], known.past, state)
    torch.testing.assert_close(from_features, from_pictures)
    torch.testing.assert_close(known.targets, seen.targets)
    assert from_pictures.std() > 0
