"""The first recipe for any recordings trains as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from dancers import record_dancer
from gymnasium import spaces

from toys import TOY, write_episode
from understudy.errors import RecipeError
from understudy.recordings import open_recordings
from understudy.spec import BehaviorSpec, SensorSpec
from understudy.training.first_recipe import centres, first_recipe
from understudy.training.loop import train
from understudy.training.recipe import Recipe


@pytest.mark.parametrize(("episodes", "steps"), [(1, 25), (3, 40), (6, 70), (2, 600)])
def test_a_first_recipe_trains(tmp_path: Path, episodes: int, steps: int) -> None:
    """However many recordings there are and however long, something is left to learn from."""
    for seed in range(episodes):
        write_episode(tmp_path / "logs", f"e{seed}", steps=steps, seed=seed)
    recordings = open_recordings(tmp_path / "logs")
    form = yaml.safe_load(first_recipe(recordings))
    form["loop"]["updates"] = 2
    metrics = train(Recipe.model_validate(form), recordings, tmp_path / "run")
    assert metrics["train_steps"] > 0
    assert bool(metrics["held_out_steps"]) == ((episodes, steps) != (1, 25))


def test_pictures_numbers_and_turns_are_told_apart(tmp_path: Path) -> None:
    """A picture gets a picture's encoder, numbers a vector's, and a turn bins with nought among them."""
    write_episode(tmp_path, steps=60)
    recordings = open_recordings(tmp_path)
    recipe = Recipe.model_validate(yaml.safe_load(first_recipe(recordings)))
    assert {name: each.encoder for name, each in recipe.sensors.items()} == {
        "rays": "vector",
        "frame": "pixels",
        "health": "vector",
    }
    bins = centres(recordings, TOY.action("turn"))
    assert bins == sorted(set(bins))
    assert 0.0 in bins
    assert len(bins) <= 17


def test_a_behaviour_of_secrets_gets_no_recipe(tmp_path: Path) -> None:
    """Where every sensor is privileged, a fair bot has nothing to see."""
    hidden = SensorSpec("enemies", spaces.Box(-1, 1, (4,), np.float32), privileged=True)
    write_episode(tmp_path, behavior=BehaviorSpec("secret", (hidden,), TOY.actions, 10.0))
    with pytest.raises(RecipeError, match="Every sensor of 'secret' is privileged"):
        first_recipe(open_recordings(tmp_path))


@pytest.mark.parametrize("notes", [{"skill": 0.5}, {}])
def test_recordings_of_named_styles_get_a_bot_of_all_of_them(tmp_path: Path, notes: dict[str, float]) -> None:
    """Where notes name styles, the recipe trains them, with a skill dial if skill was noted."""
    for player in ("lefty-0", "righty-0"):
        for episode in range(4):
            record_dancer(tmp_path / "logs", f"{player}-{episode}", player, episode, 60, **notes)
    recordings = open_recordings(tmp_path / "logs")
    form = yaml.safe_load(first_recipe(recordings))
    form["loop"]["updates"] = 2
    recipe = Recipe.model_validate(form)
    assert recipe.style_size == 16 + len(notes)
    assert train(recipe, recordings, tmp_path / "run")["styles"]["names"] == ["lefty", "righty"]
