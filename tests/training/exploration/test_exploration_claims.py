"""What an explorer is for, shown on the field: one agent, from the demonstrated path to free exploration."""

from __future__ import annotations

import numpy as np
import pytest

from field_world import EPISODE, FIELD, FieldGame, FieldWorld, field_form, path_cells, record_walks
from understudy.agents.agent import Agent
from understudy.agents.bundle import Bundle
from understudy.agents.random import RandomAgent
from understudy.agents.runtime import BundleAgent
from understudy.training.exploration.export import export_exploration
from understudy.training.exploration.loop import explore
from understudy.training.exploration.recipe import ExplorationRecipe

# A busy machine takes many times the half minute that training takes on a free core.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EPISODES = 12


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """An agent of both preferences after 20,480 decisions."""
    folder = tmp_path_factory.mktemp("field")
    form = field_form(clone={"updates": 300}, ppo={"n_epochs": 10}, loop={"iterations": 40})
    explore(ExplorationRecipe.model_validate(form), FieldGame, folder / "run", record_walks(folder / "logs"))
    return export_exploration(folder / "run", folder / "bundle")


def episodes(agent: Agent) -> list[list[tuple[int, int]]]:
    """Where an agent was in each decision of some episodes."""
    found = []
    for seed in range(EPISODES):
        env = FieldWorld()
        seen, _ = env.reset(seed=seed)
        agent.reset(seed)
        places = [env.place]
        for _ in range(EPISODE - 1):
            seen, *_ = env.step(agent.act(seen))
            places.append(env.place)
        found.append(places)
    return found


def covered(agent: Agent) -> float:
    """Cells an agent is in within an episode, on average."""
    return float(np.mean([len(set(each)) for each in episodes(agent)]))


def path_covered(agent: Agent, name: str) -> list[float]:
    """The share of a path's cells that an agent is in, by episode."""
    cells = path_cells(name)
    return [len(cells & set(each)) / len(cells) for each in episodes(agent)]


@pytest.mark.parametrize("name", ["golden", "edge"])
def test_alpha_nought_stays_on_the_demonstrated_path(bundle: Bundle, name: str) -> None:
    """More of its time at alpha 0 is spent on the path than at alpha 1, by far, and it walks most of it."""
    cells = path_cells(name)
    shares = [
        np.mean([place in cells for each in episodes(BundleAgent(bundle, style=style)) for place in each])
        for style in (name, "free")
    ]
    assert shares[0] > 0.6
    assert shares[0] > 1.5 * shares[1]
    assert np.mean(path_covered(BundleAgent(bundle, style=name), name)) > 0.5


def test_alpha_one_covers_more_than_random(bundle: Bundle) -> None:
    """At alpha 1 an episode is in more than one and a half times as many cells as random play, and more than at 0."""
    free = covered(BundleAgent(bundle, style="free"))
    assert free > 1.5 * covered(RandomAgent(FIELD))
    assert free > max(covered(BundleAgent(bundle, style=name)) for name in ("golden", "edge"))


def test_two_preferences_are_told_apart(bundle: Bundle) -> None:
    """Nine of ten episodes at alpha 0 cover more of the path that was asked for than of the other."""
    right = []
    for asked, other in (("golden", "edge"), ("edge", "golden")):
        agent = BundleAgent(bundle, style=asked)
        right += [
            ours > theirs for ours, theirs in zip(path_covered(agent, asked), path_covered(agent, other), strict=True)
        ]
    assert np.mean(right) >= 0.9
