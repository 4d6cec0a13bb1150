"""What the server refuses: each with one sentence, to the stream that asked for it and to no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import grpc
import numpy as np
import pytest
from arena import BEHAVIOR, observe
from gymnasium import spaces
from reference import ComparedStream

from understudy.agents.bundle import Bundle
from understudy.errors import ObservationError, ServingError, SpecError, SpecMismatchError, UnderstudyError
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.client import Client
from understudy.serving.refusals import MAX_DETAIL_BYTES, BotLimitError, to_refusal
from understudy.spec import ActionSpec

OPEN = pb.PlayRequest(open=pb.Open(bundle="rusher"))
ROW = [bytes(16), bytes(6)]
NAN = [np.full(4, np.nan, "<f4").tobytes(), bytes(6)]


def tick(**fields: object) -> pb.PlayRequest:
    """Return a tick request."""
    return pb.PlayRequest(tick=pb.Tick(**fields))


def spawn(*bots: int) -> list[pb.Spawn]:
    """Return spawns of some bots."""
    return [pb.Spawn(bot=bot, seed=1) for bot in bots]


def opening(**fields: str) -> list[pb.PlayRequest]:
    """Return the one request that opens a stream."""
    return [pb.PlayRequest(open=pb.Open(**fields))]


DEEP = "[" * 100_000
HUGE = BEHAVIOR.to_json().replace('"shape":[4]', '"shape":[4000000,4000000]')

REFUSED = {
    "unknown bundle": (opening(bundle="rushr"), "This server plays no bundle named 'rushr'. Did you mean 'rusher'?"),
    "endless name": (opening(bundle="x" * 500_000), f"This server plays no bundle named '{'x' * 80}'."),
    "no name": (opening(), "This server plays 2 bundles; name one. Known: 'camper', 'rusher'."),
    "no spec": (opening(bundle="rusher", spec_json="{}"), "The game's spec is not a behaviour spec: KeyError"),
    "deep spec": (opening(bundle="rusher", spec_json=DEEP), "The game's spec is not a behaviour spec: RecursionError"),
    "huge spec": (opening(bundle="rusher", spec_json=HUGE), "'rays' in the game's spec holds 16000000000000 numbers"),
    "tick before open": ([tick()], "A stream must begin with an open request"),
    "nothing": ([pb.PlayRequest()], "A stream must begin with an open request"),
    "second open": ([OPEN, OPEN], "This stream is open already; send ticks"),
    "nothing after open": ([OPEN, pb.PlayRequest()], "This stream is open already; send ticks"),
    "unknown bot": ([OPEN, tick(bots=[5], sensors=ROW)], "Bot 5 cannot decide: no bot 5 lives in this stream (0 do)."),
    "unknown despawn": ([OPEN, tick(despawn=[5])], "Bot 5 cannot be despawned: no bot 5 lives in this stream"),
    "bot twice": (
        [OPEN, tick(spawn=spawn(5), bots=[5, 5], sensors=[bytes(32), bytes(12)])],
        "Bot 5 is named twice in one tick; a bot decides once a tick.",
    ),
    "spawn twice": ([OPEN, tick(spawn=spawn(5, 5))], "Bot 5 is spawned twice in one tick; spawn each bot once."),
    "too many bots": ([OPEN, tick(spawn=spawn(*range(101)))], "101 bots in one stream; this server allows 100."),
    "not finite": (
        [OPEN, tick(spawn=spawn(1), bots=[1], sensors=NAN)],
        "Sensor 'rays' holds nan at index [0, 0]; every value must be finite.",
    ),
    "too few bytes": (
        [OPEN, tick(spawn=spawn(1), bots=[1], sensors=[bytes(15), bytes(6)])],
        "Sensor 'rays' should hold 16 bytes (1 rows of float32 (4,)), got 15.",
    ),
    "too few sensors": (
        [OPEN, tick(spawn=spawn(1), bots=[1], sensors=ROW[:1])],
        "Behaviour 'arena' has 2 sensors (rays, frame), got 1 arrays.",
    ),
    "sensors without bots": (
        [OPEN, tick(sensors=ROW)],
        "Sensor 'rays' should hold 0 bytes (0 rows of float32 (4,)), got 16.",
    ),
    "message too large": ([OPEN, tick(sensors=[bytes(2 << 20)])], "SERVER: Received message larger than max"),
}
LIMITS = {"too many bots", "message too large"}


@pytest.fixture(scope="module")
def good(address: str, bundles: list[Bundle]) -> Iterator[ComparedStream]:
    """A stream that plays on around all the others."""
    with Client(address) as client:
        stream = ComparedStream(client, bundles[0], seed=1)
        stream.play(10)
        yield stream
        stream.play(10)
        stream.close()


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_request_ends_its_own_stream_with_one_sentence(address: str, good: ComparedStream, case: str) -> None:
    """The status, the sentence and the bots of the other streams are as promised."""
    requests, sentence = REFUSED[case]
    with grpc.insecure_channel(address) as channel:
        call = pb_grpc.UnderstudyStub(channel).Play(iter(requests), timeout=20)
        with pytest.raises(grpc.RpcError) as caught:
            list(call)
    expected = grpc.StatusCode.RESOURCE_EXHAUSTED if case in LIMITS else grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.code() is expected
    assert sentence in caught.value.details()
    assert "Traceback" not in caught.value.details()
    good.play(3)


def test_a_spec_that_does_not_match_is_told_difference_by_difference(client: Client) -> None:
    """The client raises the server's `SpecMismatchError`, with every difference in it."""
    move = ActionSpec("move", spaces.Discrete(4))
    game = replace(BEHAVIOR, actions=(move, *BEHAVIOR.actions[1:]), decision_hz=30.0).select(["rays"])
    with pytest.raises(SpecMismatchError) as caught:
        client.play("rusher", game)
    for part in ("the bundle 'rusher'", "sensors.frame", "actions.move.space.n: expected 3, found 4", "decision_hz"):
        assert part in str(caught.value)


def test_a_wrong_observation_is_found_before_it_is_sent(client: Client) -> None:
    """The client's own check names the sensor, and the stream goes on."""
    with client.play("rusher") as stream:
        stream.spawn(0, 0)
        right = observe(np.random.default_rng(0), 1)
        for wrong in (right | {"rays": right["rays"].astype(np.float64)}, right | {"rays": right["rays"] * np.inf}):
            with pytest.raises(ObservationError, match="'rays'"):
                stream.tick([0], wrong)
        assert stream.tick([0], right)["move"].shape == (1,)


def test_a_stream_that_was_refused_stays_refused(client: Client) -> None:
    """The sentence of the refusal is raised again, not something about a broken call."""
    with client.play("rusher") as stream:
        for _ in range(2):
            with pytest.raises(ServingError, match="Bot 9 cannot decide"):
                stream.tick([9], observe(np.random.default_rng(0), 1))


def test_numbers_out_of_range_are_refused_by_the_client(client: Client) -> None:
    """A bot's number has 32 bits and a seed 64."""
    with client.play("rusher") as stream:
        for bot, seed in ((-1, 0), (2**32, 0), (0, 2**64)):
            with pytest.raises(ServingError, match="below 2"):
                stream.spawn(bot, seed)


def test_no_server_is_told_with_the_command_that_starts_one() -> None:
    """A connection that is refused says what to run."""
    with Client("127.0.0.1:1") as client, pytest.raises(ServingError) as caught:
        client.describe()
    assert str(caught.value) == "There is no server at 127.0.0.1:1; start one with: understudy serve BUNDLE"


@pytest.mark.parametrize("error", [ObservationError("ä" * 5000), BotLimitError("x"), SpecError("y")])
def test_a_refusal_fits_into_metadata(error: UnderstudyError) -> None:
    """However long the sentence, it stays below what HTTP/2 peers accept, and is still text."""
    refusal = to_refusal(error)
    assert len(refusal.details.encode()) <= MAX_DETAIL_BYTES + 3
    assert refusal.trailing_metadata[0][1] == type(error).__name__
    assert refusal.details.startswith(str(error)[:1])
