"""Integer products: their numbers, what is left in float32, and that a bot plays the same beside any others."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import ModelProto, TensorProto, helper, numpy_helper

from understudy.training.quantise import activation_scale, find_products, quantise, quantise_weight

RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(64, 80)).astype(np.float32)
BIAS = RNG.normal(size=80).astype(np.float32)
numbers = st.floats(-1e3, 1e3, width=32)


def make_model(kind: str) -> ModelProto:
    """A graph `y = x @ WEIGHT + BIAS`, written as `kind`, then a small product."""
    nodes = {
        "matmul": [("MatMul", ["x", "w"], "p"), ("Add", ["b", "p"], "y")],
        "gemm": [("Gemm", ["x", "w", "b"], "y")],
        "transposed": [("Gemm", ["x", "wt", "b"], "y")],
        "alike": [("Identity", ["w"], "v"), ("Identity", ["b"], "c"), ("Gemm", ["x", "v", "c"], "y")],
        "variable": [("Transpose", ["x"], "t"), ("MatMul", ["x", "t"], "y")],
        "moving": [("Gemm", ["x", "w"], "t"), ("ReduceMax", ["t"], "m"), ("Gemm", ["x", "w", "m"], "y")],
    }[kind]
    made = [helper.make_node(op, inputs, [out]) for op, inputs, out in nodes]
    if kind == "transposed":
        made[0].attribute.append(helper.make_attribute("transB", 1))
    made.append(helper.make_node("MatMul", ["x", "small"], ["z"]))
    values = {"w": WEIGHT, "wt": np.ascontiguousarray(WEIGHT.T), "b": BIAS, "small": WEIGHT[:, :3]}
    used = {name for node in made for name in node.input}
    graph = helper.make_graph(
        made,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y", "z")],
        [numpy_helper.from_array(value, name) for name, value in values.items() if name in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run(model: ModelProto, x: np.ndarray) -> list[np.ndarray]:
    """Both outputs."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["y", "z"], {"x": x})


@pytest.mark.parametrize("kind", ["matmul", "gemm", "transposed", "alike"])
def test_a_product_in_integers_is_the_sum_of_its_rounded_numbers(kind: str) -> None:
    """However the graph writes it, the result is that of the quantised numbers to a float32 rounding, bias included."""
    x = RNG.normal(size=(9, 64)).astype(np.float32)
    scale, zero = activation_scale(-3.0, 3.0)
    rounded = (np.clip(np.round(x / scale) + zero, 0, 255) - zero) * scale
    weight, weight_scale = quantise_weight(WEIGHT)
    y, z = run(quantise(make_model(kind), {"x": (-3.0, 3.0)}), x)
    np.testing.assert_allclose(y, rounded @ (weight * weight_scale) + BIAS, atol=1e-4)
    assert 0.01 < np.abs(y - (x @ WEIGHT + BIAS)).max() < 2  # some of x lies outside the range
    np.testing.assert_array_equal(z, run(make_model(kind), x)[1])


def test_small_and_variable_products_and_those_kept_are_left_alone() -> None:
    """What is too small, has no constant weight, has no range or is to be kept is the very same graph afterwards."""
    assert [each.output for each in find_products(make_model("matmul"))] == ["y"]
    assert find_products(make_model("variable")) == []
    assert [each.output for each in find_products(make_model("moving"))] == ["t"]
    model = make_model("gemm")
    for ranges, keep in (({}, []), ({"x": (-3.0, 3.0)}, ["y"])):
        assert [node.op_type for node in quantise(model, ranges, keep).graph.node] == ["Gemm", "MatMul"]
    assert [node.op_type for node in model.graph.node] == ["Gemm", "MatMul"]


def test_a_row_is_the_same_beside_any_other_rows() -> None:
    """One row's result has the same bits alone and beside rows a thousand times as large."""
    model = quantise(make_model("matmul"), {"x": (-3.0, 3.0)})
    x = RNG.normal(size=(16, 64)).astype(np.float32)
    loud = x.copy()
    loud[1:] *= 1000
    np.testing.assert_array_equal(run(model, x)[0][:1], run(model, loud)[0][:1])
    np.testing.assert_array_equal(run(model, x)[0][:1], run(model, x[:1])[0])


@given(hnp.arrays(np.float32, (5, 3), elements=numbers))
def test_a_weight_is_within_half_a_step_of_its_integer(weight: np.ndarray) -> None:
    """Each column has a step of its own, of which 127 make its largest number."""
    integers, scale = quantise_weight(weight)
    assert integers.min() >= -127
    assert (np.abs(integers * scale - weight) <= scale * 0.501 + 1e-9).all()


@given(numbers, numbers)
def test_nought_is_exact_and_the_range_is_covered(one: float, other: float) -> None:
    """The zero point stands for exactly nought, and both ends of the range are within a step of a code."""
    low, high = sorted((one, other))
    scale, zero = activation_scale(low, high)
    assert scale > 0
    codes = (np.arange(256) - int(zero)) * float(scale)
    assert (codes == 0).any()
    assert codes.min() <= min(low, 0) + scale
    assert codes.max() >= max(high, 0) - scale
