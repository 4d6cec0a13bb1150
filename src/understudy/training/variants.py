"""Variants of a bundle in fewer bits: made, compared with float32 on recordings held out from training, and timed."""

from __future__ import annotations

import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from understudy.agents.agreement import Piece, compare_play, play_batches
from understudy.agents.backends import has_bf16
from understudy.agents.bundle import PARITY_FILE, POLICY_FILE, Bundle, write_bundle
from understudy.agents.runtime import PARITY_TOLERANCE, PolicyRuntime
from understudy.agents.variants import MIN_AGREEMENT, Variant
from understudy.errors import BundleError, require, suggest
from understudy.recordings import Recordings
from understudy.training.held_out import Pieces, take_pieces
from understudy.training.mixed import choose_products

BATCH = 64
_REPEATS, _SECONDS = 15, 0.02

Maker = Callable[[Bundle, Sequence[Piece], float], bytes]


def add_variants(
    bundle: Bundle, recordings: Recordings, names: Sequence[str], min_agreement: float = MIN_AGREEMENT
) -> Bundle:
    """Make variants of a bundle and write them into it.

    Args:
        bundle: In float32; variants of the same names are replaced.
        recordings: The ones it was trained on. What its recipe held out is judged by.
        names: Of `"int8"` and `"bf16"`.
        min_agreement: What int8 aims at: products that cost too much agreement stay in float32.

    Raises:
        BundleError: If there is no such variant, or the bundle does not say what it was trained on.
        MissingExtraError: If OpenVINO, which plays bf16, is not installed.
    """
    for name in names:
        if name not in MAKERS:
            raise BundleError(f"There is no variant '{name}'.{suggest(name, MAKERS)}")
    pieces = take_pieces(bundle, recordings)
    for name in names:
        bundle = _add(bundle, name, pieces, min_agreement)
    return bundle


def make_int8(bundle: Bundle, pieces: Sequence[Piece], min_agreement: float) -> bytes:
    """Return the graph with those products in integers that keep the agreement on `pieces`."""
    return choose_products(bundle, pieces, min_agreement).SerializeToString()


def make_bf16(bundle: Bundle, _pieces: Sequence[Piece], _min_agreement: float) -> bytes:
    """Return the graph for OpenVINO's bfloat16, its sampling without matrix products.

    OpenVINO computes everything up to the last matrix product in bfloat16. Sampling adds up probabilities by one, whose
    rounding alone would change half a percent of the decisions; `CumSum` is left in float32.
    """
    require("openvino", "openvino")
    if not has_bf16():
        raise BundleError("This processor has no bfloat16 (AVX512-BF16 or AMX): make and play bf16 where there is one.")
    model = onnx.load(bundle.policy_path)
    exponentials = {node.output[0] for node in model.graph.node if node.op_type == "Exp"}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[0] in exponentials:
            node.op_type, node.input[1] = "CumSum", "sampling.axis"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(-1, np.int64), "sampling.axis"))
    return bytes(model.SerializeToString())


MAKERS: dict[str, Maker] = {"int8": make_int8, "bf16": make_bf16}
RUNTIMES = {"int8": "onnxruntime", "bf16": "openvino"}


def _add(bundle: Bundle, name: str, pieces: Pieces, min_agreement: float) -> Bundle:
    """Make one variant, try it in a draft of the bundle, and write the bundle with what was found."""
    graph = MAKERS[name](bundle, pieces.seen, min_agreement)
    file = f"policy.{name}.onnx"
    unknown = Variant(file, name, RUNTIMES[name], {"tolerance": 0.0}, {"equal_actions": 0.0}, 1.0, 1.0)
    with tempfile.TemporaryDirectory() as folder:
        draft = _rewrite(bundle, Path(folder) / "draft", name, unknown, graph)
        found = _measure(draft, name, unknown, pieces.unseen)
    return _rewrite(bundle, bundle.folder, name, found, graph)


def _measure(bundle: Bundle, name: str, variant: Variant, unseen: Sequence[Piece]) -> Variant:
    reference, runtime = PolicyRuntime(bundle), PolicyRuntime(bundle, variant=name)
    step, fp32_step = time_steps(runtime, reference, unseen)
    return replace(
        variant,
        certificate=_certificate(bundle, reference, runtime),
        agreement=compare_play(reference, runtime, unseen).to_dict(),
        step_us=round(step * 1e6, 1),
        fp32_step_us=round(fp32_step * 1e6, 1),
    )


def _certificate(bundle: Bundle, reference: PolicyRuntime, runtime: PolicyRuntime) -> dict[str, Any]:
    """What the parity sample gives here; where the bundle is loaded, twice the difference is allowed."""
    sample = bundle.parity_sample
    piece = [sample.observations[name] for name in bundle.behavior.sensor_names] if sample else []
    difference = compare_play(reference, runtime, [piece]).max_logit_difference if piece else 0.0
    return {
        "steps": len(piece[0]) if piece else 0,
        "max_logit_difference": difference,
        "tolerance": 2 * difference + PARITY_TOLERANCE,
        "runtime": version(runtime.variant.runtime) if runtime.variant else "",
        "machine": platform.machine(),
    }


def time_steps(first: PolicyRuntime, second: PolicyRuntime, pieces: Sequence[Piece]) -> tuple[float, float]:
    """Return the median seconds of a step of 64 bots with each of two runtimes, measured in turn."""
    bundle = first.bundle
    one_step = [[each[:1] for each in pieces[row % len(pieces)]] for row in range(BATCH)]
    sensors, noise, style = next(play_batches(bundle, one_step))
    _, state = second.step(sensors, np.zeros((BATCH, bundle.state_size), np.float32), noise, style)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(_REPEATS):
        for runtime, found in zip((first, second), times, strict=True):
            found.append(_mean_seconds(partial(runtime.step, sensors, state, noise, style)))
    return statistics.median(times[0]), statistics.median(times[1])


def _mean_seconds(work: Callable[[], object]) -> float:
    """Call `work` for about twenty milliseconds, at least twice; the first call is not counted."""
    work()
    began, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - began < _SECONDS:
        work()
        calls += 1
    return (time.perf_counter() - began) / calls


def _rewrite(bundle: Bundle, folder: Path, name: str, variant: Variant, graph: bytes) -> Bundle:
    """Write the bundle to `folder` with one more variant, everything else as it was."""
    card = {key: value for key, value in vars(bundle.card).items() if key != "sha256"}
    card["variants"] = {**bundle.card.variants, name: variant}
    others = [each for each in bundle.card.sha256 if each not in (POLICY_FILE, PARITY_FILE)]
    files = {each: (bundle.folder / each).read_bytes() for each in others} | {variant.file: graph}
    return write_bundle(folder, bundle.policy_path.read_bytes(), bundle.parity_sample, files, **card)
