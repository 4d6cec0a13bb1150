"""Promise: one decision of the 14.9 M-parameter network is twice as fast exported as in PyTorch, and ten times in bulk.

python benchmarks/tactical_networks.py [--json]

The network of `recipes/skirmish-14.9m.yaml` with random weights: 15 x 15 rays, an LSTM, an autoregressive head. Always
one thread, the same inputs, and the two that are compared are called in turn. In PyTorch, a decision is an eager step
of the same module: the faster of its two forms, with torch's own fused LSTM and with plain matrix products.

The paper gives 9.59 ms a decision on its authors' machine, for orientation only: arXiv:2501.00078.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _parts import to_json
from _table import Row, interleaved, report
from serving_rows.graphs import in_int8
from torch import Tensor, nn

from understudy.agents.bundle import Bundle, write_bundle
from understudy.agents.networks import DecisionGraph, Policy
from understudy.agents.runtime import PolicyRuntime
from understudy.envs.skirmish.behavior import skirmish_behavior
from understudy.training.build import build_policy
from understudy.training.export import to_onnx
from understudy.training.recipe import load_recipe

RECIPE = Path(__file__).parents[1] / "recipes" / "skirmish-14.9m.yaml"
PAPER_MS, BOTS, REPEATS = 9.59, 64, 41
# Of one bot, and per bot of many.
TARGETS = (2.0, 10.0)


class FusedPolicy(nn.Module):
    """A policy whose step is a window of one decision, so that torch's fused LSTM reads it."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.inner = policy

    def __getattr__(self, name: str) -> Any:
        """Everything else is the policy's own."""
        return super().__getattr__(name) if name == "inner" else getattr(super().__getattr__("inner"), name)

    def step(self, sensors: dict[str, Tensor], past: Tensor, state: Tensor, *style: Tensor) -> tuple[Tensor, Tensor]:
        """Read one decision of each bot."""
        window = {name: each.unsqueeze(1) for name, each in sensors.items()}
        known, state = self.inner(window, past.unsqueeze(1), state, *style)
        return known.squeeze(1), state


def rows() -> list[Row]:
    """Measure; under a minute."""
    torch.set_num_threads(1)
    policy = random_policy()
    num = sum(each.numel() for each in policy.parameters()) - sum(each.numel() for each in policy.recall.parameters())
    with tempfile.TemporaryDirectory() as folder:
        exported = save(policy, Path(folder) / "fp32")
        runtimes = {"float32": exported, "int8": in_int8(exported, Path(folder) / "int8")}
        opened = {name: PolicyRuntime(each) for name, each in runtimes.items()}
        eager = fastest_eager(policy, exported)
        return [row for name, runtime in opened.items() for row in compare(name, runtime, eager, num)]


def compare(precision: str, runtime: PolicyRuntime, eager: Callable[[], object], num_parameters: int) -> list[Row]:
    """Time a decision of one bot, and one of 64 bots, each in turn with a decision of one bot in PyTorch."""
    found = []
    for bots, target in zip((1, BOTS), TARGETS, strict=True):
        slow, fast = interleaved(eager, exported_step(runtime, bots), REPEATS)
        what = "one decision" if bots == 1 else f"a decision of each of {bots} bots, per bot,"
        note = (
            f"{num_parameters:,} parameters, one thread; {slow * 1e3:.2f} ms in PyTorch, {fast * 1e3:.2f} ms exported "
            f"for {bots} (the paper's: {PAPER_MS} ms for one)"
        )
        promise = f"{what} exported in {precision}, against a PyTorch step of one bot"
        found.append(Row(promise, slow / (fast / bots), target, note=note))
    return found


def random_policy() -> Policy:
    """The recipe's network; no layer is left at nought."""
    policy = build_policy(load_recipe(RECIPE), skirmish_behavior()).eval()
    with torch.no_grad():
        for layer in (policy.heads, policy.reflex, policy.joint.leave):
            for parameter in layer.parameters():
                parameter.normal_(0, 0.02)
    return policy


def save(policy: Policy, folder: Path) -> Bundle:
    """Export it."""
    graph = DecisionGraph(policy, {}).eval()
    sizes = {"state_size": graph.state_size, "noise_size": graph.noise_size, "style_size": policy.shape.style}
    card: dict[str, Any] = {"name": "tactical", "behavior": policy.behavior, "provenance": {}, "certificate": {}}
    return write_bundle(folder, to_onnx(graph), None, **card, **sizes, logits_size=policy.codec.logits_size)


def random_inputs(bundle: Bundle, bots: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    """Sensors within their ranges, a state, noise and styles."""
    rng = np.random.default_rng(0)
    sensors = []
    for each in bundle.behavior.sensors:
        values = rng.uniform(each.space.low, each.space.high, (bots, *each.shape))
        sensors.append((values.round() if each.dtype.kind == "i" else values).astype(each.dtype))
    state = np.tanh(rng.normal(size=(bots, bundle.state_size))).astype(np.float32)
    return sensors, state, rng.random((bots, bundle.noise_size), np.float32), np.zeros((bots, bundle.style_size), "f4")


def exported_step(runtime: PolicyRuntime, bots: int) -> Callable[[], object]:
    """A step of the exported graph."""
    inputs = random_inputs(runtime.bundle, bots)
    return lambda: runtime.step(*inputs)


def fastest_eager(policy: Policy, bundle: Bundle) -> Callable[[], object]:
    """A step of one bot in PyTorch, in the faster of its two forms."""
    sensors, state, noise, style = random_inputs(bundle, 1)
    arrays = [torch.from_numpy(each) for each in (*sensors, state, noise, *([style] if style.size else []))]

    def step_of(graph: DecisionGraph) -> Callable[[], object]:
        def step() -> object:
            with torch.inference_mode():
                return graph(*arrays)

        return step

    plain = DecisionGraph(policy, {}).eval()
    fused = DecisionGraph(policy, {}).eval()
    fused.policy = FusedPolicy(policy)  # type: ignore[assignment]
    forms = step_of(plain), step_of(fused)
    seconds = interleaved(*forms, REPEATS)
    return forms[int(np.argmin(seconds))]


def main() -> None:
    """Print a table and keep it, or print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead of keeping them")
    measured = rows()
    if parser.parse_args().json:
        print(to_json(measured))
    else:
        report("tactical_networks", measured)


if __name__ == "__main__":
    main()
