"""Playing a bundle: a stateless batch step, in float32 or fewer bits, and an `Agent` for one bot. No torch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.agents.agreement import compare_play
from understudy.agents.backends import open_graph, runs_here
from understudy.agents.bundle import Bundle
from understudy.agents.noise import uniform_noise
from understudy.agents.styles import open_style
from understudy.agents.variants import MIN_AGREEMENT, pick_variant
from understudy.errors import BundleError, suggest
from understudy.spec import Action, Observation

# Of the logits, between the training network and the exported graph: a few hundred float32 roundings.
PARITY_TOLERANCE = 1e-3
_LOG = logging.getLogger(__name__)


class PolicyRuntime:
    """A bundle's graph, loaded. Stateless: each step takes the bots' state and gives the next.

    Args:
        bundle: To load.
        threads: For one step. One is fastest for small recurrent policies; pixels gain from two.
        variant: The name of one of the bundle's variants; empty for the graph in float32.

    Raises:
        BundleError: If there is no such variant, or the graph cannot be loaded or does not have the inputs and outputs
            of its card.
    """

    def __init__(self, bundle: Bundle, threads: int = 1, variant: str = "") -> None:
        variants = bundle.card.variants
        if variant and variant not in variants:
            raise BundleError(f"The bundle '{bundle.name}' has no variant '{variant}'.{suggest(variant, variants)}")
        self.bundle = bundle
        self.threads = threads
        self.variant = variants[variant] if variant else None
        self._path = bundle.folder / self.variant.file if self.variant else bundle.policy_path
        self._graph = open_graph(self._path, self.variant.runtime if self.variant else "onnxruntime", threads)
        behavior = bundle.behavior
        self._inputs = [*(f"observation.{name}" for name in behavior.sensor_names), "state", "noise"]
        self._default_style = bundle.style()
        if bundle.style_size:
            self._inputs.append("style")
        self._outputs = [*(f"action.{name}" for name in behavior.action_names), "next_state"]
        self._check_names()

    def step(
        self, sensors: Sequence[np.ndarray], state: np.ndarray, noise: np.ndarray, style: np.ndarray | None = None
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Decide once for a batch of bots.

        Args:
            sensors: In the spec's order, each of shape (batch, *sensor shape).
            state: float32, shape (batch, state_size).
            noise: float32 in [0, 1), shape (batch, noise_size).
            style: float32, shape (batch, style_size); the default style if left out.

        Returns:
            The action parts in the spec's order, each of shape (batch, *part shape); and the next state.
        """
        *actions, next_state = self._graph.run(self._outputs, self._feed(sensors, state, noise, style))
        return actions, next_state

    def explain(
        self, sensors: Sequence[np.ndarray], state: np.ndarray, noise: np.ndarray, style: np.ndarray | None = None
    ) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        """As `step`; the third result is the logits, float32, shape (batch, logits_size)."""
        outputs = [*self._outputs, "logits"]
        *actions, next_state, logits = self._graph.run(outputs, self._feed(sensors, state, noise, style))
        return actions, next_state, logits

    def logits(self, sensors: Sequence[np.ndarray], state: np.ndarray) -> np.ndarray:
        """Return the unnormalised log-probabilities behind a decision, float32, shape (batch, logits_size)."""
        noise = np.zeros((len(state), self.bundle.noise_size), np.float32)
        return np.asarray(self._graph.run(["logits"], self._feed(sensors, state, noise))[0])

    def _feed(
        self, sensors: Sequence[np.ndarray], state: np.ndarray, noise: np.ndarray, style: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        if not self.bundle.style_size:
            return dict(zip(self._inputs, (*sensors, state, noise), strict=True))
        if style is None:
            style = np.broadcast_to(self._default_style, (len(state), self.bundle.style_size))
        return dict(zip(self._inputs, (*sensors, state, noise, style), strict=True))

    def replay(self, sensors: Sequence[np.ndarray], noise: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Play one new bot through consecutive decisions, carrying its state.

        Args:
            sensors: In the spec's order, each of shape (steps, *sensor shape).
            noise: float32, shape (steps, noise_size).

        Returns:
            The logits of each step, shape (steps, logits_size); and the action parts, each (steps, *part shape).
        """
        state = np.zeros((1, self.bundle.state_size), np.float32)
        outputs = ["logits", *self._outputs]
        rows = []
        for step in range(len(noise)):
            feed = self._feed([each[step : step + 1] for each in sensors], state, noise[step : step + 1])
            *row, state = self._graph.run(outputs, feed)
            rows.append(row)
        logits, *actions = (np.concatenate(column) for column in zip(*rows, strict=True))
        return logits, actions

    def verify(self) -> float:
        """Run the bundle's stored parity sample again and return the largest difference of the logits.

        A variant is compared with the graph in float32: it may differ as far as its certificate allows.

        Raises:
            BundleError: If this machine's answers differ from what training, or the variant's maker, computed.
        """
        sample = self.bundle.parity_sample
        if sample is None:
            return 0.0
        if self.variant is not None:
            return self._verify_variant([sample.observations[name] for name in self.bundle.behavior.sensor_names])
        agreement = compare(self, sample)
        if not agreement.holds:
            raise BundleError(f"The bundle {self.bundle.folder} fails its parity check here: {agreement}.")
        return agreement.max_difference

    def _verify_variant(self, sensors: list[np.ndarray]) -> float:
        assert self.variant is not None
        reference = PolicyRuntime(self.bundle, self.threads)
        reference.verify()
        found = compare_play(reference, self, [sensors]).max_logit_difference
        allowed = float(str(self.variant.certificate["tolerance"]))
        if not found <= allowed:
            raise BundleError(
                f"{self._path} fails its parity check here: its logits differ from float32's by up to {found:.2g} "
                f"(allowed: {allowed:.2g}); this processor may lack what it was made for. Serve it with "
                "--precision fp32."
            )
        return found

    def _check_names(self) -> None:
        graph = self._graph
        for what, expected, found in (("input", self._inputs, graph.inputs), ("output", self._outputs, graph.outputs)):
            missing = [each for each in expected if each not in found]
            if missing:
                raise BundleError(f"{self._path} has no {what} '{missing[0]}'; export the bundle again.")


def open_runtime(
    bundle: Bundle, threads: int = 1, precision: str = "auto", min_agreement: float = MIN_AGREEMENT
) -> PolicyRuntime:
    """Load the fastest variant of a bundle that decides as float32 does often enough.

    With `"auto"`, a variant that fails its parity check on this machine is passed over, with a warning.

    Args:
        bundle: To load.
        threads: For one step.
        precision: `"auto"`, `"fp32"`, or the name of a variant.
        min_agreement: The least share of decisions, 0 to 1, that must be those of float32.

    Raises:
        BundleError: If the variant that was asked for is not there, agrees too rarely or cannot run here.
    """
    known = dict(bundle.card.variants)
    while name := pick_variant(known, precision, min_agreement, runs_here=runs_here):
        runtime = PolicyRuntime(bundle, threads, name)
        if precision != "auto":
            return runtime
        try:
            runtime.verify()
        except BundleError as error:
            _LOG.warning("%s", error)
            del known[name]
        else:
            return runtime
    return PolicyRuntime(bundle, threads)


@dataclass(frozen=True)
class Agreement:
    """How far two implementations of one policy agree on the same inputs."""

    steps: int
    max_difference: float
    equal_actions: float

    @property
    def holds(self) -> bool:
        """Whether they count as the same policy."""
        return self.max_difference <= PARITY_TOLERANCE and self.equal_actions == 1.0

    def __str__(self) -> str:
        return (
            f"over {self.steps} steps the logits differ by up to {self.max_difference:.2g} (allowed: "
            f"{PARITY_TOLERANCE:g}) and {self.equal_actions:.1%} of the actions are equal (required: all)"
        )


def compare(runtime: PolicyRuntime, sample: Any) -> Agreement:
    """Play a `ParitySample` and compare logits and actions with what is stored in it."""
    behavior = runtime.bundle.behavior
    sensors = [sample.observations[name] for name in behavior.sensor_names]
    logits, actions = runtime.replay(sensors, sample.noise)
    equal = np.ones(len(logits), bool)
    for name, values in zip(behavior.action_names, actions, strict=True):
        close = np.isclose(values, sample.actions[name], rtol=1e-5, atol=1e-5)
        equal &= close.reshape(len(logits), -1).all(axis=1)
    return Agreement(len(logits), float(np.abs(logits - sample.logits).max()), float(equal.mean()))


class BundleAgent:
    """Plays one bot from a bundle, in this process.

    Args:
        bundle: To play.
        threads: Of ONNX Runtime.
        style: One of the bundle's, a blend or a style file, see `understudy.agents.styles`; its default if left out.

    Raises:
        BundleError: If the graph cannot be loaded, or there is no such style.
    """

    def __init__(self, bundle: Bundle, threads: int = 1, style: str = "") -> None:
        self.behavior = bundle.behavior
        self._runtime = PolicyRuntime(bundle, threads)
        self._bundle = bundle
        self._style = open_style(bundle, style)[None]
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget the past and start the noise stream of `seed` from its beginning."""
        self._state = np.zeros((1, self._bundle.state_size), np.float32)
        self._seed = np.array([seed], np.uint64)
        self._decision = np.zeros(1, np.uint64)

    def act(self, observation: Observation) -> Action:
        """Decide once; see `Agent.act`."""
        self.behavior.check_observation(observation)
        sensors = [observation[name][None] for name in self.behavior.sensor_names]
        noise = uniform_noise(self._seed, self._decision, self._bundle.noise_size)
        actions, self._state = self._runtime.step(sensors, self._state, noise, self._style)
        self._decision += np.uint64(1)
        return {name: np.asarray(value[0]) for name, value in zip(self.behavior.action_names, actions, strict=True)}

    def close(self) -> None:
        """Nothing to release."""
