"""Requests that cannot be answered get the right status and one sentence, and do no harm."""

from __future__ import annotations

import contextlib
import queue

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from arena import observe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oip_server import LocalBots, OipServer, to_actions, to_inputs

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving.dialects.oip import oip_pb2 as pb
from understudy.serving.dialects.oip import oip_pb2_grpc as pb_grpc
from understudy.serving.dialects.oip.options import OipOptions
from understudy.serving.limits import RateLimits

GOOD = observe(np.random.default_rng(0), 2)
Tensor = pb.ModelInferRequest.InferInputTensor
Contents = pb.InferTensorContents


def refused(client: triton.InferenceServerClient, model: str, arrays: dict[str, np.ndarray], **given: object) -> str:
    """Send a request that is refused; returns the status and the sentence."""
    with pytest.raises(triton.InferenceServerException) as caught:
        client.infer(model, to_inputs(arrays), **given)
    return f"{caught.value.status()}: {caught.value.message()}"


@pytest.mark.parametrize(
    ("model", "arrays", "given", "expected"),
    [
        ("nobody", GOOD, {}, "NOT_FOUND: This server plays no bundle named 'nobody'. Known: 'camper', 'rusher'."),
        ("rusher", GOOD, {"model_version": "7"}, "NOT_FOUND: The model 'rusher' plays version"),
        ("rusher", {"rays": GOOD["rays"]}, {}, "INVALID_ARGUMENT: The request lacks the input 'frame'; it has rays."),
        ("rusher", {**GOOD, "ray": GOOD["rays"]}, {}, "has no input 'ray'. Did you mean 'rays'?"),
        ("rusher", {**GOOD, "rays": GOOD["rays"].astype(np.float64)}, {}, "should be FP32 of shape ['bots', 4], got"),
        ("rusher", {**GOOD, "rays": GOOD["rays"][:, :3]}, {}, "got FP32 of shape [2, 3]"),
        ("rusher", {**GOOD, "rays": GOOD["rays"][:1]}, {}, "different numbers of rows: {'rays': 1, 'frame': 2}"),
        ("rusher", {**GOOD, "rays": np.full((2, 4), np.nan, np.float32)}, {}, "every value must be finite"),
        ("rusher", {name: array[:0] for name, array in GOOD.items()}, {}, "has 0 rows; this server takes from 1 to 64"),
        ("rusher", {**GOOD, "noise": np.ones((2, 6), np.float32)}, {}, "numbers outside [0, 1)"),
        ("rusher", GOOD, {"parameters": {"seed": "x"}}, "parameter seed should be an integer, got string_param"),
        ("rusher", GOOD, {"parameters": {"style": "fast"}}, "A style goes with the start of a sequence"),
        ("rusher", GOOD, {"sequence_id": 3}, "INVALID_ARGUMENT: No sequence 3 of 'rusher' is running"),
        ("rusher", GOOD, {"sequence_id": "x" * 200, "sequence_start": True}, "at most 128 characters, got 200"),
        (
            "rusher",
            GOOD,
            {"sequence_id": 3, "sequence_start": True, "parameters": {"style": "fast"}},
            "The model 'rusher' takes no style",
        ),
        (
            "rusher",
            {**GOOD, "state": np.zeros((2, 8), np.float32)},
            {"sequence_id": 3, "sequence_start": True},
            "A sequence keeps its own memory; leave out the input 'state'",
        ),
        ("rusher", GOOD, {"outputs": [triton.InferRequestedOutput("moves")]}, "has no output 'moves'. Did you mean"),
        ("rusher", GOOD, {"outputs": [triton.InferRequestedOutput("move", class_count=1)]}, "asks for classification"),
    ],
)
def test_a_wrong_request_is_told(
    oip: OipServer, client: triton.InferenceServerClient, model: str, arrays: dict, given: dict, expected: str
) -> None:
    """Each mistake has its sentence, and leaves no bot behind."""
    before = oip.registry.num_bots
    assert expected in refused(client, model, arrays, **given)
    assert oip.registry.num_bots == before


@pytest.mark.parametrize("look", ["get_model_metadata", "get_model_config", "get_inference_statistics"])
def test_looking_for_an_unknown_model_is_not_found(client: triton.InferenceServerClient, look: str) -> None:
    """So is every question about it."""
    with pytest.raises(triton.InferenceServerException, match="plays no bundle named 'nobody'") as caught:
        getattr(client, look)("nobody")
    assert caught.value.status() == "StatusCode.NOT_FOUND"


def test_a_sequence_keeps_its_number_of_bots(client: triton.InferenceServerClient, bundles: list[Bundle]) -> None:
    """Another number of rows is refused, and the sequence plays on as if it had not been asked."""
    local = LocalBots(bundles[0], [0, 1])
    for start in (True, False):
        result = client.infer("rusher", to_inputs(GOOD), sequence_id=4, sequence_start=start, parameters={"seed": 0})
        local.require_equal(GOOD, to_actions(result))
        three = observe(np.random.default_rng(0), 3)
        assert "has 2 bots, one a row, but the request has 3 rows" in refused(client, "rusher", three, sequence_id=4)
    client.infer("rusher", to_inputs(GOOD), sequence_id=4, sequence_end=True)


def test_sequences_and_their_bots_are_limited(oip: OipServer, client: triton.InferenceServerClient) -> None:
    """Beyond the limits new sequences are refused, until others end."""
    wide, before = observe(np.random.default_rng(0), 60), oip.registry.num_bots
    for sequence in (1, 2):
        client.infer("rusher", to_inputs(wide), sequence_id=sequence, sequence_start=True)
    told = refused(client, "camper", wide, sequence_id=1, sequence_start=True)
    assert "RESOURCE_EXHAUSTED: 180 bots in all sequences; this server allows 120" in told
    for sequence in (1, 2):
        client.infer("rusher", to_inputs(wide), sequence_id=sequence, sequence_end=True)
    for sequence in range(1, 51):
        client.infer("rusher", to_inputs(GOOD), sequence_id=sequence, sequence_start=True)
    told = refused(client, "rusher", GOOD, sequence_id=51, sequence_start=True)
    assert "RESOURCE_EXHAUSTED: 50 sequences live" in told
    for sequence in range(1, 51):
        client.infer("rusher", to_inputs(GOOD), sequence_id=sequence, sequence_end=True)
    assert oip.registry.num_bots == before


def test_a_stream_goes_on_after_a_refusal(client: triton.InferenceServerClient) -> None:
    """A refused request is answered with its sentence, the next one with actions."""
    answers: queue.Queue = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    client.async_stream_infer("rusher", to_inputs({"rays": GOOD["rays"]}))
    client.async_stream_infer("nobody", to_inputs(GOOD))
    client.async_stream_infer("rusher", to_inputs(GOOD))
    assert "lacks the input 'frame'" in answers.get(timeout=10)[1].message()
    assert "plays no bundle named 'nobody'" in answers.get(timeout=10)[1].message()
    assert answers.get(timeout=10)[0].as_numpy("move").shape == (2,)
    client.stop_stream()


def test_a_policy_that_fails_is_an_internal_error(client: triton.InferenceServerClient) -> None:
    """What no client can mend is told as such, without details, and the server's log has them."""
    bad = {**GOOD, "frame": np.full((2, 2, 3), 250, np.uint8)}
    assert "StatusCode.INTERNAL: The server met an internal error" in refused(client, "rusher", bad)


def typed(rays: list[float], frame: list[int]) -> pb.ModelInferRequest:
    """Return a request with typed contents, as KServe's own clients send them."""
    return pb.ModelInferRequest(
        model_name="rusher",
        inputs=[
            Tensor(name="rays", datatype="FP32", shape=[1, 4], contents=Contents(fp32_contents=rays)),
            Tensor(name="frame", datatype="UINT8", shape=[1, 2, 3], contents=Contents(uint_contents=frame)),
        ],
    )


def test_typed_contents_are_answered_in_kind(oip: OipServer, bundles: list[Bundle]) -> None:
    """Numbers that came as fields of the message go back as such, and mean what raw ones mean."""
    request = typed([0.5, -1, 2, 0], [1, 2, 3, 4, 5, 6])
    request.parameters["seed"].int64_param = 5
    with grpc.insecure_channel(oip.address) as channel:
        response = pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request)
    assert not response.raw_output_contents
    outputs = {each.name: each for each in response.outputs}
    actions = {
        "move": np.array(outputs["move"].contents.int64_contents),
        "buttons": np.array([outputs["buttons"].contents.int_contents]),
        "turn": np.array([outputs["turn"].contents.fp32_contents]),
    }
    frame = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    LocalBots(bundles[0], [5]).require_equal({"rays": np.array([[0.5, -1, 2, 0]], np.float32), "frame": frame}, actions)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"contents": Contents(uint_contents=[256] * 6)}, "whose numbers are from 0 to 255"),
        ({"contents": Contents(int_contents=[1] * 6)}, "go into contents.uint_contents, not int_contents"),
        ({"contents": Contents(uint_contents=[1] * 5)}, "should hold 6 bytes"),
        ({"shape": [1 << 50, 2, 3]}, "different numbers of rows"),
        ({"parameters": {"shared_memory_region": pb.InferParameter(string_param="x")}}, "lies in shared memory"),
    ],
)
def test_wrong_contents_are_told(oip: OipServer, change: dict, expected: str) -> None:
    """A tensor is refused by what it says it is, before room is made for it."""
    request = typed([0] * 4, [0] * 6)
    fields = {"name": "frame", "datatype": "UINT8", "shape": [1, 2, 3], "contents": request.inputs[1].contents}
    request.inputs[1].CopyFrom(Tensor(**{**fields, **change}))
    with grpc.insecure_channel(oip.address) as channel, pytest.raises(grpc.RpcError) as caught:
        pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert expected in caught.value.details()


parameters = st.dictionaries(
    st.sampled_from(["sequence_id", "sequence_start", "sequence_end", "seed", "style", "priority"]),
    st.builds(pb.InferParameter, int64_param=st.integers(-(2**63), 2**63 - 1))
    | st.builds(pb.InferParameter, bool_param=st.booleans())
    | st.builds(pb.InferParameter, string_param=st.text(max_size=4)),
)
tensors = st.builds(
    Tensor,
    name=st.sampled_from(["rays", "frame", "state", "noise", "seed", "x", ""]),
    datatype=st.sampled_from(["FP32", "UINT8", "INT64", "BYTES", ""]),
    shape=st.lists(st.integers(-2, 3) | st.integers(-(2**63), 2**63 - 1), max_size=3)
    | st.sampled_from([[1, 4], [1, 2, 3], [2, 4]]),
    contents=st.none() | st.builds(Contents, fp32_contents=st.lists(st.floats(width=32), max_size=4)),
)
requests = st.builds(
    pb.ModelInferRequest,
    model_name=st.sampled_from(["rusher", "camper", "", "x"]),
    parameters=parameters,
    inputs=st.lists(tensors, max_size=3),
    raw_input_contents=st.lists(st.sampled_from([b"", bytes(6), bytes(16), bytes(32)]), max_size=3),
)


def test_bytes_that_are_no_request_end_their_stream_in_words(oip: OipServer) -> None:
    """What came before them is answered, and the sentence says what to do."""
    good = pb.ModelInferRequest(model_name="nobody").SerializeToString()
    with grpc.insecure_channel(oip.address) as channel:
        call = channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")
        answers = [pb.ModelStreamInferResponse.FromString(each) for each in call(iter([good, b"\xff"]), timeout=20)]
    assert "plays no bundle named 'nobody'" in answers[0].error_message
    assert "is no ModelInferRequest" in answers[1].error_message


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(requests.map(lambda each: each.SerializeToString()) | st.binary(max_size=20), max_size=4))
def test_no_message_harms_the_server(oip: OipServer, client: triton.InferenceServerClient, sent: list[bytes]) -> None:
    """Whatever arrives in a stream is answered or refused in time, and the next request is answered."""
    with grpc.insecure_channel(oip.address) as channel:
        call = channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")(iter(sent), timeout=20)
        with contextlib.suppress(grpc.RpcError):
            assert sum(1 for _ in call) <= len(sent)
        assert call.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
    assert client.infer("rusher", to_inputs(GOOD)).as_numpy("move").shape == (2,)


def test_options_that_cannot_work_are_refused() -> None:
    """Before anything starts."""
    with pytest.raises(ServingError, match="The option idle_s is 0; it must be above 0"):
        OipOptions(idle_s=0)


def test_a_connection_that_asks_too_often_is_told(bundles: list[Bundle]) -> None:
    """Beyond its rate, a connection's requests are refused until time has passed; others are served on."""
    with OipServer(bundles, rates=RateLimits(ticks_per_s=2)) as server:
        with triton.InferenceServerClient(server.address) as client:
            for _ in range(2):
                client.infer("rusher", to_inputs(GOOD))
            sentence = refused(client, "rusher", GOOD)
        with triton.InferenceServerClient(
            server.address, channel_args=[("grpc.use_local_subchannel_pool", 1)]
        ) as other:
            other.infer("rusher", to_inputs(GOOD))
    assert "RESOURCE_EXHAUSTED: More than 2 requests a second over one connection" in sentence
