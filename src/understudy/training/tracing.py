"""From a torch module to ONNX."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any

import onnx
import torch

from understudy.spec import BehaviorSpec

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


def trace_batch(
    graph: torch.nn.Module, behavior: BehaviorSpec, sizes: Sequence[int], inputs: list[str], outputs: list[str]
) -> bytes:
    """Return a module that reads a behaviour's sensors, then vectors, in ONNX, with a dynamic batch as dimension 0.

    Args:
        graph: To export.
        behavior: Whose sensors it reads first, in the spec's order.
        sizes: Numbers in each vector, float32.
        inputs: Names of all of these.
        outputs: Names of its outputs.
    """
    # Two rows, so that the tracer does not take the batch for a constant one.
    sensors = [torch.zeros(2, *each.shape, dtype=getattr(torch, each.dtype.name)) for each in behavior.sensors]
    arrays = (*sensors, *(torch.zeros(2, size) for size in sizes))
    return trace(graph, arrays, inputs, outputs, {name: {0: "batch"} for name in (*inputs, *outputs)})
