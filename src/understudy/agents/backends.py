"""What runs a graph: ONNX Runtime, or OpenVINO for graphs in bfloat16. One protocol for both. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from understudy.agents.variants import Variant
from understudy.errors import BundleError, require


class Graph(Protocol):
    """A loaded graph. Not for two threads at a time."""

    inputs: frozenset[str]
    outputs: frozenset[str]

    def run(self, outputs: Sequence[str], feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Compute the named outputs of a batch."""
        ...


class OnnxRuntimeGraph:
    """A graph in ONNX Runtime.

    Attributes:
        notes: What its file says of itself, by key.

    Args:
        path: Of the ONNX file.
        threads: For one run.

    Raises:
        BundleError: If the graph cannot be loaded.
    """

    def __init__(self, path: Path, threads: int) -> None:
        onnxruntime = require("onnxruntime", "serve")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning worker threads slow down everything else on a machine whose cores are shared.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # errors are raised; printing them too would say them twice
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises several unrelated classes for a graph it cannot load
            raise BundleError(f"{path} cannot be loaded by ONNX Runtime: {error}") from error
        self.inputs = frozenset(each.name for each in session.get_inputs())
        self.outputs = frozenset(each.name for each in session.get_outputs())
        self.notes: dict[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self.run = session.run


class OpenVinoGraph:
    """A graph in OpenVINO, its large products in bfloat16 where the processor has it.

    Args:
        path: Of the ONNX file.
        threads: For one run.

    Raises:
        BundleError: If the graph cannot be loaded.
        MissingExtraError: If OpenVINO is not installed.
    """

    def __init__(self, path: Path, threads: int) -> None:
        require("openvino", "openvino")
        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": threads}
        try:
            # Pinned threads of several servers would all sit on the first core.
            model = _core().compile_model(str(path), "CPU", {**hints, "ENABLE_CPU_PINNING": False})
        except RuntimeError as error:
            raise BundleError(f"{path} cannot be loaded by OpenVINO: {error}") from error
        self._ports = {name: port for port in model.outputs for name in port.names}
        self.inputs = frozenset(name for port in model.inputs for name in port.names)
        self.outputs = frozenset(self._ports)
        self._request = model.create_infer_request()

    def run(self, outputs: Sequence[str], feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Compute the named outputs of a batch."""
        found = self._request.infer(dict(feed), share_inputs=True, share_outputs=True)
        # The next run writes into the same memory.
        return [np.array(found[self._ports[name]]) for name in outputs]


def open_graph(path: Path, runtime: str, threads: int) -> Graph:
    """Load a graph for a runtime of `understudy.agents.variants.RUNTIMES`."""
    return OpenVinoGraph(path, threads) if runtime == "openvino" else OnnxRuntimeGraph(path, threads)


def runs_here(variant: Variant) -> bool:
    """Return whether this machine has a variant's runtime, and a processor that gains from its precision."""
    return variant.runtime != "openvino" or has_bf16()


@cache
def has_bf16() -> bool:
    """Return whether OpenVINO is installed and the processor has instructions for bfloat16 (AVX512-BF16 or AMX)."""
    return find_spec("openvino") is not None and "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _core() -> Any:
    return require("openvino", "openvino").Core()
