"""Messages that nobody's client sends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from arena import BEHAVIOR
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import ComparedStream

from understudy.agents.bundle import Bundle
from understudy.serving import understudy_pb2 as pb
from understudy.serving.client import Client
from understudy.serving.options import ServerOptions
from understudy.serving.run import serve_in_thread
from understudy.serving.saved import SavedBot
from understudy.spec import BehaviorSpec

METHOD = "/understudy.v1.Understudy/Play"
ALLOWED = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}

bots = st.integers(0, 6) | st.integers(0, 2**32 - 1)
styles = st.builds(
    pb.Style, name=st.text(max_size=3), vector=st.lists(st.floats(width=32, allow_nan=True), max_size=3)
) | st.just(pb.Style())
saved = st.just(b"") | st.binary(max_size=20) | st.just(SavedBot(1, 2, np.zeros(8), np.zeros(0)).to_bytes())
records = st.none() | st.builds(pb.Record, player=st.text(max_size=3), game=st.text(max_size=3))
spawns = st.builds(pb.Spawn, bot=bots, seed=st.integers(0, 2**64 - 1), style=styles, state=saved, record=records)
played = st.none() | st.builds(
    pb.Played, bots=st.lists(bots, max_size=2), parts=st.lists(st.binary(max_size=9), max_size=3)
)
sensors = st.sampled_from([bytes(16), bytes(6), bytes(32), bytes(12), b""]) | st.binary(max_size=40)
ticks = st.builds(
    pb.Tick,
    tick=st.integers(0, 2**64 - 1),
    spawn=st.lists(spawns, max_size=4),
    despawn=st.lists(bots, max_size=2),
    bots=st.lists(bots, max_size=3),
    sensors=st.lists(sensors, max_size=3),
    restyle=st.lists(st.builds(pb.Restyle, bot=bots, style=styles), max_size=2),
    save=st.lists(bots, max_size=2),
    under_way=st.integers(0, 3),
    played=played,
)
specs = st.sampled_from(["", BEHAVIOR.to_json(), BehaviorSpec.to_json(BEHAVIOR)[:-1], "null", "[]", '{"format":1}'])
opens = st.builds(
    pb.Open,
    bundle=st.sampled_from(["rusher", "camper", ""]) | st.text(max_size=5),
    spec_json=specs,
    resume=st.just("") | st.text(max_size=9),
    budget_us=st.just(0) | st.integers(0, 2**32 - 1),
    fallback=st.integers(-5, 5),
)
messages = (st.builds(pb.PlayRequest, tick=ticks) | st.builds(pb.PlayRequest, open=opens)).map(
    lambda message: message.SerializeToString()
)
damaged = st.tuples(messages, st.integers(0, 60), st.binary(max_size=4)).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + len(parts[2]) :]
)
OPENED = pb.PlayRequest(open=pb.Open(bundle="rusher")).SerializeToString()
streams = st.tuples(
    st.just([OPENED]) | st.just([]), st.lists(messages | damaged | st.binary(max_size=30), min_size=1, max_size=5)
).map(lambda parts: parts[0] + parts[1])


@pytest.fixture(scope="module")
def good(address: str, bundles: list[Bundle]) -> Iterator[ComparedStream]:
    """A stream that plays on all the while."""
    with Client(address) as client:
        stream = ComparedStream(client, bundles[0], seed=2)
        yield stream
        stream.close()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=streams)
def test_no_message_harms_the_server(address: str, good: ComparedStream, raw: list[bytes]) -> None:
    """Whatever bytes arrive, the answer is a refusal or an action, in time, and a good stream plays on."""
    with grpc.insecure_channel(address) as channel:
        call = channel.stream_stream(METHOD)(iter(raw), timeout=20)
        with contextlib.suppress(grpc.RpcError):
            num_answers = sum(1 for _ in call)
            assert num_answers == len(raw)
        assert call.code() in ALLOWED, f"{call.code()}: {call.details()}"
    good.play(1)


loads = st.builds(
    pb.LoadRequest,
    folder=st.sampled_from(["", ".", "..", "/", "/etc", "~", "a\0b"]) | st.text(max_size=6),
    share=st.floats(width=32),
).map(lambda message: ("Load", message.SerializeToString()))
settles = st.builds(
    pb.SettleRequest, bundle=st.sampled_from(["rusher", ""]) | st.text(max_size=5), promote=st.booleans()
).map(lambda message: ("Settle", message.SerializeToString()))
noises = st.tuples(st.sampled_from(["Status", "Load", "Settle"]), st.binary(max_size=30))


@pytest.fixture(scope="module")
def admin_address(bundles: list[Bundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that can be looked after, with an empty folder to load from."""
    options = ServerOptions(port=0, admin=True, bundles_root=tmp_path_factory.mktemp("root"))
    with serve_in_thread(bundles, options) as where:
        yield where


@settings(max_examples=100, deadline=None)
@given(call=loads | settles | noises)
def test_no_message_harms_the_admin_service(admin_address: str, bundles: list[Bundle], call: tuple[str, bytes]) -> None:
    """A wrong one is refused in one sentence, and both bundles play on in the version they had."""
    method, raw = call
    with grpc.insecure_channel(admin_address) as channel:
        answer = channel.unary_unary(f"/understudy.v1.Admin/{method}")
        failure = answer.future(raw, timeout=20).exception()
        assert failure is None or failure.code() in ALLOWED, failure
        status = pb.StatusResponse.FromString(channel.unary_unary("/understudy.v1.Admin/Status")(b"", timeout=20))
    assert [[each.digest for each in bundle.versions] for bundle in status.bundles] == [[b.digest] for b in bundles]
