"""What a policy owes to its last action is told apart from what it owes to its senses and its memory."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from steering import STEERING, steering_recipe

from understudy.agents.networks import Policy
from understudy.recordings import Cache, Recordings
from understudy.training.build import build_policy
from understudy.training.copycat import CopycatMetrics, _windows, measure_copying, tell
from understudy.training.metrics import predict_nats

RAYS = STEERING.select(["rays"])
HEADS = ["turn", "strafe", "buttons"]


@pytest.fixture
def cache(steering: Recordings, tmp_path: Path) -> Cache:
    """Four episodes of 200 steps."""
    return Cache.build(steering, tmp_path / "cache", sensors=("rays",))


def make_policy(**policy: Any) -> Policy:
    """A policy with random weights in everything that a new one leaves at nought."""
    found = build_policy(steering_recipe(policy=policy), RAYS)
    with torch.no_grad():
        for parameter in found.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.3)
    return found


def rows_of(policy: Policy, cache: Cache) -> dict[tuple[str, str], CopycatMetrics]:
    """What is measured on all episodes, by head and by where."""
    return {(row.head, row.where): row for row in measure_copying(policy, cache, {"all": cache.spans})}


def test_a_pure_copycat_is_found_out(cache: Cache) -> None:
    """One that only repeats itself owes all to its last action, and foresees no change."""
    policy = make_policy(memory=0)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.zero_()
        assert policy.markov is not None
        policy.markov.weight.copy_(4 * torch.eye(policy.codec.logits_size))
    rows = rows_of(policy, cache)
    for head, choices, classes in (("turn", 1, 3), ("strafe", 1, 3), ("buttons", 2, 2)):
        row = rows[head, "held"]
        assert row.hidden == row.never == pytest.approx(choices * np.log(classes), rel=1e-5)
        assert row.copied == pytest.approx(row.hidden - row.told)
        assert row.copied > 0.9 * row.hidden
        assert rows[head, "changed"].told > 3.5
        # What it gives to a change is the same where there is one and where there is none.
        assert rows[head, "changed"].change == pytest.approx(row.change, rel=1e-4)
        assert row.change < 0.07
        assert rows[head, "all"].steps == 4 * 199


@pytest.mark.parametrize("head", ["factored", "autoregressive", "diffusion"])
def test_a_policy_that_is_never_told_copies_nothing(cache: Cache, head: str) -> None:
    """Without past actions as an input, hiding them changes nothing at all."""
    rows = rows_of(make_policy(past_actions=False, head=head), cache)
    assert rows.keys() == {(name, where) for name in HEADS for where in ("all", "changed", "held")}
    for row in rows.values():
        assert row.told == row.hidden == row.never
        assert row.copied == 0
        assert 0 < row.change < 1


@pytest.mark.parametrize("cell", ["gru", "lstm", "transformer"])
def test_being_told_is_what_the_metrics_measure(cache: Cache, cell: str) -> None:
    """The surprise when told is that of `predict_nats`, span by span, whatever their lengths and their order."""
    policy = make_policy(cell=cell, layers=1, context=5)
    first, second, third, last = cache.spans
    spans = [replace(first, stop=first.start + 130), second, replace(last, stop=last.start + 3), third]
    for span, found in zip(spans, tell(policy, cache, spans), strict=True):
        assert found.told.shape == (len(span), 3)
        np.testing.assert_allclose(found.told, predict_nats(policy, cache, span), atol=2e-4)


def test_a_memory_may_know_what_was_hidden_now(cache: Cache) -> None:
    """Hiding one action leaves the memory of those before; never telling any leaves less still, or at least differs."""
    found = tell(make_policy(), cache, cache.spans[:1])[0]
    assert not np.allclose(found.hidden, found.told)
    # At the first two steps nothing was told before, so that never is no less than now.
    np.testing.assert_allclose(found.hidden[:2], found.never[:2], atol=1e-6)
    assert not np.allclose(found.hidden[2:], found.never[2:], atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("head", ["factored", "autoregressive"])
def test_a_change_is_any_other_choice_of_a_part(cache: Cache, head: str) -> None:
    """A part of several choices changes with the probability of all its values but the last one, whatever the head."""
    policy, span = make_policy(head=head).eval(), cache.spans[0]
    found = tell(policy, cache, [span])[0]
    window = next(iter(_windows(policy, cache, [span])))
    known, _ = policy(window.sensors, window.past, torch.zeros(1, policy.state_size))
    before, other = window.past[0, :, -4:].unflatten(-1, (2, 2)).argmax(-1), torch.zeros(window.targets.shape[1])
    for values in itertools.product((0, 1), repeat=2):
        targets = window.targets.clone()
        targets[..., -2:] = torch.tensor(values)
        other += policy.nats(known, targets)[0, :, -1].neg().exp() * (before != torch.tensor(values)).any(-1)
    np.testing.assert_allclose(found.change[1 : len(other), -1], other[1:], atol=1e-4)


def test_changes_are_where_the_action_changed(cache: Cache) -> None:
    """A part changes where any number of it does, and never at the first step of a span."""
    found = tell(make_policy(), cache, cache.spans[:1])[0]
    span = cache.spans[0]
    for column, name in enumerate(HEADS):
        values = np.array(cache.arrays[f"action.{name}"][span.start : span.stop]).reshape(len(span), -1)
        np.testing.assert_array_equal(found.changed[1:, column], (values[1:] != values[:-1]).any(1))
    assert not found.changed[0].any()
