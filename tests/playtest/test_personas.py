from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from grid_specs import grid_form
from grid_world import CLEAN, GridWorld
from onnx import TensorProto, helper, numpy_helper

from understudy.agents.bundle import Bundle, write_bundle
from understudy.errors import PlaytestError
from understudy.playtest.run.personas import Playback, load_inputs, save_inputs
from understudy.playtest.runner import Results
from understudy.serving.options import ServerOptions
from understudy.serving.run import serve_in_thread

Play = Callable[..., Results]
BEHAVIOR = GridWorld().behavior.select(["place"])


def grid_bundle(folder: Path) -> Bundle:
    """A bundle that walks the grid world by its noise alone."""

    def tensor(name: str, kind: int, *shape: int) -> object:
        return helper.make_tensor_value_info(name, kind, ["batch", *shape])

    nodes = [
        helper.make_node("Mul", ["noise", "choices"], ["scaled"]),
        helper.make_node("Cast", ["scaled"], ["choice"], to=TensorProto.INT64),
        helper.make_node("Squeeze", ["choice", "last"], ["action.move"]),
        helper.make_node("Identity", ["state"], ["next_state"]),
        helper.make_node("Identity", ["observation.place"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "grid",
        [
            tensor("observation.place", TensorProto.FLOAT, 2),
            tensor("state", TensorProto.FLOAT, 1),
            tensor("noise", TensorProto.FLOAT, 1),
        ],
        [
            tensor("action.move", TensorProto.INT64),
            tensor("next_state", TensorProto.FLOAT, 1),
            tensor("logits", TensorProto.FLOAT, 2),
        ],
        [
            numpy_helper.from_array(np.array([5], np.float32), "choices"),
            numpy_helper.from_array(np.array([1], np.int64), "last"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    card = {"name": "bot", "behavior": BEHAVIOR, "state_size": 1, "noise_size": 1, "logits_size": 2}
    return write_bundle(folder, model.SerializeToString(), None, **card, provenance={}, certificate={})


def test_a_bundle_plays_the_same_here_and_behind_a_server(play: Play, tmp_path: Path) -> None:
    """A bundle walks the same way from the same seed, whether it is loaded or asked through a server."""
    bundle = grid_bundle(tmp_path / "bot")
    with serve_in_thread([bundle], ServerOptions(port=0)) as address:
        personas = [
            {"name": "here", "agent": "bundle", "bundle": str(bundle.folder), "seed": 3},
            {"name": "there", "agent": "remote", "address": address, "seed": 3},
        ]
        results = play(grid_form(CLEAN, personas=personas, budget={"steps": 50}))
    here, there = results.traces
    assert results.verdict.passed
    assert here.path == there.path
    assert len(set(here.path)) > 5


def test_inputs_come_back_from_disk(tmp_path: Path) -> None:
    """Inputs that were saved play back in order, with their dtype."""
    moves = [np.array(move) for move in (3, 1, 4)]
    save_inputs(tmp_path / "inputs.npz", BEHAVIOR, [{"move": move} for move in moves])
    player = Playback(BEHAVIOR, load_inputs(tmp_path / "inputs.npz"))
    played = [player.act({})["move"] for _ in moves]
    assert played == moves
    assert played[0].dtype == np.int64


def test_inputs_of_another_game_are_refused() -> None:
    """Inputs that do not fit the game's action parts are told apart from a bug."""
    with pytest.raises(PlaytestError, match="do not fit the action part 'move'"):
        Playback(BEHAVIOR, {"walk": np.zeros(3)})


def test_a_file_that_holds_no_inputs_is_refused(tmp_path: Path) -> None:
    """A damaged inputs file is an error in words."""
    (tmp_path / "inputs.npz").write_text("no archive")
    with pytest.raises(PlaytestError, match="does not hold a finding's inputs"):
        load_inputs(tmp_path / "inputs.npz")
