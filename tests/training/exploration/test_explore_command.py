"""`understudy explore`: from a recipe file and a game's id to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from field_world import FIELD, FieldWorld, field_form, record_walks
from understudy.agents.bundle import Bundle
from understudy.cli.explore import explore
from understudy.cli.export import export
from understudy.errors import GameError, RecipeError
from understudy.playtest.baselines import EncoderEmbedding

RECIPE: dict[str, Any] = {
    "game": {"id": "field/Field-v0", "import": "field_world"},
    "loop": {"games": 1, "episode": 8, "iterations": 1},
    "ppo": {"batch_size": 8, "n_epochs": 1},
}


def test_a_recipe_becomes_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It explores the game of the recipe, says what was earned, and exports; the encoder embeds the game's pictures."""
    record_walks(tmp_path / "logs", episodes=1)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(field_form(**RECIPE)))
    explore(tmp_path / "recipe.yaml", tmp_path / "run", tmp_path / "logs", tmp_path / "bundle")
    told = capsys.readouterr().out
    assert "8 decisions" in told
    assert "style/golden" in told
    assert "golden@0.3" in told
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.behavior == FIELD
    frames = np.stack([FieldWorld().reset(seed=0)[0]["frame"]] * 2)
    assert EncoderEmbedding(bundle.folder)({"frame": frames}).shape == (2, 32)


def test_a_game_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the game raised becomes a sentence that says how to go on."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("no floor")

    monkeypatch.setattr(FieldWorld, "step", fail)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(field_form(**RECIPE)))
    with pytest.raises(GameError, match=r"'field/Field-v0' failed.*no floor.*Run the same command again"):
        explore(tmp_path / "recipe.yaml", tmp_path / "run")


def test_export_knows_an_exploration_by_its_recipe(tmp_path: Path) -> None:
    """Even stopped before it learned anything, a run folder is exported as what it is, and not asked for recordings."""
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(field_form(**RECIPE)))
    with pytest.raises(RecipeError, match="explore first"):
        export(tmp_path, tmp_path / "bundle")
