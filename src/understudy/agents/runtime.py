"""Playing a bundle with ONNX Runtime: a stateless batch step, and an `Agent` for one bot. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.agents.noise import uniform_noise
from understudy.errors import BundleError, require
from understudy.spec import Action, Observation

# Of the logits, between the training network and the exported graph: a few hundred float32 roundings.
PARITY_TOLERANCE = 1e-3


class PolicyRuntime:
    """A bundle's graph, loaded. Stateless: each step takes the bots' state and gives the next.

    Args:
        bundle: To load.
        threads: For one step. One is fastest for small recurrent policies; pixels gain from two.

    Raises:
        BundleError: If the graph cannot be loaded or does not have the inputs and outputs of its card.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self.bundle = bundle
        self._session = _open_session(bundle, threads)
        behavior = bundle.behavior
        self._inputs = [*(f"observation.{name}" for name in behavior.sensor_names), "state", "noise"]
        self._outputs = [*(f"action.{name}" for name in behavior.action_names), "next_state"]
        self._check_names()

    def step(
        self, sensors: Sequence[np.ndarray], state: np.ndarray, noise: np.ndarray
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Decide once for a batch of bots.

        Args:
            sensors: In the spec's order, each of shape (batch, *sensor shape).
            state: float32, shape (batch, state_size).
            noise: float32 in [0, 1), shape (batch, noise_size).

        Returns:
            The action parts in the spec's order, each of shape (batch, *part shape); and the next state.
        """
        feed = dict(zip(self._inputs, (*sensors, state, noise), strict=True))
        *actions, next_state = self._session.run(self._outputs, feed)
        return actions, next_state

    def logits(self, sensors: Sequence[np.ndarray], state: np.ndarray) -> np.ndarray:
        """Return the unnormalised log-probabilities behind a decision, float32, shape (batch, logits_size)."""
        noise = np.zeros((len(state), self.bundle.noise_size), np.float32)
        feed = dict(zip(self._inputs, (*sensors, state, noise), strict=True))
        return np.asarray(self._session.run(["logits"], feed)[0])

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
            arrays = (*(each[step : step + 1] for each in sensors), state, noise[step : step + 1])
            *row, state = self._session.run(outputs, dict(zip(self._inputs, arrays, strict=True)))
            rows.append(row)
        logits, *actions = (np.concatenate(column) for column in zip(*rows, strict=True))
        return logits, actions

    def verify(self) -> float:
        """Run the bundle's stored parity sample again and return the largest difference of the logits.

        Raises:
            BundleError: If this machine's answers differ from what training computed.
        """
        sample = self.bundle.parity_sample
        if sample is None:
            return 0.0
        agreement = compare(self, sample)
        if not agreement.holds:
            raise BundleError(f"The bundle {self.bundle.folder} fails its parity check here: {agreement}.")
        return agreement.max_difference

    def _check_names(self) -> None:
        found_in = {each.name for each in self._session.get_inputs()}
        found_out = {each.name for each in self._session.get_outputs()}
        for what, expected, found in (("input", self._inputs, found_in), ("output", self._outputs, found_out)):
            missing = [each for each in expected if each not in found]
            if missing:
                raise BundleError(f"{self.bundle.policy_path} has no {what} '{missing[0]}'; export the bundle again.")


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
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self.behavior = bundle.behavior
        self._runtime = PolicyRuntime(bundle, threads)
        self._bundle = bundle
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
        actions, self._state = self._runtime.step(sensors, self._state, noise)
        self._decision += np.uint64(1)
        return {name: np.asarray(value[0]) for name, value in zip(self.behavior.action_names, actions, strict=True)}

    def close(self) -> None:
        """Nothing to release."""


def _open_session(bundle: Bundle, threads: int) -> Any:
    onnxruntime = require("onnxruntime", "serve")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning worker threads slow down everything else on a machine whose cores are shared.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # errors are raised; printing them too would say them twice
    try:
        return onnxruntime.InferenceSession(str(bundle.policy_path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises several unrelated classes for a graph it cannot load
        raise BundleError(f"{bundle.policy_path} cannot be loaded by ONNX Runtime: {error}") from error
