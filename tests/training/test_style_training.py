"""One policy learns all styles and skills, finds those it has not been told, and is exported with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
import yaml
from click.testing import Result
from dancers import TURNS, dance_recipe, record_dancer, record_dancers
from safetensors.torch import load_file
from typer.testing import CliRunner

from understudy.agents.bundle import STYLE_FILE, Bundle
from understudy.agents.runtime import BundleAgent, PolicyRuntime
from understudy.agents.styles import StyleReader, blend, open_style, parse_style, vary
from understudy.cli.style import style as style_command
from understudy.errors import BundleError, RecipeError, SpecMismatchError
from understudy.recordings import Recordings, open_recordings
from understudy.training import export_styles
from understudy.training.export import export_run
from understudy.training.loop import train
from understudy.training.variants import add_variants

SLIDERS = {
    "turning": {"of": "action.turn", "index": 0},
    "stepping": {"of": "action.feet", "choice": "step"},
    "listening": {"of": "observation.music"},
}


@pytest.fixture(scope="module")
def dancers(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Twelve players of three styles and four skills."""
    return record_dancers(tmp_path_factory.mktemp("dancers"))


@pytest.fixture(scope="module")
def trained(dancers: Recordings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:  # type: ignore[type-arg]
    """A run that has learned them, and its metrics."""
    run = tmp_path_factory.mktemp("runs") / "run"
    recipe = dance_recipe(
        loop={"updates": 600}, style={"sliders": SLIDERS}, split={"episodes": 0.2, "players": ["righty-1"]}
    )
    return run, train(recipe, dancers, run)


@pytest.fixture(scope="module")
def bundle(dancers: Recordings, trained: tuple[Path, dict], tmp_path_factory: pytest.TempPathFactory) -> Bundle:  # type: ignore[type-arg]
    """The same, exported."""
    return export_run(trained[0], dancers, tmp_path_factory.mktemp("bundles") / "bundle")


def turns(bundle: Bundle, style: np.ndarray, music: float) -> np.ndarray:
    """How likely bots are to turn left, not at all, and right, once they have danced a little: the mean of forty."""
    runtime, rng, styles = PolicyRuntime(bundle), np.random.default_rng(0), np.repeat(style[None], 40, 0)
    state = np.zeros((40, bundle.state_size), np.float32)
    for step in range(12):
        heard = rng.uniform(-1, 1, (40, 3)) if step < 11 else np.repeat([[music, 0, 0]], 40, 0)
        noise = rng.random((40, bundle.noise_size), np.float32)
        _, state, logits = runtime.explain([heard.astype(np.float32)], state, noise, styles)
    shares = np.exp(logits[:, :3] - logits[:, :3].max(1, keepdims=True))
    return (shares / shares.sum(1, keepdims=True)).mean(0)


def test_styles_of_held_out_play_are_recovered(trained: tuple[Path, dict]) -> None:  # type: ignore[type-arg]
    """From one episode it never saw, also of a player it never saw, the encoder finds the persona."""
    styles = trained[1]["styles"]
    assert styles["names"] == sorted(TURNS)
    assert styles["players"] == 11
    assert styles["demonstrations"] >= 9
    assert styles["recovered"] >= 0.9
    assert styles["recovered_of_few"] >= 0.9
    assert styles["skill_error"] < 0.3
    assert {row["held_out"] for row in trained[1]["heads"]} == {"episodes", "players"}


def test_the_style_decides_how_a_bot_plays(bundle: Bundle) -> None:
    """On a beat each named style turns its own way; without a style, nobody's way is certain."""
    left, stay, right = (turns(bundle, blend(bundle, {name: 1}, skill=0.875), 0.8) for name in sorted(TURNS))
    right, stay = stay, right  # sorted: lefty, righty, waiter
    assert left.argmax() == 0
    assert right.argmax() == 2
    assert stay.argmax() == 1
    anyone = turns(bundle, bundle.style("anyone"), 0.8)
    assert anyone[0] < left[0]
    assert anyone[2] < right[2]
    np.testing.assert_array_equal(bundle.style(), bundle.style("anyone"))


def test_emphasis_puts_styles_further_apart(trained: tuple[Path, dict], dancers: Recordings, tmp_path: Path) -> None:  # type: ignore[type-arg]
    """Twice as far from their mean, named ones and those read from demonstrations; nothing else of the bot changes."""
    run = shutil.copytree(trained[0], tmp_path / "run")
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    recipe["style"]["emphasis"] = 2.0
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    plain, plainly = export_run(trained[0], dancers, tmp_path / "plain"), []
    strong, strongly = export_run(run, dancers, tmp_path / "strong"), []
    for bundle, read in ((plain, plainly), (strong, strongly)):
        read += [bundle.style(name)[:-1] for name in sorted(TURNS)]
        read.append(StyleReader(bundle).read(list(dancers)[:1])[:-1])
    centre = np.mean(plainly[:3], 0)
    for weak, far in zip(plainly, strongly, strict=True):
        np.testing.assert_allclose(far - centre, 2 * (weak - centre), atol=1e-4)
    np.testing.assert_array_equal(plain.style("anyone"), strong.style("anyone"))
    assert plain.policy_path.read_bytes() == strong.policy_path.read_bytes()


def test_a_blend_lies_between_its_parents(bundle: Bundle) -> None:
    """Half of each of two styles turns left less than the one and more than the other."""
    shares = [
        turns(bundle, blend(bundle, {"lefty": share, "righty": 1 - share}, skill=0.875), 0.8)[0]
        for share in (0.0, 0.5, 1.0)
    ]
    assert shares[0] < shares[1] < shares[2]


def test_skill_is_a_dial(bundle: Bundle) -> None:
    """The more skill, the more often a bot turns on the beat and the less off it."""
    for name in ("lefty", "righty"):
        skilled = [blend(bundle, {name: 1}, skill=skill) for skill in (0.125, 0.375, 0.625, 0.875)]
        on = [1 - turns(bundle, style, 0.8)[1] for style in skilled]
        off = [1 - turns(bundle, style, -0.8)[1] for style in skilled]
        assert on == sorted(on)
        assert on[-1] - on[0] > 0.2
        assert off == sorted(off, reverse=True)


def test_sliders_move_what_they_are_named_for(bundle: Bundle) -> None:
    """A slider's direction leads to players who have more of its trait."""
    assert set(bundle.card.sliders) == set(SLIDERS)
    less, more = (blend(bundle, {}, skill=0.875, sliders={"turning": amount}) for amount in (-1.0, 1.0))
    assert turns(bundle, more, 0.8)[2] > turns(bundle, less, 0.8)[2]
    assert turns(bundle, more, 0.8)[0] < turns(bundle, less, 0.8)[0]


@pytest.mark.parametrize("persona", sorted(TURNS))
def test_a_bundle_reads_a_style_from_new_demonstrations(bundle: Bundle, tmp_path: Path, persona: str) -> None:
    """Without torch: two episodes of somebody new give a style nearest to that of their own kind."""
    for episode in range(2):
        record_dancer(tmp_path, f"new-{episode}", f"{persona}-new", 777 + episode, 90, skill=0.8)
    style = StyleReader(bundle).read(open_recordings(tmp_path), skill=0.75)
    assert style.dtype == np.float32
    assert style[-1] == 0.75
    distances = {name: np.linalg.norm(style[:-1] - bundle.style(name)[:-1]) for name in TURNS}
    assert min(distances, key=lambda name: distances[name]) == persona


def test_individuals_of_a_style_differ_by_seed(bundle: Bundle) -> None:
    """Varied styles are the seed's own and keep their skill."""
    style = bundle.style("lefty")
    first, again, other = (vary(bundle, style, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[:-1], other[:-1])
    assert first[-1] == other[-1] == style[-1]
    assert first.dtype == np.float32


def test_an_exported_bundle_carries_its_styles(bundle: Bundle) -> None:
    """The card holds names, sizes and the style graph's certificate; the bundle verifies and plays in each style."""
    card = bundle.card
    assert list(card.styles) == ["anyone", *sorted(TURNS)]
    assert card.style_size == 5
    assert card.has_skill
    assert STYLE_FILE in card.sha256
    assert card.demonstrations["sensors"] == ["music"]
    assert 0 <= card.demonstrations["certificate"]["max_difference"] <= 1e-4  # type: ignore[index,call-overload,operator]
    assert PolicyRuntime(bundle).verify() < 1e-3
    for name in card.styles:
        assert BundleAgent(bundle, style=name).act({"music": np.zeros(3, np.float32)})["feet"] in (0, 1, 2)


def test_a_style_graph_that_is_not_the_encoder_is_not_exported(
    dancers: Recordings,
    trained: tuple[Path, dict],  # type: ignore[type-arg]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If the graph reads another style than the encoder it came from, nothing is written."""
    to_onnx = export_styles.style_to_onnx

    def tampered(graph: export_styles.StyleGraph, example: tuple[torch.Tensor, ...]) -> bytes:
        onnx = to_onnx(graph, example)
        with torch.no_grad():
            graph.encoder.style.bias += 1
        return onnx

    monkeypatch.setattr(export_styles, "style_to_onnx", tampered)
    with pytest.raises(BundleError, match=r"^The exported style encoder is not the trained one: styles differ by up"):
        export_run(trained[0], dancers, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_demonstration_of_another_game_is_refused(bundle: Bundle, steering: Recordings) -> None:
    """The sentence names what differs."""
    with pytest.raises(SpecMismatchError) as caught:
        StyleReader(bundle).read(steering)
    assert str(caught.value).startswith(
        "The spec of the demonstration 'episode-0' does not match what the bundle 'dancers' reads of demonstrations: "
    )


def test_demonstrations_too_short_to_read_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    """A style is not guessed from a moment."""
    record_dancer(tmp_path, "short", "lefty-0", 0, 5, skill=0.5)
    with pytest.raises(BundleError) as caught:
        StyleReader(bundle).read(open_recordings(tmp_path))
    assert str(caught.value) == (
        "The demonstrations hold no 8 decisions in a row; a style is read from at least as many."
    )


@pytest.mark.parametrize(
    ("slider", "message"),
    [
        (
            {"of": "action.feat", "choice": "step"},
            "style.sliders.trait: 'lefty-0-0' has no action 'feat'. Did you mean 'feet'? Known: 'feet', 'turn'.",
        ),
        (
            {"of": "action.feet", "choice": "stop"},
            "style.sliders.trait: there is no choice 'stop'. Did you mean 'step'? Known: 'jump', 'stand', 'step'.",
        ),
        (
            {"of": "action.turn", "choice": "left"},
            "style.sliders.trait: only a Discrete action part has choices; leave 'choice' out.",
        ),
        (
            {"of": "observation.music", "index": 3},
            "style.sliders.trait: observation.music has 3 numbers, so none at 3.",
        ),
        ({"of": "extra.velocity"}, "style.sliders.trait: 'lefty-0-0' has no extra 'velocity'. Known: none."),
    ],
)
def test_a_slider_that_cannot_be_measured_is_refused(tmp_path: Path, slider: dict[str, object], message: str) -> None:
    """What a slider is of has to be recorded; it is told before the training."""
    recordings = record_dancers(tmp_path / "logs", players=2, episodes=2, steps=20)
    recipe = dance_recipe(loop={"updates": 1}, style={"sliders": {"trait": slider}}, split={})
    with pytest.raises(RecipeError) as caught:
        train(recipe, recordings, tmp_path / "run")
    assert str(caught.value) == message
    assert not (tmp_path / "run" / "checkpoint").exists()


def test_a_slider_in_which_all_players_are_alike_is_refused(tmp_path: Path) -> None:
    """Nobody ever jumps, so no direction leads to more of it."""
    recordings = record_dancers(tmp_path / "logs", players=2, episodes=2, steps=20)
    slider = {"of": "action.feet", "choice": "jump"}
    recipe = dance_recipe(loop={"updates": 1}, style={"sliders": {"jumping": slider}}, split={})
    train(recipe, recordings, tmp_path / "run")
    with pytest.raises(RecipeError) as caught:
        export_run(tmp_path / "run", recordings, tmp_path / "bundle")
    assert str(caught.value) == "style.sliders.jumping: 6 players are all alike; a slider needs 3 who differ."


def test_a_stopped_training_of_styles_goes_on_as_one_that_was_not(tmp_path: Path) -> None:
    """Embeddings and encoder, and their averages and moments, are in the checkpoint."""
    recordings = record_dancers(tmp_path / "logs", players=2, episodes=2, steps=40)
    recipe = dance_recipe(loop={"updates": 12})

    def interrupt(what: str, done: int, _total: int) -> None:
        if (what, done) == ("Training", 7):
            raise KeyboardInterrupt

    train(recipe, recordings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(recipe, recordings, tmp_path / "stopped", interrupt)
    train(recipe, recordings, tmp_path / "stopped")
    ours, theirs = (load_file(tmp_path / name / "checkpoint" / "tensors.safetensors") for name in ("whole", "stopped"))
    assert ours.keys() == theirs.keys()
    assert {"styles.players", "average_styles.players"} <= ours.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_policy_without_a_skill_dial_has_none(tmp_path: Path) -> None:
    """With `style.skill: null` a style is `size` numbers, notes of skill are not read, and asking for it is refused."""
    recordings = record_dancers(tmp_path / "logs", players=1, episodes=2, steps=40)
    train(dance_recipe(loop={"updates": 2}, style={"skill": None}, split={}), recordings, tmp_path / "run")
    bundle = export_run(tmp_path / "run", recordings, tmp_path / "bundle")
    assert bundle.style_size == 4
    assert len(StyleReader(bundle).read(recordings[:1])) == 4
    with pytest.raises(BundleError) as caught:
        parse_style(bundle, "lefty,skill=0.5")
    assert str(caught.value) == "The bundle 'dancers' has no skill dial; train with 'style.skill' in the recipe."


def test_a_variant_in_fewer_bits_keeps_the_styles(
    dancers: Recordings,
    trained: tuple[Path, dict],  # type: ignore[type-arg]
    tmp_path: Path,
) -> None:
    """What is written again with a variant still reads styles, sliders and all."""
    bundle = export_run(trained[0], dancers, tmp_path / "bundle")
    smaller = add_variants(bundle, dancers, ["int8"], 0.5)
    assert "int8" in smaller.card.variants
    assert smaller.card.sliders == bundle.card.sliders
    assert len(StyleReader(smaller).read(dancers[:1])) == 5


def invoke(*arguments: object) -> Result:
    """Run `understudy style` in this process."""
    app = typer.Typer()
    app.command()(style_command)
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_the_style_command_writes_a_style_to_play_in(bundle: Bundle, tmp_path: Path) -> None:
    """It prints the numbers and the nearest names, and its file is a style of the bundle."""
    record_dancer(tmp_path / "logs", "new", "waiter-new", 778, 90, skill=0.8)
    result = invoke(bundle.folder, tmp_path / "logs", "--out", tmp_path / "mine.style.json", "--skill", 0.25)
    assert result.exit_code == 0, result.output
    numbers, nearest, wrote = result.output.splitlines()
    assert nearest.startswith("Read from 1 recordings. Nearest: waiter (")
    assert wrote == f"Wrote {tmp_path / 'mine.style.json'}. Play in it: --style {tmp_path / 'mine.style.json'}"
    style = open_style(bundle, str(tmp_path / "mine.style.json"))
    np.testing.assert_allclose([float(each) for each in numbers.split(", ")], style, atol=1e-4)
    assert style[-1] == 0.25


def test_the_style_command_refuses_a_file_that_could_be_a_name(bundle: Bundle, tmp_path: Path) -> None:
    """A style's file is told from a name by its ending, and nothing is written without it."""
    result = invoke(bundle.folder, tmp_path, "--out", tmp_path / "mine.json")
    assert isinstance(result.exception, BundleError)
    assert str(result.exception) == (
        "A style's file ends in .style.json, so that it is told from a name; not mine.json."
    )
