"""The `config.pbtxt` of a model in a Triton repository.

Source: Triton Inference Server, "Model Configuration" and "Implicit State Management"; the text form of its
`ModelConfig` message.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.serving.dialects.oip.datatypes import name_of
from understudy.serving.fleet.sequence_graph import DECISION_IN, DECISION_OUT, MEMORY_IN, MEMORY_OUT, SEED, STYLE

MAX_BATCH = 256
MAX_SEQUENCES = 4096
IDLE_S = 300.0

ONNX, PYTHON = "onnxruntime", "python"


def config(bundle: Bundle, name: str, backend: str) -> str:
    """Return the text of a model's configuration.

    Args:
        bundle: That it plays.
        name: Of the model.
        backend: `"onnxruntime"`, for the graph of `sequence_graph`, whose memory Triton carries; or `"python"`.
    """
    behavior = bundle.behavior
    inputs = [_tensor(each.name, np.dtype(each.space.dtype), each.space.shape) for each in behavior.sensors]
    inputs.append(_tensor(SEED, np.dtype(np.int64), (1,)))
    if bundle.style_size:
        inputs.append(_tensor(STYLE, np.dtype(np.float32), (bundle.style_size,)))
    outputs = [_tensor(each.name, each.dtype, each.shape) for each in behavior.actions]
    return "\n".join(
        [
            f"# Written by `understudy export --target triton` from the bundle '{bundle.name}', {bundle.digest[:12]}.",
            f"name: {json.dumps(name)}",
            f"backend: {json.dumps(backend)}",
            f"max_batch_size: {MAX_BATCH}",
            f"input [\n{_list(inputs)}\n]",
            f"output [\n{_list(outputs)}\n]",
            _sequences(_state(bundle) if backend == ONNX else ""),
            "instance_group [ { count: 1 kind: KIND_CPU } ]",
            *(_threads() if backend == ONNX else []),
            "",
        ]
    )


def _tensor(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
    dims = ", ".join(map(str, shape or (1,)))
    return f"name: {json.dumps(name)} data_type: TYPE_{name_of(dtype)} dims: [ {dims} ]"


def _sequences(state: str) -> str:
    """A request of a sequence holds one bot; `oldest` puts those that wait at the same time into one batch."""
    return (
        "sequence_batching {\n"
        f"  max_sequence_idle_microseconds: {math.floor(IDLE_S * 1e6)}\n"
        f"  oldest {{ max_candidate_sequences: {MAX_SEQUENCES} max_queue_delay_microseconds: 200 }}\n"
        f"{state}"
        "}"
    )


def _state(bundle: Bundle) -> str:
    carried = [
        (MEMORY_IN, MEMORY_OUT, "TYPE_FP32", bundle.state_size),
        (DECISION_IN, DECISION_OUT, "TYPE_INT64", 1),
    ]
    entries = [
        f'input_name: "{given}" output_name: "{kept}" data_type: {kind} dims: [ {size} ] '
        f'initial_state {{ name: "zero" data_type: {kind} dims: [ {size} ] zero_data: true }}'
        for given, kept, kind, size in carried
    ]
    return f"  state [\n{_list(entries, '    ')}\n  ]\n"


def _threads() -> list[str]:
    """One thread for a batch is fastest for small recurrent policies."""
    return [
        f'parameters {{ key: "{key}" value {{ string_value: "1" }} }}'
        for key in ("intra_op_thread_count", "inter_op_thread_count")
    ]


def _list(entries: Iterable[str], indent: str = "  ") -> str:
    return ",\n".join(f"{indent}{{ {each} }}" for each in entries)
