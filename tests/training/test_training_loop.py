"""Training learns what there is to learn, goes on where it stopped, and ends in a bundle that plays the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from steering import PIXELS, STEERING, record_steering, steering_recipe

from toys import write_episode
from understudy.agents import BundleAgent, PolicyRuntime
from understudy.agents.testing import check_agent
from understudy.errors import BundleError, RecipeError, SpecMismatchError
from understudy.recordings import Recordings, open_recordings
from understudy.training import export
from understudy.training.export import export_run
from understudy.training.loop import prepare, train
from understudy.training.recipe import Recipe

BOTH = {"rays": {"encoder": "vector", "widths": [16]}, "frame": {**PIXELS, "shift": 1}}


def nats(metrics: dict[str, Any], head: str, column: str) -> float:
    """A head's held-out nats over all steps."""
    return float(next(row[column] for row in metrics["heads"] if (row["head"], row["where"]) == (head, "all")))


def test_a_learnable_turn_is_learned(steering: Recordings, tmp_path: Path) -> None:
    """Where the turn follows from the rays, a hundred updates predict it far better than the Markov chain."""
    recipe = steering_recipe(loop={"updates": 120, "batch": 8, "learning_rate": 1e-2, "average": 0.9})
    metrics = train(recipe, steering, tmp_path / "run")
    assert nats(metrics, "turn", "markov") > 0.6
    assert nats(metrics, "turn", "model") < 0.25
    turn = next(row for row in metrics["heads"] if row["head"] == "turn" and row["where"] == "changed")
    assert turn["gain_low"] > 0.3
    # What the rays say nothing about is not made worse.
    assert nats(metrics, "strafe", "model") < nats(metrics, "strafe", "markov") + 0.1
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == metrics
    assert metrics["train_steps"] == 4 * (150 - 32)
    assert metrics["held_out_steps"] == {"blocks": 200}


def weights(run: Path) -> dict[str, torch.Tensor]:
    """Everything in a run's checkpoint: weights, their average, moments and memory."""
    return load_file(run / "checkpoint" / "tensors.safetensors")


def interrupt_at(update: int) -> Any:
    """A progress callback that is interrupted after an update, as by Ctrl-C."""

    def progress(what: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        if what == "Training" and done == update:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("interruptions", [(7,), (4, 11)])
def test_an_interrupted_run_ends_as_one_that_was_not(
    steering: Recordings, tmp_path: Path, interruptions: tuple[int, ...]
) -> None:
    """Stopped by Ctrl-C in the middle of a group of windows and resumed, a run ends with the same bits."""
    recipe = steering_recipe(
        sensors=BOTH,
        mirror={"sensors": ["frame"], "negate": ["turn"], "reverse": ["strafe"]},
        policy={"dropout": 0.1},
        balance={"strafe": 0.5},
        loop={"updates": 18},
    )
    whole = train(recipe, steering, tmp_path / "whole")
    for update in interruptions:
        with pytest.raises(KeyboardInterrupt):
            train(recipe, steering, tmp_path / "stopped", interrupt_at(update))
    resumed = train(recipe, steering, tmp_path / "stopped")
    expected, found = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert resumed == whole


def test_an_interrupt_inside_an_update_leaves_the_last_checkpoint(
    steering: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while weights are being changed saves nothing half changed; resumed, the run ends with the same bits."""
    recipe = steering_recipe(loop={"updates": 9, "checkpoint_every": 2})
    train(recipe, steering, tmp_path / "whole")
    step = torch.optim.AdamW.step
    calls = iter(range(6))

    def interrupted_step(optimizer: torch.optim.AdamW, *arguments: Any) -> Any:
        result = step(optimizer, *arguments)
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patched:
        patched.setattr(torch.optim.AdamW, "step", interrupted_step)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, steering, tmp_path / "stopped")
    assert json.loads((tmp_path / "stopped" / "checkpoint" / "state.json").read_text())["update"] == 6
    train(recipe, steering, tmp_path / "stopped")
    expected, found = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_finished_run_is_not_trained_again(steering: Recordings, tmp_path: Path) -> None:
    """Running a finished run again measures it, and changes no weight."""
    recipe = steering_recipe(loop={"updates": 3})
    train(recipe, steering, tmp_path / "run")
    before = weights(tmp_path / "run")
    train(recipe, steering, tmp_path / "run")
    assert all(torch.equal(value, weights(tmp_path / "run")[name]) for name, value in before.items())


def test_a_run_folder_belongs_to_one_recipe(steering: Recordings, tmp_path: Path) -> None:
    """Another recipe is refused once there is a checkpoint; before that, a mistake can be mended in place."""
    run = tmp_path / "run"
    with pytest.raises(RecipeError, match="needs bins, since it is a Box"):
        train(steering_recipe(bins={}), steering, run)
    train(steering_recipe(loop={"updates": 2}), steering, run)
    with pytest.raises(RecipeError) as caught:
        train(steering_recipe(loop={"updates": 3}), steering, run)
    assert str(caught.value) == (f"{run} holds a run of another recipe; train into a new folder, or delete this one.")


def test_an_unknown_balanced_part_is_refused(steering: Recordings, tmp_path: Path) -> None:
    """A balance for a part that is not there is a mistake, not a silence."""
    with pytest.raises(RecipeError) as caught:
        train(steering_recipe(balance={"trun": 1.0}), steering, tmp_path / "run")
    assert str(caught.value) == (
        "balance: there is no action part 'trun'. Did you mean 'turn'? Known: 'buttons', 'strafe', 'turn'."
    )


def test_recordings_of_different_games_are_refused(tmp_path: Path) -> None:
    """Recordings whose specs differ are not trained on as one."""
    mixed = tmp_path / "mixed"
    write_episode(mixed, "toy", steps=5)
    record_steering(mixed, episodes=1, steps=5)
    with pytest.raises(SpecMismatchError, match=r"^The spec of 'toy' does not match the recording 'episode-0': "):
        train(steering_recipe(), open_recordings(mixed), tmp_path / "run")


def test_episodes_shorter_than_a_window_are_learned_from(tmp_path: Path) -> None:
    """Short episodes are padded, and windows in which nothing is left change no weight to a NaN."""
    logs = record_steering(tmp_path / "logs", episodes=3, steps=11)
    record_steering(tmp_path / "logs" / "longer", episodes=1, steps=29, seed=1)
    recipe = steering_recipe(split={}, loop={"updates": 12, "batch": 1})
    metrics = train(recipe, open_recordings(logs), tmp_path / "run")
    assert metrics["heads"] == []
    assert all(value.isfinite().all() for value in weights(tmp_path / "run").values())


@pytest.fixture(scope="module")
def finished(steering_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short finished run with both encoders."""
    run = tmp_path_factory.mktemp("runs") / "run"
    train(steering_recipe(sensors=BOTH, loop={"updates": 10}), open_recordings(steering_logs), run)
    return run


def test_an_exported_run_plays_what_was_trained(finished: Path, steering: Recordings, tmp_path: Path) -> None:
    """The bundle carries its certificate and provenance, verifies, and is an agent."""
    bundle = export_run(finished, steering, tmp_path / "bundle")
    assert bundle.behavior == STEERING.select(["rays", "frame"])
    certificate, provenance = bundle.card.certificate, bundle.card.provenance
    assert certificate["steps"] == 200
    assert certificate["equal_actions"] == 1.0
    assert 0 <= certificate["max_logit_difference"] < 1e-3
    assert provenance["updates"] == 10
    assert provenance["recordings"] == [{"name": each.name, "digest": each.digest} for each in steering]
    assert Recipe.model_validate(provenance["recipe"]).name == bundle.name == "steering"
    assert PolicyRuntime(bundle).verify() < 1e-3
    assert bundle.parity_sample is not None
    assert len(bundle.parity_sample.noise) == 32
    observations = [
        {name: steering[0].observation(name)[step] for name in bundle.behavior.sensor_names} for step in range(5)
    ]
    check_agent(lambda: BundleAgent(bundle), observations)


def test_a_graph_that_is_not_the_network_is_not_exported(
    finished: Path, steering: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the exported graph plays otherwise, nothing is written, and the error says by how much."""
    to_onnx = export.to_onnx

    def tampered(graph: Any) -> bytes:
        with torch.no_grad():
            graph.policy.heads.bias += torch.arange(len(graph.policy.heads.bias)).float()
        return to_onnx(graph)

    monkeypatch.setattr(export, "to_onnx", tampered)
    with pytest.raises(
        BundleError, match=r"^The exported graph of 'steering' is not the trained network: over 200 steps"
    ):
        export_run(finished, steering, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_run_without_a_checkpoint_is_not_exported(steering: Recordings, tmp_path: Path) -> None:
    """Exporting too early says what to do first."""
    train_never = tmp_path / "run"
    train_never.mkdir()
    (train_never / "recipe.yaml").write_text(json.dumps(steering_recipe().model_dump(mode="json")))
    with pytest.raises(RecipeError) as caught:
        export_run(train_never, steering, tmp_path / "bundle")
    assert str(caught.value) == (
        f"{train_never} has no checkpoint yet; train first: understudy train RECIPE --out {train_never}"
    )


def test_weights_are_averaged(steering: Recordings, tmp_path: Path) -> None:
    """The exported weights follow the trained ones as an exponential average that forgets where it began."""
    learner = prepare(steering_recipe(loop={"average": 0.5}), steering, tmp_path / "run")
    expected = learner.policy.heads.bias.detach().clone()
    for update in range(30):
        learner.update = update
        with torch.no_grad():
            learner.policy.heads.bias.fill_(float(update))
        learner._update_average()
        decay = min(0.5, update / (update + 10))
        expected = decay * expected + (1 - decay) * update
    np.testing.assert_allclose(learner.average.heads.bias.detach().numpy(), expected.numpy(), rtol=1e-5)
