"""Asking the memory for its last actions: only where they were hidden, and only those that are in the window."""

from __future__ import annotations

import pytest
import torch
from joint_policies import small_policy
from small_policies import RAYS_ONLY, random_inputs

from understudy.agents.networks import RECALL, Policy, Recall


def window(policy: Policy, steps: int = 6) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    """Sensors, targets and past actions of one sequence; the first step has none before it."""
    sensors, noise = random_inputs(RAYS_ONLY, steps, policy.codec.num_choices)
    seen = {name: torch.from_numpy(each)[None] for name, each in zip(RAYS_ONLY.sensor_names, sensors, strict=True)}
    targets = (torch.from_numpy(noise)[None] * 2).long()
    past = torch.cat([torch.zeros(1, 1, 14), policy.codec.one_hot(targets)[:, :-1]], 1)
    return seen, targets, past


def test_training_asks_and_evaluation_does_not() -> None:
    """In training there is one more loss, and what is known is longer; in evaluation both are as without."""
    asked, plain = small_policy(recall=2), small_policy()
    assert set(asked.load_state_dict(plain.state_dict(), strict=False).missing_keys) == {
        "recall.tell.weight",
        "recall.tell.bias",
    }
    seen, targets, past = window(asked)
    expected, _ = plain(seen, past, torch.zeros(1, 8))
    found, _ = asked(seen, past, torch.zeros(1, 8))
    torch.testing.assert_close(found, expected)
    known, _ = asked.train()(seen, past * 0, torch.zeros(1, 8))
    assert known.shape[-1] == 14 + 2 * 14
    losses = asked.losses(known, targets, past, past * 0, [None] * 3)
    assert list(losses) == asked.loss_names == [*RAYS_ONLY.action_names, RECALL]
    assert plain.loss_names == list(RAYS_ONLY.action_names)
    losses[RECALL].sum().backward()
    assert asked.memory.cell.weight_hh_l0.grad.abs().sum() > 0  # type: ignore[union-attr]


@torch.no_grad()
def test_only_what_was_hidden_is_asked_for() -> None:
    """Each hidden action is asked for at its own step and the next ones; scaled so that the mean is over them."""
    policy = small_policy()
    recall = Recall(policy.codec, 5, steps=2)
    _, _, past = window(policy)
    told = torch.zeros(1, 6, recall.size)
    shown = past.clone()
    assert not recall.losses(told, past, shown).any()
    shown[:, 2] = 0
    found = recall.losses(told, past, shown)[0]
    assert found.nonzero()[:, 0].tolist() == [2, 3]
    # Without any knowledge, a choice among n costs log n nats: three moves, two buttons and seven turns.
    nats = torch.tensor([3.0, 2.0, 2.0, 7.0]).log().mean()
    torch.testing.assert_close(found.mean(), nats)


@torch.no_grad()
@pytest.mark.parametrize("back", [0, 1, 2])
def test_the_right_action_is_asked_for(back: int) -> None:
    """Telling what was done so many decisions earlier, and nothing else, leaves no surprise there."""
    policy = small_policy()
    recall = Recall(policy.codec, 5, steps=3)
    _, _, past = window(policy)
    told = torch.zeros(1, 6, 3, 14)
    told[:, back:, back] = 100 * past[:, : 6 - back]
    surprise = [recall.losses(each.flatten(2), past, past * 0).mean() for each in (told, told * 0)]
    assert surprise[0] < surprise[1]
    alone = Recall(policy.codec, 5, steps=back + 1)
    only = told[:, :, : back + 1].clone()
    for other in range(back):
        only[:, other:, other] = 100 * past[:, : 6 - other]
    assert alone.losses(only.flatten(2), past, past * 0).max() < 1e-6


def test_a_policy_that_is_never_told_is_always_asked() -> None:
    """Without past actions as an input, every last action is asked for, whatever the loop says it showed."""
    policy = small_policy(recall=1, past_actions=False).train()
    seen, targets, past = window(policy)
    known, _ = policy(seen, past, torch.zeros(1, 8))
    asked = policy.losses(known, targets, past, past, [None] * 3)[RECALL]
    assert (asked[0] > 0).tolist() == [False, True, True, True, True, True]
