"""A growing ONNX graph: nodes and constants added one at a time, each result with a name of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from understudy.errors import BundleError, require

Model: TypeAlias = Any
"""An `onnx.ModelProto`; onnx is imported only where a profile is made."""
Node: TypeAlias = Any
"""An `onnx.NodeProto`."""
Shape: TypeAlias = "tuple[int | str, ...]"
"""Of an input or output; a name is a dimension known at run time."""
BATCH = "batch"
IR_VERSION = 8
"""Of files with opset 15 to 17; older readers refuse newer ones."""


class GraphBuilder:
    """Adds nodes, constants, inputs and outputs.

    Args:
        opset: Of the finished model.
    """

    def __init__(self, opset: int) -> None:
        self._onnx = require("onnx", "train")
        self.opset = opset
        self.nodes: list[Node] = []
        self.constants: dict[str, Any] = {}
        self._inputs: dict[str, tuple[Any, Shape]] = {}
        self._outputs: dict[str, tuple[Any, Shape]] = {}

    def __call__(self, op: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        out = out or f"profile/{op}_{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Add a constant and return its name."""
        name = f"profile/constant_{len(self.constants)}"
        self.constants[name] = self._onnx.numpy_helper.from_array(np.asarray(value, dtype), name)
        return name

    def stated(self, name: str, value: Any) -> str:
        """Add a float constant as a node of its own whose output has a name that readers look for."""
        tensor = self._onnx.numpy_helper.from_array(np.asarray(value, np.float32), name)
        self.nodes.append(self._onnx.helper.make_node("Constant", [], [name], value=tensor))
        return name

    def input(self, name: str, shape: Shape, dtype: Any = np.float32) -> str:
        """Declare an input, and return its name."""
        self._inputs[name] = (dtype, shape)
        return name

    def output(self, name: str, shape: Shape, dtype: Any = np.float32) -> str:
        """Declare an output, and return its name."""
        self._outputs[name] = (dtype, shape)
        return name

    def reshape(self, value: str, *shape: int, out: str = "") -> str:
        """Add a Reshape."""
        return self("Reshape", value, self.constant(shape, np.int64), out=out)

    def columns(self, value: str, indices: Sequence[int]) -> str:
        """Take some columns of a matrix, in this order."""
        return self("Gather", value, self.constant(indices, np.int64), axis=1)

    def rows_of(self, like: str, width: int, value: float = 0.0) -> str:
        """Return a matrix of one value with as many rows as `like`."""
        first = self("Gather", self("Shape", like), self.constant([0], np.int64), axis=0)
        shape = self("Concat", first, self.constant([width], np.int64), axis=0)
        fill = self._onnx.numpy_helper.from_array(np.array([value], np.float32))
        return self("ConstantOfShape", shape, value=fill)

    def finish(self, notes: Mapping[str, str]) -> Model:
        """Return the model, without what no output needs, and checked.

        Args:
            notes: Written into the file.

        Raises:
            BundleError: If types or shapes in it do not fit.
        """
        nodes = _needed(self.nodes, self._outputs)
        used = {name for node in nodes for name in node.input}
        inputs, outputs = (
            [self._value_info(name, *each) for name, each in declared.items()]
            for declared in (self._inputs, self._outputs)
        )
        constants = [tensor for name, tensor in self.constants.items() if name in used]
        graph = self._onnx.helper.make_graph(nodes, "policy", inputs, outputs, constants)
        opsets = [self._onnx.helper.make_opsetid("", self.opset)]
        model = self._onnx.helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        self._onnx.helper.set_model_props(model, dict(notes))
        return check_model(model)

    def kind(self, dtype: Any) -> int:
        """Return ONNX's number for a dtype."""
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def _value_info(self, name: str, dtype: Any, shape: Shape) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self.kind(dtype), shape)


def check_model(model: Model) -> Model:
    """Return the model if types and shapes in it fit; raises `BundleError` if not."""
    onnx = require("onnx", "train")
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BundleError(f"The policy's graph does not fit the profile: {str(error).splitlines()[0]}") from error
    return model


def _needed(nodes: Sequence[Node], outputs: Mapping[str, Any]) -> list[Node]:
    """The nodes that an output depends on, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]
