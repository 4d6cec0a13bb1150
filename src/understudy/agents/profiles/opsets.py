"""From the opset a bundle was written with to the one that an engine reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.agents.profiles.nodes import Model, Node
from understudy.errors import BundleError, require

_OLDEST = 13
"""From here on up, the operators that a policy is made of only gained types and options."""
_REDUCTIONS = ("ReduceMax", "ReduceMin", "ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare")


def to_opset(model: Model, opset: int) -> Model:
    """Return the same model in another opset.

    Args:
        model: Of opset 9 or later.
        opset: From 13 to 17.

    Raises:
        BundleError: If an operator in it does not exist there and is not known in other words.
    """
    onnx = require("onnx", "train")
    found = {each.domain: each.version for each in model.opset_import}
    if _opset_of(found) < _OLDEST:
        model = onnx.version_converter.convert_version(model, opset)
    writer = _Lowering(model, opset)
    nodes = [each for node in model.graph.node for each in writer.lower(node)]
    lowered = onnx.ModelProto()
    lowered.CopyFrom(model)
    del lowered.graph.node[:], lowered.opset_import[:], lowered.graph.value_info[:]
    lowered.graph.node.extend(nodes)
    lowered.graph.initializer.extend(writer.constants)
    lowered.opset_import.append(onnx.helper.make_opsetid("", opset))
    return lowered


class _Lowering:
    """Rewrites nodes one at a time; new constants collect in `constants`."""

    def __init__(self, model: Model, opset: int) -> None:
        self._onnx = require("onnx", "train")
        self._opset = opset
        self._known = {each.name: each for each in model.graph.initializer}
        self._known |= {node.output[0]: _value(node) for node in model.graph.node if node.op_type == "Constant"}
        self.constants: list[Any] = []

    def lower(self, node: Node) -> list[Node]:
        """Return what says the same in the opset."""
        if node.domain not in ("", "ai.onnx") or any(each.HasField("g") for each in node.attribute):
            raise BundleError(f"The policy uses the operator {node.domain}.{node.op_type}, which engines do not read.")
        if node.op_type == "LayerNormalization" and self._opset < 17:
            return self._layer_normalization(node)
        if node.op_type in _REDUCTIONS and self._opset < 18 and len(node.input) > 1:
            return [self._reduction(node)]
        if node.op_type == "Split" and self._opset < 18:
            return [self._without(node, "num_outputs")]
        try:
            self._onnx.defs.get_schema(node.op_type, self._opset, "")
        except self._onnx.defs.SchemaError:
            raise BundleError(
                f"The policy uses the operator {node.op_type}, which opset {self._opset} does not have; build the "
                "network from older operators and export it again."
            ) from None
        return [node]

    def _reduction(self, node: Node) -> Node:
        """Until opset 17 the axes are an attribute, then an input."""
        name = node.input[1]
        if name not in self._known:
            raise BundleError(f"{node.op_type} in the policy computes its axes, which opset {self._opset} cannot.")
        axes = self._onnx.numpy_helper.to_array(self._known[name]).tolist()
        plain = self._without(node, "noop_with_empty_axes")
        del plain.input[1:]
        plain.attribute.append(self._onnx.helper.make_attribute("axes", axes))
        return plain

    def _without(self, node: Node, attribute: str) -> Node:
        plain = self._onnx.NodeProto()
        plain.CopyFrom(node)
        kept = [each for each in node.attribute if each.name != attribute]
        del plain.attribute[:]
        plain.attribute.extend(kept)
        return plain

    def _layer_normalization(self, node: Node) -> list[Node]:
        """Until opset 16 there is none: subtract the mean, divide by the deviation, scale, shift."""
        options = {each.name: self._onnx.helper.get_attribute_value(each) for each in node.attribute}
        if options.get("axis", -1) != -1 or len(node.output) > 1:
            raise BundleError(
                "The policy normalises layers over several dimensions; engines read it over the last only."
            )
        base = f"{node.output[0]}/parts"
        epsilon, two = (
            self._constant(f"{base}/{key}", value) for key, value in (("e", options["epsilon"]), ("2", 2.0))
        )
        value, scale, *bias = node.input
        steps = [
            ("ReduceMean", [value], "mean", {"axes": [-1]}),
            ("Sub", [value, f"{base}/mean"], "centred", {}),
            ("Pow", [f"{base}/centred", two], "squared", {}),
            ("ReduceMean", [f"{base}/squared"], "variance", {"axes": [-1]}),
            ("Add", [f"{base}/variance", epsilon], "shifted", {}),
            ("Sqrt", [f"{base}/shifted"], "deviation", {}),
            ("Div", [f"{base}/centred", f"{base}/deviation"], "normal", {}),
            ("Mul", [f"{base}/normal", scale], "scaled", {}),
            *([("Add", [f"{base}/scaled", bias[0]], "biased", {})] if bias else []),
        ]
        nodes = [self._onnx.helper.make_node(op, names, [f"{base}/{out}"], **more) for op, names, out, more in steps]
        nodes[-1].output[0] = node.output[0]
        return nodes

    def _constant(self, name: str, value: float) -> str:
        self.constants.append(self._onnx.numpy_helper.from_array(np.array(value, np.float32), name))
        return name


def _value(node: Node) -> Any:
    return next((each.t for each in node.attribute if each.name == "value"), None)


def _opset_of(found: dict[str, int]) -> int:
    return found.get("", found.get("ai.onnx", 0))
