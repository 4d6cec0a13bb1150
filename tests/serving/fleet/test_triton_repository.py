"""A model repository for Triton: its graph plays as the bundle does, and its configuration is one that Triton reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from arena import BEHAVIOR, make_bundle, observe
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from tritonclient.grpc import model_config_pb2

from understudy.agents.bundle import Bundle
from understudy.agents.noise import uniform_noise
from understudy.agents.runtime import BundleAgent
from understudy.errors import BundleError
from understudy.serving.fleet.alike import require_alike
from understudy.serving.fleet.noise_graph import Nodes, add_noise
from understudy.serving.fleet.sequence_graph import OPSET, sequence_graph
from understudy.serving.fleet.triton import export_triton

integers = st.integers(-(2**63), 2**63 - 1)


def noise_session(size: int) -> onnxruntime.InferenceSession:
    """Return a graph of nothing but the noise."""
    nodes = Nodes("noise")
    nodes("Identity", add_noise(nodes, "seed", "decision", size), out="out")
    values = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", 1]) for name in ("seed", "decision")]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", size])
    graph = helper.make_graph(nodes.nodes, "noise", values, [out], nodes.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("size", [1, 4, 6, 9])
def test_the_noise_in_the_graph_is_our_noise(size: int) -> None:
    """Bit for bit, for every seed, decision and number of lanes."""
    session = noise_session(size)

    @settings(max_examples=60, deadline=None)
    @given(rows=st.lists(st.tuples(integers, integers), min_size=1, max_size=5))
    def check(rows: list[tuple[int, int]]) -> None:
        seeds, decisions = np.array(rows, np.int64).T
        drawn = session.run(["out"], {"seed": seeds[:, None], "decision": decisions[:, None]})[0]
        expected = uniform_noise(seeds.view(np.uint64).copy(), decisions.view(np.uint64).copy(), size)
        np.testing.assert_array_equal(drawn, expected)

    check()


def test_the_graph_carries_a_bot_as_triton_would(bundles: list[Bundle]) -> None:
    """With its outputs fed back as Triton's implicit state does, each row is a local agent of the same seed."""
    session = onnxruntime.InferenceSession(sequence_graph(bundles[0]), providers=["CPUExecutionProvider"])
    seeds = np.array([[0], [5], [-1]], np.int64)
    agents = [BundleAgent(bundles[0]) for _ in seeds]
    for agent, seed in zip(agents, seeds[:, 0], strict=True):
        agent.reset(int(seed) % 2**64)
    rng, carried = np.random.default_rng(0), {"memory.in": np.zeros((3, 8), np.float32)}
    carried["decision.in"] = np.zeros((3, 1), np.int64)
    for _ in range(50):
        observations = observe(rng, 3)
        names = [*BEHAVIOR.action_names, "memory.out", "decision.out"]
        outputs = dict(zip(names, session.run(names, {**observations, "seed": seeds, **carried}), strict=True))
        carried = {f"{name}.in": outputs[f"{name}.out"] for name in ("memory", "decision")}
        for row, agent in enumerate(agents):
            expected = agent.act({name: array[row] for name, array in observations.items()})
            assert outputs["move"][row].tolist() == [expected["move"]]
            for name in ("buttons", "turn"):
                np.testing.assert_allclose(outputs[name][row], expected[name], atol=1e-3)


@pytest.fixture(scope="module")
def repository(bundles: list[Bundle], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the first bundle."""
    return export_triton(bundles[0], tmp_path_factory.mktemp("triton") / "repository")


def read_config(folder: Path) -> model_config_pb2.ModelConfig:
    """Return a configuration as Triton's own schema reads it."""
    return text_format.Parse((folder / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())


@pytest.mark.parametrize(("name", "backend"), [("rusher", "onnxruntime"), ("rusher_python", "python")])
def test_the_configuration_is_tritons(repository: Path, name: str, backend: str) -> None:
    """It parses by Triton's schema, and names each tensor with type and shape."""
    config = read_config(repository / name)
    assert (config.name, config.backend) == (name, backend)
    types = model_config_pb2.DataType
    inputs = {each.name: (types.Name(each.data_type), list(each.dims)) for each in config.input}
    assert inputs == {
        "rays": ("TYPE_FP32", [4]),
        "frame": ("TYPE_UINT8", [2, 3]),
        "seed": ("TYPE_INT64", [1]),
    }
    outputs = {each.name: (types.Name(each.data_type), list(each.dims)) for each in config.output}
    assert outputs == {"move": ("TYPE_INT64", [1]), "buttons": ("TYPE_INT8", [2]), "turn": ("TYPE_FP32", [1])}
    assert config.sequence_batching.max_sequence_idle_microseconds == 300_000_000


def test_the_graph_has_what_the_configuration_says(repository: Path) -> None:
    """Each input, output and carried state of the configuration is one of the graph, with its type and shape."""
    config = read_config(repository / "rusher")
    graph = onnx.load(repository / "rusher" / "1" / "model.onnx").graph
    found = {
        value.name: (
            value.type.tensor_type.elem_type,
            [each.dim_value for each in value.type.tensor_type.shape.dim[1:]],
        )
        for value in (*graph.input, *graph.output)
    }
    onnx_types = {"TYPE_FP32": 1, "TYPE_UINT8": 2, "TYPE_INT8": 3, "TYPE_INT64": 7}
    name_of = model_config_pb2.DataType.Name
    states = config.sequence_batching.state
    said = {each.name: each for each in (*config.input, *config.output)}
    said |= {each.input_name: each for each in states} | {each.output_name: each for each in states}
    assert found == {name: (onnx_types[name_of(each.data_type)], list(each.dims)) for name, each in said.items()}
    assert all(each.initial_state[0].zero_data for each in states)


def test_the_python_model_brings_our_own_files(repository: Path, bundles: list[Bundle]) -> None:
    """Graph and noise beside `model.py` are the very files they come from."""
    folder = repository / "rusher_python" / "1"
    assert sorted(each.name for each in folder.iterdir()) == ["model.py", "policy.onnx", "understudy_noise.py"]
    assert (folder / "policy.onnx").read_bytes() == bundles[0].policy_path.read_bytes()
    scope: dict = {}
    exec(compile((folder / "understudy_noise.py").read_text(), "understudy_noise", "exec"), scope)
    ours = uniform_noise(np.arange(3, dtype=np.uint64), np.arange(3, dtype=np.uint64), 7)
    theirs = scope["uniform_noise"](np.arange(3, dtype=np.uint64), np.arange(3, dtype=np.uint64), 7)
    np.testing.assert_array_equal(ours, theirs)


def test_a_style_is_an_input(tmp_path: Path) -> None:
    """A bundle with styles takes the numbers with each request; that it then plays alike is checked while exporting."""
    bundle = make_bundle(tmp_path / "bundle", styles={"calm": [0.0, 0.0], "left": [-2.0, 1.0]})
    repository = export_triton(bundle, tmp_path / "repository")
    for model in ("rusher", "rusher_python"):
        assert ("style", [2]) in [(each.name, list(each.dims)) for each in read_config(repository / model).input]
    session = onnxruntime.InferenceSession(
        repository / "rusher" / "1" / "model.onnx", providers=["CPUExecutionProvider"]
    )
    zeros = {"seed": np.zeros((1, 1), np.int64), "decision.in": np.zeros((1, 1), np.int64)}
    feed = {**observe(np.random.default_rng(0), 1), **zeros, "memory.in": np.zeros((1, bundle.state_size), np.float32)}
    calm, left = (session.run(["turn"], {**feed, "style": bundle.style(name)[None]})[0] for name in ("calm", "left"))
    assert left < calm


def test_a_graph_that_plays_otherwise_is_not_written(bundles: list[Bundle]) -> None:
    """The graph of one bundle does not pass for another's."""
    require_alike(bundles[0], sequence_graph(bundles[0]))
    with pytest.raises(BundleError, match="does not play as the bundle 'camper' from decision 0 on"):
        require_alike(bundles[1], sequence_graph(bundles[0]))


def test_a_repository_is_replaced_and_nothing_else_is(bundles: list[Bundle], tmp_path: Path) -> None:
    """Writing again over a repository works; a folder with other things in it is refused and left alone."""
    export_triton(bundles[0], tmp_path / "out")
    export_triton(bundles[1], tmp_path / "out")
    assert json.loads((tmp_path / "out" / "understudy.json").read_text())["bundle"] == "camper"
    assert not (tmp_path / "out" / "rusher").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").write_text("a year of it")
    with pytest.raises(BundleError, match="is there and is no repository of ours"):
        export_triton(bundles[0], tmp_path / "mine")
    assert (tmp_path / "mine" / "work.txt").exists()


def test_a_name_that_triton_cannot_use_is_refused(tmp_path: Path) -> None:
    """Nor one that leads out of the repository."""
    bundle = make_bundle(tmp_path / "bundle", "../rusher")
    with pytest.raises(BundleError, match="cannot name a model of Triton"):
        export_triton(bundle, tmp_path / "out")
    assert not (tmp_path / "out").exists()
