"""Whether a graph that was written for another server still plays as its bundle does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.agents.bundle import Bundle
from understudy.agents.noise import uniform_noise
from understudy.agents.runtime import PolicyRuntime
from understudy.errors import BundleError, require
from understudy.serving.fleet import sequence_graph as names

CHECKED_STEPS = 32
TOLERANCE = 1e-4
SEEDS = np.array([0, 1, 2**63 - 1, 2**64 - 1], np.uint64)


def require_alike(bundle: Bundle, graph: bytes) -> None:
    """Play a few bots through the bundle and through the graph, each carrying its own memory.

    Args:
        bundle: That the graph was written from.
        graph: As `understudy.serving.fleet.sequence_graph` writes it.

    Raises:
        BundleError: If they act otherwise, or remember something else.
    """
    ours, theirs = _Bundle(bundle), _Graph(bundle, graph)
    for step, seen in enumerate(_observations(bundle)):
        pairs = zip(ours.decide(step, seen), theirs.decide(seen), strict=True)
        if not all(np.allclose(one, other.reshape(one.shape), atol=TOLERANCE) for one, other in pairs):
            raise BundleError(
                f"The graph written for Triton does not play as the bundle '{bundle.name}' from decision {step} on; "
                "please report this with the bundle."
            )


class _Bundle:
    """Bots as our own server plays them."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._runtime = PolicyRuntime(bundle)
        self._state = np.zeros((len(SEEDS), bundle.state_size), np.float32)

    def decide(self, step: int, seen: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Return the action parts and the memory."""
        noise = uniform_noise(SEEDS, np.full(len(SEEDS), step, np.uint64), self._bundle.noise_size)
        actions, self._state = self._runtime.step(list(seen.values()), self._state, noise)
        return [*actions, self._state]


class _Graph:
    """Bots as a server plays them that only carries tensors from one request to the next."""

    def __init__(self, bundle: Bundle, graph: bytes) -> None:
        onnxruntime: Any = require("onnxruntime", "serve")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._wanted = [*bundle.behavior.action_names, names.MEMORY_OUT, names.DECISION_OUT]
        self._feed = {names.SEED: SEEDS.view(np.int64)[:, None]}
        if bundle.style_size:
            self._feed[names.STYLE] = np.tile(bundle.style(), (len(SEEDS), 1))
        self._memory = np.zeros((len(SEEDS), bundle.state_size), np.float32)
        self._decision = np.zeros((len(SEEDS), 1), np.int64)

    def decide(self, seen: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Return the action parts and the memory."""
        carried = {names.MEMORY_IN: self._memory, names.DECISION_IN: self._decision}
        *actions, self._memory, self._decision = self._session.run(self._wanted, {**self._feed, **seen, **carried})
        return [*actions, self._memory]


def _observations(bundle: Bundle) -> list[dict[str, np.ndarray]]:
    """Return recorded observations, the same for each bot, or drawn ones if the bundle has none."""
    sample, sensors, rows = bundle.parity_sample, bundle.behavior.sensors, len(SEEDS)
    if sample is None:
        rng = np.random.default_rng(0)
        return [{each.name: _draw(rng, rows, each.space) for each in sensors} for _ in range(CHECKED_STEPS)]
    steps = range(min(CHECKED_STEPS, len(sample.noise)))
    return [
        {each.name: np.repeat(sample.observations[each.name][step : step + 1], rows, axis=0) for each in sensors}
        for step in steps
    ]


def _draw(rng: np.random.Generator, rows: int, space: spaces.Box) -> np.ndarray:
    """Return numbers from the lower half of a sensor's range, taken as -1 to 1 where it has no end."""
    low, high = (np.where(np.isfinite(end), end, far).astype(float) for end, far in ((space.low, -1), (space.high, 1)))
    return (low + rng.random((rows, *space.shape)) * (high - low) / 2).astype(space.dtype)
