"""NVIDIA's own server plays an exported repository as a local agent does; see benchmarks/peers/setup-triton.sh."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as triton
from arena import BEHAVIOR, make_bundle, observe
from tritonclient.utils import np_to_triton_dtype

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.serving.fleet.triton import export_triton

SERVER = Path(__file__).parents[3] / ".venv-triton" / "bin" / "tritonserver"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SERVER.exists(), reason="There is no tritonserver; run benchmarks/peers/setup-triton.sh"),
]


@contextmanager
def serving(repository: Path, log: Path, models: Sequence[str]) -> Iterator[triton.InferenceServerClient]:
    """Start Triton on a free port with some models of a repository; gives a client."""
    port = free_port()
    command = [SERVER, "--model-repository", repository, "--model-control-mode=explicit", "--exit-on-error=false"]
    command += ["--exit-timeout-secs=3", f"--backend-config=python,shm-region-prefix-name=understudy{port}"]
    command += [f"--load-model={each}" for each in models]
    command += ["--allow-http=false", "--allow-metrics=false", "--grpc-address=127.0.0.1", f"--grpc-port={port}"]
    server = start([str(each) for each in command], log)
    try:
        with triton.InferenceServerClient(f"127.0.0.1:{port}") as client:
            yield client
    finally:
        server.terminate()
        server.wait(60)


def start(command: list[str], log: Path) -> subprocess.Popen:
    """Return a server that listens.

    On a busy machine its Python backend sometimes gives up on a lock while it starts; it is then started again.
    """
    for _ in range(5):
        with log.open("w") as file:
            server = subprocess.Popen(command, stdout=file, stderr=file)
        if wait_until_started(server, log):
            return server
    raise TimeoutError(log.read_text()[-2000:])


def free_port() -> int:
    """Return a port that nobody listens on; Triton does not tell which one it picked itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_started(server: subprocess.Popen, log: Path) -> bool:
    """Return True once it says that it listens, False if it gave up on a lock."""
    for _ in range(600):
        told = log.read_text()
        if "Started GRPCInferenceService" in told:
            return True
        if server.poll() is not None:
            assert "lock_exception" in told, told[-2000:]
            return False
        time.sleep(0.1)
    server.kill()
    raise TimeoutError(told[-2000:])


def ask(client: triton.InferenceServerClient, seen: dict[str, np.ndarray], seed: int, **given: object) -> dict:
    """Let one bot decide; returns its action parts, each of one row."""
    inputs = []
    for name, array in {**seen, "seed": np.array([[seed]], np.int64)}.items():
        tensor = triton.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    result = client.infer("rusher_python", inputs, **given)
    return {part.name: result.as_numpy(part.name).reshape(1, *part.shape) for part in BEHAVIOR.actions}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Path]:
    """A bundle, and the repository written from it."""
    folder = tmp_path_factory.mktemp("triton")
    bundle = make_bundle(folder / "bundle")
    return bundle, export_triton(bundle, folder / "repository")


def test_triton_plays_as_local_agents(repository: tuple[Bundle, Path], tmp_path: Path) -> None:
    """Through the Python backend, sequences named by numbers and by texts, in turn, from start to end."""
    bundle, folder = repository
    sequences = {1: 0, 2: -1, "three": 12345}
    agents = {name: BundleAgent(bundle) for name in sequences}
    for name, seed in sequences.items():
        agents[name].reset(seed % 2**64)
    rng = np.random.default_rng(0)
    with serving(folder, tmp_path / "log", ["rusher_python"]) as client:
        for decision in range(40):
            for name, seed in sequences.items():
                seen = observe(rng, 1)
                flags = {"sequence_start": decision == 0, "sequence_end": decision == 39}
                actions = ask(client, seen, seed, sequence_id=name, **flags)
                expected = agents[name].act({key: array[0] for key, array in seen.items()})
                for part, value in expected.items():
                    np.testing.assert_allclose(actions[part][0], value, atol=1e-3)
        with pytest.raises(triton.InferenceServerException, match="START flag"):
            ask(client, observe(rng, 1), 0, sequence_id=1)


def test_a_mistake_is_told_and_harms_no_other_sequence(repository: tuple[Bundle, Path], tmp_path: Path) -> None:
    """A sensor that is not finite is refused in words, and the sequence plays on."""
    bundle, folder = repository
    agent, seen = BundleAgent(bundle), observe(np.random.default_rng(0), 1)
    agent.reset(3)
    bad = {**seen, "rays": np.full((1, 4), np.nan, np.float32)}
    with serving(folder, tmp_path / "log", ["rusher_python"]) as client:
        ask(client, seen, 3, sequence_id=1, sequence_start=True)
        with pytest.raises(triton.InferenceServerException, match="Input 'rays' holds a number that is not finite"):
            ask(client, bad, 3, sequence_id=1)
        agent.act({key: array[0] for key, array in seen.items()})
        expected = agent.act({key: array[0] for key, array in seen.items()})
        assert ask(client, seen, 3, sequence_id=1, sequence_end=True)["move"][0] == expected["move"]


def test_triton_accepts_the_configuration_with_implicit_state(repository: tuple[Bundle, Path], tmp_path: Path) -> None:
    """The wheel has no ONNX backend, but its core reads the ONNX model's configuration and finds nothing wrong."""
    _, folder = repository
    config = (folder / "rusher" / "config.pbtxt").read_text().replace('"onnxruntime"', '"python"')
    models = {"good": config, "bad": config.replace('name: "zero" ', "")}
    for name, text in models.items():
        shutil.copytree(folder / "rusher_python", tmp_path / "repository" / name)
        renamed = text.replace('name: "rusher"', f'name: "{name}"')
        (tmp_path / "repository" / name / "config.pbtxt").write_text(renamed)
    with serving(tmp_path / "repository", tmp_path / "log", list(models)) as client:
        index = {each.name: each for each in client.get_model_repository_index().models}
    assert index["good"].state == "READY"
    assert "must be set when using initial_state" in index["bad"].reason
