"""What the web port refuses: each with a status, one sentence and the kind of error; the session plays on."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import numpy as np
import pytest
from arena import BEHAVIOR, observe
from web_server import PREFIX, Running, WebClient, as_numbers

ROW = as_numbers(observe(np.random.default_rng(0), 1))


def sensors(**changed: Any) -> dict[str, Any]:
    """Return a right observation of one bot with some sensors changed, or left out where None."""
    return {name: array for name, array in (ROW | changed).items() if array is not None}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown bot": (
        {"bots": [5], "sensors": ROW},
        "Bot 5 cannot decide: no bot 5 lives in this stream (1 do). Spawn it first, with its seed.",
    ),
    "bot twice": ({"spawn": [{"bot": 1}, {"bot": 1}]}, "Bot 1 is spawned twice in one tick; spawn each bot once."),
    "too many bots": (
        {"spawn": [{"bot": bot} for bot in range(101)]},
        "101 bots in one stream; this server allows 100.",
    ),
    "no style": ({"spawn": [{"bot": 1, "style": {"name": "shy"}}]}, "The bundle 'rusher' has no style 'shy'."),
    "style too long": ({"spawn": [{"bot": 1, "style": {"vector": [1]}}]}, "is 0 finite numbers, got 1."),
    "no saved bot": ({"spawn": [{"bot": 1, "state": "AAAA"}]}, "That is no saved bot"),
    "missing sensor": (
        {"bots": [0], "sensors": sensors(frame=None)},
        "The tick lacks the sensor 'frame'; send each of: rays, frame.",
    ),
    "unknown sensor": (
        {"bots": [0], "sensors": sensors(ray={"numbers": [1]})},
        "The bundle has no sensor 'ray'. Did you mean 'rays'?",
    ),
    "too few numbers": (
        {"bots": [0], "sensors": sensors(rays={"numbers": [1, 2]})},
        "Sensor 'rays' should hold 4 numbers (1 rows of shape (4,)), got 2.",
    ),
    "too few bytes": (
        {"bots": [0], "sensors": sensors(rays={"data": "AAAA"})},
        "Sensor 'rays' should hold 16 bytes (1 rows of float32 (4,)), got 3.",
    ),
    "both forms": (
        {"bots": [0], "sensors": sensors(rays={"data": "AAAA", "numbers": [1]})},
        "Sensor 'rays' comes as numbers and as data; send one of them.",
    ),
    "not whole": (
        {"bots": [0], "sensors": sensors(frame={"numbers": [0, 0.5, 0, 0, 0, 0]})},
        "Sensor 'frame' holds 0.5 at index [0, 0, 1]; it should be a whole number, 0 to 255 (uint8).",
    ),
    "too large for its type": (
        {"bots": [0], "sensors": sensors(frame={"numbers": [0, 0, 0, 0, 0, 256]})},
        "Sensor 'frame' holds 256 at index [0, 1, 2]",
    ),
    "beyond float32": (
        {"bots": [0], "sensors": sensors(rays={"numbers": [0, 1e300, 0, 0]})},
        "Sensor 'rays' holds inf at index [0, 1]; every value must be finite.",
    ),
    "integer beyond any float": (
        {"bots": [0], "sensors": sensors(rays={"numbers": [10**400, 0, 0, 0]})},
        "That message is no WebTick:",
    ),
    "unknown field": ({"bot": 3}, 'That message is no WebTick: Message type "understudy.v1.WebTick" has no field'),
    "wrong type": ({"bots": "all"}, "That message is no WebTick:"),
    "bot out of range": ({"bots": [2**32]}, "That message is no WebTick:"),
}
LIMITS = {"too many bots"}


@pytest.fixture(scope="module")
def session(running: Running) -> str:
    """A session with one bot, number 0."""
    with WebClient(running.url) as web:
        name: str = web.call("Open", bundle="rusher")["session"]
        web.call("Tick", session=name, spawn=[{"bot": 0}])
    return name


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_tick_is_refused_and_the_session_plays_on(web: WebClient, session: str, case: str) -> None:
    """The code and the sentence are as promised, and the next right tick is answered."""
    form, sentence = REFUSED[case]
    answer = web.post("Tick", {"session": session, **form})
    expected = ("resource_exhausted", 429) if case in LIMITS else ("invalid_argument", 400)
    assert (answer.json()["code"], answer.status_code) == expected
    assert sentence in answer.json()["message"]
    assert "Traceback" not in answer.text
    assert web.call("Tick", session=session, bots=[0], sensors=ROW)["actions"]


def test_the_kind_of_error_is_in_the_trailer(web: WebClient, session: str) -> None:
    """A client can tell errors apart without reading sentences."""
    answer = web.post("Tick", {"session": session, "bots": [0], "sensors": sensors(rays={"numbers": []})})
    assert answer.headers["trailer-understudy-error"] == "ObservationError"


@pytest.mark.parametrize("method", ["Tick", "Close"])
def test_a_session_that_is_not_there_is_not_found(web: WebClient, method: str) -> None:
    """The sentence says what may have become of it, and does not repeat the whole secret."""
    answer = web.post(method, {"session": "guessed-by-somebody"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "There is no session 'guessed-...'" in answer.json()["message"]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"bundle": "rushr"}, "This server plays no bundle named 'rushr'. Did you mean 'rusher'?"),
        ({}, "This server plays 2 bundles; name one."),
        ({"bundle": "rusher", "specJson": "{}"}, "The game's spec is not a behaviour spec"),
        ({"bundle": "rusher", "actions": "WEB_FORM_PICTURES"}, "That message is no WebOpen:"),
    ],
)
def test_a_wrong_opening_is_refused(web: WebClient, running: Running, form: dict[str, Any], sentence: str) -> None:
    """It is told in one sentence, and no session is left behind."""
    before = running.num_sessions
    answer = web.post("Open", form)
    assert answer.status_code == 400
    assert sentence in answer.json()["message"]
    assert running.num_sessions == before


DEEP = b'{"session":' + b"[" * 100_000
BOMB = gzip.compress(bytes(64 << 20))


@pytest.mark.parametrize(
    ("headers", "body", "status", "said"),
    [
        ({"content-type": "application/json"}, b"{", 400, "That message is no WebTick"),
        ({"content-type": "application/json"}, b"\xff\xfe{", 400, "That message is no WebTick"),
        ({"content-type": "application/json"}, b"[]", 400, "That message is no WebTick"),
        ({"content-type": "application/json"}, b"", 400, "That message is no WebTick"),
        ({"content-type": "application/json"}, DEEP, 400, "That message is no WebTick: "),
        ({"content-type": "application/proto"}, b"\xff\xff\xff", 400, "generate the client from web.proto"),
        ({"content-type": "application/json", "content-encoding": "gzip"}, b"no", 501, "not supported"),
        ({"content-type": "application/json", "content-encoding": "gzip"}, BOMB, 501, "not supported"),
        ({"content-type": "application/json"}, bytes(5 << 20), 429, "larger than"),
        ({"content-type": "text/plain"}, b"{}", 415, ""),
        ({"content-type": "application/grpc"}, b"", 415, "gRPC has its own port"),
        ({"content-type": "application/json", "x-name": b"\xff"}, b"{}", 400, "plain ASCII"),
        ({"content-type": "application/json", "connect-timeout-ms": "-1"}, b"{}", 400, "timeout"),
    ],
)
def test_what_is_no_request_is_refused(
    http: httpx.Client, running: Running, headers: dict[str, Any], body: bytes, status: int, said: str
) -> None:
    """What is no JSON, no protobuf or far too much gets a status and a reason."""
    answer = http.post(running.url + PREFIX + "Tick", content=body, headers=headers)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text


@pytest.mark.parametrize(("verb", "path", "status"), [("GET", "Tick", 405), ("POST", "Tock", 404)])
def test_other_methods_are_not_there(http: httpx.Client, running: Running, verb: str, path: str, status: int) -> None:
    """Only the four methods are there, and only by POST."""
    answer = http.request(verb, running.url + PREFIX + path, json={})
    assert answer.status_code == status


def test_a_spec_that_differs_is_told_difference_by_difference(web: WebClient) -> None:
    """The sentence names each, as it does for gRPC clients."""
    form = json.loads(BEHAVIOR.to_json())
    form["decision_hz"] = 30.0
    answer = web.post("Open", {"bundle": "rusher", "specJson": json.dumps(form)})
    assert "decision_hz: expected 10.0, found 30.0" in answer.json()["message"]
    assert answer.headers["trailer-understudy-error"] == "SpecMismatchError"
