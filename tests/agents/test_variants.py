"""Variants of a bundle: on its card, chosen by a declared budget, and refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_policies import make_graph, make_policy, random_inputs, save_bundle

from toys import TOY
from understudy.agents import Bundle, BundleCard, ParitySample, PolicyRuntime, write_bundle
from understudy.agents.agreement import choice_classes, compare_play
from understudy.agents.runtime import open_runtime
from understudy.agents.variants import Variant, pick_variant
from understudy.errors import BundleError

VARIANT = Variant(
    "policy.int8.onnx",
    "int8",
    "onnxruntime",
    {"tolerance": 0.5},
    {"equal_actions": 0.995},
    step_us=40.0,
    fp32_step_us=100.0,
)


def with_variant(bundle: Bundle, folder: Path, graph: bytes, **changes: Any) -> Bundle:
    """The bundle once more, with a parity sample and `graph` as its variant."""
    sensors, noise = random_inputs(TOY, 20, bundle.noise_size)
    logits, actions = PolicyRuntime(bundle).replay(sensors, noise)
    named = dict(zip(TOY.sensor_names, sensors, strict=True)), dict(zip(TOY.action_names, actions, strict=True))
    sample = ParitySample(named[0], noise, logits, named[1])
    card = {key: value for key, value in vars(bundle.card).items() if key not in ("sha256", "variants")}
    card["variants"] = {"int8": replace(VARIANT, **changes)}
    return write_bundle(folder, bundle.policy_path.read_bytes(), sample, {VARIANT.file: graph}, **card)


@pytest.fixture
def other_graph(tmp_path: Path) -> bytes:
    """A policy with other weights, which decides otherwise."""
    return save_bundle(tmp_path / "other", make_graph(make_policy(seed=1))).policy_path.read_bytes()


def test_a_card_with_variants_there_and_back_is_the_identity(small_bundle: Bundle, tmp_path: Path) -> None:
    """The card survives its JSON with a variant on it, and an old card without the key has none."""
    card = with_variant(small_bundle, tmp_path / "both", small_bundle.policy_path.read_bytes()).card
    assert BundleCard.from_json(card.to_json()) == card
    assert card.variants["int8"].speedup == 2.5
    old = json.loads(card.to_json())
    del old["variants"]
    assert BundleCard.from_json(json.dumps(old)).variants == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"runtime": "pickle"},
        {"step_us": 0},
        {"step_us": "fast"},
        {"agreement": {}},
        {"certificate": {"tolerance": "any"}},
    ],
)
def test_a_variant_that_is_not_one_is_refused(small_bundle: Bundle, changes: dict[str, Any]) -> None:
    """Of an unknown runtime, or without what was measured of it, it makes the card unreadable."""
    form = json.loads(replace(small_bundle.card, variants={"int8": VARIANT}).to_json())
    form["variants"]["int8"].update(changes)
    with pytest.raises(BundleError, match=r"^not a bundle's card"):
        BundleCard.from_json(json.dumps(form))


def test_a_variant_outside_the_bundle_is_refused(small_bundle: Bundle, tmp_path: Path) -> None:
    """A variant's file must be one of those the card has the checksum of."""
    card = {key: value for key, value in vars(small_bundle.card).items() if key not in ("sha256", "variants")}
    card["variants"] = {"int8": replace(VARIANT, file="../elsewhere.onnx")}
    with pytest.raises(BundleError, match=r"names no \.\./elsewhere\.onnx; export the bundle again\.$"):
        write_bundle(tmp_path / "outside", small_bundle.policy_path.read_bytes(), None, **card)


def test_the_same_graph_agrees_in_full(small_bundle: Bundle, tmp_path: Path) -> None:
    """A variant that is the graph itself decides the same, over pieces of any lengths, and passes its check."""
    bundle = with_variant(small_bundle, tmp_path / "same", small_bundle.policy_path.read_bytes())
    sensors, _ = random_inputs(TOY, 30, bundle.noise_size)
    pieces = [[each[:7] for each in sensors], [each[7:30] for each in sensors], [each[3:4] for each in sensors]]
    found = compare_play(PolicyRuntime(bundle), PolicyRuntime(bundle, variant="int8"), pieces)
    assert (found.decisions, found.equal_actions, found.free_running, found.likeliest) == (31, 1.0, 1.0, 1.0)
    assert found.max_logit_difference == 0.0
    assert PolicyRuntime(bundle, variant="int8").verify() == 0.0


def test_another_policy_disagrees_and_fails_its_check(small_bundle: Bundle, tmp_path: Path, other_graph: bytes) -> None:
    """Other weights are found out by what they do, and refused at load where the certificate promised less."""
    bundle = with_variant(small_bundle, tmp_path / "differs", other_graph)
    sensors, _ = random_inputs(TOY, 40, bundle.noise_size)
    found = compare_play(PolicyRuntime(bundle), PolicyRuntime(bundle, variant="int8"), [sensors])
    assert found.equal_actions < 0.7
    assert found.free_running <= found.equal_actions + 0.2
    assert found.equal_actions <= min(found.equal_parts.values())
    with pytest.raises(BundleError) as caught:
        PolicyRuntime(bundle, variant="int8").verify()
    assert str(caught.value).startswith(
        f"{bundle.folder / VARIANT.file} fails its parity check here: its logits differ"
    )
    assert str(caught.value).endswith(
        "(allowed: 0.5); this processor may lack what it was made for. Serve it with --precision fp32."
    )


def test_the_budget_decides_what_is_opened(small_bundle: Bundle, tmp_path: Path) -> None:
    """The fast variant is opened if it agrees often enough, else float32; a named one below the budget is refused."""
    bundle = with_variant(small_bundle, tmp_path / "both", small_bundle.policy_path.read_bytes())
    assert open_runtime(bundle).variant == bundle.card.variants["int8"]
    assert open_runtime(bundle, min_agreement=0.999).variant is None
    assert open_runtime(bundle, precision="fp32").variant is None
    with pytest.raises(BundleError) as caught:
        open_runtime(bundle, precision="int8", min_agreement=0.999)
    assert str(caught.value) == (
        "The variant 'int8' decides as float32 does in 99.50% of the decisions, fewer than the 99.90% asked for; allow "
        "fewer with --min-agreement, or play fp32."
    )
    with pytest.raises(
        BundleError, match=r"^The bundle has no variant 'int9'\. Did you mean 'int8'\? Known: 'fp32', 'int8'"
    ):
        open_runtime(bundle, precision="int9")
    with pytest.raises(BundleError, match=r"^The bundle 'small' has no variant 'bf16'"):
        PolicyRuntime(bundle, variant="bf16")


def test_auto_passes_over_what_fails_its_check_here(
    small_bundle: Bundle, tmp_path: Path, other_graph: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A variant that answers otherwise on this machine is warned of, and float32 plays; by name it is not replaced."""
    bundle = with_variant(small_bundle, tmp_path / "differs", other_graph)
    assert open_runtime(bundle).variant is None
    assert "fails its parity check here" in caplog.text
    with pytest.raises(BundleError, match="fails its parity check here"):
        open_runtime(bundle, precision="int8").verify()


measured = st.tuples(st.floats(10, 1000), st.floats(10, 1000), st.floats(0.9, 1.0), st.booleans())


@given(st.lists(measured, max_size=5), st.floats(0.9, 1.0))
def test_auto_takes_the_fastest_that_is_allowed(rows: list[tuple[float, float, float, bool]], budget: float) -> None:
    """What is picked runs here, keeps the budget and beats float32, and nothing faster does all of that."""
    known = {
        str(index): replace(
            VARIANT, step_us=step, fp32_step_us=base, agreement={"equal_actions": equal}, file=str(here)
        )
        for index, (step, base, equal, here) in enumerate(rows)
    }
    name = pick_variant(known, "auto", budget, runs_here=lambda each: each.file == "True")
    allowed = [
        each.speedup
        for each in known.values()
        if each.file == "True" and each.equal_actions >= budget and each.speedup > 1
    ]
    assert (known[name].speedup if name else 1.0) == max(allowed, default=1.0)


def test_a_named_variant_that_cannot_run_here_is_refused() -> None:
    """By name and not by falling back in silence; auto passes over it."""
    known = {"bf16": replace(VARIANT, precision="bf16", runtime="openvino")}
    assert pick_variant(known, runs_here=lambda _: False) == ""
    with pytest.raises(
        BundleError, match=r"^The variant 'bf16' cannot run here: it needs openvino and a processor with bf16"
    ):
        pick_variant(known, "bf16", runs_here=lambda _: False)


def test_the_logits_layout_follows_from_the_spec() -> None:
    """Choices of a `Discrete`, two classes a button, and for the one `Box` what is left; nothing where it cannot be."""
    assert choice_classes(TOY, 14) == [3, 2, 2, 7]
    assert choice_classes(TOY, 7) == []
    assert sum(choice_classes(TOY, 20)) == 20


def test_explaining_is_stepping_with_the_logits(small_bundle: Bundle, tmp_path: Path) -> None:
    """`explain` gives what `step` gives, and the logits behind it."""
    runtime = PolicyRuntime(
        with_variant(small_bundle, tmp_path / "both", small_bundle.policy_path.read_bytes()), 1, "int8"
    )
    sensors, noise = random_inputs(TOY, 5, small_bundle.noise_size)
    state = np.zeros((5, small_bundle.state_size), np.float32)
    actions, after = runtime.step(sensors, state, noise)
    again, after_again, logits = runtime.explain(sensors, state, noise)
    for one, other in zip([*actions, after], [*again, after_again], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(logits, runtime.logits(sensors, state))
