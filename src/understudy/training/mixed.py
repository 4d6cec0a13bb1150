"""Which matrix products of a policy to compute in integers: all but those that cost much agreement for their size.

Sensitivity-guided mixed precision, as in Dong et al. 2019, arXiv:1905.03696, with the measured change of the logits in
the place of their Hessian.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto

from understudy.agents.agreement import Divergence, Piece, compare_play, play_batches
from understudy.agents.backends import OnnxRuntimeGraph
from understudy.agents.bundle import Bundle, write_bundle
from understudy.agents.runtime import PolicyRuntime
from understudy.training.quantise import Product, Range, find_products, quantise

_CALIBRATION_PIECES = 32


def choose_products(bundle: Bundle, pieces: Sequence[Piece], min_agreement: float) -> ModelProto:
    """Return the bundle's graph with as many products in integers as its agreement allows.

    Products go back to float32 one by one, those first that change the logits most for the multiplications they save,
    until two thirds of what may differ on held-out recordings differ on these.

    Args:
        bundle: In float32.
        pieces: Of the recordings it was trained on.
        min_agreement: Share of decisions, 0 to 1, that must stay the same on held-out recordings.
    """
    pieces = pieces[:_CALIBRATION_PIECES]
    model = onnx.load(bundle.policy_path)
    products = find_products(model)
    ranges = calibrate(bundle, model, products, pieces)
    products = [each for each in products if each.x in ranges]
    reference = PolicyRuntime(bundle)

    def judge(kept: Sequence[Product]) -> Divergence:
        return _judge(reference, quantise(model, ranges, [each.output for each in kept]), pieces)

    def harm(product: Product) -> float:
        others = [each for each in products if each is not product]
        return judge(others).max_logit_difference / product.weight.size

    order = sorted(products, key=harm, reverse=True)
    enough = (1 + 2 * min_agreement) / 3
    num = next((num for num in range(len(order)) if judge(order[:num]).equal_actions >= enough), len(order))
    return quantise(model, ranges, [each.output for each in order[:num]])


def calibrate(
    bundle: Bundle, model: ModelProto, products: Sequence[Product], pieces: Sequence[Piece]
) -> dict[str, Range]:
    """Return the smallest and largest value of each product's input, by its name, over pieces of play.

    Inputs of more than three dimensions, such as pictures being reduced, are left out.
    """
    watched = ModelProto()
    watched.CopyFrom(model)
    given = {each.name for each in model.graph.input}
    names = sorted({each.x for each in products} - given)
    watched.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(watched, Path(folder) / "watched.onnx")
        graph = OnnxRuntimeGraph(Path(folder) / "watched.onnx", 1)
    ranges: dict[str, Range] = {}
    for found in _watch(bundle, graph, names, pieces):
        for name, values in found.items():
            if values.ndim <= 3:
                low, high = ranges.get(name, (0.0, 0.0))
                ranges[name] = min(low, float(values.min())), max(high, float(values.max()))
    return {each.x: ranges[each.x] for each in products if each.x in ranges}


def _watch(
    bundle: Bundle, graph: OnnxRuntimeGraph, names: list[str], pieces: Sequence[Piece]
) -> Iterator[dict[str, np.ndarray]]:
    """Play the pieces and give, by step, the arrays of the given names and all of the graph's own inputs."""
    state = np.zeros((len(pieces), bundle.state_size), np.float32)
    sensor_names = [f"observation.{name}" for name in bundle.behavior.sensor_names]
    for sensors, noise, style in play_batches(bundle, pieces):
        feed = dict(zip(sensor_names, sensors, strict=True)) | {"state": state[: len(noise)], "noise": noise}
        feed |= {"style": style} if bundle.style_size else {}
        state, *values = graph.run(["next_state", *names], feed)
        yield feed | dict(zip(names, values, strict=True))


def _judge(reference: PolicyRuntime, model: ModelProto, pieces: Sequence[Piece]) -> Divergence:
    bundle = reference.bundle
    card = {key: value for key, value in vars(bundle.card).items() if key not in ("sha256", "variants")}
    with tempfile.TemporaryDirectory() as folder:
        draft = write_bundle(Path(folder) / "draft", model.SerializeToString(), None, **card)
        return compare_play(reference, PolicyRuntime(draft), pieces)
