"""The baselines are what slow counting gives, and the policy starts exactly at the Markov chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from steering import steering_recipe

from understudy.recordings import Recordings
from understudy.recordings.cache import Span
from understudy.training.baselines import ChoiceCounts
from understudy.training.loop import Learner, prepare
from understudy.training.metrics import count_choices, encode_rows, evaluate, predict_nats


def slow_counts(indices: list[int], spans: list[Span], classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Count with two loops."""
    marginal, transitions = np.zeros(classes), np.zeros((classes, classes))
    for span in spans:
        for row in range(span.start, span.stop):
            marginal[indices[row]] += 1
            if row > span.start:
                transitions[indices[row - 1], indices[row]] += 1
    return marginal, transitions


@given(st.lists(st.integers(0, 3), min_size=9, max_size=40))
def test_counts_are_those_of_a_slow_loop(indices: list[int]) -> None:
    """Marginal and transitions are counted within spans, never across their ends."""
    spans = [Span("a", "", 0, 4), Span("b", "", 4, 5), Span("c", "", 6, len(indices))]
    counts = ChoiceCounts.none(4)
    for span in spans:
        counts.add(np.array(indices)[span.start : span.stop])
    marginal, transitions = slow_counts(indices, spans, 4)
    np.testing.assert_array_equal(counts.marginal, marginal)
    np.testing.assert_array_equal(counts.transitions, transitions)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_baselines_are_probabilities(indices: list[int]) -> None:
    """Smoothed probabilities are above nought and sum to one, also for classes that were never seen."""
    counts = ChoiceCounts.none(4)
    counts.add(np.array(indices))
    for table in (counts.marginal_probability, counts.transition_probability):
        assert (table > 0).all()
        np.testing.assert_allclose(table.sum(-1), 1)
    previous = np.array([-1, *indices[:-1]])
    slow = [
        -np.log(counts.marginal_probability[now] if before < 0 else counts.transition_probability[before, now])
        for before, now in zip(previous, indices, strict=True)
    ]
    np.testing.assert_allclose(counts.markov_nats(np.array(indices), previous), slow)


def test_a_chain_that_always_repeats_is_learned() -> None:
    """Of keys held for long, the chain says that they are held on."""
    held = np.repeat([0, 1, 0, 1], 500)
    counts = ChoiceCounts.none(2)
    counts.add(held)
    np.testing.assert_allclose(np.diag(counts.transition_probability), 0.998, atol=2e-3)
    np.testing.assert_allclose(counts.marginal_probability, 0.5, atol=1e-3)


def untrained(recordings: Recordings, folder: Path, **changes: Any) -> Learner:
    """A learner that has not learned yet."""
    return prepare(steering_recipe(**changes), recordings, folder / "run")


@pytest.mark.parametrize("balance", [{}, {"turn": 1.0, "strafe": 0.5, "buttons": 0.7}])
def test_an_untrained_policy_is_the_markov_chain(
    steering: Recordings, tmp_path: Path, balance: dict[str, float]
) -> None:
    """Before the first update, held-out likelihoods are the Markov chain's, whatever weights the classes have."""
    learner = untrained(steering, tmp_path, balance=balance)
    rows = evaluate(learner.policy, learner.cache, learner.split.held_out, learner.counts)
    assert {(row.held_out, row.head, row.where) for row in rows} == {
        ("blocks", head, where) for head in ("turn", "strafe", "buttons") for where in ("all", "changed")
    }
    for row in rows:
        assert row.model == pytest.approx(row.markov, abs=1e-5)
        assert row.gain == pytest.approx(0, abs=1e-5)
        assert row.gain_low - 1e-5 <= 0 <= row.gain_high + 1e-5
    assert next(row for row in rows if row.head == "strafe" and row.where == "all").markov < 0.9 * np.log(3)


def test_an_untrained_policy_without_past_actions_is_the_marginal(steering: Recordings, tmp_path: Path) -> None:
    """A policy that does not read its last action starts at the marginal."""
    learner = untrained(steering, tmp_path, policy={"past_actions": False})
    for row in evaluate(learner.policy, learner.cache, learner.split.held_out, learner.counts):
        assert row.model == pytest.approx(row.marginal, abs=1e-5)


def test_the_logits_start_normalised(steering: Recordings, tmp_path: Path) -> None:
    """Calibrated, the untrained logits of each choice are log-probabilities already: their exponentials sum to one."""
    learner = untrained(steering, tmp_path, balance={"turn": 1.0})
    policy, codec = learner.policy.eval(), learner.policy.codec
    past = codec.one_hot(torch.tensor([[[0, 2, 1, 0]], [[2, 0, 0, 1]]]))
    with torch.no_grad():
        logits = policy.calibrate(policy({"rays": torch.rand(2, 1, 2)}, past, torch.zeros(2, 8))[0])
    for head, piece in zip(codec, codec.split(logits), strict=True):
        total = piece.unflatten(-1, (head.choices, head.classes)).exp().sum(-1)
        torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-5)


def test_weighted_training_is_undone_by_calibration(steering: Recordings, tmp_path: Path) -> None:
    """The weighted loss is least where the softmax is w p / sum(w p), and calibration turns that into p."""
    learner = untrained(steering, tmp_path, balance={"strafe": 1.0})
    weights = learner.class_weights[1]
    assert weights is not None
    chances = torch.from_numpy(learner.counts[1].marginal_probability).float()
    torch.testing.assert_close((weights * chances).sum(), torch.tensor(1.0))
    logits = torch.zeros(3, requires_grad=True)
    head = list(learner.policy.codec)[1]
    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-9)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        nats = head.negative_log_likelihood(logits.expand(3, 3), torch.arange(3).unsqueeze(-1), weights)
        total = (nats * chances).sum()
        total.backward()
        return total

    optimizer.step(loss)
    log_weights = learner.policy.log_weights[3:6]
    torch.testing.assert_close((logits - log_weights).softmax(-1).detach(), chances, rtol=0, atol=1e-4)


def test_likelihoods_do_not_depend_on_where_they_are_cut(
    steering: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measuring a span in pieces carries the memory and the last action from piece to piece."""
    learner = untrained(steering, tmp_path)
    with torch.no_grad():
        learner.policy.heads.weight.normal_()
    span = learner.split.train[1]
    whole = predict_nats(learner.policy, learner.cache, span)
    assert whole.shape == (len(span), 3)
    monkeypatch.setattr("understudy.training.metrics._CHUNK", 7)
    np.testing.assert_allclose(predict_nats(learner.policy, learner.cache, span), whole, atol=1e-5)


def test_all_rows_are_encoded(steering: Recordings, tmp_path: Path) -> None:
    """The classes of every row are those of its actions."""
    learner = untrained(steering, tmp_path)
    indices = encode_rows(learner.cache, learner.policy.codec, slice(None))
    turns = np.concatenate([episode.action("turn")[:, 0] for episode in steering])
    np.testing.assert_array_equal(indices[:, 0], np.where(turns > 0, 2, 0))


def test_counting_in_pieces_counts_the_same(
    steering: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a span is cut for counting, its transitions are not."""
    learner = untrained(steering, tmp_path)
    codec, spans = learner.policy.codec, learner.split.train
    whole = count_choices(learner.cache, codec, spans)
    monkeypatch.setattr("understudy.training.metrics._COUNTED", 7)
    for piecewise, at_once in zip(count_choices(learner.cache, codec, spans), whole, strict=True):
        np.testing.assert_array_equal(piecewise.marginal, at_once.marginal)
        np.testing.assert_array_equal(piecewise.transitions, at_once.transitions)
