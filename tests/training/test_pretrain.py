"""Pretraining teaches an encoder to see, measures what it learned, and is done once per run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from steering import PIXELS, STEERING, steering_recipe

from understudy.errors import RecipeError
from understudy.recordings import EpisodeWriter, Provenance, Recordings, open_recordings
from understudy.training.build import build_policy, encoder_of
from understudy.training.loop import train
from understudy.training.pretrain import FILE, pretrain
from understudy.training.recipe import Recipe


def seeing(**changes: Any) -> Recipe:
    """A recipe that learns to tell the rays from the picture first."""
    part = {"sensor": "frame", "predict": "rays", "updates": 150, "batch": 32, "learning_rate": 1e-2, **changes}
    return steering_recipe(sensors={"frame": PIXELS}, pretrain=part, loop={"updates": 2})


@pytest.fixture(scope="module")
def senses(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Episodes in which the left half of the picture is as bright as the left ray is long, the right as the right."""
    folder = tmp_path_factory.mktemp("senses")
    rng = np.random.default_rng(0)
    for episode in range(4):
        with EpisodeWriter(folder, STEERING, Provenance("steering"), name=f"{episode}") as writer:
            for _ in range(80):
                rays = rng.random(2, np.float32)
                row = np.repeat((rays * 255).astype(np.uint8), 6)
                frame = np.broadcast_to(row[None, :, None], (8, 12, 3))
                turn = np.zeros(1, np.float32)
                writer.append({"rays": rays, "frame": frame}, {"turn": turn, "strafe": 1, "buttons": [0, 0]})
            writer.finish(truncated=True)
    return open_recordings(folder)


def taught(recipe: Recipe, recordings: Recordings | None, out: Path) -> tuple[float | None, dict[str, torch.Tensor]]:
    """Pretrain a fresh encoder; return what is explained, and its weights."""
    out.mkdir(exist_ok=True)
    encoder = encoder_of(build_policy(recipe, STEERING.select(["frame"])), "frame")
    return pretrain(recipe, encoder, recordings, out, lambda *_: None), encoder.state_dict()


def test_what_is_in_the_picture_is_learned(senses: Recordings, tmp_path: Path) -> None:
    """Where the picture shows the rays, most of their variance is explained in an episode that taught nothing."""
    explained, _ = taught(seeing(), senses, tmp_path / "run")
    assert explained is not None
    assert explained > 0.7


def test_what_is_not_in_the_picture_is_not_claimed(steering: Recordings, tmp_path: Path) -> None:
    """Where pictures are noise, nothing is explained on held-out episodes."""
    explained, _ = taught(seeing(updates=30), steering, tmp_path / "run")
    assert explained is not None
    assert explained < 0.05


def test_pretraining_is_done_once(senses: Recordings, tmp_path: Path) -> None:
    """A second call takes the weights of the first from the run folder, without recordings."""
    first = taught(seeing(updates=5), senses, tmp_path / "run")
    second = taught(seeing(updates=5), None, tmp_path / "run")
    assert first[0] == pytest.approx(second[0])
    assert all(torch.equal(value, second[1][name]) for name, value in first[1].items())


def test_a_pretrained_run_is_of_one_recipe(senses: Recordings, steering: Recordings, tmp_path: Path) -> None:
    """Weights pretrained for one recipe are not taken for another, even before the first checkpoint."""
    taught(seeing(updates=5), senses, tmp_path / "run")
    train(seeing(updates=5), steering, tmp_path / "run")
    assert (tmp_path / "run" / FILE).exists()
    for path in (tmp_path / "run" / "checkpoint").iterdir():
        path.unlink()
    with pytest.raises(RecipeError, match="holds a run of another recipe"):
        train(seeing(updates=6), steering, tmp_path / "run")


def test_pretraining_without_recordings_is_refused(steering: Recordings, tmp_path: Path) -> None:
    """A recipe that pretrains needs recordings to do so, and says how to get them."""
    with pytest.raises(RecipeError) as caught:
        train(seeing(), steering, tmp_path / "run")
    assert str(caught.value).startswith(
        "The recipe 'steering' pretrains on recordings of 'frame' and 'rays'; name their folder with --senses"
    )
