"""What Triton's own client is told of a server and its bundles."""

from __future__ import annotations

import numpy as np
import pytest
import tritonclient.grpc as triton
from arena import BEHAVIOR, observe
from oip_server import OipServer, to_inputs

from understudy import __version__
from understudy.agents.bundle import Bundle
from understudy.serving.dialects.oip.datatypes import DTYPES, name_of
from understudy.spec import BehaviorSpec


def test_the_server_is_live_and_ready(client: triton.InferenceServerClient) -> None:
    """The server says so, with its name and version."""
    assert client.is_server_live()
    assert client.is_server_ready()
    metadata = client.get_server_metadata()
    assert (metadata.name, metadata.version) == ("understudy", __version__)
    assert "sequence" in metadata.extensions


def test_readiness_is_of_a_model_and_a_version(client: triton.InferenceServerClient, bundles: list[Bundle]) -> None:
    """A bundle that is not there is not ready, nor is another version of one that is."""
    version = str(int(bundles[0].digest[:8], 16))
    assert client.is_model_ready("rusher")
    assert client.is_model_ready("rusher", version)
    assert not client.is_model_ready("rusher", "1")
    assert not client.is_model_ready("nobody")


def test_metadata_tells_each_tensor(client: triton.InferenceServerClient, bundles: list[Bundle]) -> None:
    """Sensors and action parts come in the spec's order, -1 stands for the number of bots."""
    metadata = client.get_model_metadata("rusher", as_json=True)
    inputs = {each["name"]: (each["datatype"], each["shape"]) for each in metadata["inputs"]}
    assert list(inputs) == ["rays", "frame"]
    assert inputs["rays"] == ("FP32", ["-1", "4"])
    assert inputs["frame"] == ("UINT8", ["-1", "2", "3"])
    outputs = {each["name"]: (each["datatype"], each["shape"]) for each in metadata["outputs"]}
    assert outputs["move"] == ("INT64", ["-1"])
    assert outputs["buttons"] == ("INT8", ["-1", "2"])
    assert metadata["versions"] == [str(int(bundles[0].digest[:8], 16))]


def test_the_configuration_tells_the_spec_and_the_sequences(client: triton.InferenceServerClient) -> None:
    """Load generators read that there are sequences and how many rows fit, our own clients the spec and the sizes."""
    config = client.get_model_config("camper").config
    assert [each.name for each in config.input] == ["rays", "frame"]
    assert BehaviorSpec.from_json(config.parameters["spec_json"].string_value) == BEHAVIOR
    assert config.parameters["noise_size"].string_value == "6"
    assert config.max_batch_size == 64
    assert config.sequence_batching.max_sequence_idle_microseconds == 300_000_000


def test_statistics_count_what_was_answered(bundles: list[Bundle]) -> None:
    """Requests and rows are counted by model, failures apart."""
    with OipServer(bundles) as server, triton.InferenceServerClient(server.address) as client:
        for rows in (1, 3):
            client.infer("rusher", to_inputs(observe(np.random.default_rng(0), rows)))
        with pytest.raises(triton.InferenceServerException):
            client.infer("rusher", [])
        (rusher,) = client.get_inference_statistics("rusher").model_stats
        assert (rusher.inference_count, rusher.execution_count) == (4, 2)
        assert (rusher.inference_stats.success.count, rusher.inference_stats.fail.count) == (2, 1)
        assert rusher.inference_stats.success.ns > 0
        assert {each.name for each in client.get_inference_statistics().model_stats} == {"rusher", "camper"}


def test_the_index_lists_every_bundle(client: triton.InferenceServerClient, bundles: list[Bundle]) -> None:
    """Each with the version that plays."""
    index = client.get_model_repository_index().models
    assert {each.name: int(each.version) for each in index} == {each.name: int(each.digest[:8], 16) for each in bundles}
    assert {each.state for each in index} == {"READY"}


def test_every_number_type_has_its_name() -> None:
    """The protocol's names and numpy's types go both ways."""
    assert {name_of(dtype): dtype for dtype in DTYPES.values()} == DTYPES
