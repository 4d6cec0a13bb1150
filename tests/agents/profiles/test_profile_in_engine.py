"""The written files, run as the engines run them: masks, randomness, and the plug-in's own way of reading a row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_bundles import BUTTONS, HIDDEN, MOVE, TURN, write_plain
from small_policies import RAYS_ONLY, make_graph, make_policy, save_bundle

from understudy.agents import PolicyRuntime
from understudy.agents.bundle import Bundle
from understudy.agents.networks import PolicyShape
from understudy.agents.profiles import GodotKey, export_profile
from understudy.spec import ActionSpec

PARTS = (MOVE, TURN, BUTTONS)
ROWS = 4000


def open_file(path: Path) -> Any:
    """Open a model as an engine would."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def toy_unity(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Any]:
    """A trained-looking policy over rays, and its Unity model."""
    folder = tmp_path_factory.mktemp("unity")
    bundle = save_bundle(folder / "bundle", make_graph(make_policy(RAYS_ONLY)))
    return bundle, open_file(export_profile(bundle, "unity", folder / "bot.onnx").path)


def unity_feed(bundle: Bundle, rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Inputs of the toy policy's Unity model: health, rays, no masks, an empty memory."""
    rng = np.random.default_rng(seed)
    feed = {"obs_0": rng.uniform(-50, 150, (rows, 1)), "obs_1": rng.uniform(0, 100, (rows, 5))}
    feed |= {"action_masks": np.ones((rows, 7)), "recurrent_in": np.zeros((rows, 1, bundle.state_size))}
    return {name: value.astype(np.float32) for name, value in feed.items()}


@settings(max_examples=40)
@given(st.integers(1, 7), st.integers(1, 3), st.integers(1, 3), st.integers(0, 1000))
def test_a_masked_action_is_never_done(
    toy_unity: tuple[Bundle, Any], move: int, fire: int, use: int, seed: int
) -> None:
    """Whatever is seen and masked, drawn and likeliest actions are allowed ones, and so is what is remembered."""
    bundle, session = toy_unity
    allowed = [(bits >> index) & 1 for bits, size in ((move, 3), (fire, 2), (use, 2)) for index in range(size)]
    feed = unity_feed(bundle, 300, seed) | {"action_masks": np.tile(np.array(allowed, np.float32), (300, 1))}
    *found, memory = session.run(["discrete_actions", "deterministic_discrete_actions", "recurrent_out"], feed)
    for actions in found:
        for branch, first in enumerate((0, 3, 5)):
            assert all(allowed[first + each] for each in actions[:, branch])
    remembered = memory[:, 0, 10:17]
    assert (remembered @ (1 - np.array(allowed, np.float32)) == 0).all()


def test_actions_are_drawn_as_the_bundle_draws_them(toy_unity: tuple[Bundle, Any]) -> None:
    """With the noise inside, each class comes up as often as in the bundle, to within five standard errors."""
    bundle, session = toy_unity
    feed = {name: np.repeat(value, ROWS, 0) for name, value in unity_feed(bundle, 1).items()}
    drawn, turned = session.run(["discrete_actions", "continuous_actions"], feed)
    noise = np.random.default_rng(1).random((ROWS, bundle.noise_size), np.float32)
    sensors = [feed["obs_1"], feed["obs_0"][:, 0]]
    actions, _ = PolicyRuntime(bundle).step(sensors, feed["recurrent_in"][:, 0], noise)
    move, buttons, turn = actions
    pairs = [(drawn[:, 0], move), (drawn[:, 1], buttons[:, 0]), (drawn[:, 2], buttons[:, 1])]
    pairs.append((np.round(turned[:, 0] * 10), np.round(turn[:, 0])))
    for found, expected in pairs:
        for value in np.unique(expected):
            share = (expected == value).mean()
            error = np.sqrt(2 * max(share * (1 - share), 1e-3) / ROWS)
            assert abs((found == value).mean() - share) < 5 * error


def test_likeliest_actions_need_no_noise(toy_unity: tuple[Bundle, Any]) -> None:
    """Asked twice, a model draws other actions but thinks the same ones likeliest."""
    bundle, session = toy_unity
    feed = unity_feed(bundle, 200)
    names = ["discrete_actions", "deterministic_discrete_actions", "deterministic_continuous_actions"]
    first, second = (session.run(names, feed) for _ in range(2))
    assert (first[0] != second[0]).any()
    for one, other in zip(first[1:], second[1:], strict=True):
        np.testing.assert_array_equal(one, other)


def read_like_the_plugin(row: Sequence[float], keys: Sequence[GodotKey], means_only: bool) -> dict[str, Any]:
    """Read `output` in the plug-in's way, its habits included: the search for the largest score begins at 0."""
    action: dict[str, Any] = {}
    at = 0
    for key in keys:
        if key.discrete:
            largest, index = 0.0, 0
            for candidate in range(key.size):
                if row[at + candidate] > largest:
                    largest, index = row[at + candidate], candidate
            action[key.name] = index
            at += key.size
        else:
            action[key.name] = [min(max(each, -1.0), 1.0) for each in row[at : at + key.size]]
            at += key.size if means_only else 2 * key.size
    assert at == len(row)
    return action


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("parts", [PARTS, (TURN,), (MOVE, BUTTONS)], ids=["all", "numbers", "choices"])
def test_the_plugin_reads_what_the_bundle_does(tmp_path: Path, parts: tuple[ActionSpec, ...], sampled: bool) -> None:
    """Read in the plug-in's way, one agent at a time, a row is the bundle's likeliest action or one it could draw."""
    bundle = write_plain(tmp_path / "bundle", parts)
    exported = export_profile(bundle, "godot", tmp_path / "bot.onnx", sampled=sampled)
    space = exported.certificate["action_space"]
    keys = [GodotKey(name, form["size"], form["action_type"] == "discrete") for name, form in space.items()]
    runtime, session = PolicyRuntime(bundle), open_file(exported.path)
    rng = np.random.default_rng(0)
    names = bundle.behavior.action_names
    for _ in range(40):
        obs = rng.normal(0, 2, (1, 3)).astype(np.float32)
        state = rng.uniform(-1, 1, (1, HIDDEN)).astype(np.float32)
        output, _ = session.run(["output", "state_outs"], {"obs": obs, "state_ins": state})
        action = read_like_the_plugin(output[0].tolist(), keys, means_only=parts == (TURN,))
        noise = rng.random((400, bundle.noise_size), np.float32)
        drawn, _ = runtime.step([np.repeat(obs, 400, 0)], np.repeat(state, 400, 0), noise)
        by_name = dict(zip(names, drawn, strict=True))
        if "move" in names:
            assert action["move"] in by_name["move"]
        if "buttons" in names and not sampled:
            likely = by_name["buttons"].mean(0)
            clear = np.abs(likely - 0.5) > 0.1
            found = np.array([action["buttons_fire"], action["buttons_use"]])
            assert (found == (likely > 0.5))[clear].all()
        if "turn" in names:
            turn = by_name["turn"]
            found = np.array([-90, 0]) + (np.array(action["turn"]) + 1) / 2 * np.array([180, 10])
            assert (turn.min(0) - 9 <= found).all()
            assert (found <= turn.max(0) + 9).all()


def test_a_stock_plugin_can_send_its_one(tmp_path: Path) -> None:
    """A policy that remembers nothing takes the single 1 that the plug-in sends as its state, whatever it is."""
    graph = make_graph(make_policy(RAYS_ONLY, PolicyShape(hidden=12, memory=0, past_actions=False)))
    bundle = save_bundle(tmp_path / "bundle", graph)
    session = open_file(export_profile(bundle, "godot", tmp_path / "bot.onnx").path)
    feed = {"rays": np.ones((1, 5), np.float32), "health": np.ones((1, 1), np.float32)}
    rows = [session.run(["output"], feed | {"state_ins": np.array([each], np.float32)})[0] for each in (0, 1, -7)]
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])
