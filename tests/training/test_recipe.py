"""A recipe is checked to the last key, and what is wrong is one sentence with the key, what was found and a hint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from steering import PIXELS, STEERING, steering_form, steering_recipe

from understudy.errors import RecipeError
from understudy.training.augment import Augment
from understudy.training.build import build_codec, build_policy, reductions, select_behavior
from understudy.training.recipe import LoopRecipe, PixelsRecipe, PolicyRecipe, Recipe, load_recipe
from understudy.training.stream import WindowStream

ROOT = Path(__file__).parents[2]


def written(folder: Path, form: Any) -> Path:
    """A recipe file with this content."""
    path = folder / "recipe.yaml"
    path.write_text(form if isinstance(form, str) else yaml.safe_dump(form))
    return path


def test_a_recipe_there_and_back_is_the_identity(tmp_path: Path) -> None:
    """What a run folder keeps of its recipe reads back as the same recipe."""
    recipe = steering_recipe(
        sensors={"rays": {"encoder": "vector"}, "frame": PIXELS},
        bins={"turn": {"limit": 10, "mu": 5.5, "num": 7}},
        mirror={"sensors": ["frame"], "negate": ["turn"]},
        balance={"turn": 0.5},
    )
    assert load_recipe(written(tmp_path, recipe.model_dump(mode="json"))) == recipe


@pytest.mark.parametrize("off", ["past_actions", "remember_sensors"])
def test_every_size_of_a_recipe_reaches_its_policy(off: str) -> None:
    """No key of a recipe's `policy` is read and then forgotten."""
    sizes = {"hidden": 5, "memory": 6, "bottleneck": 7, "dropout": 0.125, "sensor_dropout": 0.25}
    sizes |= {"past_actions": off != "past_actions", "remember_sensors": off != "remember_sensors"}
    sizes |= {"cell": "lstm", "layers": 3, "context": 9, "recall": 2, "recall_weight": 0.25}
    sizes |= {"head": "diffusion", "head_width": 11, "denoising": 5}
    assert sizes.keys() == PolicyRecipe.model_fields.keys() - {"past_dropout"}
    policy = build_policy(steering_recipe(policy=sizes), STEERING.select(["rays"]))
    assert asdict(policy.shape) == sizes | {"style": 0}


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_recipes_we_ship_are_valid(path: Path) -> None:
    """Each recipe in `recipes/` loads."""
    assert isinstance(load_recipe(path), Recipe)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            steering_form(loop={"update": 5}),
            "{path}: unknown key 'loop.update'. Did you mean 'updates'? Known there: "
            f"{', '.join(sorted(LoopRecipe.model_fields))}.",
        ),
        (
            steering_form(sensor={}),
            "{path}: unknown key 'sensor'. Did you mean 'sensors'? Known there: "
            f"{', '.join(sorted(Recipe.model_fields))}.",
        ),
        (
            steering_form(sensors={"rays": {"encoder": "vector", "width": [3]}}),
            "{path}: unknown key 'sensors.rays.width'. Did you mean 'widths'? Known there: encoder, octaves, sharp, "
            "widths.",
        ),
        (
            steering_form(sensors={"pixels": {**PIXELS, "zoom": 2}}),
            "{path}: unknown key 'sensors.pixels.zoom'. Known there: "
            f"{', '.join(sorted(PixelsRecipe.model_fields))}.",
        ),
        (
            steering_form(sensors={"bins": {"encoder": "vector", "limit": 3}}),
            "{path}: unknown key 'sensors.bins.limit'. Known there: encoder, octaves, sharp, widths.",
        ),
        (
            steering_form(style={"sensors": {"rays": {"encoder": "vector", "width": [3]}}}),
            "{path}: unknown key 'style.sensors.rays.width'. Did you mean 'widths'? Known there: encoder, octaves, "
            "sharp, widths.",
        ),
        (
            steering_form(style={"sliders": {"haste": {"of": "action.turn", "indx": 1}}}),
            "{path}: unknown key 'style.sliders.haste.indx'. Did you mean 'index'? Known there: choice, index, of.",
        ),
        (
            steering_form(bins={"turn": {"bins": [1, 2], "mu": 3}}),
            "{path}: unknown key 'bins.turn.mu'. Known there: bins, spread.",
        ),
        (
            steering_form(bins={"turn": {"limit": -1}}),
            "{path}: 'bins.turn.limit': input should be greater than 0 (found -1).",
        ),
        (
            steering_form(bins={"turn": {"mu": 3}}),
            "{path}: the key 'bins.turn.limit' is missing.",
        ),
        (
            steering_form(loop={"batch": "many"}),
            "{path}: 'loop.batch': input should be a valid integer, unable to parse string as an integer "
            "(found 'many').",
        ),
        (
            steering_form(loop={"learning_rate": 0}),
            "{path}: 'loop.learning_rate': input should be greater than 0 (found 0).",
        ),
        (
            steering_form(split={"tail": 1.5}),
            "{path}: 'split.tail': input should be less than 1 (found 1.5).",
        ),
        (
            steering_form(balance={"turn": 2}),
            "{path}: 'balance.turn': input should be less than or equal to 1 (found 2).",
        ),
        (
            steering_form(sensors={"rays": {"encoder": "cnn"}}),
            "{path}: 'sensors.rays': input tag 'cnn' found using 'encoder' does not match any of the expected tags: "
            "'pixels', 'vector', 'rays' (found {{'encoder': 'cnn'}}).",
        ),
        (
            steering_form(sensors={"frame": {**PIXELS, "channels": [8, 0]}}),
            "{path}: 'sensors.frame.channels.1': input should be greater than 0 (found 0).",
        ),
        ({"sensors": {"rays": {"encoder": "vector"}}}, "{path}: the key 'name' is missing."),
        ("- a\n- b\n", "{path} should hold keys such as 'name' and 'sensors', found list."),
        ("", "{path} should hold keys such as 'name' and 'sensors', found NoneType."),
    ],
)
def test_a_wrong_recipe_is_refused_in_words(tmp_path: Path, form: Any, message: str) -> None:
    """Each mistake is named with its key, what was found there, and what is known."""
    path = written(tmp_path, form)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert str(caught.value) == message.format(path=path)


def test_a_missing_recipe_is_refused_in_words(tmp_path: Path) -> None:
    """A path that is not there is named."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "nothing.yaml")
    assert str(caught.value) == f"The recipe {tmp_path / 'nothing.yaml'} is not there."


@pytest.mark.parametrize(
    ("text", "start"),
    [("name: [a\nsensors: }", " is not YAML at line 2: "), ("name: \x00", " is not YAML")],
)
def test_what_is_not_yaml_is_refused_in_words(tmp_path: Path, text: str, start: str) -> None:
    """A file that YAML cannot read is named, with the line where it says one."""
    path = written(tmp_path, text)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}{start}")


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    """Naming a folder, or bytes that are no text, is refused in words as well."""
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "bytes.yaml"):
        with pytest.raises(RecipeError, match=str(path)):
            load_recipe(path)


@pytest.mark.parametrize(
    ("changes", "build", "message"),
    [
        (
            {"sensors": {"ray": {"encoder": "vector"}}},
            lambda recipe: select_behavior(recipe, STEERING),
            "The recipe 'steering' does not fit its recordings: Behaviour 'steering' has no sensor 'ray'. Did you mean "
            "'rays'? Known: 'frame', 'rays'.",
        ),
        (
            {"bins": {}},
            lambda recipe: build_codec(recipe, STEERING),
            "The recipe 'steering': The head of action part 'turn' needs bins, since it is a Box.",
        ),
        (
            {"bins": {"turn": {"bins": [3, 0]}}},
            lambda recipe: build_codec(recipe, STEERING),
            "The recipe 'steering': Bin centres must be two or more numbers in rising order, not [3.0, 0.0].",
        ),
        (
            {"bins": {"turn": {"bins": [-20, 20]}}},
            lambda recipe: build_codec(recipe, STEERING),
            "The recipe 'steering': Bins of action part 'turn' lie outside its range, Box(-10.0, 10.0, (1,), float32).",
        ),
        (
            {"sensors": {"rays": PIXELS}},
            lambda recipe: build_policy(recipe, STEERING),
            "sensors.rays: the pixels encoder reads uint8 (height, width, 1 or 3), not (2,).",
        ),
        (
            {"sensors": {"frame": {**PIXELS, "size": [90, 90]}}},
            lambda recipe: reductions(recipe, STEERING),
            "sensors.frame: Area averaging only shrinks: (8, 12) pixels cannot become (90, 90).",
        ),
        (
            {"mirror": {"sensors": ["rays"]}},
            lambda recipe: Augment(recipe, STEERING),
            "mirror.sensors: 'rays' is not read by a pixels encoder, so it cannot be mirrored.",
        ),
        (
            {"mirror": {"negate": ["turns"]}},
            lambda recipe: Augment(recipe, STEERING),
            "mirror.negate: there is no action part 'turns'. Did you mean 'turn'? Known: 'buttons', 'strafe', 'turn'.",
        ),
        (
            {"mirror": {"negate": ["strafe"]}},
            lambda recipe: Augment(recipe, STEERING),
            "mirror.negate: 'strafe' should be a Box, but it is Discrete(3).",
        ),
        (
            {"mirror": {"reverse": ["turn"]}},
            lambda recipe: Augment(recipe, STEERING),
            "mirror.reverse: 'turn' should be a Discrete, but it is Box(-10.0, 10.0, (1,), float32).",
        ),
        (
            {"loop": {"window": 7}},
            lambda recipe: WindowStream([], recipe.loop),
            "loop.segment (32) must be a multiple of loop.window (7).",
        ),
    ],
)
def test_a_recipe_that_does_not_fit_its_recordings_is_refused(
    changes: dict[str, Any], build: Callable[[Recipe], object], message: str
) -> None:
    """What can only be seen beside the recordings is refused before anything is learned."""
    with pytest.raises(RecipeError) as caught:
        build(steering_recipe(**changes))
    assert str(caught.value) == message
