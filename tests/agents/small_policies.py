"""Small policies with random weights, and bundles of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from gymnasium import spaces

from toys import TOY
from understudy.agents.bundle import Bundle, ParitySample, write_bundle
from understudy.agents.networks import (
    ActionCodec,
    DecisionGraph,
    InGraphPixels,
    ListedBins,
    PixelEncoder,
    Policy,
    PolicyShape,
    VectorEncoder,
)
from understudy.agents.noise import uniform_noise
from understudy.sensors import Pixels
from understudy.spec import BehaviorSpec
from understudy.training.export import to_onnx

BINS = ListedBins((-10.0, -3.0, -1.0, 0.0, 1.0, 3.0, 10.0))
RAYS_ONLY = TOY.select(["rays", "health"])
SMALLER = Pixels(source=(12, 16, 3), size=(6, 8), crop=(0, 0, 12, 16))


def make_policy(
    behavior: BehaviorSpec = TOY, shape: PolicyShape | None = None, seed: int = 0, bins: ListedBins = BINS
) -> Policy:
    """A policy for sensors of the toy behaviour; unlike a new one, none of its weights is nought."""
    torch.manual_seed(seed)
    encoders = {
        each.name: PixelEncoder(SMALLER.shape, (4, 6), 8) if each.name == "frame" else VectorEncoder(each, (8,))
        for each in behavior.sensors
    }
    codec = ActionCodec(behavior.actions, {"turn": bins})
    policy = Policy(behavior, encoders, codec, shape or PolicyShape(hidden=12, memory=10))
    with torch.no_grad():
        for each in (policy.heads.weight, policy.heads.bias, policy.reflex.weight, policy.log_weights):
            each.normal_()
        if policy.markov is not None:
            policy.markov.weight.normal_()
    return policy.eval()


def make_graph(policy: Policy, temperature: float = 1.0) -> DecisionGraph:
    """The policy's graph, with pictures reduced inside it."""
    pixels = {"frame": InGraphPixels(SMALLER)} if "frame" in policy.behavior.sensor_names else {}
    return DecisionGraph(policy, pixels, temperature).eval()


def save_bundle(folder: Path, graph: DecisionGraph, parity: ParitySample | None = None) -> Bundle:
    """Export a graph to a bundle."""
    return write_bundle(
        folder,
        to_onnx(graph),
        parity,
        name="small",
        behavior=graph.policy.behavior,
        state_size=graph.state_size,
        noise_size=graph.noise_size,
        logits_size=graph.policy.codec.logits_size,
        provenance={"recipe": "none"},
        certificate={},
    )


def random_inputs(behavior: BehaviorSpec, rows: int, noise_size: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Observations in the spec's order, each (rows, *shape), and noise (rows, noise_size)."""
    rng = np.random.default_rng(5)
    sensors = []
    for each in behavior.sensors:
        low, high = (-50, 150) if isinstance(each.space, spaces.Box) and each.space.dtype.kind == "f" else (0, 255)
        sensors.append(rng.uniform(low, high, (rows, *each.space.shape)).astype(each.space.dtype))
    return sensors, uniform_noise(np.full(rows, 3, np.uint64), np.arange(rows, dtype=np.uint64), noise_size)
