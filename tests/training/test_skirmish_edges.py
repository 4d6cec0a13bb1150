"""Skirmish from a corpus to a styled bundle where something is odd: each is a sensible game or a clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from understudy.agents.bundle import Bundle
from understudy.agents.styles import StyleReader
from understudy.envs.skirmish.corpus import make_corpus
from understudy.errors import SpecMismatchError, UnderstudyError
from understudy.playtest.arena.contestants import PERSONA, Contestant
from understudy.playtest.arena.matches import likeness_fixtures, play_fixtures
from understudy.recordings import Recordings, open_recordings
from understudy.training.export import export_run
from understudy.training.loop import train
from understudy.training.recipe import Recipe, load_recipe

RECIPE = Path(__file__).parents[2] / "recipes" / "skirmish.yaml"
SMALL: dict[str, dict[str, Any]] = {
    "policy": {"hidden": 16, "memory": 16, "head_width": 8, "recall": 1},
    "loop": {"updates": 3, "batch": 4, "window": 8, "segment": 16, "bf16": False},
    "style": {"steps": 32, "pieces": 1, "sliders": {}},
    "split": {"episodes": 0.25},
}


def small_recipe(folder: Path) -> Recipe:
    """Skirmish's own recipe with hardly any network."""
    form = yaml.safe_load(RECIPE.read_text())
    for name, changes in SMALL.items():
        form[name] = {**(form.get(name) or {}), **changes}
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(form))
    return load_recipe(path)


def record(folder: Path, level: str, seed: int) -> Recordings:
    """Two rounds on a level, with all sensors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("understudy.envs.skirmish.corpus.MATCHES_PER_BLOCK", 1)
        make_corpus(folder, hours=0.01, seed=seed, levels=[level], identities=2, rounds=2)
    return open_recordings(folder)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """A minute or two on foundry."""
    return record(tmp_path_factory.mktemp("corpus"), "foundry", 3)


@pytest.fixture(scope="module")
def bundle(corpus: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bot that has learned next to nothing from it."""
    folder = tmp_path_factory.mktemp("bundle")
    train(small_recipe(folder), corpus, folder / "run")
    return export_run(folder / "run", corpus, folder / "bundle")


def test_demonstrations_of_another_map_give_a_style(bundle: Bundle, tmp_path: Path) -> None:
    """A style is how somebody plays, not where: it is read from a level that nobody trained on."""
    found = StyleReader(bundle).read(record(tmp_path, "generated-7", 9))
    assert found.shape == (bundle.style_size,)
    assert np.isfinite(found).all()


def test_no_demonstrations_are_a_sentence(bundle: Bundle, tmp_path: Path) -> None:
    """Neither an empty folder nor an empty list is a style."""
    with pytest.raises(UnderstudyError, match="recording"):
        StyleReader(bundle).read(open_recordings(tmp_path))
    with pytest.raises(UnderstudyError, match="demonstration"):
        StyleReader(bundle).read([])


def test_a_sensor_that_logs_lack_is_named(bundle: Bundle, tmp_path: Path) -> None:
    """Logs without a sensor of the recipe's, or of the bundle's, are refused with its name."""
    players = [Contestant(name, None, name, 0.5, PERSONA) for name in ("rusher", "anchor")]
    play_fixtures(likeness_fixtures(players, ["foundry"], 1, rounds=2), tmp_path / "logs")
    logs = open_recordings(tmp_path / "logs")
    assert logs.behavior.sensor_names == ("self",)
    with pytest.raises(UnderstudyError, match="audio"):
        train(small_recipe(tmp_path), logs, tmp_path / "run")
    with pytest.raises(SpecMismatchError, match="audio"):
        StyleReader(bundle).read(logs)
