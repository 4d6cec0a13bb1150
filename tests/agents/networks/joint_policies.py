"""Policies with every kind of memory and joint head, none of whose weights is nought, and their play step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from small_policies import BINS, RAYS_ONLY, make_policy, random_inputs

from understudy.agents import ParitySample
from understudy.agents.networks import DecisionGraph, Policy, PolicyShape
from understudy.spec import BehaviorSpec, SensorSpec

GRID = SensorSpec(
    "grid",
    spaces.Box(0, np.broadcast_to(np.array([10_000, 11], np.int16), (15, 15, 2)), (15, 15, 2), np.int16),
    "cm, type",
)


def small_policy(seed: int = 0, *, spread: bool = False, **changes: Any) -> Policy:
    """A small policy on rays, random in every weight."""
    shape = PolicyShape(hidden=12, memory=8, head_width=10, **changes)
    policy = make_policy(RAYS_ONLY, shape, seed, replace(BINS, spread=spread))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for each in policy.joint.parameters():
            each.copy_(torch.randn(each.shape, generator=generator) * 0.6)
    return policy


@torch.no_grad()
def play_graph(graph: DecisionGraph, steps: int, behavior: BehaviorSpec = RAYS_ONLY) -> ParitySample:
    """Play the network through random observations, its state carried."""
    sensors, noise = random_inputs(behavior, steps, graph.noise_size)
    state = torch.zeros(1, graph.state_size)
    rows = []
    for step in range(steps):
        row = slice(step, step + 1)
        seen = [torch.from_numpy(each[row]) for each in sensors]
        *actions, state, logits = graph(*seen, state, torch.from_numpy(noise[row]))
        rows.append((*actions, logits))
    *actions, logits = (torch.cat(column).numpy() for column in zip(*rows, strict=True))
    observations = dict(zip(behavior.sensor_names, sensors, strict=True))
    return ParitySample(observations, noise, logits, dict(zip(behavior.action_names, actions, strict=True)))


def grid_readings(rows: int, seed: int = 0) -> np.ndarray:
    """Readings of a ray grid, int16, shape (rows, 15, 15, 2)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, 10_001, (rows, 15, 15)), rng.integers(0, 12, (rows, 15, 15))], -1).astype(np.int16)
