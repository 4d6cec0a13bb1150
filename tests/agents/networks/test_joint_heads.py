"""Heads that keep coordination: they begin as independent choices, and learn what goes with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_policies import small_policy
from torch import Tensor

from understudy.agents.networks import (
    ActionCodec,
    AutoregressiveHead,
    DiffusionHead,
    FactoredHead,
    JointHead,
    Play,
    PolicyShape,
)
from understudy.agents.networks.diffusion import inverse_normal
from understudy.agents.networks.shape import build_joint_head
from understudy.spec import ActionSpec

CODEC = ActionCodec([ActionSpec("move", spaces.Discrete(3)), ActionSpec("hold", spaces.MultiBinary(2))], {})
# The first button is held when moving, never at rest; the second, which is rare, only with the first.
JOINT = {(0, 0, 0): 0.4, (1, 1, 0): 0.3, (2, 0, 0): 0.1, (2, 1, 0): 0.12, (2, 1, 1): 0.08}
INPUTS = 4
AS_LEARNED = Play(torch.zeros(7), torch.ones(7))


def make_head(kind: str) -> JointHead:
    """A new head."""
    torch.manual_seed(0)
    if kind == "factored":
        return FactoredHead(CODEC)
    return (AutoregressiveHead if kind == "autoregressive" else DiffusionHead)(CODEC, INPUTS, 32)


def sample_joint(rows: int, seed: int = 0) -> Tensor:
    """Draw actions from `JOINT`, int64, (rows, 3)."""
    rng = np.random.default_rng(seed)
    return torch.tensor(np.array(list(JOINT))[rng.choice(len(JOINT), rows, p=list(JOINT.values()))])


def shares(chosen: Tensor) -> Tensor:
    """How often each of the twelve actions was chosen, (12,)."""
    return torch.bincount(chosen @ torch.tensor([4, 2, 1]), minlength=12) / len(chosen)


def true_shares() -> Tensor:
    """How often `JOINT` chooses each of the twelve actions."""
    found = torch.zeros(12)
    for (move, first, second), share in JOINT.items():
        found[4 * move + 2 * first + second] = share
    return found


def rarity() -> list[Tensor]:
    """Weights of the classes in `JOINT`, by part: one over how often each is chosen."""
    table = true_shares().reshape(3, 2, 2)
    return [1 / table.sum((1, 2))[None], 1 / torch.stack([table.sum((0, 2)), table.sum((0, 1))])]


def learn(head: JointHead, weights: Sequence[Tensor | None] = (None, None), updates: int = 250) -> Tensor:
    """Train a head, and the logits each choice has alone, on `JOINT`; return what is then known of one decision."""
    assert isinstance(head, torch.nn.Module)
    outlook, alone = torch.ones(512, INPUTS), torch.zeros(7, requires_grad=True)
    optimizer = torch.optim.Adam([alone, *head.parameters()], lr=2e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, updates)
    for update in range(updates):
        known = torch.cat([alone.expand(512, -1), *head.read(outlook)], -1)
        loss = torch.stack(head.losses(known, sample_joint(512, update), weights)).sum(0).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return torch.cat([alone[None], *head.read(outlook[:1])], -1)


def draw_many(head: JointHead, known: Tensor, play: Play = AS_LEARNED, rows: int = 20_000) -> tuple[Tensor, Tensor]:
    """Draw as many actions from one decision's knowledge."""
    noise = torch.rand(rows, head.noise_size, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return head.draw(known.expand(rows, -1), noise, play)


@pytest.mark.parametrize(("kind", "most"), [("autoregressive", 0.03), ("diffusion", 0.05)])
def test_what_goes_together_is_learned(kind: str, most: float) -> None:
    """The shares of whole actions are the demonstrated ones, where independent choices are far from them."""
    head = make_head(kind)
    chosen, _ = draw_many(head, learn(head))
    alone = FactoredHead(CODEC)
    apart, _ = draw_many(alone, learn(alone))
    assert 0.5 * (shares(apart) - true_shares()).abs().sum() > 0.25
    assert 0.5 * (shares(chosen) - true_shares()).abs().sum() < most
    # What is rare alone is not lost: the second button is held in 8 % of decisions.
    assert chosen[:, 2].float().mean() == pytest.approx(0.08, abs=0.025)


@pytest.mark.parametrize("kind", ["autoregressive", "diffusion"])
def test_weights_of_rare_classes_are_undone(kind: str) -> None:
    """A head that learned with class weights draws the demonstrated shares once their logarithms are taken away."""
    head = make_head(kind)
    known = learn(head, rarity())
    weighted, _ = draw_many(head, known)
    known[:, :7] -= torch.cat([each.log().flatten() for each in rarity()])
    chosen, _ = draw_many(head, known)
    assert 0.5 * (shares(weighted) - true_shares()).abs().sum() > 0.1
    assert 0.5 * (shares(chosen) - true_shares()).abs().sum() < 0.06


@pytest.mark.parametrize("kind", ["autoregressive", "diffusion"])
@torch.no_grad()
def test_a_new_head_is_independent_choices(kind: str) -> None:
    """Before training, each class is chosen as often as its logits say, and the choices know nothing of each other."""
    head = make_head(kind)
    logits = torch.tensor([0.3, -0.7, 0.9, 0.0, 1.5, 0.4, -0.4])
    chosen, _ = draw_many(head, torch.cat([logits, head.read(torch.ones(INPUTS))[0]])[None])
    for choice, part in enumerate(CODEC.choice_slices):
        found = torch.bincount(chosen[:, choice], minlength=part.stop - part.start) / len(chosen)
        np.testing.assert_allclose(found.numpy(), logits[part].softmax(-1).numpy(), atol=0.03)
    assert abs(float(np.corrcoef(chosen.T.numpy())[0, 1])) < 0.03


@pytest.mark.parametrize("kind", ["factored", "autoregressive"])
@torch.no_grad()
def test_the_logits_of_a_draw_are_those_of_its_targets(kind: str) -> None:
    """Teacher forcing with what was drawn gives the logits it was drawn from."""
    policy = small_policy(head=kind)
    known = torch.randn(50, 14 + policy.joint.reads)
    play = Play(torch.zeros(14), torch.ones(14))
    chosen, logits = policy.joint.draw(known, torch.rand(50, policy.joint.noise_size), play)
    torch.testing.assert_close(policy.joint.logits(known, chosen), logits, rtol=0, atol=1e-5)


@torch.no_grad()
def test_a_choice_depends_on_those_before_it_alone() -> None:
    """Changing a target changes the logits of later choices, and of no other."""
    policy = small_policy(head="autoregressive")
    known, targets = torch.randn(1, 14 + policy.joint.reads), torch.tensor([[1, 0, 1, 3]])
    plain = policy.joint.logits(known, targets)
    for choice, part in enumerate(policy.codec.choice_slices):
        other = targets.clone()
        other[0, choice] = 0 if targets[0, choice] else 1
        changed = (policy.joint.logits(known, other) != plain)[0]
        assert not changed[: part.stop].any()
        assert changed[part.stop :].any() or part.stop == 14


@pytest.mark.parametrize("kind", ["factored", "autoregressive", "diffusion"])
def test_odds_and_temperature_apply_to_every_head(kind: str) -> None:
    """Overwhelming odds make a choice certain, a low temperature makes one action of any noise, and logits stay."""
    head = make_head(kind)
    known = torch.cat([torch.tensor([0.3, -0.7, 0.9, 0.0, 1.5, 0.4, -0.4]), *head.read(torch.ones(INPUTS))])[None]
    log_odds = torch.zeros(7)
    log_odds[1] = 50.0
    chosen, logits = draw_many(head, known.detach(), Play(log_odds, torch.ones(7)), rows=200)
    assert (chosen[:, 0] == 1).all()
    assert logits[:, 1].max() < 40
    cold, _ = draw_many(head, known.detach(), replace(AS_LEARNED, temperature=torch.full((7,), 1e-4)), rows=200)
    assert (cold == cold[0]).all()


@pytest.mark.parametrize("kind", ["factored", "autoregressive", "diffusion"])
@pytest.mark.parametrize("parts", [1, 3])
def test_every_weight_of_a_head_learns(kind: str, parts: int) -> None:
    """Each parameter has a gradient, as training in several processes requires; also where there is just one choice."""
    codec = ActionCodec([ActionSpec(f"part{at}", spaces.Discrete(3)) for at in range(parts)], {})
    shape = PolicyShape(head=kind, head_width=8)  # type: ignore[arg-type]
    head = build_joint_head(shape, codec, INPUTS)
    assert isinstance(head, torch.nn.Module)
    alone = torch.zeros(5, codec.logits_size, requires_grad=True)
    known = torch.cat([alone, *head.read(torch.ones(5, INPUTS))], -1)
    torch.stack(head.losses(known, torch.ones(5, parts, dtype=torch.int64), [None] * parts)).sum().backward()
    assert all(each.grad is not None for each in head.parameters())


@pytest.mark.parametrize("kind", ["factored", "autoregressive", "diffusion"])
def test_class_weights_multiply_the_loss(kind: str) -> None:
    """A class of weight nought teaches nothing; a weight of two counts twice."""
    policy = small_policy(head=kind)
    known, targets = torch.randn(6, 5, 14 + policy.joint.reads), torch.zeros(6, 5, 4, dtype=torch.int64)

    def losses(weight: float) -> list[Tensor]:
        torch.manual_seed(4)
        return policy.joint.losses(known, targets, [torch.full((1, 3), weight), None, None])

    nought, one, two = (losses(weight) for weight in (0.0, 1.0, 2.0))
    assert [each.shape for each in one] == [(6, 5)] * 3
    torch.testing.assert_close(two[0], 2 * one[0])
    assert not nought[0].any()
    torch.testing.assert_close(two[1:], one[1:])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1, exclude_max=True, width=32), min_size=1, max_size=40))
def test_uniform_numbers_become_normal_ones(numbers: list[float]) -> None:
    """The inverse of the normal distribution function, finite and rising from end to end."""
    uniform = torch.tensor(sorted(numbers))
    found = inverse_normal(uniform)
    inside = (uniform > 1e-6) & (uniform < 1 - 1e-6)
    expected = torch.special.ndtri(uniform.double()).float()
    torch.testing.assert_close(found[inside], expected[inside], rtol=1e-4, atol=1e-4)
    assert found.isfinite().all()
    assert (found.diff() >= -1e-5).all()
