"""The web port behind TLS and tokens."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest
import trustme
from web_server import PREFIX, WebClient, serve_web

from understudy.agents.bundle import Bundle
from understudy.serving.security import Security, Tls, Tokens
from understudy.serving.web.options import WebOptions

TOKEN = "f00d" * 8


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs every certificate here."""
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The server's certificate and key, and the authority."""
    folder = tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("127.0.0.1")
    paths = folder / "server.pem", folder / "server.key", folder / "ca.pem"
    paths[0].write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(paths[1])
    authority.cert_pem.write_to_path(paths[2])
    return paths


def trusting(authority: trustme.CA, client: bool = False) -> ssl.SSLContext:
    """Return a client's context that trusts `authority`, with a certificate of its own if `client`."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if client:
        authority.issue_cert("game@example.org").configure_cert(context)
    return context


def test_a_token_is_asked_for_before_anything_is_read(bundles: list[Bundle]) -> None:
    """Every method without it is 401 with one sentence, in the client's own protocol; with it, all work."""
    options = WebOptions(security=Security(tokens=Tokens({"page": TOKEN})))
    with serve_web(bundles, options) as running:
        with WebClient(running.url) as web:
            for method in ("Describe", "Open", "Tick", "Close"):
                answer = web.post(method, {"nonsense": True}, authorization="Bearer 0123456789abcdef")
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
                assert "does not know that token" in answer.json()["message"]
                assert answer.headers["trailer-understudy-error"] == "UnauthenticatedError"
            assert "asks for a token" in web.post("Describe", {}).json()["message"]
        with WebClient(running.url, headers={"authorization": f"Bearer {TOKEN}"}) as web:
            session = web.call("Open", bundle="rusher")["session"]
            web.call("Tick", session=session, spawn=[{"bot": 0}])
            web.call("Close", session=session)
        grpc_web = {"content-type": "application/grpc-web+proto"}
        answer = httpx.post(f"{running.url}{PREFIX}Describe", content=b"", headers=grpc_web, verify=False)
        assert b"grpc-status: 16" in answer.content


def test_tls_encrypts_the_web_port(bundles: list[Bundle], authority: trustme.CA, files: tuple[Path, ...]) -> None:
    """A client that trusts the authority plays; one that does not, hangs up; plain HTTP gets nothing."""
    with serve_web(bundles, WebOptions(security=Security(tls=Tls(files[0], files[1])))) as running:
        with WebClient(running.url, verify=trusting(authority)) as web:
            assert web.call("Describe")["bundles"]
        with WebClient(running.url, verify=ssl.create_default_context()) as web, pytest.raises(httpx.ConnectError):
            web.call("Describe")
        plain = running.url.replace("https", "http")
        with WebClient(plain) as web, pytest.raises(httpx.TransportError):
            web.call("Describe")


def test_mutual_tls_asks_the_client_for_a_certificate(
    bundles: list[Bundle], authority: trustme.CA, files: tuple[Path, Path, Path]
) -> None:
    """With one of the named authority it plays; without, it gets nothing."""
    with serve_web(bundles, WebOptions(security=Security(tls=Tls(*files)))) as running:
        with WebClient(running.url, verify=trusting(authority, client=True)) as web:
            assert web.call("Describe")["bundles"]
        with WebClient(running.url, verify=trusting(authority)) as web, pytest.raises(httpx.TransportError):
            web.call("Describe")
