"""The generated modules and what importing the server brings along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from understudy.serving import understudy_pb2 as pb

PROTO = Path(__file__).parents[2] / "proto"


def run_python(code: str) -> str:
    """Run `code` in a fresh interpreter and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_python_modules_are_those_of_the_proto_file(tmp_path: Path) -> None:
    """Whoever changes the schema runs `make proto`."""
    compiled = tmp_path / "set.pb"
    arguments = [f"-Iunderstudy/serving={PROTO}", f"--descriptor_set_out={compiled}", str(PROTO / "understudy.proto")]
    assert protoc.main(["protoc", *arguments]) == 0
    (expected,) = descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes()).file
    found = descriptor_pb2.FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(found)
    for each in (*expected.message_type, *(field for message in expected.message_type for field in message.field)):
        each.ClearField("json_name") if hasattr(each, "json_name") else None
    assert found == expected


def test_serving_brings_neither_torch_nor_a_window() -> None:
    """A server's process holds numpy, grpc and onnxruntime."""
    heavy = "{'torch', 'pygame', 'vizdoom', 'pyarrow', 'cv2', 'numba'}"
    assert (
        run_python(
            f"import sys, understudy.serving.run, understudy.serving.remote; print(sorted({heavy} & {{*sys.modules}}))"
        )
        == "[]\n"
    )


def test_polling_is_set_before_grpc_is_imported() -> None:
    """The setting takes effect once, early; afterwards it says that it did not."""
    code = """
import os, sys
import understudy.cli.serve
from understudy.serving.tuning import poll_directly
print("grpc" in sys.modules, poll_directly(), os.environ["GRPC_EXPERIMENTS"])
import understudy.serving.run
print(poll_directly())
"""
    assert run_python(code) == "False True -event_engine_client,-event_engine_listener\nFalse\n"
