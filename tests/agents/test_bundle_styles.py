"""Styles of a bundle are asked for by name, blend, skill, slider or file, and a mistake is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_policies import make_graph, make_policy

from understudy.agents.bundle import Bundle, BundleCard, write_bundle
from understudy.agents.networks import PolicyShape
from understudy.agents.styles import StyleFile, StyleReader, blend, open_style, parse_style, vary
from understudy.errors import BundleError
from understudy.training.export import to_onnx

STYLES = {"anchor": [0.0, 1.0, 0.5], "rusher": [1.0, -1.0, 0.25]}


def make_bundle(folder: Path, **changes: object) -> Bundle:
    """A small bundle with two styles, a skill dial and a slider."""
    graph = make_graph(make_policy(shape=PolicyShape(hidden=12, memory=10, style=3)))
    card = {
        "name": "styled",
        "behavior": graph.policy.behavior,
        "state_size": graph.state_size,
        "noise_size": graph.noise_size,
        "logits_size": graph.policy.codec.logits_size,
        "provenance": {"recipe": {"style": {"noise": 0.5}}},
        "certificate": {},
        "style_size": 3,
        "styles": STYLES,
        "has_skill": True,
        "sliders": {"speed": [0.5, 0.25, 0.0]},
    }
    return write_bundle(folder / "bundle", to_onnx(graph), None, **{**card, **changes})


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """One for all tests."""
    return make_bundle(tmp_path_factory.mktemp("styled"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0.0, 1.0, 0.5]),
        ("rusher", [1.0, -1.0, 0.25]),
        ("rusher:3+anchor:1", [0.75, -0.5, 0.3125]),
        ("rusher + anchor", [0.5, 0.0, 0.375]),
        ("rusher, skill=0.75", [1.0, -1.0, 0.75]),
        ("anchor,skill=1,speed=-2", [-1.0, 0.5, 1.0]),
        (",speed=1", [0.5, 1.25, 0.5]),
    ],
)
def test_a_style_is_asked_for_in_words(bundle: Bundle, text: str, expected: list[float]) -> None:
    """Names, weights, skill and sliders give the numbers they stand for."""
    found = parse_style(bundle, text)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@given(weight=st.floats(0, 1e6), other=st.floats(0.001, 1e6), factor=st.floats(0.001, 1000))
def test_blends_lie_on_the_line_between_their_parents(
    bundle: Bundle, weight: float, other: float, factor: float
) -> None:
    """Only the ratio of the weights matters, and no number leaves the range between the parents'."""
    found = blend(bundle, {"rusher": weight, "anchor": other})
    np.testing.assert_allclose(found, blend(bundle, {"anchor": other * factor, "rusher": weight * factor}), atol=1e-5)
    low, high = np.min(list(STYLES.values()), 0), np.max(list(STYLES.values()), 0)
    assert (low - 1e-6 <= found).all()
    assert (found <= high + 1e-6).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rushr", "The bundle 'styled' has no style 'rushr'. Did you mean 'rusher'? Known: 'anchor', 'rusher'."),
        ("rusher,sped=1", "The bundle 'styled' has no slider 'sped'. Did you mean 'speed'? Known: 'speed'."),
        ("rusher,skill=1.5", "The skill is 1.5; it goes from 0 to 1."),
        ("rusher,skill=nan", "The skill is nan; it goes from 0 to 1."),
        ("rusher,speed=inf", "The slider 'speed' is at inf; it should be a number such as 1.5."),
        ("rusher:-1", "The style 'rusher' has the weight -1.0; weights are numbers from 0 on."),
        ("rusher:0", "The weights of rusher sum to nought; give one of them more."),
        (
            "rusher:much",
            "'rusher:much' is no style: 'rusher:much' should be a name, ':' and a number, as in "
            "'rusher:0.7+anchor:0.3,skill=0.8'.",
        ),
        (
            "rusher,skill",
            "'rusher,skill' is no style: 'skill' should be a name, '=' and a number, as in "
            "'rusher:0.7+anchor:0.3,skill=0.8'.",
        ),
        (
            "no.style.json",
            "The bundle 'styled' has no style 'no.style.json'. Known: 'anchor', 'rusher'.",
        ),
    ],
)
def test_a_style_that_is_none_is_refused(bundle: Bundle, text: str, message: str) -> None:
    """Each mistake is told with what was found and what would do."""
    with pytest.raises(BundleError) as caught:
        parse_style(bundle, text)
    assert str(caught.value) == message


def test_a_bundle_of_one_way_to_play_has_no_styles(tmp_path: Path) -> None:
    """Whatever it is asked for is told not to be there."""
    plain = make_graph(make_policy())
    sizes = {"state_size": plain.state_size, "noise_size": plain.noise_size, "style_size": 0, "styles": {}}
    bundle = make_bundle(tmp_path, **sizes, sliders={}, has_skill=False)
    assert parse_style(bundle, "").shape == (0,)
    for text, message in (
        ("rusher", "The bundle 'styled' has no style 'rusher'. Known: none."),
        (",skill=1", "The bundle 'styled' has no skill dial; train with 'style.skill' in the recipe."),
        (",speed=1", "The bundle 'styled' has no slider 'speed'. Known: none."),
    ):
        with pytest.raises(BundleError) as caught:
            parse_style(bundle, text)
        assert str(caught.value) == message


def test_a_style_file_there_and_back_is_the_same(bundle: Bundle, tmp_path: Path) -> None:
    """What a file keeps of a style reads back, and plays as that style."""
    kept = StyleFile("mine", bundle.name, bundle.digest, (0.125, 0.25, 0.5), ("a", "b"))
    kept.save(tmp_path / "mine.style.json")
    assert StyleFile.load(tmp_path / "mine.style.json") == kept
    np.testing.assert_array_equal(open_style(bundle, str(tmp_path / "mine.style.json")), [0.125, 0.25, 0.5])
    np.testing.assert_array_equal(open_style(bundle, "rusher"), bundle.style("rusher"))
    with pytest.raises(BundleError) as caught:
        open_style(bundle, "no.style.json")
    assert str(caught.value) == "The style no.style.json cannot be read: No such file or directory."


def test_a_style_of_another_policy_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    """The same numbers mean another style to another policy."""
    StyleFile("mine", "other", "f" * 64, (0.0, 0.0, 0.0)).save(tmp_path / "mine.style.json")
    with pytest.raises(BundleError) as caught:
        open_style(bundle, str(tmp_path / "mine.style.json"))
    assert str(caught.value) == (
        "The style 'mine' was made for another policy than that of 'styled' (other ffffffffffff…); read it from its "
        "demonstrations again with: understudy style"
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "style": 3}'])
def test_a_damaged_style_file_is_refused(bundle: Bundle, tmp_path: Path, text: str) -> None:
    """Anything but a style file is told to be none."""
    path = tmp_path / "bad.style.json"
    path.write_text(text)
    with pytest.raises(BundleError, match=r"bad.style.json is no style file \("):
        open_style(bundle, str(path))


def test_varied_styles_keep_their_skill(bundle: Bundle) -> None:
    """Many individuals of one style lie around it as far as training's noise did."""
    style = bundle.style("rusher")
    many = np.stack([vary(bundle, style, seed) for seed in range(400)])
    assert (many[:, -1] == style[-1]).all()
    np.testing.assert_allclose(many[:, :-1].mean(0), style[:-1], atol=0.1)
    np.testing.assert_allclose(many[:, :-1].std(0), 0.5, atol=0.1)
    np.testing.assert_array_equal(vary(bundle, style, 3, amount=0.0), style)


def test_a_bundle_without_an_encoder_reads_no_demonstrations(bundle: Bundle) -> None:
    """The sentence says what is missing and how to get it."""
    with pytest.raises(BundleError) as caught:
        StyleReader(bundle)
    assert str(caught.value) == (
        "The bundle 'styled' cannot read a style from demonstrations: it has no style.onnx. Train with 'style' in the "
        "recipe, and export again."
    )


def test_cards_without_the_new_fields_are_still_read(bundle: Bundle) -> None:
    """A bundle from before skill, sliders and demonstrations loads; a slider of another size does not."""
    form = json.loads(bundle.card.to_json())
    old = {key: value for key, value in form.items() if key not in ("has_skill", "sliders", "demonstrations")}
    card = BundleCard.from_json(json.dumps(old))
    assert (card.has_skill, card.sliders, card.demonstrations) == (False, {}, {})
    with pytest.raises(BundleError, match="a style of 1 numbers where style_size is 3"):
        BundleCard.from_json(json.dumps({**form, "sliders": {"speed": [1.0]}}))
