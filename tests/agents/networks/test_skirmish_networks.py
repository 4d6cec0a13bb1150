"""The networks of skirmish's recipes: their sizes, and that what is exported is what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from understudy.agents import ParitySample, PolicyRuntime
from understudy.agents.bundle import write_bundle
from understudy.agents.networks import DecisionGraph, LSTMMemory, Policy
from understudy.agents.runtime import compare
from understudy.envs.skirmish.behavior import skirmish_behavior
from understudy.training.build import build_policy, play_log_odds
from understudy.training.export import to_onnx
from understudy.training.recipe import Recipe, load_recipe

RECIPES = Path(__file__).parents[3] / "recipes"
BEHAVIOR = skirmish_behavior()


def read_recipe(name: str) -> Recipe:
    """One of ours."""
    return load_recipe(RECIPES / f"{name}.yaml")


def num_deployed(policy: Policy) -> int:
    """Parameters of what plays: without what only training asks."""
    recall = sum(each.numel() for each in policy.recall.parameters()) if policy.recall else 0
    return sum(each.numel() for each in policy.parameters()) - recall


def random_readings(steps: int) -> list[np.ndarray]:
    """Readings within the sensors' ranges, in the spec's order, each (steps, *shape)."""
    rng = np.random.default_rng(0)
    drawn = []
    for each in BEHAVIOR.sensors:
        values = rng.uniform(each.space.low, each.space.high, (steps, *each.shape))
        drawn.append((values.round() if each.dtype.kind == "i" else values).astype(each.dtype))
    return drawn


def test_the_large_network_is_as_large_as_the_published() -> None:
    """14.9 million parameters decide, most of them an LSTM's."""
    policy = build_policy(read_recipe("skirmish-14.9m"), BEHAVIOR)
    assert round(num_deployed(policy) / 1e6, 1) == 14.9
    assert isinstance(policy.memory, LSTMMemory)
    assert sum(each.numel() for each in policy.memory.parameters()) > 0.7 * num_deployed(policy)


def test_the_small_network_has_a_million_parameters() -> None:
    """What two CPU cores train within an hour."""
    assert 0.8e6 < num_deployed(build_policy(read_recipe("skirmish"), BEHAVIOR)) < 1.2e6


@pytest.mark.parametrize("name", ["skirmish", "skirmish-14.9m"])
@torch.no_grad()
def test_the_export_plays_as_the_network(tmp_path: Path, name: str) -> None:
    """Over forty decisions with the state carried, all actions are equal and the logits agree to a rounding."""
    recipe = read_recipe(name)
    policy = build_policy(recipe, BEHAVIOR).eval()
    for layer in (policy.heads, policy.reflex):
        layer.weight.normal_(0, 0.02)
    style = [torch.zeros(1, recipe.style_size)] if recipe.style_size else []
    graph = DecisionGraph(policy, {}, 1.0, play_log_odds(recipe, BEHAVIOR)).eval()
    sensors = random_readings(40)
    noise = np.random.default_rng(1).random((40, graph.noise_size), np.float32)
    state, rows = torch.zeros(1, graph.state_size), []
    for step in range(40):
        seen = [torch.from_numpy(each[step : step + 1]) for each in sensors]
        *actions, state, logits = graph(*seen, state, torch.from_numpy(noise[step : step + 1]), *style)
        rows.append((*actions, logits))
    *actions, logits = (torch.cat(column).numpy() for column in zip(*rows, strict=True))
    played = dict(zip(BEHAVIOR.action_names, actions, strict=True))
    sample = ParitySample(dict(zip(BEHAVIOR.sensor_names, sensors, strict=True)), noise, logits, played)
    card: dict[str, Any] = {"behavior": BEHAVIOR, "provenance": {}, "certificate": {}, "name": name}
    sizes = {"state_size": graph.state_size, "noise_size": graph.noise_size, "style_size": recipe.style_size}
    bundle = write_bundle(tmp_path, to_onnx(graph), sample, **card, **sizes, logits_size=policy.codec.logits_size)
    assert compare(PolicyRuntime(bundle), sample).holds
    assert len(np.unique(played["turn"])) > 5
