"""Every memory and every joint head trains through the same loop, and ends in a bundle that plays the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from steering import STEERING, steering_form, steering_recipe

from understudy.agents import BundleAgent, PolicyRuntime
from understudy.agents.testing import check_agent
from understudy.errors import RecipeError
from understudy.recordings import Recordings
from understudy.training.build import build_policy
from understudy.training.export import export_run
from understudy.training.loop import train
from understudy.training.recipe import Recipe


def head_nats(metrics: dict[str, object], head: str, column: str = "model") -> float:
    """A head's held-out nats over all steps."""
    rows = metrics["heads"]
    assert isinstance(rows, list)
    return float(next(row[column] for row in rows if (row["head"], row["where"]) == (head, "all")))


@pytest.mark.parametrize("cell", ["lstm", "transformer"])
@pytest.mark.parametrize("head", ["factored", "autoregressive", "diffusion"])
def test_every_memory_and_head_learns_and_exports(steering: Recordings, tmp_path: Path, cell: str, head: str) -> None:
    """The turn that follows from the rays is learned, the memory is asked for the past, and the export is certified."""
    policy = {"cell": cell, "head": head, "context": 8, "recall": 2, "head_width": 16}
    recipe = steering_recipe(policy=policy, loop={"updates": 60, "batch": 8, "learning_rate": 1e-2, "average": 0.9})
    metrics = train(recipe, steering, tmp_path / "run")
    assert head_nats(metrics, "turn") < 0.45 < head_nats(metrics, "turn", "markov")
    bundle = export_run(tmp_path / "run", steering, tmp_path / "bundle")
    assert bundle.card.certificate["equal_actions"] == 1.0
    assert PolicyRuntime(bundle).verify() < 1e-3
    observations = [{"rays": steering[0].observation("rays")[step]} for step in range(5)]
    check_agent(lambda: BundleAgent(bundle), observations)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == metrics


def test_bf16_trains_every_part(steering: Recordings, tmp_path: Path) -> None:
    """In bfloat16, the largest of everything learns too."""
    policy = {"cell": "transformer", "head": "diffusion", "context": 8, "recall": 2, "head_width": 16}
    loop = {"updates": 60, "batch": 8, "learning_rate": 1e-2, "average": 0.9, "bf16": True}
    metrics = train(steering_recipe(policy=policy, loop=loop), steering, tmp_path / "run")
    assert head_nats(metrics, "turn") < 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"sensors": {"rays": {"encoder": "rays"}}},
            "sensors.rays: The rays encoder reads uint8 or signed integers of shape (rows, columns, 2) from 0; sensor "
            "'rays' is float32 of shape (2,).",
        ),
        (
            {"policy": {"cell": "transformer", "memory": 10}},
            "policy: A transformer of 4 heads needs a width that is a multiple of that, not 10.",
        ),
    ],
)
def test_a_recipe_that_cannot_be_built_is_refused(changes: dict[str, object], message: str) -> None:
    """Sensors that an encoder cannot read, and sizes that do not go together, are told in a sentence."""
    recipe = Recipe.model_validate(steering_form(**changes))
    with pytest.raises(RecipeError) as caught:
        build_policy(recipe, STEERING.select(["rays"]))
    assert str(caught.value) == message
