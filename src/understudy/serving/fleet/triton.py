"""`understudy export --target triton`: a bundle as a model repository for Triton or KServe.

    REPOSITORY/
      understudy.json               what it was written from
      README.md                     how to start it and how to ask it
      NAME/config.pbtxt             the ONNX backend: sequences with implicit state, noise inside the graph
      NAME/1/model.onnx
      NAME_python/config.pbtxt      the Python backend, for servers that have no other
      NAME_python/1/model.py, policy.onnx, understudy_noise.py

Both play a sequence exactly as our own server does with the same seed, which is checked before anything is written.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from understudy import __version__
from understudy.agents import noise
from understudy.agents.bundle import Bundle
from understudy.errors import BundleError
from understudy.serving.fleet import sequence_graph as names
from understudy.serving.fleet import triton_model
from understudy.serving.fleet.alike import require_alike
from understudy.serving.fleet.sequence_graph import sequence_graph
from understudy.serving.fleet.triton_config import ONNX, PYTHON, config

MARKER = "understudy.json"

_README = Path(__file__).with_name("repository.md")


def export_triton(bundle: Bundle, out: Path | str) -> Path:
    """Write a model repository, all of it or nothing, replacing one that is there.

    Args:
        bundle: To write.
        out: The repository's folder.

    Returns:
        `out`, absolute.

    Raises:
        BundleError: If the bundle's name or tensors do not fit Triton, if the written graph does not play as the bundle
            does, or if `out` holds something else.
    """
    out = Path(out).absolute()
    _check_name(bundle)
    _check_place(out)
    graph = sequence_graph(bundle)
    require_alike(bundle, graph)
    work = out.with_name(f"{out.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    _write_onnx(bundle, graph, work / bundle.name)
    _write_python(bundle, work / f"{bundle.name}_python")
    (work / "README.md").write_text(_README.read_text().replace("NAME", bundle.name))
    origin = {"bundle": bundle.name, "digest": bundle.digest, "understudy": __version__}
    (work / MARKER).write_text(json.dumps(origin, indent=1))
    shutil.rmtree(out, ignore_errors=True)
    work.rename(out)
    return out


def _write_onnx(bundle: Bundle, graph: bytes, folder: Path) -> None:
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(config(bundle, folder.name, ONNX))
    (folder / "1" / "model.onnx").write_bytes(graph)


def _write_python(bundle: Bundle, folder: Path) -> None:
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(config(bundle, folder.name, PYTHON))
    for source, name in (
        (triton_model.__file__, "model.py"),
        (noise.__file__, "understudy_noise.py"),
        (bundle.policy_path, "policy.onnx"),
    ):
        shutil.copyfile(source, folder / "1" / name)


def _check_name(bundle: Bundle) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", bundle.name):
        raise BundleError(
            f"'{bundle.name}' cannot name a model of Triton: it should begin with a letter or digit, and hold only "
            "those, '_', '-' and '.'; export the bundle under another name."
        )
    tensors = (*bundle.behavior.sensor_names, *bundle.behavior.action_names)
    clash = [each for each in tensors if each in (names.SEED, names.STYLE) or tensors.count(each) > 1]
    if clash:
        raise BundleError(
            f"The bundle '{bundle.name}' has a sensor or action part '{clash[0]}', whose name is needed for something "
            "else in a Triton model; rename it in the spec."
        )


def _check_place(out: Path) -> None:
    if out.exists() and not (out / MARKER).is_file() and (out.is_file() or any(out.iterdir())):
        raise BundleError(f"{out} is there and is no repository of ours; name another folder, or delete it yourself.")
