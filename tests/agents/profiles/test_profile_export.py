"""Exporting for an engine: the file keeps the engine's contract and plays as the bundle does, or is not there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from plain_bundles import BUTTONS, MOVE, SENSORS, SLOT, TURN, write_plain
from small_policies import BINS, RAYS_ONLY, make_graph, make_policy, save_bundle

from toys import TOY
from understudy.agents.bundle import Bundle
from understudy.agents.networks import PolicyShape
from understudy.agents.profiles import check_godot, check_unity, export_profile
from understudy.agents.profiles.compare_godot import compare_godot
from understudy.agents.profiles.compare_unity import compare_unity
from understudy.agents.profiles.godot import build_godot
from understudy.agents.profiles.layout import find_layout
from understudy.agents.profiles.policy import PolicyGraph
from understudy.agents.profiles.unity import build_unity
from understudy.errors import BundleError
from understudy.spec import ActionSpec, BehaviorSpec

KINDS = [("unity", False), ("godot", False), ("godot", True)]
SHAPES = [
    PolicyShape(hidden=12, memory=10),
    PolicyShape(hidden=12, memory=10, past_actions=False),
    PolicyShape(hidden=12, memory=0),
    PolicyShape(hidden=12, memory=0, past_actions=False),
    PolicyShape(hidden=12, memory=10, bottleneck=3, remember_sensors=False),
]


@pytest.mark.parametrize(("profile", "sampled"), KINDS)
@pytest.mark.parametrize(("behavior", "shape"), [(TOY, SHAPES[0]), *((RAYS_ONLY, shape) for shape in SHAPES)])
def test_a_trained_policy_keeps_playing(
    tmp_path: Path, profile: str, sampled: bool, behavior: BehaviorSpec, shape: PolicyShape
) -> None:
    """Over 256 steps, with its memory carried, each choice is the bundle's and numbers agree to a rounding."""
    bundle = save_bundle(tmp_path / "bundle", make_graph(make_policy(behavior, shape), 0.7))
    exported = export_profile(bundle, profile, tmp_path / "out" / "bot.onnx", sampled=sampled)
    parity = exported.certificate["parity"]
    assert parity["steps"] == 256
    assert parity["choices"] >= 256 * 9
    assert parity["unequal"] == 0
    assert parity["max_difference"] < 1e-4
    stateful = bool(shape.memory) or shape.past_actions
    assert (parity["states"] > 0) == stateful
    assert (exported.certificate["memory"] > 0) == stateful
    assert parity["max_state_difference"] < 1e-4
    assert exported.certificate["sha256"] == hashlib.sha256(exported.path.read_bytes()).hexdigest()
    assert json.loads((tmp_path / "out" / "bot.onnx.json").read_text()) == exported.certificate


@pytest.mark.parametrize(("profile", "sampled"), KINDS)
@pytest.mark.parametrize("opset", [11, 15, 18])
@pytest.mark.parametrize(
    "parts", [(MOVE,), (BUTTONS,), (TURN,), (MOVE, TURN, BUTTONS)], ids=["choice", "buttons", "numbers", "all"]
)
def test_any_parts_and_opset_keep_playing(
    tmp_path: Path, profile: str, sampled: bool, opset: int, parts: tuple[ActionSpec, ...]
) -> None:
    """Choices, buttons and numbers, alone and together, from old opsets and new."""
    bundle = write_plain(tmp_path / "bundle", parts, opset=opset, sensors=(*SENSORS, SLOT))
    exported = export_profile(bundle, profile, tmp_path / "bot.onnx", sampled=sampled)
    if profile == "unity":
        model = check_unity(exported.path)
        assert model.continuous == (2 if TURN in parts else 0)
        assert model.branches == tuple(
            size for part in parts for size in {"move": [3], "buttons": [2, 2], "turn": []}[part.name]
        )
        assert model.observations == ((3,), (2,))
        assert model.opset == 15
    else:
        width = {(MOVE,): 3, (BUTTONS,): 4, (TURN,): 2}.get(parts, 11)
        assert check_godot(exported.path).width == width


def test_a_style_is_fixed_in_the_model(tmp_path: Path) -> None:
    """A model plays the style it was exported with; the default is the first."""
    bundle = write_plain(tmp_path / "bundle", (MOVE, TURN), style_size=2)
    files = {
        style: export_profile(bundle, "godot", tmp_path / f"{style}.onnx", style=style)
        for style in ("", "calm", "wild")
    }
    data = {style: each.path.read_bytes() for style, each in files.items()}
    assert data[""] == data["calm"] != data["wild"]
    with pytest.raises(BundleError, match=r"no style 'mild'\. Did you mean 'wild'"):
        export_profile(bundle, "unity", tmp_path / "mild.onnx", style="mild")


def test_the_only_sensor_is_obs(tmp_path: Path) -> None:
    """Older plug-ins know one input, called `obs`; several sensors are called by their names."""
    one = export_profile(write_plain(tmp_path / "one", (MOVE,)), "godot", tmp_path / "one.onnx")
    two = write_plain(tmp_path / "two", (MOVE,), sensors=(*SENSORS, SLOT))
    assert check_godot(one.path).observations == {"obs": 3}
    assert check_godot(export_profile(two, "godot", tmp_path / "two.onnx").path).observations == {"rays": 3, "slot": 2}


@pytest.mark.parametrize("profile", ["unity", "godot"])
@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ("operator", "operator Gelu"),
        ("past logits", "does not draw its action part 'move' from its logits"),
        ("shared logits", "'move' does not have a logit of its own for each of its choices"),
    ],
)
def test_what_an_engine_cannot_have_is_refused(tmp_path: Path, profile: str, odd: str, said: str) -> None:
    """An operator of later opsets, or a policy whose choices cannot be masked: a sentence, and no file."""
    bundle = write_plain(tmp_path / "bundle", (MOVE,), odd=odd, opset=20 if odd == "operator" else 17)
    with pytest.raises(BundleError, match=said):
        export_profile(bundle, profile, tmp_path / "bot.onnx")
    assert not list(tmp_path.glob("bot.*"))


@pytest.mark.parametrize(("profile", "sampled"), KINDS)
@pytest.mark.parametrize("head", ["autoregressive", "diffusion"])
def test_choices_in_the_light_of_each_other_are_refused(
    tmp_path: Path, profile: str, sampled: bool, head: Literal["autoregressive", "diffusion"]
) -> None:
    """An engine that draws each choice from the logits alone cannot play a joint head: a sentence, and no file."""
    policy = make_policy(RAYS_ONLY, PolicyShape(hidden=12, memory=10, head=head))
    with pytest.raises(BundleError) as caught:
        export_profile(save_bundle(tmp_path / "bundle", make_graph(policy)), profile, tmp_path / "bot", sampled=sampled)
    assert str(caught.value) == (
        "The bundle 'small' chooses the parts of an action in the light of each other (its head is autoregressive or "
        "diffusion), where an engine draws each alone; serve the bundle, or train with 'head: factored'."
    )
    assert not list(tmp_path.glob("bot*"))


def test_a_model_of_another_bundle_is_found_out(tmp_path: Path) -> None:
    """The comparison fails where model and bundle differ, in choices or only in memory."""
    bundle, other = (write_plain(tmp_path / str(seed), (MOVE, TURN), seed=seed) for seed in range(2))
    layout = find_layout(bundle, PolicyGraph(bundle, 17))
    unity = build_unity(other, layout, carries_state=True, noise_inside=False)
    with pytest.raises(BundleError, match="The Unity model does not play as the bundle does"):
        compare_unity(unity, bundle, layout, stateful=True, steps=16)
    for sampled in (False, True):
        godot = build_godot(other, layout, carries_state=True, noise_inside=False, sampled=sampled)
        with pytest.raises(BundleError, match="The Godot model does not play as the bundle does"):
            compare_godot(godot, bundle, layout, stateful=True, sampled=sampled, steps=16)


def test_a_memory_that_is_left_out_is_found_out(tmp_path: Path) -> None:
    """A model without memory does not pass for a bundle with one."""
    bundle = write_plain(tmp_path / "bundle", (MOVE, TURN))
    layout = find_layout(bundle, PolicyGraph(bundle, 17))
    model = build_unity(bundle, layout, carries_state=False, noise_inside=False)
    with pytest.raises(BundleError, match="does not play as the bundle does"):
        compare_unity(model, bundle, layout, stateful=False, steps=16)
    for sampled in (False, True):
        model = build_godot(bundle, layout, carries_state=False, noise_inside=False, sampled=sampled)
        with pytest.raises(BundleError, match="does not play as the bundle does"):
            compare_godot(model, bundle, layout, stateful=False, sampled=sampled, steps=16)


@pytest.mark.parametrize(
    ("profile", "out", "sampled", "said"),
    [
        ("unty", "bot.onnx", False, "There is no profile 'unty'. Did you mean 'unity'"),
        ("unity", ".", False, "is a folder; name the file to write"),
        ("unity", "bot.onnx", True, "A Unity model always has both"),
    ],
)
def test_wrong_requests_are_refused(
    small_bundle: Bundle, tmp_path: Path, profile: str, out: str, sampled: bool, said: str
) -> None:
    """A profile that is not there, a folder as the file, a choice the engine leaves open."""
    with pytest.raises(BundleError, match=said):
        export_profile(small_bundle, profile, tmp_path / out, sampled=sampled)


@pytest.mark.parametrize("profile", ["unity", "godot"])
def test_numbers_are_spread_within_their_bins_there_too(tmp_path: Path, profile: str) -> None:
    """A bundle whose numbers are not centres makes a model that its engine's contract accepts and plays alike."""
    graph = make_graph(make_policy(RAYS_ONLY, bins=replace(BINS, spread=True)))
    export_profile(save_bundle(tmp_path / "bundle", graph), profile, tmp_path / "bot.onnx")


def test_recorded_observations_are_played(tmp_path: Path) -> None:
    """What training recorded in the bundle is part of what is compared: the first bot sees it first."""
    from test_policy_export import play

    from understudy.agents.profiles.parity import observations_of

    graph = make_graph(make_policy(RAYS_ONLY))
    sample = play(graph, 20)
    bundle = save_bundle(tmp_path / "bundle", graph, sample)
    shown = list(observations_of(bundle, 32))
    np.testing.assert_array_equal([each["rays"][0] for each in shown[:20]], sample.observations["rays"])
