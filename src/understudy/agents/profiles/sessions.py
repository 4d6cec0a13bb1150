"""ONNX Runtime for a model in memory, as quiet and as single-threaded as the bundle's own."""

from __future__ import annotations

from typing import Any

from understudy.agents.profiles.nodes import Model
from understudy.errors import BundleError, require


def open_model(model: Model) -> Any:
    """Return a session that runs `model`, or raise `BundleError` if it cannot be loaded."""
    onnxruntime = require("onnxruntime", "serve")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises several unrelated classes for a graph it cannot load
        raise BundleError(f"The profile's graph cannot be loaded by ONNX Runtime: {error}") from error
