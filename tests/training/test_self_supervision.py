"""Self-supervision learns beside imitation, keeps embeddings apart, and leaves nothing in the exported bot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import yaml
from catching import COLUMNS, catching_form, catching_recipe, record_catching
from dancers import dance_form, dance_recipe, record_dancers
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from steering import steering_recipe

from understudy.agents import BundleAgent, PolicyRuntime
from understudy.agents.testing import check_agent
from understudy.errors import RecipeError
from understudy.recordings import Recordings, open_recordings
from understudy.training.augment import Augment
from understudy.training.collapse import effective_rank, look
from understudy.training.data import window_maker
from understudy.training.export import export_run
from understudy.training.learner import Learner
from understudy.training.loop import prepare, train
from understudy.training.recipe import Recipe, load_recipe
from understudy.training.recovery import training_demonstrations
from understudy.training.self_supervision import SPREAD, distance
from understudy.training.stream import WindowStream

OBJECTIVES = ("next_embedding", "inverse_dynamics", "dynamo")


@pytest.fixture(scope="module")
def catching_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight recordings of 300 steps of a game that needs a memory."""
    return record_catching(tmp_path_factory.mktemp("catching"), episodes=8, steps=300)


@pytest.fixture
def catching(catching_logs: Path) -> Recordings:
    """The same, opened."""
    return open_recordings(catching_logs)


def learn(recipe: Recipe, recordings: Recordings, run: Path, updates: int) -> tuple[Learner, list[dict[str, float]]]:
    """Train for some updates; the learner and the losses of each."""
    learner = prepare(recipe, recordings, run)
    stream, augment = WindowStream(learner.split.train, recipe.loop), Augment(recipe, learner.behavior)
    make = window_maker(learner.cache, learner.codec, stream, augment, training_demonstrations(learner))
    return learner, [learner.step(make(update)) for update in range(updates)]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_objective_is_learned_and_embeddings_do_not_collapse(
    catching: Recordings, tmp_path: Path, objective: str
) -> None:
    """What comes next is told better than at first and than by standing still, by embeddings that fill dimensions."""
    recipe = catching_recipe(self_supervised={"objective": objective}, loop={"updates": 100})
    _, losses = learn(recipe, catching, tmp_path / "first", 1)
    metrics = train(recipe, catching, tmp_path / "run")
    (row,) = metrics["embeddings"]
    assert row["steps"] == 600
    assert row["loss"] < 0.9 * losses[0]["self_supervised"] / recipe.self_supervised.weight  # type: ignore[union-attr]
    assert row["standing_still"] is None if objective == "inverse_dynamics" else row["loss"] < row["standing_still"]
    assert row["effective_rank"] > row["size"] / 3
    assert row["deviation"] > 0.15
    assert row["memory_effective_rank"] > row["memory_size"] / 4


def test_without_the_spread_embeddings_collapse(catching: Recordings, tmp_path: Path) -> None:
    """What keeps embeddings apart is needed: without it, they come to say nearly the same of everything."""
    without = {"objective": "next_embedding", "variance": 0, "covariance": 0, "weight": 2}
    rows = {}
    for name, part in (("with", {**without, "variance": 0.1, "covariance": 0.04}), ("without", without)):
        recipe = catching_recipe(self_supervised=part, loop={"updates": 100})
        (rows[name],) = train(recipe, catching, tmp_path / name)["embeddings"]
    assert rows["without"]["deviation"] < 0.1 < 0.2 < rows["with"]["deviation"]
    assert rows["without"]["effective_rank"] < rows["with"]["effective_rank"] - 2


def place_told(run: Path, recordings: Recordings, recipe: Recipe) -> float:
    """How often a linear probe of the memory, fitted on training play, tells the player's place on held-out play."""
    train(recipe, recordings, run)
    learner = prepare(recipe, recordings, run)
    saved = load_file(run / "checkpoint" / "tensors.safetensors")
    own = {key.removeprefix("average."): value for key, value in saved.items() if key.startswith("average.")}
    learner.average.load_state_dict(own)
    held_out = [span for spans in learner.split.held_out.values() for span in spans]
    (known, places), (unknown, answers) = (
        remember(learner, recordings, each) for each in (learner.split.train, held_out)
    )
    fit = np.linalg.solve(known.T @ known + 0.1 * np.eye(known.shape[1]), known.T @ np.eye(COLUMNS)[places])
    return float(((unknown @ fit).argmax(1) == answers).mean())


def remember(learner: Learner, recordings: Recordings, spans: Any) -> tuple[np.ndarray, np.ndarray]:
    """What the exported weights' memory holds at each step of some spans, with a one; and where the player stood."""
    first = {each.name: each.start for each in learner.cache.spans}
    episodes = {each.name: each for each in recordings}
    held = np.concatenate([look(learner.average, learner.cache, span).remembered.numpy() for span in spans])
    rows = [(span.name, slice(span.start - first[span.name], span.stop - first[span.name])) for span in spans]
    return np.c_[held, np.ones(len(held))], np.concatenate([episodes[name].extra("place")[at] for name, at in rows])


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["next_embedding", "dynamo"])
def test_the_memory_tells_more_of_the_state(catching: Recordings, tmp_path: Path, objective: str) -> None:
    """After as many updates on as many actions, a linear probe finds the state in the memory more often than without.

    Inverse dynamics does not teach the memory, and is not expected to.
    """
    shares = []
    for part in (None, {"objective": objective}):
        recipes = [catching_recipe(self_supervised=part, loop={"updates": 200, "seed": seed}) for seed in range(2)]
        shares.append(
            np.mean([place_told(tmp_path / f"{bool(part)}-{at}", catching, each) for at, each in enumerate(recipes)])
        )
    assert shares[1] > shares[0] + 0.03


@pytest.mark.parametrize(
    "part", [{"objective": "dynamo", "steps": 2}, {"objective": "next_embedding", "target": "average"}]
)
def test_a_resumed_run_ends_as_one_that_was_not_interrupted(
    steering: Recordings, tmp_path: Path, part: dict[str, Any]
) -> None:
    """The task's weights and moments are in the checkpoint: stopped and resumed, a run ends with the same bits."""
    sensors = {"frame": {"encoder": "pixels", "size": [4, 6], "channels": [4], "features": 8, "shift": 1}}
    recipe = steering_recipe(sensors=sensors, self_supervised=part, policy={"dropout": 0.1}, loop={"updates": 9})

    def interrupt(what: str, done: int, _total: int) -> None:
        if what == "Training" and done == 5:
            raise KeyboardInterrupt

    whole = train(recipe, steering, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(recipe, steering, tmp_path / "stopped", interrupt)
    assert train(recipe, steering, tmp_path / "stopped") == whole
    expected, found = (load_file(tmp_path / run / "checkpoint" / "tensors.safetensors") for run in ("whole", "stopped"))
    assert any(name.startswith("self_supervision.task") for name in expected)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_the_exported_graph_holds_none_of_it(steering: Recordings, tmp_path: Path) -> None:
    """Inputs, outputs and the number of weights are those of a bot that was trained without; and it is an agent."""
    graphs = []
    for name, part in (("without", None), ("with", {"objective": "dynamo"})):
        train(steering_recipe(self_supervised=part, split={}, loop={"updates": 4}), steering, tmp_path / name)
        bundle = export_run(tmp_path / name, steering, tmp_path / "bots" / name)
        assert PolicyRuntime(bundle).verify() < 1e-3
        graphs.append(onnx.load(bundle.policy_path).graph)
    plain, taught = graphs
    for side in ("input", "output"):
        assert [str(each) for each in getattr(taught, side)] == [str(each) for each in getattr(plain, side)]
    assert [(each.dims) for each in taught.initializer] == [(each.dims) for each in plain.initializer]
    observations = [{"rays": steering[0].observation("rays")[step]} for step in range(5)]
    check_agent(lambda: BundleAgent(bundle), observations)


def test_frozen_encoders_teach_what_follows_them(steering: Recordings, tmp_path: Path) -> None:
    """With embedded features, the task teaches the bottleneck behind them; the encoders stay as they are."""
    for part in ({"objective": "inverse_dynamics"}, {"objective": "dynamo", "target": "average"}):
        recipe = steering_recipe(
            self_supervised=part, policy={"bottleneck": 6}, loop={"encoder_rate": 0, "updates": 12}
        )
        run = tmp_path / part["objective"]
        before = prepare(recipe, steering, run).policy.state_dict()
        assert train(recipe, steering, run)["embeddings"][0]["size"] == 6
        after = load_file(run / "checkpoint" / "tensors.safetensors")
        moved = {name for name, value in before.items() if not torch.equal(after[f"policy.{name}"], value)}
        assert not [name for name in moved if name.startswith("encoders")]
        assert any(name.startswith("squeeze") for name in moved)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_gradient_reaches_what_it_should(steering: Recordings, tmp_path: Path, objective: str) -> None:
    """Each task moves the encoders; those that tell embeddings also the memory; the later embedding is never moved."""
    learner = prepare(steering_recipe(self_supervised={"objective": objective}), steering, tmp_path / "run")
    lesson = learner.self_supervision
    assert lesson is not None
    seen, remembered, target = (torch.randn(2, 6, size, requires_grad=True) for size in (16, 8, 16))
    choices = torch.zeros(2, 6, learner.codec.num_choices, dtype=torch.int64)
    lesson.pairs(seen, target, remembered, choices).sum().backward()
    assert (seen.grad is not None) == (objective != "next_embedding")
    assert (remembered.grad is not None) == (objective != "inverse_dynamics")
    assert target.grad is None


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_parameter_has_its_part_with_styles_too(tmp_path: Path, objective: str) -> None:
    """With styles, each parameter has a gradient in every update, so that several processes can train as one."""
    recordings = record_dancers(tmp_path / "logs", players=2, episodes=2, steps=40)
    recipe = dance_recipe(self_supervised={"objective": objective, "target": "average"})
    learner, (losses,) = learn(recipe, recordings, tmp_path / "run", 1)
    assert [name for name, each in learner.objective.named_parameters() if each.grad is None] == []
    assert "style_align" in losses
    assert (SPREAD in losses) == (objective != "inverse_dynamics")
    assert all(np.isfinite(value) for value in losses.values())


def test_bf16_learns_it_too(catching: Recordings, tmp_path: Path) -> None:
    """In bfloat16, the later embedding comes to be told better than by standing still."""
    part = {"objective": "dynamo", "distance": "smooth_l1"}
    recipe = catching_recipe(self_supervised=part, loop={"bf16": True, "updates": 40})
    (row,) = train(recipe, catching, tmp_path / "run")["embeddings"]
    assert row["loss"] < row["standing_still"]


def test_padded_steps_teach_nothing(steering: Recordings, tmp_path: Path) -> None:
    """Steps that only fill a window change no term, whatever is in them."""
    learner = prepare(steering_recipe(self_supervised={"objective": "dynamo"}), steering, tmp_path / "run")
    lesson = learner.self_supervision
    assert lesson is not None
    torch.manual_seed(0)
    seen, remembered = torch.randn(2, 6, 16), torch.randn(2, 6, 8)
    choices, valid = torch.zeros(2, 6, learner.codec.num_choices, dtype=torch.int64), torch.ones(2, 6)
    valid[1, 3:] = 0
    first = lesson(seen, seen, remembered, choices, valid, valid.sum())
    seen[1, 3:], remembered[1, 3:] = 9, -9
    for one, other in zip(first, lesson(seen, seen, remembered, choices, valid, valid.sum()), strict=True):
        torch.testing.assert_close(one, other)


@given(rank=st.integers(1, 6), scale=st.floats(0.01, 100))
def test_the_effective_rank_counts_dimensions(rank: int, scale: float) -> None:
    """Rows that fill some dimensions evenly have that rank, however large they are, and wherever their middle lies."""
    rows = np.tile(np.eye(rank, 8), (50, 1)) * scale
    both = np.concatenate([rows, -rows]) + 3 * scale
    assert effective_rank(both.astype(np.float32)) == pytest.approx(rank, rel=0.05)


def test_rows_that_are_all_alike_have_rank_one() -> None:
    """Collapse is told apart from everything else."""
    assert effective_rank(np.ones((40, 8), np.float32)) == 1.0


@given(length=st.floats(0.1, 10))
def test_a_distance_does_not_shrink_with_its_target(length: float) -> None:
    """Making embeddings smaller does not bring what is told nearer to them."""
    target, told = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.3, 0.1, -1.0])
    for kind in ("cosine", "smooth_l1"):
        assert float(distance(kind, told, target * length)) == pytest.approx(
            float(distance(kind, told, target)), rel=0.01
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"self_supervised": {"objective": "dynamo", "steps": 16}},
            "self_supervised.steps (16) must be less than loop.window (16), in which both embeddings lie.",
        ),
        (
            {"self_supervised": {"objective": "next_embedding"}, "policy": {"remember_sensors": False}},
            "self_supervised.objective: next_embedding is told from the memory, which reads no sensors here; set "
            "policy.remember_sensors to true, or take another objective.",
        ),
        (
            {"self_supervised": {"objective": "dynamo"}, "loop": {"encoder_rate": 0}},
            "self_supervised.objective: dynamo teaches embeddings, but loop.encoder_rate 0 freezes them; give "
            "policy.bottleneck a width, take next_embedding, which also teaches the memory, or train the encoders.",
        ),
    ],
)
def test_a_task_that_could_teach_nothing_is_refused(
    catching: Recordings, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """Before anything is trained, a sentence says what does not go together."""
    with pytest.raises(RecipeError) as caught:
        prepare(catching_recipe(**changes), catching, tmp_path / "run")
    assert str(caught.value) == message


def test_a_misspelt_key_is_named(tmp_path: Path) -> None:
    """A typo in the recipe's part is found, with a suggestion."""
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(catching_form(self_supervised={"objective": "dynamo", "latnet": 4})))
    with pytest.raises(RecipeError, match=r"unknown key 'self_supervised.latnet'. Did you mean 'latent'\?"):
        load_recipe(path)


@pytest.mark.slow
def test_two_processes_learn_it_as_one(tmp_path: Path) -> None:
    """Each process reads half of every batch, and losses and weights are those of one, the spread of all rows too."""
    record_dancers(tmp_path / "logs", players=2, episodes=3, steps=80)
    form = dance_form(
        self_supervised={"objective": "dynamo", "target": "average", "covariance": 1},
        loop={"updates": 20, "batch": 8, "checkpoint_every": 10, "learning_rate": 1e-3},
        policy={"past_dropout": 0.3},
    )
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(form))
    script = Path(__file__).with_name("train_in_processes.py")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, str(script), *(str(tmp_path / each) for each in ("recipe.yaml", "logs", "two"))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    train(load_recipe(tmp_path / "recipe.yaml"), open_recordings(tmp_path / "logs"), tmp_path / "one")
    ours, theirs = (load_file(tmp_path / run / "checkpoint" / "tensors.safetensors") for run in ("one", "two"))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(theirs[name], value, rtol=1e-2, atol=1e-4, msg=lambda m, name=name: f"{name}: {m}")
