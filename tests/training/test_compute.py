"""A training runs where it is told to, and says so when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from dancers import dance_recipe, record_dancers
from steering import steering_recipe

from understudy.errors import RecipeError
from understudy.recordings import Recordings
from understudy.training.augment import Augment
from understudy.training.compute import Compute
from understudy.training.data import window_maker
from understudy.training.loop import prepare, train
from understudy.training.recipe import LoopRecipe
from understudy.training.recovery import training_demonstrations
from understudy.training.stream import WindowStream


def test_an_unknown_device_is_refused() -> None:
    """The sentence names those there are."""
    with pytest.raises(RecipeError) as caught:
        Compute("cdua")
    assert str(caught.value) == "There is no device 'cdua'. Did you mean 'cuda'? Known: 'cpu', 'cuda'."


def test_a_machine_without_a_gpu_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for CUDA where there is none is a sentence, before anything is read."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RecipeError) as caught:
        Compute("cuda")
    assert str(caught.value) == (
        "PyTorch finds no CUDA device here; train without --device cuda, or install a PyTorch with CUDA."
    )


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process on a machine takes a GPU of its own."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert Compute("cuda").on(1) == torch.device("cuda", 1)
    with pytest.raises(RecipeError) as caught:
        Compute("cuda").on(2)
    assert str(caught.value) == "This machine has 2 GPUs; start no more processes than that."


def test_one_flag_sets_the_gpu_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """bfloat16 and compilation are a GPU's defaults; on a CPU the recipe decides, and nothing is compiled."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    gpu, cpu = Compute("cuda"), Compute()
    assert gpu.uses_bf16(LoopRecipe())
    assert gpu.compiles
    assert not cpu.uses_bf16(LoopRecipe())
    assert cpu.uses_bf16(LoopRecipe(bf16=True))
    assert not cpu.compiles
    assert not Compute("cuda", bf16=False, compiled=False).uses_bf16(LoopRecipe(bf16=True))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # Dynamo's own look at its inputs
def test_a_compiled_policy_learns_the_same(tmp_path: Path) -> None:
    """`torch.compile` changes the speed of an update and its rounding, not its losses."""
    recordings = record_dancers(tmp_path / "logs", players=2, episodes=2, steps=40)
    losses = [first_losses(recordings, tmp_path / "run", Compute(compiled=compiled)) for compiled in (False, True)]
    for plain, fused in zip(*losses, strict=True):
        assert plain == pytest.approx(fused, rel=1e-4, abs=1e-6)


def first_losses(recordings: Recordings, out: Path, compute: Compute, updates: int = 4) -> list[dict[str, float]]:
    """The losses of the first updates."""
    learner = prepare(dance_recipe(), recordings, out, compute=compute)
    learner.move()
    stream, augment = WindowStream(learner.split.train, learner.recipe.loop), Augment(learner.recipe, learner.behavior)
    make = window_maker(learner.cache, learner.codec, stream, augment, training_demonstrations(learner))
    return [learner.step(make(update)) for update in range(updates)]


@pytest.mark.gpu
def test_a_gpu_learns_what_a_cpu_does(tmp_path: Path) -> None:
    """In float32 the first losses are a CPU's; in bfloat16 and compiled they are near them."""
    recordings = record_dancers(tmp_path / "logs", players=2, episodes=2, steps=40)
    expected = first_losses(recordings, tmp_path / "run", Compute())
    exact = first_losses(recordings, tmp_path / "run", Compute("cuda", bf16=False, compiled=False))
    quick = first_losses(recordings, tmp_path / "run", Compute("cuda"))
    for cpu, gpu, rounded in zip(expected, exact, quick, strict=True):
        assert cpu == pytest.approx(gpu, rel=2e-3, abs=1e-4)
        assert cpu == pytest.approx(rounded, rel=5e-2, abs=5e-2)


@pytest.mark.gpu
def test_a_gpu_trains_a_run_to_its_end(steering: Recordings, tmp_path: Path) -> None:
    """With one flag a run is trained, stopped, resumed and measured; its checkpoint is read anywhere."""
    recipe = steering_recipe(loop={"updates": 12})

    def interrupt(what: str, done: int, _total: int) -> None:
        if (what, done) == ("Training", 7):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, steering, tmp_path / "run", interrupt, compute=Compute("cuda"))
    assert train(recipe, steering, tmp_path / "run", compute=Compute("cuda"))["updates"] == 12
    assert train(recipe, steering, tmp_path / "run")["updates"] == 12
