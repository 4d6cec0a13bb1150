"""Int8: the large matrix products of a graph become integer products, their ranges calibrated on recorded play.

Weights are int8 with one scale per column, activations uint8 with one scale per product, fixed beforehand. (The usual
dynamic quantisation takes the range from each batch instead, so that a bot would play differently beside other bots.)
Convolutions, sampling and small products stay in float32.

Source: Jacob et al. 2018, arXiv:1712.05877, sections 2.1 and 3 (affine quantisation of weights and activations).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

# Smaller ones cost less than the call of an operator.
_SMALLEST = 4096
_CONTRIB = "com.microsoft"

Range = tuple[float, float]


@dataclass(frozen=True)
class Product:
    """`x @ weight + bias` in a graph, with a constant weight.

    Attributes:
        output: The name of its result.
        x: The name of what is multiplied.
        weight: float32, shape (inputs, outputs).
        bias: float32, shape (outputs,); zeros if there is none.
        nodes: Indices of the nodes that compute it.
    """

    output: str
    x: str
    weight: np.ndarray
    bias: np.ndarray
    nodes: tuple[int, ...]


def find_products(model: ModelProto) -> list[Product]:
    """Return the matrix products that are worth an integer one, in the graph's order."""
    constants = _constants(model)
    found = []
    for index, node in enumerate(model.graph.node):
        if node.op_type not in ("MatMul", "Gemm") or not constants.keys() >= {each for each in node.input[1:] if each}:
            continue
        weight = numpy_helper.to_array(constants[node.input[1]])
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        weight = weight.T if attributes.get("transB") else weight
        if weight.ndim == 2 and weight.size >= _SMALLEST and not attributes.get("transA"):
            found.append(_with_bias(model, index, weight, constants))
    return found


def quantise(model: ModelProto, ranges: Mapping[str, Range], keep: Iterable[str] = ()) -> ModelProto:
    """Return the graph with its products in integers.

    Args:
        model: In float32.
        ranges: Smallest and largest value of each product's input, by its name; products of others are left alone.
        keep: Outputs of products to leave in float32.
    """
    products = [each for each in find_products(model) if each.x in ranges and each.output not in set(keep)]
    result = ModelProto()
    result.CopyFrom(model)
    if _CONTRIB not in {each.domain for each in result.opset_import}:
        result.opset_import.append(helper.make_opsetid(_CONTRIB, 1))
    last = {each.nodes[-1]: each for each in products}
    gone = {index for each in products for index in each.nodes}
    quantised: set[str] = set()
    del result.graph.node[:]
    for index, node in enumerate(model.graph.node):
        if index in last:
            result.graph.node.extend(_integer_nodes(result, last[index], ranges[last[index].x], quantised))
        elif index not in gone:
            result.graph.node.append(node)
    _drop_unused(result)
    return result


def quantise_weight(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a float32 matrix (inputs, outputs) as int8 in [-127, 127] and one scale per column, float32."""
    scale = np.maximum(np.abs(weight).max(axis=0), 1e-12).astype(np.float32) / np.float32(127)
    return np.round(weight / scale).astype(np.int8), scale


def activation_scale(low: float, high: float) -> tuple[np.float32, np.uint8]:
    """Return scale and zero point that map [low, high], widened to hold 0, onto the 256 values of uint8."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32(max(high - low, 1e-12) / 255)
    return scale, np.uint8(np.clip(round(-low / float(scale)), 0, 255))


def _constants(model: ModelProto) -> dict[str, TensorProto]:
    """The constants by name; where several are equal, exporters keep one and have the others follow as identities."""
    constants = {each.name: each for each in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Identity" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
    return constants


def _with_bias(model: ModelProto, index: int, weight: np.ndarray, constants: Mapping[str, TensorProto]) -> Product:
    """The product at a node, with the bias that the node, or the addition after it, adds."""
    node = model.graph.node[index]
    nought = np.zeros(weight.shape[1], np.float32)
    if node.op_type == "Gemm":
        bias = numpy_helper.to_array(constants[node.input[2]]) if len(node.input) > 2 else nought
        return Product(node.output[0], node.input[0], weight, bias, (index,))
    users = [at for at, each in enumerate(model.graph.node) if node.output[0] in each.input]
    if len(users) == 1 and model.graph.node[users[0]].op_type == "Add":
        addition = model.graph.node[users[0]]
        other = next((each for each in addition.input if each != node.output[0]), "")
        if other in constants and list(constants[other].dims) == [weight.shape[1]]:
            bias = numpy_helper.to_array(constants[other])
            return Product(addition.output[0], node.input[0], weight, bias, (index, users[0]))
    return Product(node.output[0], node.input[0], weight, nought, (index,))


def _integer_nodes(model: ModelProto, product: Product, limits: Range, quantised: set[str]) -> list[NodeProto]:
    """Quantise the input, unless another product has done so, and multiply in integers."""
    x, out = product.x, product.output
    weight, scale = quantise_weight(product.weight)
    x_scale, x_zero = activation_scale(*limits)
    zeros = np.zeros(len(scale), np.int8)
    own = {f"{out}.weight": weight, f"{out}.scale": scale, f"{out}.zero": zeros, f"{out}.bias": product.bias}
    shared = {} if x in quantised else {f"{x}.scale": x_scale, f"{x}.zero": x_zero}
    for name, value in (own | shared).items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    nodes = [helper.make_node("QuantizeLinear", [x, f"{x}.scale", f"{x}.zero"], [f"{x}.int8"])] if shared else []
    quantised.add(x)
    inputs = [f"{x}.int8", f"{out}.weight", f"{x}.scale", f"{out}.scale", f"{x}.zero", f"{out}.zero", f"{out}.bias"]
    return [*nodes, helper.make_node("MatMulIntegerToFloat", inputs, [out], domain=_CONTRIB)]


def _drop_unused(model: ModelProto) -> None:
    used = {name for node in model.graph.node for name in node.input}
    kept = [each for each in model.graph.initializer if each.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
