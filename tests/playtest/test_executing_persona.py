"""A persona of two bundles and a detector plays, and mistakes in naming them are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from grid_specs import grid_form
from grid_world import CLEAN
from onnx import TensorProto, helper
from test_personas import BEHAVIOR, grid_bundle

from understudy.agents.detector import KEY, DetectorCard
from understudy.errors import BundleError
from understudy.playtest.persona import PersonaSpec
from understudy.playtest.run.personas import open_agent
from understudy.playtest.runner import Results

Play = Callable[..., Results]


def always(path: Path) -> Path:
    """A detector that sees an object everywhere."""
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["observation.place", "last"], ["largest"], keepdims=0),
            helper.make_node("Clip", ["largest", "one", "one"], ["score"]),
        ],
        "always",
        [helper.make_tensor_value_info("observation.place", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"])],
        [
            helper.make_tensor("last", TensorProto.INT64, [1], [1]),
            helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {KEY: DetectorCard("always", BEHAVIOR, 0.6, 0.4, 1).to_json()})
    onnx.save(model, path)
    return path


def test_a_persona_hands_over_to_a_second_bundle(play: Play, tmp_path: Path) -> None:
    """Where the detector fires at once, the run is the second bundle's, and not the first one's."""
    bundle, path = str(grid_bundle(tmp_path / "bot").folder), str(always(tmp_path / "always.onnx"))
    plain = {"name": "plain", "agent": "bundle", "bundle": bundle, "seed": 3}
    tester = {**plain, "name": "tester", "inspect": bundle, "detector": path}
    personas = [plain, tester, {**tester, "name": "again"}]
    results = play(grid_form(CLEAN, personas=personas, budget={"steps": 40}))
    alone, executed, again = (each.path for each in results.traces)
    assert results.verdict.passed
    assert executed == again != alone


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inspect": "bot"}, "has one of 'inspect' and 'detector'; name both, or neither"),
        ({"agent": "random", "inspect": "bot", "detector": "x"}, "which need the agent 'bundle'"),
    ],
)
def test_half_a_tester_is_refused(changes: dict[str, str], message: str) -> None:
    """Both files are needed, and a bundle to explore with."""
    with pytest.raises(ValueError, match=message):
        PersonaSpec.model_validate({"name": "tester", "agent": "bundle", "bundle": "bot", **changes})


def test_a_missing_detector_is_told(tmp_path: Path) -> None:
    """A file that is not there stops the persona before it plays."""
    bundle = str(grid_bundle(tmp_path / "bot").folder)
    persona = PersonaSpec(name="a", agent="bundle", bundle=bundle, inspect=bundle, detector=str(tmp_path / "no.onnx"))
    with pytest.raises(BundleError, match=r"no.onnx is not there; make a detector with: understudy detect"):
        open_agent(persona, BEHAVIOR)
