"""What each peer serves, written into a folder: the policy, the peer's own few lines around it, and its settings."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path

import numpy as np
from gymnasium import spaces

from serving_rows.settings import ROOT
from understudy.agents.bundle import Bundle

PEERS = ROOT / "benchmarks" / "peers"


def triton(folder: Path, bundle: Bundle, port: int) -> list[str]:
    """A model repository for the Python backend, and Triton with every other endpoint off."""
    model = folder / "models" / "gru"
    _copy(model / "1", bundle, {"triton_model.py": "model.py"})
    dims = [("rays", "FP32", bundle.behavior.sensor("rays").space.shape)]
    outputs = [(part.name, _kind(part.space), part.shape or (1,)) for part in bundle.behavior.actions]
    (model / "config.pbtxt").write_text(
        f'name: "gru"\nbackend: "python"\nmax_batch_size: 64\ninput [{_tensors(dims)}]\noutput [{_tensors(outputs)}]\n'
        "instance_group [{ count: 1 kind: KIND_CPU }]\n"
    )
    ports = [f"--grpc-port={port}", "--grpc-address=127.0.0.1", "--allow-http=false", "--allow-metrics=false"]
    return ["bin/tritonserver", f"--model-repository={folder / 'models'}", *ports]


def mlserver(folder: Path, bundle: Bundle, port: int) -> list[str]:
    """A model folder and settings without worker processes, which are slower for a model this small."""
    _copy(folder, bundle, {"mlserver_model.py": "mlserver_model.py"})
    settings = {"host": "127.0.0.1", "grpc_port": port, "http_port": _free(), "metrics_port": _free()}
    settings |= {"parallel_workers": 0, "debug": False}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps({"name": "gru", "implementation": "mlserver_model.Gru"}))
    return ["bin/mlserver", "start", str(folder)]


def bentoml(folder: Path, bundle: Bundle, port: int) -> list[str]:
    """A service with one route for raw bytes."""
    _copy(folder, bundle, {"bento_service.py": "bento_service.py"})
    return ["bin/bentoml", "serve", "bento_service:Gru", "--host", "127.0.0.1", "--port", str(port)]


def ray(folder: Path, bundle: Bundle, port: int) -> list[str]:
    """A deployment behind the gRPC proxy, with the protocol's modules made by its own environment."""
    _copy(folder, bundle, {"ray_app.py": "ray_app.py"})
    make = ["-m", "grpc_tools.protoc", f"--proto_path={ROOT / 'proto'}", f"--python_out={folder}"]
    command = [str(ROOT / ".venv-ray" / "bin" / "python"), *make, f"--grpc_python_out={folder}", "oip.proto"]
    subprocess.run(command, check=True, capture_output=True)
    return [str(folder / "ray_app.py"), str(port)]


def _copy(folder: Path, bundle: Bundle, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for source, name in {"policy.py": "policy.py", **files}.items():
        shutil.copy(PEERS / source, folder / name)
    shutil.copy(bundle.policy_path, folder / "policy.onnx")


def _tensors(rows: list[tuple[str, str, tuple[int, ...]]]) -> str:
    forms = (f'{{ name: "{name}" data_type: TYPE_{kind} dims: [{_dims(shape)}] }}' for name, kind, shape in rows)
    return ", ".join(forms)


def _dims(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _kind(space: spaces.Space) -> str:
    return {"int64": "INT64", "int8": "INT8", "float32": "FP32"}[np.dtype(space.dtype).name]


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
