"""The exported graph is the network: the same logits and actions, step after step, and a refusal where it is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from small_policies import RAYS_ONLY, make_graph, make_policy, random_inputs, save_bundle

from toys import TOY
from understudy.agents import BundleAgent, ParitySample, PolicyRuntime
from understudy.agents.networks import DecisionGraph, PolicyShape
from understudy.agents.runtime import compare
from understudy.errors import BundleError
from understudy.spec import BehaviorSpec

STEPS = 256
SHAPES = [
    PolicyShape(hidden=12, memory=10),
    PolicyShape(hidden=12, memory=0),
    PolicyShape(hidden=12, memory=10, past_actions=False),
    PolicyShape(hidden=12, memory=0, past_actions=False),
    PolicyShape(hidden=12, memory=10, bottleneck=3, remember_sensors=False),
]


@torch.no_grad()
def play(graph: DecisionGraph, steps: int = STEPS) -> ParitySample:
    """Play the network through random observations, its state carried."""
    behavior = graph.policy.behavior
    sensors, noise = random_inputs(behavior, steps, graph.noise_size)
    state = torch.zeros(1, graph.state_size)
    rows = []
    for step in range(steps):
        row = slice(step, step + 1)
        *actions, state, logits = graph(
            *(torch.from_numpy(each[row]) for each in sensors), state, torch.from_numpy(noise[row])
        )
        rows.append((*actions, logits))
    *actions, logits = (torch.cat(column).numpy() for column in zip(*rows, strict=True))
    observations = dict(zip(behavior.sensor_names, sensors, strict=True))
    return ParitySample(observations, noise, logits, dict(zip(behavior.action_names, actions, strict=True)))


@pytest.mark.parametrize("behavior", [TOY, RAYS_ONLY], ids=["pixels", "rays"])
@pytest.mark.parametrize("temperature", [1.0, 0.4])
def test_onnx_is_torch_over_many_steps(tmp_path: Path, behavior: BehaviorSpec, temperature: float) -> None:
    """Over 256 steps with the state carried, every action is equal and the logits agree to a rounding."""
    graph = make_graph(make_policy(behavior), temperature)
    sample = play(graph)
    bundle = save_bundle(tmp_path / "bundle", graph, sample)
    agreement = compare(PolicyRuntime(bundle), sample)
    assert agreement.holds
    assert agreement.steps == STEPS
    assert agreement.max_difference < 1e-4
    assert PolicyRuntime(bundle).verify() == pytest.approx(agreement.max_difference, abs=1e-6)
    assert len(np.unique(sample.actions["turn"])) > 3


@pytest.mark.parametrize("shape", SHAPES, ids=["gru past", "past", "gru", "neither", "reflex"])
def test_every_shape_of_policy_exports_and_plays(tmp_path: Path, shape: PolicyShape) -> None:
    """With or without memory and past actions, the graph has all inputs, takes any batch, and is the network."""
    graph = make_graph(make_policy(RAYS_ONLY, shape))
    sample = play(graph, 20)
    bundle = save_bundle(tmp_path / "bundle", graph, sample)
    session = onnxruntime.InferenceSession(str(bundle.policy_path), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == graph.inputs
    assert [each.name for each in session.get_outputs()] == graph.outputs
    runtime = PolicyRuntime(bundle)
    assert compare(runtime, sample).holds
    for batch in (1, 3):
        sensors, noise = random_inputs(RAYS_ONLY, batch, bundle.noise_size)
        actions, state = runtime.step(sensors, np.zeros((batch, bundle.state_size), np.float32), noise)
        assert state.shape == (batch, bundle.state_size)
        assert [each.shape for each in actions] == [(batch, *part.shape) for part in RAYS_ONLY.actions]
        assert [each.dtype for each in actions] == [part.dtype for part in RAYS_ONLY.actions]
    observation = {name: value[0] for name, value in sample.observations.items()}
    assert BundleAgent(bundle).act(observation).keys() == set(RAYS_ONLY.action_names)


def test_a_cold_bot_takes_the_likeliest_class() -> None:
    """At a low temperature, whatever the noise, each choice is the one with the largest logit."""
    graph = make_graph(make_policy(RAYS_ONLY), temperature=1e-3)
    sample = play(graph, 40)
    moves = sample.logits[:, :3].argmax(1)
    np.testing.assert_array_equal(sample.actions["move"], moves)
    assert len(np.unique(moves)) > 1


def test_a_bundle_that_plays_otherwise_fails_its_parity_check(tmp_path: Path) -> None:
    """A graph of other weights under the same card does not give the stored answers, and says by how much."""
    sample = play(make_graph(make_policy(RAYS_ONLY, seed=0)), 32)
    bundle = save_bundle(tmp_path / "bundle", make_graph(make_policy(RAYS_ONLY, seed=1)), sample)
    with pytest.raises(BundleError) as caught:
        PolicyRuntime(bundle).verify()
    message = str(caught.value)
    assert message.startswith(f"The bundle {tmp_path / 'bundle'} fails its parity check here: over 32 steps the logits")
    assert message.endswith("of the actions are equal (required: all).")
