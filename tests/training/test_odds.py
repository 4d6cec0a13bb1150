"""A recipe's odds change how often a choice is made in play, by exactly that factor, and nothing that is learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from steering import STEERING, steering_recipe

from understudy.agents.networks import DecisionGraph
from understudy.agents.runtime import PolicyRuntime
from understudy.errors import RecipeError
from understudy.recordings import Recordings
from understudy.training.build import build_policy, play_log_odds
from understudy.training.export import export_run
from understudy.training.loop import train

RAYS = STEERING.select(["rays"])


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_odds_multiply_those_of_their_choice(factor: float) -> None:
    """Of many draws, the choice takes the share that its learned odds times the factor give; the logits stay."""
    recipe = steering_recipe(odds={"strafe": {"right": factor}})
    policy = build_policy(recipe, RAYS).eval()
    bots = 4000
    noise = torch.from_numpy(np.random.default_rng(0).random((bots, policy.codec.num_choices), np.float32))
    rays, state = torch.full((bots, 2), 0.3), torch.zeros(bots, policy.shape.memory + policy.codec.logits_size)
    plain = DecisionGraph(policy, {})(rays, state, noise)
    graph = DecisionGraph(policy, {}, log_odds=play_log_odds(recipe, RAYS))
    _, strafe, buttons, _, logits = graph(rays, state, noise)
    learned = torch.softmax(logits[0, 3:6], -1)[2].item()
    odds = factor * learned / (1 - learned)
    assert (strafe == 2).float().mean().item() == pytest.approx(odds / (1 + odds), abs=0.02)
    torch.testing.assert_close(logits, plain[-1])
    torch.testing.assert_close(buttons, plain[2])


def test_odds_reach_the_exported_bundle(steering: Recordings, tmp_path: Path) -> None:
    """A choice with overwhelming odds is what the exported bot does, whatever it learned."""
    run = tmp_path / "run"
    train(steering_recipe(loop={"updates": 2}, odds={"strafe": {"left": 1e6}}), steering, run)
    bundle = export_run(run, steering, tmp_path / "bundle")
    noise = np.random.default_rng(0).random((50, bundle.noise_size), np.float32)
    _, actions = PolicyRuntime(bundle).replay([np.zeros((50, 2), np.float32)], noise)
    assert (actions[1] == 0).all()


@pytest.mark.parametrize(
    ("odds", "message"),
    [
        (
            {"strafes": {"left": 2}},
            "odds: there is no action part 'strafes'. Did you mean 'strafe'? Known: 'buttons', 'strafe', 'turn'.",
        ),
        (
            {"strafe": {"lef": 2}},
            "odds.strafe: there is no choice 'lef'. Did you mean 'left'? Known: 'left', 'none', 'right'.",
        ),
        ({"turn": {"left": 2}}, "odds.turn: there is no choice 'left'. Known: none."),
    ],
)
def test_odds_of_nothing_are_refused(
    odds: dict[str, dict[str, float]], message: str, steering: Recordings, tmp_path: Path
) -> None:
    """Odds for a part or a choice that is not there stop the training before it begins."""
    with pytest.raises(RecipeError) as caught:
        train(steering_recipe(odds=odds), steering, tmp_path / "run")
    assert str(caught.value) == message
