"""Playing a bundle: alone or in a batch, the same answers; and a graph that is not the card's is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from small_policies import make_graph, make_policy, random_inputs, save_bundle

from toys import TOY, sample_observation
from understudy.agents import Agent, Bundle, BundleAgent, PolicyRuntime, uniform_noise, write_bundle
from understudy.agents.testing import check_agent
from understudy.errors import BundleError


def test_a_bundle_agent_keeps_the_contract(small_bundle: Bundle) -> None:
    """An exported recurrent policy is an agent as any other."""
    check_agent(lambda: BundleAgent(small_bundle), [sample_observation(TOY, 0, step) for step in range(6)])
    assert isinstance(BundleAgent(small_bundle), Agent)


def test_an_agent_is_its_runtime_with_state_and_noise_kept(small_bundle: Bundle) -> None:
    """What a `BundleAgent` does is what anyone with the graph, the seed and the count can do."""
    agent, runtime = BundleAgent(small_bundle), PolicyRuntime(small_bundle)
    agent.reset(11)
    state = np.zeros((1, small_bundle.state_size), np.float32)
    for step in range(8):
        observation = sample_observation(TOY, 1, step)
        noise = uniform_noise(np.array([11], np.uint64), np.array([step], np.uint64), small_bundle.noise_size)
        actions, state = runtime.step([observation[name][None] for name in TOY.sensor_names], state, noise)
        found = agent.act(observation)
        for name, expected in zip(TOY.action_names, actions, strict=True):
            np.testing.assert_array_equal(found[name], expected[0])


def test_a_bot_in_a_batch_plays_as_it_plays_alone(small_bundle: Bundle) -> None:
    """Five bots at a time give each the actions, and nearly to the last bit the state, that it has alone."""
    runtime = PolicyRuntime(small_bundle)
    sensors, noise = random_inputs(TOY, 5, small_bundle.noise_size)
    state = np.random.default_rng(0).normal(size=(5, small_bundle.state_size)).astype(np.float32)
    actions, after = runtime.step(sensors, state, noise)
    for bot in range(5):
        row = slice(bot, bot + 1)
        alone, state_alone = runtime.step([each[row] for each in sensors], state[row], noise[row])
        for one, other in zip(actions, alone, strict=True):
            np.testing.assert_array_equal(one[row], other)
        np.testing.assert_allclose(after[row], state_alone, atol=1e-5)


def test_an_observation_may_be_a_view(small_bundle: Bundle) -> None:
    """A picture that is a mirrored or strided view of another array is read as it looks."""
    observation = sample_observation(TOY, 0, 0)
    view = {**observation, "frame": observation["frame"][:, ::-1]}
    copy = {**observation, "frame": view["frame"].copy()}
    agent = BundleAgent(small_bundle)
    found = [(agent.reset(0), agent.act(each))[1] for each in (view, copy)]
    for name in TOY.action_names:
        np.testing.assert_array_equal(found[0][name], found[1][name])


def with_policy(bundle: Bundle, folder: Path, policy: bytes) -> Bundle:
    """The same card around another graph."""
    card = {key: getattr(bundle.card, key) for key in bundle.card.__dataclass_fields__ if key != "sha256"}
    return write_bundle(folder, policy, None, **card)


def test_a_file_that_is_no_graph_is_refused(small_bundle: Bundle, tmp_path: Path) -> None:
    """ONNX Runtime's own words come after ours, as an error of ours."""
    with pytest.raises(BundleError, match=r"policy\.onnx cannot be loaded by ONNX Runtime: "):
        PolicyRuntime(with_policy(small_bundle, tmp_path / "text", b"not a graph"))


def test_a_graph_of_another_behaviour_is_refused(small_bundle: Bundle, tmp_path: Path) -> None:
    """A graph without an input or output of the card is named with what it lacks."""
    rays_only = make_graph(make_policy(TOY.select(["rays", "health"])))
    other = save_bundle(tmp_path / "rays", rays_only)
    with pytest.raises(BundleError) as caught:
        PolicyRuntime(with_policy(small_bundle, tmp_path / "swapped", other.policy_path.read_bytes()))
    path = tmp_path / "swapped" / "policy.onnx"
    assert str(caught.value) == f"{path} has no input 'observation.frame'; export the bundle again."


def test_a_bundle_is_moved_as_a_folder(small_bundle: Bundle, tmp_path: Path) -> None:
    """A bundle is nothing but its folder: copied elsewhere it plays the same."""
    moved = Bundle.load(shutil.copytree(small_bundle.folder, tmp_path / "moved"))
    assert moved.digest == small_bundle.digest
    assert moved.card == small_bundle.card
    observation = sample_observation(TOY, 0, 0)
    assert BundleAgent(moved).act(observation)["move"] == BundleAgent(small_bundle).act(observation)["move"]


def test_a_bundle_without_a_parity_sample_verifies_as_it_is(small_bundle: Bundle) -> None:
    """There is nothing to compare, and nothing differs."""
    assert small_bundle.parity_sample is None
    assert PolicyRuntime(small_bundle).verify() == 0.0
