"""A style conditions a policy: a constant input of a window, of a step and of the exported graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small_policies import RAYS_ONLY, make_graph, make_policy, random_inputs

from understudy.agents import PolicyRuntime
from understudy.agents.bundle import write_bundle
from understudy.agents.networks import FiLM, Policy, PolicyShape
from understudy.agents.networks.shape import HeadKind
from understudy.training.export import to_onnx


def styled_policy(head: HeadKind = "factored") -> Policy:
    """A policy of three numbers of style, whose conditioning is no longer the identity."""
    policy = make_policy(RAYS_ONLY, PolicyShape(hidden=12, memory=10, style=3, head=head))
    with torch.no_grad():
        for film in (policy.film, policy.film_remembered):
            assert film is not None
            film.scale_and_shift.weight.normal_()
    return policy


def inputs(policy: Policy, steps: int) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    """Sensors (1, steps, ...), past actions and noise of as many steps."""
    sensors, noise = random_inputs(RAYS_ONLY, steps, policy.codec.num_choices)
    seen = {name: torch.from_numpy(each)[None] for name, each in zip(RAYS_ONLY.sensor_names, sensors, strict=True)}
    return seen, policy.codec.one_hot((torch.from_numpy(noise)[None] * 2).long()), torch.from_numpy(noise)


@torch.no_grad()
def test_a_new_style_layer_changes_nothing() -> None:
    """Before training, features pass through the conditioning as they are, whatever the style."""
    x = torch.randn(4, 6, 5)
    torch.testing.assert_close(FiLM(3, 5)(x, torch.randn(4, 6, 3)), x, rtol=0, atol=0)


@torch.no_grad()
def test_a_style_is_the_same_in_a_window_and_in_its_steps() -> None:
    """A style given once for a window is the style of each of its steps, and another one gives other logits."""
    policy = styled_policy()
    seen, past, _ = inputs(policy, 9)
    style = torch.randn(1, 3)
    whole, _ = policy(seen, past, torch.zeros(1, 10), style)
    state = torch.zeros(1, 10)
    for step in range(9):
        logits, state = policy.step({name: each[:, step] for name, each in seen.items()}, past[:, step], state, style)
        torch.testing.assert_close(logits, whole[:, step], rtol=0, atol=1e-5)
    assert not torch.allclose(policy(seen, past, torch.zeros(1, 10), -style)[0], whole)


@torch.no_grad()
def test_a_style_reads_the_memory_in_its_own_way() -> None:
    """Where nothing is seen and only the memory tells bots apart, a style still says what is made of it."""
    policy = styled_policy()
    assert policy.film is not None
    policy.film.scale_and_shift.weight.zero_()
    policy.heads.weight.zero_()
    policy.heads.weight[:, : policy.memory.features] = torch.randn(policy.codec.logits_size, policy.memory.features)
    seen, past, _ = inputs(policy, 3)
    style, state = torch.randn(1, 3), torch.zeros(1, 10)
    assert not torch.allclose(policy(seen, past, state, style)[0], policy(seen, past, state, -style)[0])


@torch.no_grad()
def test_without_a_style_it_is_nought() -> None:
    """A style that is left out is all zeros."""
    policy = styled_policy()
    seen, past, _ = inputs(policy, 4)
    state = torch.zeros(1, 10)
    torch.testing.assert_close(policy(seen, past, state)[0], policy(seen, past, state, torch.zeros(1, 3))[0])


@torch.no_grad()
def test_the_graph_takes_a_style_after_the_noise() -> None:
    """A graph of a policy with styles has one more input, and decides as the policy does with that style."""
    policy = styled_policy()
    graph = make_graph(policy)
    assert graph.inputs[-2:] == ["noise", "style"]
    assert make_graph(make_policy(RAYS_ONLY)).inputs[-1] == "noise"
    seen, _, noise = inputs(policy, 1)
    sensors = [seen[name][0] for name in RAYS_ONLY.sensor_names]
    style = torch.from_numpy(np.float32([[1.0, -2.0, 0.5]]))
    *_, logits = graph(*sensors, torch.zeros(1, graph.state_size), noise, style)
    first = {name: each[:, 0] for name, each in seen.items()}
    expected, _ = policy.step(first, torch.zeros(1, policy.codec.logits_size), torch.zeros(1, 10), style)
    torch.testing.assert_close(logits, policy.calibrate(expected))


@pytest.mark.parametrize("head", ["factored", "autoregressive", "diffusion"])
@torch.no_grad()
def test_onnx_conditions_as_torch_does(tmp_path: Path, head: str) -> None:
    """Exported, each of several bots plays in a style of its own, with the network's own actions and logits."""
    graph = make_graph(styled_policy(head))
    bundle = write_bundle(
        tmp_path / "bundle",
        to_onnx(graph),
        None,
        name="styled",
        behavior=RAYS_ONLY,
        state_size=graph.state_size,
        noise_size=graph.noise_size,
        logits_size=graph.policy.codec.logits_size,
        style_size=3,
        provenance={},
        certificate={},
    )
    sensors, noise = random_inputs(RAYS_ONLY, 4, graph.noise_size)
    style = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    state = np.zeros((4, graph.state_size), np.float32)
    actions, following, logits = PolicyRuntime(bundle).explain(sensors, state, noise, style)
    *played, expected_state, expected = graph(*map(torch.from_numpy, (*sensors, state, noise, style)))
    for found, each in zip(actions, played, strict=True):
        np.testing.assert_array_equal(found, each.numpy())
    np.testing.assert_allclose(following, expected_state.numpy(), atol=1e-5)
    np.testing.assert_allclose(logits, expected.numpy(), atol=1e-4)
    _, _, others = PolicyRuntime(bundle).explain(sensors, state, noise, style[::-1].copy())
    assert np.abs(others - logits).max() > 0.1
