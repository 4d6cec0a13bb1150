"""Two processes train as one: the same loss curve and weights, one checkpoint, and a stop that all of them take."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from dancers import dance_form, dance_recipe, record_dancers
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from understudy.errors import RecipeError
from understudy.recordings import open_recordings
from understudy.training.augment import Augment
from understudy.training.data import window_maker
from understudy.training.distributed import Ranks
from understudy.training.loop import prepare, train
from understudy.training.recipe import load_recipe
from understudy.training.recovery import training_demonstrations
from understudy.training.stream import WindowStream

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.fixture(scope="module")
def dancers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of styled players, and a recipe beside them that uses everything several processes must agree on."""
    folder = tmp_path_factory.mktemp("dancers")
    record_dancers(folder / "logs", players=2, episodes=3, steps=80)
    write_recipe(folder / "recipe.yaml", updates=40)
    return folder


def write_recipe(path: Path, updates: int) -> Path:
    """A recipe without dropout, whose masks are each process' own."""
    loop = {"updates": updates, "batch": 8, "checkpoint_every": 10, "learning_rate": 1e-3}
    path.write_text(yaml.safe_dump(dance_form(loop=loop, policy={"past_dropout": 0.3})))
    return path


def start(recipe: Path, logs: Path, out: Path) -> subprocess.Popen[str]:
    """Train with two processes."""
    command = [*TORCHRUN, str(Path(__file__).with_name("train_in_processes.py")), str(recipe), str(logs), str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, env=environment, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]


def curves(run: Path) -> dict[str, list[float]]:
    """The losses that a run logged, by term."""
    events = EventAccumulator(str(run))
    events.Reload()
    return {name: [each.value for each in events.Scalars(name)] for name in events.Tags()["scalars"]}


def tensors(run: Path) -> dict[str, torch.Tensor]:
    """Everything in a run's checkpoint."""
    return load_file(run / "checkpoint" / "tensors.safetensors")


@pytest.mark.slow
def test_two_processes_train_as_one(dancers: Path) -> None:
    """Losses, weights and memory of two processes are those of one, up to rounding; and one of them measures."""
    process = start(dancers / "recipe.yaml", dancers / "logs", dancers / "two")
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    assert "measured 0" in output
    assert "measured 4" in output
    train(load_recipe(dancers / "recipe.yaml"), open_recordings(dancers / "logs"), dancers / "one")
    expected, found = curves(dancers / "one"), curves(dancers / "two")
    assert expected.keys() == found.keys()
    assert "train/style_align" in expected
    for name, values in expected.items():
        assert len(values) == 4
        assert found[name] == pytest.approx(values, rel=1e-4, abs=1e-6)
    ours, theirs = tensors(dancers / "one"), tensors(dancers / "two")
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(theirs[name], value, rtol=1e-2, atol=1e-4, msg=lambda m, name=name: f"{name}: {m}")


@pytest.mark.slow
def test_two_processes_stop_together_and_go_on(dancers: Path) -> None:
    """Asked to stop, both stop after the same update and keep it; started again, they go on from there to the end."""
    recipe = write_recipe(dancers / "long.yaml", updates=100_000)
    process = start(recipe, dancers / "logs", dancers / "stopped")
    state = dancers / "stopped" / "checkpoint" / "state.json"
    for _ in range(1200):
        if state.exists() or process.poll() is not None:
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    stopped = json.loads(state.read_text())["update"]
    assert stopped >= 10, output
    # One process goes on from what two left, with a recipe that ends soon.
    path = dancers / "stopped" / "recipe.yaml"
    form = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**form, "loop": {**form["loop"], "updates": stopped + 5}}))
    metrics = train(load_recipe(path), open_recordings(dancers / "logs"), dancers / "stopped")
    assert metrics["updates"] == stopped + 5


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": {"head": "autoregressive"}},
        {"policy": {"head": "diffusion", "recall": 2}},
        {"policy": {"cell": "lstm"}},
        {"policy": {"cell": "transformer", "memory": 16}},
        {"policy": {"memory": 0}},
        {"style": {"demonstrated": 0}},
        {"style": {"skill": None}},
    ],
)
def test_every_parameter_has_its_part_in_every_update(dancers: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    """No process waits for a gradient that another one has not: each parameter has one, whatever is trained."""
    learner = prepare(dance_recipe(**changes), open_recordings(dancers / "logs"), tmp_path / "run")
    stream, augment = WindowStream(learner.split.train, learner.recipe.loop), Augment(learner.recipe, learner.behavior)
    make = window_maker(learner.cache, learner.codec, stream, augment, training_demonstrations(learner))
    learner.advance(make(0))
    assert [name for name, each in learner.objective.named_parameters() if each.grad is None] == []


def test_a_batch_is_shared_out_in_order() -> None:
    """The parts of all processes together are the batch, each sequence once."""
    assert [each for rank in range(3) for each in range(12)[Ranks(rank, 3).part(12)]] == list(range(12))


def test_a_batch_that_cannot_be_shared_out_is_refused() -> None:
    """Three processes cannot read equal parts of sixteen sequences."""
    with pytest.raises(RecipeError) as caught:
        Ranks(0, 3).part(16)
    assert str(caught.value) == "loop.batch (16) must be a multiple of the number of processes (3)."
