"""Which pages may call the web port, and what keeps a slow or vanished client from holding it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from web_server import PREFIX, Running, WebClient, serve_web

from understudy.agents.bundle import Bundle
from understudy.serving.web.options import WebOptions

ALLOWED = "https://play.example.org"


@pytest.fixture(scope="module")
def guarded(bundles: list[Bundle]) -> Iterator[Running]:
    """A web port that one page of another machine may call, with half a second a call."""
    with serve_web(bundles, WebOptions(origins=(ALLOWED,), request_s=0.5)) as running:
        yield running


@pytest.mark.parametrize("origin", [ALLOWED, "http://localhost:8000", "http://127.0.0.1", "http://[::1]:3000"])
def test_pages_of_this_machine_and_those_allowed_may_call(http: httpx.Client, guarded: Running, origin: str) -> None:
    """The preflight allows what Connect and gRPC-Web send, and the answer may be read."""
    preflight = http.options(
        guarded.url + PREFIX + "Describe",
        headers={"origin": origin, "access-control-request-method": "POST"},
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == origin
    assert "content-type" in preflight.headers["access-control-allow-headers"]
    with WebClient(guarded.url) as web:
        answer = web.post("Describe", {}, origin=origin)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
    assert answer.headers["vary"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", f"{ALLOWED}.evil.example", f"{ALLOWED}:8443", "http://127.0.0.1.evil.example", "null"],
)
@pytest.mark.parametrize("verb", ["POST", "OPTIONS"])
def test_other_pages_may_not(http: httpx.Client, guarded: Running, origin: str, verb: str) -> None:
    """They are refused before anything is done, whatever the browser would have hidden from them."""
    answer = http.request(verb, guarded.url + PREFIX + "Open", json={"bundle": "rusher"}, headers={"origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert "--web-origin" in answer.text
    assert guarded.num_sessions == 0


def test_engines_send_no_origin_and_may_call(http: httpx.Client, guarded: Running) -> None:
    """What is no page is not asked."""
    assert http.post(guarded.url + PREFIX + "Describe", json={}).status_code == 200


def test_a_body_that_never_ends_is_cut_off(guarded: Running) -> None:
    """A client that announces more than it sends is answered after `request_s`."""
    host, port = guarded.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        head = (
            f"POST {PREFIX}Tick HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{{"
        )
        slow.sendall(head.encode())
        slow.settimeout(10)
        answer = slow.recv(4096)
        assert answer.startswith(b"HTTP/1.1 504 ")
        assert b"The request took more than 0.5 s to arrive" in answer or b"The request" in slow.recv(4096)


def test_a_client_that_vanishes_does_no_harm(http: httpx.Client, guarded: Running) -> None:
    """Connections cut off at any byte leave no session and no error behind."""
    host, port = guarded.url.removeprefix("http://").split(":")
    body = b'{"bundle": "rusher"}'
    head = f"POST {PREFIX}Open HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    request = head.encode() + b"\r\n\r\n" + body
    for end in range(0, len(request), 7):
        with socket.create_connection((host, int(port))) as cut:
            cut.sendall(request[:end])
    time.sleep(0.2)
    assert guarded.num_sessions == 0
    assert http.post(guarded.url + PREFIX + "Describe", json={}).status_code == 200
