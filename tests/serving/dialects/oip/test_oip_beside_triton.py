"""Our messages and those of Triton's client have the same names and numbers, and may live in one process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tritonclient.grpc import model_config_pb2, service_pb2

from understudy.serving.dialects.oip import oip_pb2 as pb

OURS, TRITONS = "import understudy.serving.dialects.oip.service", "import tritonclient.grpc"


@pytest.mark.parametrize("order", [(OURS, TRITONS), (TRITONS, OURS)], ids=["ours first", "Triton's first"])
def test_either_may_be_imported_first(order: tuple[str, str]) -> None:
    """Descriptors of two `inference` packages would else collide in protobuf's one pool."""
    subprocess.run([sys.executable, "-c", "; ".join(order)], check=True, timeout=60)


@pytest.mark.parametrize("name", [*pb.DESCRIPTOR.message_types_by_name])
def test_every_field_is_the_protocols(name: str) -> None:
    """Each of our fields is there in Triton's own message, with the same name, number and type."""
    theirs = (service_pb2.DESCRIPTOR.message_types_by_name, model_config_pb2.DESCRIPTOR.message_types_by_name)
    other = theirs[0].get(name) or theirs[1][name]
    require_same(pb.DESCRIPTOR.message_types_by_name[name], other)


def require_same(ours: object, theirs: object) -> None:
    """Compare two message descriptors, and those of the messages inside them."""
    for field in ours.fields:
        other = theirs.fields_by_name[field.name]
        assert (field.number, field.type, field.is_repeated) == (other.number, other.type, other.is_repeated), (
            field.name
        )
    for inner in ours.nested_types:
        require_same(inner, theirs.nested_types_by_name[inner.name])


def test_every_method_is_the_protocols() -> None:
    """With the same messages and the same kind of stream."""
    theirs = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods_by_name
    for method in pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods:
        other = theirs[method.name]
        assert (method.input_type.name, method.output_type.name) == (other.input_type.name, other.output_type.name)
        assert method.client_streaming == other.client_streaming
