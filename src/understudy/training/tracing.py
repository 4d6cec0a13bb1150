"""From a torch module to ONNX."""

from __future__ import annotations

import io
import warnings
from typing import Any

import onnx
import torch

_OPSET = 18


def trace(
    graph: torch.nn.Module,
    arrays: tuple[torch.Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    dynamic: dict[str, dict[int, str]],
) -> bytes:
    """Return any module in ONNX, checked.

    Args:
        graph: To export.
        arrays: An example of its inputs.
        inputs: Their names.
        outputs: Names of its outputs.
        dynamic: By name, which dimensions vary, and what they are called.
    """
    buffer: Any = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            arrays,
            buffer,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=dynamic,
            opset_version=_OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model)
    return buffer.getvalue()
