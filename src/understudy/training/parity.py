"""Parity: an exported graph plays recorded frames as the network it came from, or no bundle is written."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from understudy.agents.bundle import Bundle, ParitySample, write_bundle
from understudy.agents.noise import uniform_noise
from understudy.agents.runtime import PARITY_TOLERANCE, PolicyRuntime, compare
from understudy.errors import BundleError
from understudy.spec import BehaviorSpec

PARITY_STEPS = 256
# Kept in the bundle for the server to check at start; the certificate covers all of PARITY_STEPS.
_STORED_STEPS = 32


class Decider(Protocol):
    """Decides for a batch of bots, as `understudy.agents.networks.DecisionGraph` does."""

    state_size: int
    noise_size: int

    def __call__(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Decide: sensors in the spec's order, state, noise, any style; to action parts, next state, logits."""
        ...


@torch.no_grad()
def parity_sample(
    graph: Decider,
    behavior: BehaviorSpec,
    observations: Mapping[str, np.ndarray],
    style: Sequence[float] | None = None,
) -> ParitySample:
    """Play a network, step by step with its state carried, through recorded observations, in one style if any.

    Args:
        graph: In evaluation mode.
        behavior: That it was made for.
        observations: Of consecutive steps, by sensor name, (steps, *sensor shape).
        style: Numbers of a style.
    """
    num = len(next(iter(observations.values())))
    noise = uniform_noise(np.zeros(num, np.uint64), np.arange(num, dtype=np.uint64), graph.noise_size)
    state = torch.zeros(1, graph.state_size)
    more = () if style is None else (torch.tensor([style], dtype=torch.float32),)
    decided = []
    for step in range(num):
        sensors = [torch.from_numpy(observations[name][step : step + 1]) for name in behavior.sensor_names]
        *parts, state, told = graph(*sensors, state, torch.from_numpy(noise[step : step + 1]), *more)
        decided.append((*parts, told))
    *actions, logits = (torch.cat(column).numpy() for column in zip(*decided, strict=True))
    return ParitySample(observations, noise, logits, dict(zip(behavior.action_names, actions, strict=True)))


def write_certified(
    out: Path, policy: bytes, sample: ParitySample, files: Mapping[str, bytes] | None = None, **card: Any
) -> Bundle:
    """Write a bundle with a certificate that its graph plays as the network did.

    Args:
        out: The bundle's folder, replaced if it is there.
        policy: The exported graph, in ONNX.
        sample: What the network played; its beginning is kept in the bundle.
        files: Further files by name.
        **card: As in `write_bundle`, without the certificate.

    Raises:
        BundleError: If the graph gives other answers; nothing is written then.
    """
    certificate = _certify(policy, sample, card)
    return write_bundle(out, policy, _head(sample), files, certificate=certificate, **card)


def _certify(policy: bytes, sample: ParitySample, card: Mapping[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        draft = write_bundle(Path(folder) / "draft", policy, None, certificate={}, **card)
        agreement = compare(PolicyRuntime(draft), sample)
    if not agreement.holds:
        raise BundleError(f"The exported graph of '{card['name']}' is not the trained network: {agreement}.")
    return {
        "steps": agreement.steps,
        "max_logit_difference": agreement.max_difference,
        "tolerance": PARITY_TOLERANCE,
        "equal_actions": agreement.equal_actions,
        "torch": torch.__version__,
        "onnxruntime": version("onnxruntime"),
        "machine": platform.machine(),
    }


def _head(sample: ParitySample) -> ParitySample:
    rows = slice(_STORED_STEPS)
    observations, actions = (
        {name: value[rows] for name, value in arrays.items()} for arrays in (sample.observations, sample.actions)
    )
    return ParitySample(observations, sample.noise[rows], sample.logits[rows], actions)
