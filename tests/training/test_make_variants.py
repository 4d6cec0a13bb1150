"""Variants made from a trained bundle: what they promise is what a server finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from steering import steering_recipe

from understudy.agents import Bundle, PolicyRuntime, write_bundle
from understudy.agents.backends import has_bf16
from understudy.agents.runtime import open_runtime
from understudy.errors import BundleError
from understudy.recordings import Recordings, open_recordings
from understudy.training.export import export_run
from understudy.training.held_out import take_pieces
from understudy.training.loop import train
from understudy.training.variants import add_variants


@pytest.fixture(scope="module")
def trained(steering_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle with products large enough for integers."""
    folder, recordings = tmp_path_factory.mktemp("trained"), open_recordings(steering_logs)
    recipe = steering_recipe(policy={"hidden": 64, "memory": 64}, loop={"updates": 60, "learning_rate": 5e-3})
    train(recipe, recordings, folder / "run")
    return export_run(folder / "run", recordings, folder / "bundle")


@pytest.fixture(scope="module")
def int8(trained: Bundle, steering_logs: Path) -> Bundle:
    """The same with a variant in int8."""
    return add_variants(trained, open_recordings(steering_logs), ["int8"])


def test_int8_is_what_its_card_says(int8: Bundle) -> None:
    """The recurrent products are in integers, held-out decisions agree, and the check at load finds what it says."""
    variant = int8.card.variants["int8"]
    nodes = [node.op_type for node in onnx.load(int8.folder / variant.file).graph.node]
    assert nodes.count("MatMulIntegerToFloat") >= 2
    assert "GRU" not in nodes
    assert variant.agreement["decisions"] == 200
    assert variant.equal_actions >= 0.98
    assert 0 < variant.certificate["max_logit_difference"] < variant.certificate["tolerance"]
    assert PolicyRuntime(int8, variant="int8").verify() == pytest.approx(variant.certificate["max_logit_difference"])
    assert PolicyRuntime(int8).verify() < 1e-4
    assert open_runtime(int8, precision="int8", min_agreement=0.9).variant == variant


def test_a_bot_in_int8_plays_beside_others_as_alone(int8: Bundle) -> None:
    """Among bots that see other things, its logits are those it has alone, but for float32's own roundings."""
    runtime, rng = PolicyRuntime(int8, variant="int8"), np.random.default_rng(0)
    rays = rng.random((32, 2), np.float32)
    state = rng.uniform(-1, 1, (32, int8.state_size)).astype(np.float32)
    state[0] *= 0.01
    alone, together = runtime.logits([rays[:1]], state[:1]), runtime.logits([rays], state)[:1]
    np.testing.assert_allclose(alone, together, atol=1e-5)
    assert np.abs(alone - PolicyRuntime(int8).logits([rays[:1]], state[:1])).max() > 1e-4


@pytest.mark.skipif(not has_bf16(), reason="needs openvino and a processor with bfloat16")
def test_bf16_is_what_its_card_says(int8: Bundle, steering: Recordings) -> None:
    """Made after int8 it stands beside it, agrees on held-out recordings and passes its check at load."""
    bundle = add_variants(int8, steering, ["bf16"])
    assert bundle.card.variants.keys() == {"int8", "bf16"}
    assert bundle.card.variants["bf16"].equal_actions >= 0.98
    assert PolicyRuntime(bundle, variant="bf16").verify() > 0


def test_pieces_are_cut_as_training_was_split(trained: Bundle, steering: Recordings) -> None:
    """The last quarter of each recording is unseen, and the rest but for the gap is seen."""
    pieces = take_pieces(trained, steering)
    assert sum(len(piece[0]) for piece in pieces.unseen) == 4 * 50
    assert sum(len(piece[0]) for piece in pieces.seen) == 4 * (150 - 32)
    np.testing.assert_array_equal(pieces.unseen[0][0], steering[0].observation("rays", slice(150, 200)))


def test_what_cannot_be_judged_is_refused(trained: Bundle, steering: Recordings, tmp_path: Path) -> None:
    """Other recordings, an unknown variant and a bundle without its recipe are refused in words."""
    with pytest.raises(
        BundleError, match=r"was trained on 4 recordings, of which 2 are among the 2 given; give the same"
    ):
        add_variants(trained, steering[:2], ["int8"])
    with pytest.raises(BundleError, match=r"^There is no variant 'int16'\. Did you mean 'int8'\?"):
        add_variants(trained, steering, ["int16"])
    card = {key: value for key, value in vars(trained.card).items() if key not in ("sha256", "provenance")}
    nameless = write_bundle(tmp_path / "nameless", trained.policy_path.read_bytes(), None, **card, provenance={})
    with pytest.raises(BundleError, match="does not hold the recipe it was trained by; export it again from its run"):
        add_variants(nameless, steering, ["int8"])
