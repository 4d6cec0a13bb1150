"""What an explorer's recipe takes and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from field_world import field_form
from understudy.errors import RecipeError
from understudy.training.exploration.recipe import ExplorationRecipe, load_exploration_recipe

RECIPES = Path(__file__).parents[3] / "recipes"


def written(folder: Path, **changes: Any) -> Path:
    """Write a small recipe with changes."""
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(field_form(**changes)))
    return path


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"novlty": {}}, "unknown key 'novlty'. Did you mean 'novelty'?"),
        ({"novelty": {"episodc": True}}, "unknown key 'novelty.episodc'. Did you mean 'episodic'?"),
        ({"encoder": {"contrast": {"update": 3}}}, "unknown key 'encoder.contrast.update'. Did you mean 'updates'?"),
        ({"clone": {"bach": 3}}, "unknown key 'clone.bach'. Did you mean 'batch'?"),
        ({"sensors": {"frame": {"chanels": [8]}}}, "unknown key 'sensors.frame.chanels'. Did you mean 'channels'?"),
        ({"rewards": {"alphas": [0, 2]}}, "'rewards.alphas.1': input should be less than or equal to 1 (found 2)."),
        ({"game": {"arg": {}}}, "unknown key 'game.arg'. Did you mean 'args'?"),
        ({"ppo": {"batch_size": 300}}, "which ppo.batch_size 300 does not divide."),
    ],
)
def test_a_mistake_is_named_with_a_suggestion(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    """The error names the file, the key and what it might have been."""
    if "sensors" in changes:
        changes = {"sensors": {"frame": {"encoder": "pixels", **changes["sensors"]["frame"]}}}
    path = written(tmp_path, **changes)
    with pytest.raises(RecipeError) as caught:
        load_exploration_recipe(path)
    assert str(path) in str(caught.value)
    assert told in str(caught.value)


def test_a_recipe_is_what_it_was_after_being_written(tmp_path: Path) -> None:
    """A run folder's recipe reads back as the one it was made from, with keys that are Python's own words."""
    recipe = ExplorationRecipe.model_validate(
        field_form(game={"import": "field_world"}, clone={"updates": 3}, bins={"turn": {"bins": [-1, 1]}})
    )
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json", by_alias=True)))
    assert load_exploration_recipe(path) == recipe
    assert recipe.game.import_ == "field_world"


def test_no_recipe_is_told_in_a_sentence(tmp_path: Path) -> None:
    """A file that is not there, is no YAML or holds no mapping gives one sentence."""
    (tmp_path / "list.yaml").write_text("- 1")
    (tmp_path / "bad.yaml").write_text("a: [")
    for name, told in (("none", "No such file"), ("list", "found list"), ("bad", "is not YAML")):
        with pytest.raises(RecipeError, match=told):
            load_exploration_recipe(tmp_path / f"{name}.yaml")


def test_the_parks_recipe_reads() -> None:
    """The recipe that comes with the package is one, and mixes the alphas of its source."""
    recipe = load_exploration_recipe(RECIPES / "explore" / "parkland.yaml")
    assert recipe.rewards.alphas == (0, 0, 0.3, 0.5, 0.8, 1, 1)
    assert recipe.game.id == "understudy/Parkland-v0"
