"""Computing beforehand what does not depend on any input, so that an engine meets fewer kinds of operators."""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.agents.profiles.nodes import Model, Node
from understudy.errors import require

_DRAWN = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli")
_LARGEST = 1 << 20


def fold_constants(model: Model) -> Model:
    """Return the model with every node of constants alone replaced by its value, `Constant` nodes too."""
    onnx = require("onnx", "train")
    folder = _Folder(onnx, model)
    kept = [node for node in model.graph.node if not folder.fold(node)]
    needed = {name for node in kept for name in node.input} | {each.name for each in model.graph.output}
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    del folded.graph.node[:], folded.graph.initializer[:], folded.graph.value_info[:]
    folded.graph.node.extend(kept)
    values = ((name, value) for name, value in folder.known.items() if name in needed)
    folded.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in values)
    return folded


class _Folder:
    """Collects in `known` the value of every tensor that no input changes."""

    def __init__(self, onnx: Any, model: Model) -> None:
        self._onnx = onnx
        self._model = model
        self.known: dict[str, Any] = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
        inferred = onnx.shape_inference.infer_shapes(model).graph
        self._dims = {each.name: each.type.tensor_type.shape.dim for each in (*inferred.value_info, *inferred.input)}
        self._shape_of = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Shape"}

    def fold(self, node: Node) -> bool:
        """Compute a node if it can be; whether it could."""
        if node.op_type == "Gather" and self._fold_dimension(node):
            return True
        if node.op_type in _DRAWN or not all(name in self.known for name in node.input if name):
            return False
        results = self._run(node)
        if sum(each.size for each in results) > _LARGEST:
            return False
        self.known.update(zip(node.output, results, strict=True))
        return True

    def _fold_dimension(self, node: Node) -> bool:
        """One dimension of a tensor's shape, which may be known though the batch is not."""
        dims = self._dims.get(self._shape_of.get(node.input[0], ""))
        index = self.known.get(node.input[1])
        if dims is None or index is None or index.ndim or not -len(dims) <= index < len(dims):
            return False
        dim = dims[int(index)]
        if not dim.HasField("dim_value"):
            return False
        self.known[node.output[0]] = np.array(dim.dim_value, np.int64)
        return True

    def _run(self, node: Node) -> list[Any]:
        helper = self._onnx.helper
        feed = {name: self.known[name] for name in node.input if name}
        inputs = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in feed.items()
        ]
        outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
        graph = helper.make_graph([node], "constant", inputs, outputs)
        opsets, ir_version = self._model.opset_import, self._model.ir_version
        alone = helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)
        return list(require("onnx.reference", "train").ReferenceEvaluator(alone).run(None, feed))
