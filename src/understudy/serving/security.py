"""Who may call the server: TLS, mutual TLS and bearer tokens, and the rule that a public server has one of them."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from understudy.errors import ServingError

MIN_TOKEN = 16
"""Characters of a token; shorter ones can be guessed."""

MAX_FILE_BYTES = 1 << 20
"""Of a file of tokens or certificates."""

KIND = (("understudy-error", "UnauthenticatedError"),)
_SCHEME = "bearer "
_HEALTH = "/grpc.health.v1.Health/"
_FIRST_REQUEST_S = 1.0
"""How long a stream that is refused may take for its first request."""


class UnauthenticatedError(ServingError):
    """Raised when a call brings no token, or one that this server does not know."""


@dataclass(frozen=True)
class Tls:
    """The server's certificate, and whose clients it lets in.

    Attributes:
        certificate: PEM file: the server's certificate, then those between it and its root.
        key: PEM file: its private key, without a password.
        client_ca: PEM file of the authorities whose clients are let in (mutual TLS); without it, every client is.

    Raises:
        ServingError: If a file cannot be read, is not PEM, or the key belongs to another certificate.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def __post_init__(self) -> None:
        self.context()

    def context(self) -> ssl.SSLContext:
        """Return what Python's own servers take."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        for path in (self.certificate, self.key):
            read_pem(path)
        try:
            # An empty password, since OpenSSL would ask for one at the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        except (ssl.SSLError, OSError) as error:
            raise ServingError(
                f"The certificate {self.certificate} and the key {self.key} cannot be used together ({error}); name a "
                "PEM certificate and its own private key, without a password."
            ) from error
        if self.client_ca is not None:
            read_pem(self.client_ca)
            _load_authorities(context, self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """Return what `grpc.Server.add_secure_port` takes."""
        return grpc.ssl_server_credentials(
            [(read_pem(self.key), read_pem(self.certificate))],
            root_certificates=None if self.client_ca is None else read_pem(self.client_ca),
            require_client_auth=self.client_ca is not None,
        )


class Tokens:
    """The bearer tokens that a server takes.

    Args:
        by_name: Each token by its holder's name; the name is only for people.

    Raises:
        ServingError: If there is none, or one is short or not plain text.
    """

    def __init__(self, by_name: dict[str, str]) -> None:
        if not by_name:
            raise ServingError("There is no token to let anybody in; give each client one: NAME TOKEN, one a line.")
        for name, token in by_name.items():
            check_token(f"The token of '{name}'", token)
        self._by_name = {name: token.encode() for name, token in by_name.items()}

    @classmethod
    def load(cls, path: Path) -> Tokens:
        """Read a file of lines `NAME TOKEN`; empty lines and those that begin with `#` do not count.

        Raises:
            ServingError: If it cannot be read, or a line is otherwise, or a name is there twice.
        """
        by_name: dict[str, str] = {}
        for number, line in enumerate(_read(path, "tokens").decode(errors="replace").splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 2 or words[0] in by_name:
                raise ServingError(f"Line {number} of {path} should be a new NAME, a blank and its TOKEN.")
            by_name[words[0]] = words[1]
        return cls(by_name)

    def holder(self, authorization: str | None) -> str:
        """Return the name of whoever sent the header `authorization`.

        Every token is compared, each in constant time, so that the answer's time tells nothing about them.

        Raises:
            UnauthenticatedError: If it holds no token of this server.
        """
        if not authorization or not authorization.lower().startswith(_SCHEME):
            raise UnauthenticatedError(
                "This server asks for a token; send it as the metadata 'authorization: Bearer TOKEN' "
                "(in Python: Client(address, token=...))."
            )
        sent = authorization[len(_SCHEME) :].strip().encode(errors="replace")
        found = [name for name, token in self._by_name.items() if hmac.compare_digest(sent, token)]
        if not found:
            raise UnauthenticatedError("This server does not know that token; ask whoever runs it for one.")
        return found[0]


class TokenInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Refuses every gRPC call without a token, but for health checks, which probes make without one.

    Args:
        tokens: To let in.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> grpc.RpcMethodHandler | None:
        """Return the call's own handler, or one of the same kind that refuses."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(_HEALTH):
            return handler
        try:
            self._tokens.holder(dict(handler_call_details.invocation_metadata).get("authorization"))
        except UnauthenticatedError as error:
            return _refusing(handler, str(error))
        return handler


@dataclass(frozen=True)
class Security:
    """How a server knows its clients.

    Attributes:
        tls: Encrypts, and with `client_ca` lets in only clients with a certificate.
        tokens: Lets in only clients with a token.
    """

    tls: Tls | None = None
    tokens: Tokens | None = None

    def interceptors(self) -> list[grpc.aio.ServerInterceptor]:
        """Return what `grpc.aio.server` takes."""
        return [] if self.tokens is None else [TokenInterceptor(self.tokens)]

    def add_port(self, server: grpc.aio.Server, where: str) -> int:
        """Let `server` listen at `where`, `host:port`; returns the port. gRPC raises `RuntimeError` if it is taken."""
        if self.tls is None:
            return int(server.add_insecure_port(where))
        return int(server.add_secure_port(where, self.tls.grpc_credentials()))

    def require_for(self, host: str, *, insecure_public: bool) -> None:
        """Raise `ServingError` if others could reach `host` and anyone could play there, without leave."""
        if insecure_public or is_loopback(host) or self.tls is not None or self.tokens is not None:
            return
        raise ServingError(
            f"The host {host} can be reached from other machines, and anyone there could play these bundles. Say who "
            "may: --tls-cert and --tls-key (with --tls-client-ca for clients with certificates), or --tokens; or "
            "listen on 127.0.0.1, or allow everyone with --insecure-public."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_token(what: str, token: str) -> None:
    """Raise `ServingError` unless `token` can be sent in a header and is not short."""
    if len(token) < MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ServingError(
            f"{what} should be {MIN_TOKEN} or more letters and digits; make one with: openssl rand -hex 32"
        )


def read_pem(path: Path) -> bytes:
    """Return a PEM file's bytes; raises `ServingError` if it cannot be read or is not PEM."""
    data = _read(path, "PEM")
    if b"-----BEGIN " not in data:
        raise ServingError(f"{path} is not a PEM file; it should hold a line '-----BEGIN ...'.")
    return data


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ServingError(f"The {what} file {path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise ServingError(f"{path} is larger than any {what} file ({MAX_FILE_BYTES} bytes); is it the right one?")
    return data


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise ServingError(
            f"{path} holds no certificates of authorities ({error}); name a PEM file of them."
        ) from error


def _refusing(handler: grpc.RpcMethodHandler, sentence: str) -> grpc.RpcMethodHandler:
    async def refuse(asked: Any, context: grpc.aio.ServicerContext) -> None:
        if handler.request_streaming:
            # Refused while it still sends, a client may be told that it could not send, and not why.
            with suppress(TimeoutError):
                await asyncio.wait_for(anext(asked, None), _FIRST_REQUEST_S)
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, sentence, KIND)

    kinds = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    return kinds[handler.request_streaming, handler.response_streaming](refuse)
