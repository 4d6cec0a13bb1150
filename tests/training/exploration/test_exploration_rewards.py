"""The rewards of an explorer, and how they are mixed."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.training.exploration.discriminator import Discriminators
from understudy.training.exploration.moments import RunningMoments
from understudy.training.exploration.novelty import Novelty
from understudy.training.exploration.recipe import DiscriminatorRecipe, NoveltyRecipe
from understudy.training.exploration.rewards import Returns, discounted_returns, mix

FEATURES = 6


def known_moments(rows: np.ndarray) -> RunningMoments:
    """Moments that have seen rows."""
    moments = RunningMoments(rows.shape[-1])
    moments.update(torch.from_numpy(rows))
    return moments


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_running_moments_are_those_of_all_rows(sizes: list[int], seed: int) -> None:
    """However rows are cut into updates, mean and variance are those of all of them at once."""
    rows = np.random.default_rng(seed).normal(3, 2, (sum(sizes), FEATURES))
    moments = RunningMoments(FEATURES)
    for part in np.split(rows, np.cumsum(sizes)[:-1]):
        moments.update(torch.from_numpy(part))
    np.testing.assert_allclose(moments.mean.numpy(), rows.mean(0), atol=1e-9)
    np.testing.assert_allclose(moments.variance.numpy(), rows.var(0), atol=1e-9)


@given(seed=st.integers(0, 99), scale=st.floats(0.1, 100), shift=st.floats(-50, 50))
def test_the_mix_knows_no_scale(seed: int, scale: float, shift: float) -> None:
    """Rewards in another unit mix to the same."""
    rng = np.random.default_rng(seed)
    novelty, styles = rng.normal(size=(20, 3)), rng.normal(size=(20, 3, 2))
    weights = rng.dirichlet(np.ones(3), (20, 3))
    own = np.zeros((20, 3))
    plain = mix(own, novelty, styles, weights, 1.0)
    np.testing.assert_allclose(mix(own, scale * novelty + shift, styles, weights, 1.0), plain, atol=1e-3)


def test_alpha_one_rewards_novelty_alone_and_alpha_nought_one_style() -> None:
    """At weights of one reward, the mix is that reward, standardised, and the game's own by its share."""
    rng = np.random.default_rng(0)
    novelty, styles, own = rng.normal(size=(50, 2)), rng.normal(size=(50, 2, 2)), rng.normal(size=(50, 2))
    for index, reward in enumerate((novelty, styles[..., 0], styles[..., 1])):
        weights = np.broadcast_to(np.eye(3)[index], (50, 2, 3))
        expected = (reward - reward.mean()) / reward.std() + 0.5 * own
        np.testing.assert_allclose(mix(own, novelty, styles, weights, 0.5), expected, atol=1e-5)


@given(seed=st.integers(0, 99), gamma=st.floats(0, 1), steps=st.integers(1, 20))
def test_returns_end_with_their_episodes(seed: int, gamma: float, steps: int) -> None:
    """Each is the reward and, unless the next decision starts another episode, the discounted return after it."""
    rng = np.random.default_rng(seed)
    rewards, starts = rng.normal(size=(steps, 3)).astype(np.float32), rng.random((steps, 3)) < 0.3
    returns = discounted_returns(rewards, starts, gamma)
    np.testing.assert_array_equal(returns[-1], rewards[-1])
    later = np.where(starts[1:], 0, gamma * returns[1:])
    np.testing.assert_allclose(returns[:-1], rewards[:-1] + later)


@given(seed=st.integers(0, 99), gamma=st.sampled_from([0.0, 0.9, 0.99, 1.0]), unit=st.floats(0.01, 100))
def test_scaled_rewards_have_returns_of_deviation_one(seed: int, gamma: float, unit: float) -> None:
    """Whatever the discount and the rewards' unit; rewards that are all nought stay so."""
    rng = np.random.default_rng(seed)
    rewards = (unit * rng.normal(size=(60, 4))).astype(np.float32)
    starts = np.zeros((60, 4), bool)
    scaled = Returns(gamma).scale(rewards, starts)
    np.testing.assert_allclose(discounted_returns(scaled, starts, gamma).std(), 1, rtol=0.01)
    assert not Returns(gamma).scale(np.zeros_like(rewards), starts).any()


def test_what_was_seen_is_less_novel() -> None:
    """After learning some embeddings, their novelty falls far below that of others."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, FEATURES)).astype(np.float32)
    seen, unseen = rows[rows[:, 0] < 0], rows[rows[:, 0] > 1]
    novelty = Novelty(FEATURES, NoveltyRecipe(updates=200, episodic=False, learning_rate=1e-3), known_moments(rows))
    novelty.learn(seen, rng)
    starts = np.zeros((1, 1), bool)
    known, new = (novelty.reward(each[:, None], starts.repeat(len(each), 0)) for each in (seen, unseen))
    assert new.mean() > 5 * known.mean()


def test_a_place_seen_before_in_an_episode_is_less_novel() -> None:
    """Going back is rewarded less than going on, and a new episode forgets."""
    torch.manual_seed(0)
    line = np.linspace(-1, 1, 8)[:, None] * np.ones(FEATURES)
    there_and_back = np.concatenate([line, line[::-1]]).astype(np.float32)
    novelty = Novelty(FEATURES, NoveltyRecipe(), known_moments(there_and_back))
    starts = np.zeros((16, 1), bool)
    starts[0] = True
    found = novelty.reward(there_and_back[:, None], starts)[:, 0]
    assert found[8:].max() < 0.5 * found[1:8].min()
    starts[8] = True
    assert novelty.reward(there_and_back[:, None], starts)[9:].min() > 2 * found[9:].max()


@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_style_rewards_lie_between_nought_and_one(seed: int) -> None:
    """Whatever is judged by whatever discriminator."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    rows = (100 * rng.normal(size=(30, FEATURES))).astype(np.float32)
    reward = Discriminators(3, FEATURES, DiscriminatorRecipe(), known_moments(rows)).reward(rows[:-1], rows[1:])
    assert reward.shape == (29, 3)
    assert reward.min() >= 0
    assert reward.max() <= 1


def test_discriminators_tell_their_own_demonstrations() -> None:
    """Each rewards its own preference's pairs most: those that go up or down, which single embeddings do not show."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    before = rng.normal(size=(600, FEATURES)).astype(np.float32)
    step = np.float32(0.7)
    shown = [(before[:200], before[:200] + step), (before[200:400], before[200:400] - step)]
    played = before[400:], before[400:] + 0.7 * rng.normal(size=(200, FEATURES)).astype(np.float32)
    judges = Discriminators(2, FEATURES, DiscriminatorRecipe(updates=300), known_moments(before))
    judges.learn(shown, *played, rng)
    up, down, other = (judges.reward(*pairs).mean(0) for pairs in (*shown, played))
    assert up[0] > 0.7
    assert down[1] > 0.7
    assert max(up[1], down[0], *other) < 0.5


def test_the_penalty_keeps_slopes_small() -> None:
    """A discriminator taught with the penalty is flatter on demonstrations than one without."""
    rng = np.random.default_rng(0)
    moments = known_moments(rng.normal(size=(200, FEATURES)))
    shown = (0.05 * rng.normal(size=(200, FEATURES))).astype(np.float32)
    played = shown + np.float32(0.3)
    slopes = []
    for penalty in (0.0, 10.0):
        torch.manual_seed(0)
        judges = Discriminators(1, FEATURES, DiscriminatorRecipe(updates=200, penalty=penalty), moments)
        judges.learn([(shown, shown)], played, played, np.random.default_rng(1))
        pairs = judges._pairs(shown, shown).requires_grad_()
        slopes.append(float(torch.autograd.grad(judges.networks[0](pairs).sum(), pairs)[0].norm(dim=-1).mean()))
    assert slopes[1] < 0.5 * slopes[0]
