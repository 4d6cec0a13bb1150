"""TLS, mutual TLS and tokens: who is let in, who is not, and in which words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.credentials import (
    ClientTls,
    call_metadata,
    open_aio_channel,
    open_channel,
    read_token,
    unreachable,
)
from understudy.serving.options import ServerOptions
from understudy.serving.security import MAX_FILE_BYTES, Security, Tls, Tokens, UnauthenticatedError, is_loopback
from understudy.serving.server import Server

TOKEN, OTHER = "f00d" * 8, "beef" * 8
OPENING = pb.PlayRequest(open=pb.Open(bundle="rusher"))


class Files:
    """Certificates of one authority, as files.

    Attributes:
        ca: The authority.
        server: Certificate and key for this machine.
        client: Certificate and key of a client.
    """

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.server = _write(authority.issue_cert("127.0.0.1", "localhost"), folder / "server")
        self.client = _write(authority.issue_cert("game@example.org"), folder / "client")


def _write(issued: trustme.LeafCert, stem: Path) -> tuple[Path, Path]:
    certificate, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
    certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    return certificate, key


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates of our authority."""
    return Files(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates of another one."""
    return Files(tmp_path_factory.mktemp("theirs"))


def serving(bundles: list[Bundle], security: Security, check: Callable[[str], Awaitable[None]]) -> None:
    """Run `check` beside a server with the given security; it is given the address."""

    async def main() -> None:
        server = Server(bundles, ServerOptions(port=0, security=security))
        await server.start()
        try:
            await asyncio.wait_for(check(server.address), 60)
        finally:
            await server.stop(0.1)

    asyncio.run(main())


async def describe(address: str, tls: ClientTls | None, token: str | None = None) -> list[str]:
    """Return the names of the bundles."""
    async with open_aio_channel(address, (), tls) as channel:
        stub = pb_grpc.UnderstudyStub(channel)
        answer = await stub.Describe(pb.DescribeRequest(), timeout=10, metadata=call_metadata(token))
    return [each.name for each in answer.bundles]


async def play(address: str, metadata: Any) -> str:
    """Open a stream and return the bundle that plays."""
    async with open_aio_channel(address, ()) as channel:
        call = pb_grpc.UnderstudyStub(channel).Play(iter([OPENING]), timeout=10, metadata=metadata)
        return (await call.read()).opened.bundle.name


async def refusal(call: Awaitable[Any]) -> grpc.aio.AioRpcError:
    """Return what `call` is refused with; fails if it is not."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def test_tls_lets_in_who_trusts_the_server(bundles: list[Bundle], ours: Files, theirs: Files) -> None:
    """A client with the authority plays; one with another, or without TLS, is told what is wrong."""

    async def check(address: str) -> None:
        assert await describe(address, ClientTls(ca=ours.ca)) == ["rusher", "camper"]
        wrong = await refusal(describe(address, ClientTls(ca=theirs.ca)))
        assert "is from nobody this client trusts" in unreachable(wrong.details(), address)
        plain = await refusal(describe(address, None))
        assert "it may speak only TLS" in unreachable(plain.details(), address)

    serving(bundles, Security(tls=Tls(*ours.server)), check)


def test_mutual_tls_lets_in_only_clients_with_a_certificate(bundles: list[Bundle], ours: Files, theirs: Files) -> None:
    """A certificate of the named authority opens; none does not, and neither does one of another authority."""

    async def check(address: str) -> None:
        assert await describe(address, ClientTls(ours.ca, *ours.client))
        for stranger in (ClientTls(ours.ca), ClientTls(ours.ca, *theirs.client)):
            failure = await refusal(describe(address, stranger))
            assert failure.code() is grpc.StatusCode.UNAVAILABLE
            assert "want a client's certificate" in unreachable(failure.details(), address)

    serving(bundles, Security(tls=Tls(*ours.server, client_ca=ours.ca)), check)


def test_a_client_with_tls_is_told_of_a_server_without(bundles: list[Bundle], ours: Files) -> None:
    """It is not told that there is no server."""

    async def check(address: str) -> None:
        failure = await refusal(describe(address, ClientTls(ca=ours.ca)))
        assert "does not speak TLS" in unreachable(failure.details(), address)

    serving(bundles, Security(), check)


def test_a_token_opens_every_method_and_nothing_else_does(
    bundles: list[Bundle], caplog: pytest.LogCaptureFixture
) -> None:
    """Calls and streams without a known token are UNAUTHENTICATED with one sentence; tokens are not logged."""
    caplog.set_level(logging.DEBUG)
    wrong = ((), (("authorization", TOKEN),), call_metadata(TOKEN + "0"), call_metadata(TOKEN[:-1]))

    async def check(address: str) -> None:
        assert await describe(address, None, TOKEN)
        assert await play(address, call_metadata(TOKEN)) == "rusher"
        assert await play(address, (("authorization", f"bearer  {OTHER}"),)) == "rusher"
        for metadata in wrong:
            failure = await refusal(play(address, metadata))
            assert failure.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "token" in failure.details()
            assert dict(failure.trailing_metadata())["understudy-error"] == "UnauthenticatedError"
        assert (await refusal(describe(address, None, "0" * 32))).code() is grpc.StatusCode.UNAUTHENTICATED

    serving(bundles, Security(tokens=Tokens({"arena": TOKEN, "lobby": OTHER})), check)
    assert TOKEN not in caplog.text
    assert OTHER not in caplog.text


def test_a_stranger_who_says_nothing_is_refused_too(bundles: list[Bundle]) -> None:
    """A stream without a token and without a request does not stay open."""

    async def check(address: str) -> None:
        async with open_aio_channel(address, ()) as channel:
            call = pb_grpc.UnderstudyStub(channel).Play(timeout=10)
            assert (await refusal(call.read())).code() is grpc.StatusCode.UNAUTHENTICATED

    serving(bundles, Security(tokens=Tokens({"arena": TOKEN})), check)


def test_health_checks_need_no_token(bundles: list[Bundle]) -> None:
    """A probe has none, and learns no more than that the server is there."""

    async def check(address: str) -> None:
        async with open_aio_channel(address, ()) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING

    serving(bundles, Security(tokens=Tokens({"arena": TOKEN})), check)


def test_a_token_travels_inside_tls(bundles: list[Bundle], ours: Files) -> None:
    """The two work together, for the synchronous channel as well."""

    async def check(address: str) -> None:
        tls = ClientTls(ca=ours.ca)
        assert await describe(address, tls, TOKEN)
        assert (await refusal(describe(address, tls))).code() is grpc.StatusCode.UNAUTHENTICATED
        await asyncio.to_thread(check_synchronously, address, tls)

    serving(bundles, Security(tls=Tls(*ours.server), tokens=Tokens({"arena": TOKEN})), check)


def check_synchronously(address: str, tls: ClientTls) -> None:
    """Fail unless the synchronous client gets its answer."""
    with open_channel(address, (), tls) as channel:
        stub = pb_grpc.UnderstudyStub(channel)
        assert stub.Describe(pb.DescribeRequest(), timeout=10, metadata=call_metadata(TOKEN)).bundles


def test_tokens_come_from_a_file(tmp_path: Path) -> None:
    """One a line with its holder's name; comments and empty lines do not count."""
    path = tmp_path / "tokens"
    path.write_text(f"# who plays\n\narena {TOKEN}\n  lobby\t{OTHER}\n")
    tokens = Tokens.load(path)
    assert tokens.holder(f"Bearer {TOKEN}") == "arena"
    assert tokens.holder(f"BEARER {OTHER}") == "lobby"
    with pytest.raises(UnauthenticatedError, match="does not know that token"):
        tokens.holder("Bearer arena")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There is no token"),
        ("arena", "Line 1 of"),
        (f"arena {TOKEN} admin", "Line 1 of"),
        (f"arena {TOKEN}\narena {OTHER}", "Line 2 of"),
        ("arena short", "'arena' should be 16 or more"),
        ("arena pässwordpässword", "'arena' should be 16 or more"),
        ("x" * (MAX_FILE_BYTES + 1), "is larger than any tokens file"),
    ],
)
def test_a_wrong_token_file_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    """The line or the holder is named, and never the token."""
    path = tmp_path / "tokens"
    path.write_text(text)
    with pytest.raises(ServingError, match=sentence) as caught:
        Tokens.load(path)
    assert TOKEN not in str(caught.value)
    assert "short" not in str(caught.value)


def test_certificates_that_cannot_be_used_are_told_at_start(tmp_path: Path, ours: Files, theirs: Files) -> None:
    """Missing files, files that are no PEM, and a key of another certificate: each by name."""
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("hello")
    empty = tmp_path / "empty.pem"
    empty.write_text("-----BEGIN NOTHING-----\n")
    certificate, key = ours.server
    for tls, sentence in (
        ((tmp_path / "none.pem", key), "none.pem cannot be read: No such file"),
        ((no_pem, key), "no.pem is not a PEM file"),
        ((certificate, theirs.server[1]), "cannot be used together"),
        ((certificate, key, no_pem), "no.pem is not a PEM file"),
        ((certificate, key, empty), "empty.pem holds no certificates"),
    ):
        with pytest.raises(ServingError, match=sentence):
            Tls(*tls)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_alone_needs_no_protection(host: str) -> None:
    """A loopback address is served as it is."""
    assert is_loopback(host)
    Security().require_for(host, insecure_public=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "example.org", ""])
def test_a_public_host_needs_one_of_them(host: str, ours: Files) -> None:
    """Without TLS, tokens or leave, no other machine may reach the server."""
    assert not is_loopback(host)
    with pytest.raises(ServingError, match="--insecure-public"):
        Security().require_for(host, insecure_public=False)
    for security in (Security(tokens=Tokens({"arena": TOKEN})), Security(tls=Tls(*ours.server))):
        security.require_for(host, insecure_public=False)
    Security().require_for(host, insecure_public=True)


def test_a_client_s_mistakes_are_told(tmp_path: Path, ours: Files) -> None:
    """A certificate without a key, a token that can be none, a file with two."""
    with pytest.raises(ServingError, match="come together"):
        ClientTls(ca=ours.ca, certificate=ours.client[0])
    with pytest.raises(ServingError, match="16 or more"):
        call_metadata("short\n")
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    assert read_token(path) == TOKEN
    path.write_text("one two")
    with pytest.raises(ServingError, match="it holds 2 words"):
        read_token(path)
