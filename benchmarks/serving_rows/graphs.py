"""Policies of published sizes with random weights, written node by node: an LSTM for a shooter, a GRU on pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
from gymnasium import spaces
from onnx import TensorProto, checker, helper, numpy_helper

from serving_rows.load import random_observations
from understudy.agents.bundle import Bundle, write_bundle
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec
from understudy.training.mixed import calibrate
from understudy.training.quantise import find_products, quantise

# As large as Doom's: move, strafe, turn, fire, use, weapon.
HEADS = {"move": 3, "strafe": 3, "turn": 21, "fire": 2, "use": 2, "weapon": 8}


class GraphBuilder:
    """Adds nodes and random weights one at a time; every result gets a name of its own."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._nodes: list = []
        self._weights: list = []

    def __call__(self, op: str, *inputs: str, out: str = "", **attributes: object) -> str:
        """Add a node and return its output's name."""
        out = out or f"{op.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def constant(self, value: np.ndarray) -> str:
        """Add a constant and return its name."""
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def dense(self, x: str, inputs: int, outputs: int, *, bias: bool = True, out: str = "") -> str:
        """Add a layer whose outputs are about as large as its inputs."""
        weight = self._rng.normal(0, inputs**-0.5, (inputs, outputs)).astype(np.float32)
        return self("Gemm", x, self.constant(weight), *([self.constant(np.zeros(outputs, np.float32))] * bias), out=out)

    def convolve(self, x: str, inputs: int, outputs: int, size: int, stride: int) -> str:
        """Add a convolution and a ReLU."""
        shape = (outputs, inputs, size, size)
        weight = self._rng.normal(0, (2 / (inputs * size * size)) ** 0.5, shape).astype(np.float32)
        options = {"kernel_shape": [size, size], "strides": [stride, stride], "pads": [size // 2] * 4}
        return self("Relu", self("Conv", x, self.constant(weight), **options))

    def split(self, value: str, sizes: tuple[int, ...]) -> list[str]:
        """Cut `value` along its second dimension."""
        names = [f"split_{len(self._nodes)}_{index}" for index in range(len(sizes))]
        cuts = self.constant(np.array(sizes, np.int64))
        self._nodes.append(helper.make_node("Split", [value, cuts], names, axis=1))
        return names

    def gru(self, x: str, inputs: int, size: int) -> str:
        """Add a gated recurrent unit as matrix products, from `state` to `next_state`."""
        xr, xz, xn = self.split(self.dense(x, inputs, 3 * size), (size,) * 3)
        hr, hz, hn = self.split(self.dense("state", size, 3 * size), (size,) * 3)
        reset, update = (self("Sigmoid", self("Add", *pair)) for pair in ((xr, hr), (xz, hz)))
        new = self("Tanh", self("Add", xn, self("Mul", reset, hn)))
        return self("Add", new, self("Mul", update, self("Sub", "state", new)), out="next_state")

    def lstm(self, x: str, inputs: int, size: int) -> str:
        """Add a long short-term memory as matrix products; `state` is the output, then the cell."""
        output, cell = self.split("state", (size, size))
        gates = self("Add", self.dense(x, inputs, 4 * size), self.dense(output, size, 4 * size, bias=False))
        enter, forget, leave, change = self.split(gates, (size,) * 4)
        kept = self("Mul", self("Sigmoid", forget), cell)
        cell = self("Add", kept, self("Mul", self("Sigmoid", enter), self("Tanh", change)))
        output = self("Mul", self("Sigmoid", leave), self("Tanh", cell))
        self("Concat", output, cell, out="next_state", axis=1)
        return output

    def heads(self, x: str, inputs: int, sizes: Mapping[str, int] = HEADS) -> None:
        """Add one choice per action part, drawn by inverting its distribution function at the noise."""
        logits = self.dense(x, inputs, sum(sizes.values()), out="logits")
        one = self.constant(np.array([1], np.int64))
        pieces = self.split(logits, tuple(sizes.values())), self.split("noise", (1,) * len(sizes))
        for name, piece, noise in zip(sizes, *pieces, strict=True):
            below = self("CumSum", self("Softmax", piece, axis=1), one)
            passed = self("Cast", self("Less", below, noise), to=TensorProto.INT64)
            drawn = self("ReduceSum", passed, one, keepdims=0)
            self("Min", drawn, self.constant(np.array(sizes[name] - 1, np.int64)), out=f"action.{name}")

    def finish(self, sensors: Mapping[str, SensorSpec], state: int, sizes: Mapping[str, int] = HEADS) -> bytes:
        """Return the checked model."""
        arrays = {f"observation.{name}": (each.space.dtype, each.space.shape) for name, each in sensors.items()}
        arrays |= {"state": (np.float32, (state,)), "noise": (np.float32, (len(sizes),))}
        outputs = {f"action.{name}": (np.int64, ()) for name in sizes} | {"next_state": (np.float32, (state,))}
        outputs["logits"] = (np.float32, (sum(sizes.values()),))
        tensors = [[_tensor(name, *form) for name, form in group.items()] for group in (arrays, outputs)]
        graph = helper.make_graph(self._nodes, "policy", *tensors, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        checker.check_model(model, full_check=True)
        return model.SerializeToString()

    @property
    def num_parameters(self) -> int:
        """Floating-point weights so far."""
        return sum(int(np.prod(each.dims)) for each in self._weights if each.data_type == TensorProto.FLOAT)


def _tensor(name: str, dtype: np.dtype | type, shape: tuple[int, ...]):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), ["batch", *shape])


def save(folder: Path, name: str, sensors: list[SensorSpec], state: int, hz: float, build: Callable) -> Bundle:
    """Write a bundle of the graph that `build` adds to a builder."""
    graph = GraphBuilder()
    build(graph)
    actions = tuple(ActionSpec(part, spaces.Discrete(size)) for part, size in HEADS.items())
    return write_bundle(
        folder,
        graph.finish({each.name: each for each in sensors}, state),
        None,
        name=name,
        behavior=BehaviorSpec(name, tuple(sensors), actions, hz),
        state_size=state,
        noise_size=len(HEADS),
        logits_size=sum(HEADS.values()),
        provenance={"parameters": graph.num_parameters},
        certificate={},
    )


def save_shooter(folder: Path) -> Bundle:
    """Write the published tactical-shooter size: 15 x 15 rays of 11 kinds and a distance, audio and state, an LSTM.

    The paper gives 14.9 million parameters, 16 decisions a second and an LSTM; the widths are ours.
    Source: Human-like Bots for Tactical Shooters Using Compute-Efficient Sensors, 2025, arXiv:2501.00078.
    """
    rays, other, hidden = 15 * 15 * 12, 64, 1352
    sensors = [_vector("rays", rays), _vector("state", other)]

    def build(graph: GraphBuilder) -> None:
        seen = graph("Relu", graph.dense("observation.rays", rays, 512))
        joined = graph("Concat", seen, "observation.state", axis=1)
        joined = graph("Relu", graph.dense(joined, 512 + other, 1024))
        graph.heads(graph.lstm(joined, 1024, hidden), hidden)

    return save(folder, "shooter", sensors, 2 * hidden, 16.0, build)


def save_pixels(folder: Path) -> Bundle:
    """Write a policy for pictures of 64 x 64: five convolutions, a dense layer and a GRU of 256."""
    frame = SensorSpec("frame", spaces.Box(0, 255, (64, 64, 3), np.uint8))

    def build(graph: GraphBuilder) -> None:
        levels = graph("Cast", "observation.frame", to=TensorProto.FLOAT)
        x = graph("Transpose", graph("Mul", levels, graph.constant(np.float32(1 / 255))), perm=[0, 3, 1, 2])
        x = graph.convolve(x, 3, 16, 5, 2)
        x = graph.convolve(graph.convolve(x, 16, 32, 3, 2), 32, 32, 3, 1)
        x = graph.convolve(graph.convolve(x, 32, 64, 3, 2), 64, 64, 3, 1)
        x = graph("Relu", graph.dense(graph("Flatten", x), 64 * 8 * 8, 256))
        graph.heads(graph.gru(x, 256, 256), 256)

    return save(folder, "pixels", [frame], 256, 30.0, build)


def in_int8(bundle: Bundle, folder: Path) -> Bundle:
    """Return a bundle of random weights with all its products in integers, calibrated on random observations."""
    names = bundle.behavior.sensor_names
    piece = [np.stack([tick[name][0] for tick in random_observations(bundle, 1, 64)]) for name in names]
    model = onnx.load(bundle.policy_path)
    model = quantise(model, calibrate(bundle, model, find_products(model), [piece]))
    card = {key: value for key, value in vars(bundle.card).items() if key != "sha256"}
    return write_bundle(folder, model.SerializeToString(), None, **card)


def _vector(name: str, size: int) -> SensorSpec:
    return SensorSpec(name, spaces.Box(0, 1, (size,), np.float32))
