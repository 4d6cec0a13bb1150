"""What the checks of all profiles ask of a file, written from the engines' side: nothing here knows how it was made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from understudy.agents.profiles.sessions import open_model
from understudy.errors import BundleError, require


class Contract:
    """A model file, and the sentences that say where it breaks a contract.

    Args:
        path: Of the file.
        engine: Whose contract it is, for messages.

    Raises:
        BundleError: If it is no valid model.
    """

    def __init__(self, path: Path | str, engine: str) -> None:
        self._onnx = require("onnx", "train")
        self._path = path
        self._engine = engine
        try:
            model = self._onnx.load(str(path))
            self._onnx.checker.check_model(model, full_check=True)
        except Exception as error:  # onnx raises protobuf's and its own classes, and OSError
            raise BundleError(f"{path} is no valid ONNX model: {str(error).splitlines()[0]}") from error
        self.model = model
        self.inputs = {each.name: _form(self._onnx, each) for each in model.graph.input}
        self.outputs = {each.name: _form(self._onnx, each) for each in model.graph.output}
        self.operators = {node.op_type for node in model.graph.node}
        self.session = open_model(model)

    def require(self, holds: bool, sentence: str) -> None:
        """Raise `BundleError` with `sentence` unless it holds."""
        if not holds:
            raise BundleError(f"{self._path} breaks {self._engine}'s contract: {sentence}")

    def require_opset(self, lowest: int, highest: int) -> None:
        """Raise `BundleError` unless the file keeps to ONNX's own operators of these versions."""
        found = {each.domain: each.version for each in self.model.opset_import}
        self.require(set(found) == {""}, f"it uses operators of other sets than ONNX's own ({', '.join(found)}).")
        self.require(lowest <= found[""] <= highest, f"its opset is {found['']}; {lowest} to {highest} are read.")

    def require_tensor(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> None:
        """Raise `BundleError` unless an input or output is there with a dtype and shape; None is the batch."""
        forms = self.inputs | self.outputs
        self.require(name in forms, f"it has no '{name}'.")
        found_dtype, found = forms[name]
        self.require(found_dtype == dtype, f"'{name}' is {found_dtype}, not {dtype}.")
        known = [have if want is not None else None for have, want in zip(found, shape, strict=False)]
        same = len(found) == len(shape) and known == list(shape)
        self.require(same, f"'{name}' has the shape {list(found)}, expected {list(shape)}.")

    def require_used(self, names: Iterable[str]) -> None:
        """Raise `BundleError` if an output does not depend on one of these inputs: exporters drop such inputs."""
        for name in names:
            reached = self.reached_from(name)
            self.require(bool(reached & self.outputs.keys()), f"no output depends on the input '{name}'.")

    def reached_from(self, name: str) -> set[str]:
        """Return every tensor that depends on one."""
        reached = {name}
        for node in self.model.graph.node:
            if reached.intersection(node.input):
                reached.update(node.output)
        return reached

    def constant(self, name: str) -> np.ndarray:
        """Return a constant by its name, as an engine looks it up, or raise `BundleError`."""
        for node in self.model.graph.node:
            if node.op_type == "Constant" and node.output[0] == name:
                return np.asarray(self._onnx.numpy_helper.to_array(node.attribute[0].t))
        for each in self.model.graph.initializer:
            if each.name == name:
                return np.asarray(self._onnx.numpy_helper.to_array(each))
        self.require(False, f"it has no constant '{name}'.")
        raise AssertionError  # never reached

    def zeros(self, batch: int) -> dict[str, np.ndarray]:
        """Return zeros for every input."""
        shapes = {name: [batch, *(each or 1 for each in dims[1:])] for name, (_, dims) in self.inputs.items()}
        return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}

    def run(self, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run it, and return the outputs by name."""
        names = list(self.outputs)
        return dict(zip(names, self.session.run(names, feed), strict=True))


def _form(onnx: Any, info: Any) -> tuple[str, tuple[int | None, ...]]:
    tensor = info.type.tensor_type
    dims = tuple(each.dim_value if each.HasField("dim_value") else None for each in tensor.shape.dim)
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name, dims
