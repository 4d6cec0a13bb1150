"""The loaders written from the contracts: each way of breaking one is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from plain_bundles import BUTTONS, MOVE, TURN, write_plain

from understudy.agents.profiles import GodotKey, check_godot, check_unity, export_profile
from understudy.errors import BundleError

PARTS = (MOVE, TURN, BUTTONS)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A valid model of each profile."""
    folder = tmp_path_factory.mktemp("models")
    bundle = write_plain(folder / "bundle", PARTS)
    files = {name: export_profile(bundle, name, folder / f"{name}.onnx").path for name in ("unity", "godot")}
    return {name: onnx.load(str(path)) for name, path in files.items()}


def copy(model: Any) -> Any:
    """A copy to break."""
    other = onnx.ModelProto()
    other.CopyFrom(model)
    return other


def node_of(model: Any, output: str) -> Any:
    """The node that computes an output."""
    return next(node for node in model.graph.node if output in node.output)


def set_constant(name: str, value: Any) -> Callable[[Any], None]:
    """Give a stated constant another value."""

    def change(model: Any) -> None:
        array = np.array(value, np.float32)
        node_of(model, name).attribute[0].t.CopyFrom(numpy_helper.from_array(array, name))
        for each in model.graph.output:
            if each.name == name:
                each.CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))

    return change


def drop_output(name: str) -> Callable[[Any], None]:
    """Remove an output."""

    def change(model: Any) -> None:
        kept = [each for each in model.graph.output if each.name != name]
        del model.graph.output[:]
        model.graph.output.extend(kept)

    return change


def add_input(name: str, dtype: int = TensorProto.FLOAT) -> Callable[[Any], None]:
    """Declare one more input."""

    def change(model: Any) -> None:
        model.graph.input.append(helper.make_tensor_value_info(name, dtype, ["batch", 3]))

    return change


def set_opset(version: int) -> Callable[[Any], None]:
    """Claim another opset."""

    def change(model: Any) -> None:
        model.opset_import[0].version = version

    return change


def rename_input(old: str, new: str) -> Callable[[Any], None]:
    """Call an input otherwise."""

    def change(model: Any) -> None:
        for each in model.graph.input:
            each.name = new if each.name == old else each.name
        for node in model.graph.node:
            node.input[:] = [new if each == old else each for each in node.input]

    return change


def ignore_masks(model: Any) -> None:
    """Take every mask for one that allows all, with the input still there."""
    (user,) = (node for node in model.graph.node if "action_masks" in node.input)
    user.input[:] = ["all_allowed" if each == "action_masks" else each for each in user.input]
    model.graph.initializer.append(numpy_helper.from_array(np.float32(0), "nought"))
    nodes = [
        helper.make_node("Mul", ["action_masks", "nought"], ["no_masks"]),
        helper.make_node("Exp", ["no_masks"], ["all_allowed"]),
        *copy(model).graph.node,
    ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def swap_types(name: str) -> Callable[[Any], None]:
    """Cast an output to another type."""

    def change(model: Any) -> None:
        node_of(model, name).output[0] = "before_cast"
        model.graph.node.append(helper.make_node("Cast", ["before_cast"], [name], to=TensorProto.DOUBLE))
        for each in model.graph.output:
            if each.name == name:
                each.type.tensor_type.elem_type = TensorProto.DOUBLE

    return change


def add_operator(model: Any) -> None:
    """Use an operator that Unity does not read."""
    node_of(model, "continuous_actions").output[0] = "before_det"
    model.graph.node.append(helper.make_node("Celu", ["before_det"], ["continuous_actions"]))


BROKEN_UNITY = [
    (set_opset(16), "its opset is 16; 9 to 15 are read"),
    (set_constant("version_number", [2]), r"version_number is \[2.0\], not 3"),
    (rename_input("obs_0", "obs_1"), "not obs_0, obs_1 and so on"),
    (rename_input("action_masks", "masks"), "it has no 'action_masks'"),
    (set_constant("memory_size", [7]), r"'recurrent_in' has the shape \[None, 1, 5\], expected \[None, 1, 7\]"),
    (set_constant("memory_size", [0]), "unexpected inputs .recurrent_in."),
    (drop_output("recurrent_out"), "it has no 'recurrent_out'"),
    (drop_output("deterministic_discrete_actions"), "it has no 'deterministic_discrete_actions'"),
    (set_constant("discrete_action_output_shape", [[3, 2]]), r"expected \[None, 2\]"),
    (set_constant("discrete_action_output_shape", [3, 2, 2]), "not of shape .1, branches."),
    (set_constant("continuous_action_output_shape", [3]), r"'continuous_actions' has the shape"),
    (swap_types("continuous_actions"), "'continuous_actions' is float64, not float32"),
    (add_input("epsilon"), "unexpected inputs .epsilon."),
    (add_input("obs_1"), "no output depends on the input 'obs_1'"),
    (add_operator, "does not read the operators Celu"),
    (ignore_masks, "does a masked action in branch 0"),
]
BROKEN_GODOT = [
    (set_opset(18), "its opset is 18; 9 to 17 are read|no valid ONNX model"),
    (drop_output("state_outs"), "its outputs are not 'output' and 'state_outs'"),
    (rename_input("state_ins", "state"), "no input 'state_ins'"),
    (add_input("extra"), "no output depends on the input 'extra'"),
    (add_input("extra", TensorProto.INT64), "'extra' is int64, not float32"),
    (swap_types("output"), "'output' is float64, not float32"),
]


@pytest.mark.parametrize(("change", "said"), BROKEN_UNITY, ids=range(len(BROKEN_UNITY)))
def test_a_broken_unity_model_is_refused(
    models: dict[str, Any], tmp_path: Path, change: Callable[[Any], None], said: str
) -> None:
    """Each sentence names the file and what is wrong in it."""
    model = copy(models["unity"])
    change(model)
    onnx.save(model, str(tmp_path / "broken.onnx"))
    with pytest.raises(BundleError, match=said):
        check_unity(tmp_path / "broken.onnx")


@pytest.mark.parametrize(("change", "said"), BROKEN_GODOT, ids=range(len(BROKEN_GODOT)))
def test_a_broken_godot_model_is_refused(
    models: dict[str, Any], tmp_path: Path, change: Callable[[Any], None], said: str
) -> None:
    """Each sentence names the file and what is wrong in it."""
    model = copy(models["godot"])
    change(model)
    onnx.save(model, str(tmp_path / "broken.onnx"))
    with pytest.raises(BundleError, match=said):
        check_godot(tmp_path / "broken.onnx")


def test_a_missing_version_is_named(models: dict[str, Any], tmp_path: Path) -> None:
    """Without the constants that ML-Agents looks up there is nothing to load."""
    model = copy(models["unity"])
    drop_output("version_number")(model)
    model.graph.node.remove(node_of(model, "version_number"))
    onnx.save(model, str(tmp_path / "broken.onnx"))
    with pytest.raises(BundleError, match="it has no constant 'version_number'"):
        check_unity(tmp_path / "broken.onnx")


def test_scores_below_nought_are_found(models: dict[str, Any], tmp_path: Path) -> None:
    """The plug-in starts its search at 0, so negative scores would always mean the first choice."""
    model = copy(models["godot"])
    node_of(model, "output").output[0] = "before"
    model.graph.node.append(helper.make_node("Neg", ["before"], ["output"]))
    onnx.save(model, str(tmp_path / "broken.onnx"))
    keys = [GodotKey("move", 3, True), GodotKey("turn", 2, False)]
    keys += [GodotKey(f"buttons_{label}", 2, True) for label in ("fire", "use")]
    with pytest.raises(BundleError, match="no score of 'move' is above 0"):
        check_godot(tmp_path / "broken.onnx", keys)
    with pytest.raises(BundleError, match="'output' has 11 numbers; the game's actions take 3"):
        check_godot(tmp_path / "broken.onnx", keys[:1])


@pytest.mark.parametrize("check", [check_unity, check_godot])
def test_what_is_no_model_is_refused(tmp_path: Path, check: Callable[[Path], Any]) -> None:
    """A text file and a missing one."""
    (tmp_path / "text.onnx").write_text("hello")
    for name in ("text.onnx", "missing.onnx"):
        with pytest.raises(BundleError, match="is no valid ONNX model"):
            check(tmp_path / name)
