"""With every memory and every head, the exported graph is the network: the same actions and logits, step after step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from joint_policies import play_graph, small_policy
from small_policies import RAYS_ONLY, make_graph, make_policy, random_inputs, save_bundle

from understudy.agents import PolicyRuntime
from understudy.agents.networks import PolicyShape
from understudy.agents.runtime import compare
from understudy.training.mixed import calibrate
from understudy.training.quantise import find_products, quantise

MEMORIES = ["lstm", "transformer"]
HEADS = ["factored", "autoregressive", "diffusion"]


@pytest.mark.parametrize("cell", MEMORIES)
@pytest.mark.parametrize("head", HEADS)
def test_onnx_is_torch_over_many_steps(tmp_path: Path, cell: str, head: str) -> None:
    """With the state carried past the length of any cache, every action is equal and the logits agree to a rounding."""
    graph = make_graph(small_policy(cell=cell, head=head, context=7), temperature=0.7)
    sample = play_graph(graph, 60)
    bundle = save_bundle(tmp_path / "bundle", graph, sample)
    agreement = compare(PolicyRuntime(bundle), sample)
    assert agreement.holds, str(agreement)
    assert agreement.max_difference < 2e-4
    assert len(np.unique(sample.actions["turn"])) > 2


@pytest.mark.parametrize("head", HEADS)
def test_numbers_spread_within_their_bins_are_the_same_in_the_graph(tmp_path: Path, head: str) -> None:
    """ONNX Runtime puts them where torch does, and they are no longer a few centres."""
    graph = make_graph(small_policy(head=head, spread=True))
    sample = play_graph(graph, 60)
    agreement = compare(PolicyRuntime(save_bundle(tmp_path / "bundle", graph, sample)), sample)
    assert agreement.holds, str(agreement)
    assert len(np.unique(sample.actions["turn"])) > 50


@pytest.mark.parametrize("cell", MEMORIES)
@pytest.mark.parametrize("head", HEADS)
@torch.no_grad()
def test_what_a_window_knows_is_what_its_steps_know(cell: str, head: str) -> None:
    """Training's windows, cut anywhere, and play's steps come to know the same, style and all, for every head."""
    policy = small_policy(cell=cell, head=head, context=4, style=2)
    sensors, noise = random_inputs(RAYS_ONLY, 12, policy.codec.num_choices)
    seen = {name: torch.from_numpy(each)[None] for name, each in zip(RAYS_ONLY.sensor_names, sensors, strict=True)}
    past = policy.codec.one_hot((torch.from_numpy(noise)[None] * 2).long())
    style, state = torch.randn(1, 2), torch.zeros(1, policy.state_size)
    whole, last = policy(seen, past, state, style)
    assert whole.shape == (1, 12, policy.codec.logits_size + policy.joint.reads)
    for step in range(7):
        known, state = policy.step({name: each[:, step] for name, each in seen.items()}, past[:, step], state, style)
        torch.testing.assert_close(known, whole[:, step], rtol=0, atol=1e-4)
    rest, end = policy({name: each[:, 7:] for name, each in seen.items()}, past[:, 7:], state, style)
    torch.testing.assert_close(rest, whole[:, 7:], rtol=0, atol=1e-4)
    torch.testing.assert_close(end, last, rtol=0, atol=1e-4)


@pytest.mark.parametrize("cell", MEMORIES)
@pytest.mark.parametrize("head", HEADS)
def test_bots_in_a_batch_play_as_they_do_alone(tmp_path: Path, cell: str, head: str) -> None:
    """Five bots decide together what each of them decides alone; the graph's inputs and outputs are the declared."""
    graph = make_graph(small_policy(cell=cell, head=head))
    bundle = save_bundle(tmp_path / "bundle", graph)
    session = onnxruntime.InferenceSession(str(bundle.policy_path), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == graph.inputs
    assert [each.name for each in session.get_outputs()] == graph.outputs
    runtime = PolicyRuntime(bundle)
    sensors, noise = random_inputs(RAYS_ONLY, 5, bundle.noise_size)
    state = np.zeros((5, bundle.state_size), np.float32)
    for _ in range(3):
        actions, following, logits = runtime.explain(sensors, state, noise)
        for bot in range(5):
            row = slice(bot, bot + 1)
            own, own_state, own_logits = runtime.explain([each[row] for each in sensors], state[row], noise[row])
            for one, all_ in zip(own, actions, strict=True):
                np.testing.assert_array_equal(one[0], all_[bot])
            np.testing.assert_allclose(own_state[0], following[bot], atol=1e-4)
            np.testing.assert_allclose(own_logits[0], logits[bot], atol=1e-3)
        state = following


def test_a_temperature_may_be_a_whole_number() -> None:
    """2 is 2.0, for all parts or for one."""
    policy = small_policy()
    for temperature in (2, dict.fromkeys(policy.codec.names, 2)):
        assert torch.equal(make_graph(policy, temperature).temperature, torch.full((14,), 2.0))  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", MEMORIES)
def test_large_products_of_every_memory_become_integers(tmp_path: Path, cell: str) -> None:
    """The int8 form of a memory that is large enough leaves none of its products in float32, and plays alike."""
    policy = make_policy(RAYS_ONLY, PolicyShape(hidden=80, memory=64, context=5, cell=cell))  # type: ignore[arg-type]
    bundle = save_bundle(tmp_path / "bundle", make_graph(policy))
    model = onnx.load(str(bundle.policy_path))
    pieces = [random_inputs(RAYS_ONLY, 30, bundle.noise_size)[0]]
    found = find_products(model)
    ranges = calibrate(bundle, model, found, pieces)
    assert {each.x for each in found} == set(ranges)
    integers = [each.op_type for each in quantise(model, ranges).graph.node].count("MatMulIntegerToFloat")
    assert integers == len(found) >= {"lstm": 2, "transformer": 8}[cell]


@pytest.mark.parametrize("head", HEADS)
def test_what_never_changes_is_a_constant_of_the_graph(tmp_path: Path, head: str) -> None:
    """No decision makes anew the triangle that sums probabilities."""
    bundle = save_bundle(tmp_path / "bundle", make_graph(small_policy(cell="lstm", head=head)))
    assert "Trilu" not in {each.op_type for each in onnx.load(str(bundle.policy_path)).graph.node}


@pytest.mark.parametrize("head", ["autoregressive", "diffusion"])
@torch.no_grad()
def test_class_weights_are_undone_in_the_graph(head: str) -> None:
    """The graph's logits are calibrated: with class weights noted, they are those without, less the weights' logs."""
    policy = small_policy(head=head)
    policy.log_weights.zero_()
    plain = play_graph(make_graph(policy), 1)
    # So small a shift that the same classes are drawn, along which later logits would otherwise differ too.
    policy.log_weights[3:5] = torch.tensor([1e-4, -2e-4])
    weighted = play_graph(make_graph(policy), 1)
    expected = plain.logits - policy.log_weights.numpy()
    np.testing.assert_allclose(weighted.logits, expected, atol=3e-5 if head == "autoregressive" else 2e-3)


def test_a_recall_is_for_training_alone(tmp_path: Path) -> None:
    """A policy that is asked for its past in training exports to a graph of the same size as one that is not."""
    asked, plain = (
        save_bundle(tmp_path / f"recall-{steps}", make_graph(small_policy(recall=steps))) for steps in (3, 0)
    )
    assert abs(asked.policy_path.stat().st_size - plain.policy_path.stat().st_size) < 100
    assert replace(asked.card, sha256={}) == replace(plain.card, sha256={})
