"""Exploring the field: reproducible, resumable, exported to a bundle that plays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from field_world import EPISODE, FIELD, FieldGame, FieldWorld, field_form, record_walks
from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent, PolicyRuntime
from understudy.errors import RecipeError
from understudy.recordings import Recordings
from understudy.serving.options import ServerOptions
from understudy.serving.remote import RemoteAgent
from understudy.serving.run import serve_in_thread
from understudy.spec import Action
from understudy.training.exploration.export import export_exploration
from understudy.training.exploration.loop import explore
from understudy.training.exploration.recipe import ExplorationRecipe
from understudy.training.exploration.trails import read_trails

TINY: dict[str, Any] = {"loop": {"games": 2, "episode": 16, "iterations": 3}, "ppo": {"batch_size": 16, "n_epochs": 2}}


class _KilledError(Exception):
    """Stands for a kill: nothing is told to the run."""


class _Mortal(FieldGame):
    """The field, which ends the process's run at some decision."""

    def __init__(self, last: list[int]) -> None:
        super().__init__()
        self._left = last

    def step(self, action: Action) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Do one decision, unless it is the last."""
        self._left[0] -= 1
        if self._left[0] == 0:
            raise _KilledError
        return super().step(action)


class _Short(FieldGame):
    """The field, whose episodes end by themselves after a few decisions."""

    def reset(self, seed: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start an episode."""
        self._left = 5 + seed % 3
        return super().reset(seed)

    def step(self, action: Action) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Do one decision."""
        seen, reward, _, _, info = super().step(action)
        self._left -= 1
        return seen, reward, self._left == 0, False, info


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Demonstrations of both preferences."""
    return record_walks(tmp_path_factory.mktemp("walks"), episodes=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, walks: Recordings) -> Path:
    """A run of the tiny recipe, with every kind of warm start."""
    out = tmp_path_factory.mktemp("run") / "run"
    explore(tiny(), FieldGame, out, walks)
    return out


def tiny(**changes: Any) -> ExplorationRecipe:
    """A recipe that takes a moment."""
    form = field_form(
        clone={"updates": 5, "batch": 16},
        encoder={"contrast": {"decisions": 40, "updates": 4, "batch": 16}},
        mind={"hidden": 16, "past_actions": True},
        **TINY,
    )
    for key, value in changes.items():
        form[key] = {**form[key], **value} if isinstance(form.get(key), dict) else value
    return ExplorationRecipe.model_validate(form)


def weights(run: Path) -> Mapping[str, np.ndarray]:
    """All tensors of a run's checkpoint."""
    return load_file(run / "checkpoint" / "tensors.safetensors")


def assert_equal(ours: Path, theirs: Path) -> None:
    """Two runs ended with the same bits, and went the same ways."""
    mine, others = weights(ours), weights(theirs)
    assert mine.keys() == others.keys()
    for name, value in mine.items():
        np.testing.assert_array_equal(value, others[name], name)
    assert read_trails(ours) == read_trails(theirs)


def test_the_same_seed_gives_the_same_weights(tmp_path: Path, walks: Recordings, run: Path) -> None:
    """A second run of the same recipe ends with the same bits; one of another seed does not."""
    explore(tiny(), FieldGame, tmp_path / "again", walks)
    assert_equal(run, tmp_path / "again")
    explore(tiny(loop={"seed": 1}), FieldGame, tmp_path / "other", walks)
    assert any((value != weights(run)[name]).any() for name, value in weights(tmp_path / "other").items())


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path: Path, walks: Recordings, run: Path) -> None:
    """Killed in the middle of its third iteration and started again, it ends with the same bits and the same trails."""
    out, recipe = tmp_path / "run", tiny()
    # 256 of random play for the parity check's sample, then two iterations of 2 * 16.
    last = [256 + 2 * 32 + 9]
    with pytest.raises(_KilledError):
        explore(recipe, lambda: _Mortal(last), out, walks)
    assert json.loads((out / "checkpoint" / "state.json").read_text())["iteration"] == 2
    explore(recipe, FieldGame, out, walks)
    assert_equal(run, out)


def test_a_run_that_is_done_stays_as_it_is(run: Path, walks: Recordings) -> None:
    """Started again, it gives the same metrics and plays nothing; another recipe is refused there."""
    before = json.loads((run / "metrics.json").read_text())
    assert explore(tiny(), FieldGame, run, walks) == before
    assert before["preferences"] == ["edge", "golden"]
    with pytest.raises(RecipeError, match="a run of another recipe"):
        explore(tiny(name="other"), FieldGame, run, walks)


@pytest.mark.slow
def test_games_in_processes_play_the_same(tmp_path: Path, walks: Recordings, run: Path) -> None:
    """With each game in a process of its own, a run ends with the same bits."""
    recipe = tiny(loop={"workers": True})
    explore(recipe, FieldGame, tmp_path / "run", walks)
    assert_equal(run, tmp_path / "run")


def test_the_bundle_plays_locally_and_through_a_server(tmp_path: Path, run: Path) -> None:
    """The export is certified, verifies here, and acts the same in this process and behind a server, in each style."""
    bundle = export_exploration(run, tmp_path / "bundle")
    assert bundle.card.certificate["equal_actions"] == 1.0
    assert PolicyRuntime(bundle).verify() < 1e-4
    with serve_in_thread([bundle], ServerOptions(port=0)) as address:
        for style in ("golden", "edge@0.3", "golden:0.5+edge:0.5,alpha=0.2", "free"):
            local, remote = BundleAgent(bundle, style=style), RemoteAgent(address, style=style)
            assert played(local, 5) == played(remote, 5)
            remote.close()


def test_alpha_and_preference_reach_the_policy(tmp_path: Path, run: Path) -> None:
    """Every style gives logits of its own, and the slider goes where the named styles are."""
    bundle = export_exploration(run, tmp_path / "bundle")
    runtime = PolicyRuntime(bundle)
    frame = FieldWorld().reset(seed=0)[0]["frame"][None]
    state, noise = np.zeros((1, bundle.state_size), np.float32), np.zeros((1, bundle.noise_size), np.float32)

    def logits(style: np.ndarray) -> np.ndarray:
        return runtime.explain([frame], state, noise, style[None])[2]

    found = [logits(bundle.style(name)) for name in ("golden", "edge", "golden@0.5", "free")]
    for at, each in enumerate(found):
        for other in found[at + 1 :]:
            assert np.abs(each - other).max() > 1e-5
    slid = bundle.style("golden") + 0.5 * np.array(bundle.card.sliders["alpha"], np.float32)
    np.testing.assert_array_equal(logits(slid), found[2])


def played(agent: Any, seed: int) -> list[tuple[int, int]]:
    """Play an episode and return where it went."""
    env, places = FieldWorld(), []
    seen, _ = env.reset(seed=seed)
    agent.reset(seed)
    for _ in range(EPISODE):
        seen, *_ = env.step(agent.act(seen))
        places.append(env.place)
    return places


def test_episodes_that_end_by_themselves_draw_new_styles(tmp_path: Path) -> None:
    """An agent without demonstrations explores; its trails hold each episode with where it went."""
    recipe = tiny(rewards={"alphas": [1]}, novelty={"episodic": False}, mind={"lags": [], "past_actions": False})
    explore(recipe, _Short, tmp_path / "run")
    trails = read_trails(tmp_path / "run")
    assert {len(each.positions) for each in trails if len(each.positions) > 2} <= {3, 4, 5, 6, 7}
    assert all(each.style == (1.0,) for each in trails)
    assert sum(len(each.positions) for each in trails) == 3 * 2 * 16
    assert list(export_exploration(tmp_path / "run", tmp_path / "bundle").card.styles) == ["free"]


def test_a_policy_may_train_eyes_of_its_own(tmp_path: Path, walks: Recordings) -> None:
    """Its copy of the encoder changes with PPO, the frozen one does not, and the bundle holds both."""
    explore(tiny(encoder={"trained": True}), FieldGame, tmp_path / "run", walks)
    own = {name: value for name, value in weights(tmp_path / "run").items() if ".eyes.encoders." in name}
    frozen = load_file(tmp_path / "run" / "eyes.safetensors")
    assert own
    assert any((value != frozen[name.split(".eyes.", 1)[1]]).any() for name, value in own.items())
    bundle = export_exploration(tmp_path / "run", tmp_path / "bundle")
    assert bundle.card.certificate["equal_actions"] == 1.0


def test_wrong_demonstrations_are_told(tmp_path: Path, walks: Recordings) -> None:
    """A preference nobody showed, demonstrations left out and a recipe without a note are told in a sentence."""
    with pytest.raises(RecipeError, match=r"'goldne'.*Did you mean 'golden'"):
        explore(tiny(preferences=["goldne"]), FieldGame, tmp_path / "a", walks)
    with pytest.raises(RecipeError, match="--logs"):
        explore(tiny(preferences=["golden"]), FieldGame, tmp_path / "b")
    with pytest.raises(RecipeError, match="note 'who'"):
        explore(tiny(persona="who"), FieldGame, tmp_path / "c", walks)
    with pytest.raises(RecipeError, match="is no run folder"):
        explore(tiny(encoder={"run": str(tmp_path / "none")}), FieldGame, tmp_path / "d", walks)


def test_a_run_without_a_checkpoint_is_not_exported(tmp_path: Path) -> None:
    """The error says how to make one."""
    (tmp_path / "recipe.yaml").write_text(json.dumps(tiny().model_dump(mode="json", by_alias=True)))
    with pytest.raises(RecipeError, match="explore first"):
        export_exploration(tmp_path, tmp_path / "bundle")


def test_the_bundle_brings_its_encoder(tmp_path: Path, run: Path) -> None:
    """`encoder.onnx` is among the files that the card vouches for."""
    export_exploration(run, tmp_path / "bundle")
    assert "encoder.onnx" in Bundle.load(tmp_path / "bundle").card.sha256
    assert Bundle.load(tmp_path / "bundle").behavior == FIELD
