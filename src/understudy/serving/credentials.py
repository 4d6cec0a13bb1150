"""The client's side of `understudy.serving.security`: a channel with TLS, and the metadata that carries a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from understudy.errors import ServingError
from understudy.serving.security import check_token, read_pem

Options = Sequence[tuple[str, int | str]]
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ClientTls:
    """How a client knows its server, and shows who it is.

    Attributes:
        ca: PEM file of the authorities that the server's certificate may come from; without it, those of gRPC.
        certificate: PEM file of the client's own certificate, for mutual TLS.
        key: PEM file of its private key, without a password.

    Raises:
        ServingError: If there is a certificate without a key or a key without a certificate.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ServingError("A client's certificate and its key come together; name both or neither.")

    def grpc_credentials(self) -> grpc.ChannelCredentials:
        """Return what `grpc.secure_channel` takes; raises `ServingError` if a file is not PEM."""
        ca, key, certificate = (
            None if path is None else read_pem(Path(path)) for path in (self.ca, self.key, self.certificate)
        )
        return grpc.ssl_channel_credentials(ca, key, certificate)


def open_channel(address: str, options: Options, tls: ClientTls | None = None) -> grpc.Channel:
    """Return a channel to `address`, encrypted if `tls` is given."""
    if tls is None:
        return grpc.insecure_channel(address, options)
    return grpc.secure_channel(address, tls.grpc_credentials(), options)


def open_aio_channel(address: str, options: Options, tls: ClientTls | None = None) -> grpc.aio.Channel:
    """Return a channel for asyncio to `address`, encrypted if `tls` is given."""
    if tls is None:
        return grpc.aio.insecure_channel(address, options)
    return grpc.aio.secure_channel(address, tls.grpc_credentials(), options)


def call_metadata(token: str | None) -> Metadata:
    """Return the metadata for each call: the token, if there is one; raises `ServingError` if it can be none."""
    if token is None:
        return ()
    check_token("The token", token)
    return (("authorization", f"Bearer {token}"),)


def read_token(path: Path) -> str:
    """Return the token in a client's file: its only word; raises `ServingError` if it holds anything else."""
    try:
        words = path.read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise ServingError(f"The token file {path} cannot be read: {error}.") from error
    if len(words) != 1:
        raise ServingError(f"{path} should hold one token and nothing else, it holds {len(words)} words.")
    return words[0]


def unreachable(details: str, address: str) -> str:
    """Return a sentence about a server that a client could not connect to.

    Args:
        details: What gRPC said with UNAVAILABLE; it says that, too, when the two do not trust each other.
        address: That the client was given.
    """
    if "CERTIFICATE_VERIFY_FAILED" in details:
        return f"The certificate of the server at {address} is from nobody this client trusts; name its authority: ca."
    if "WRONG_VERSION_NUMBER" in details:
        return f"The server at {address} does not speak TLS; connect without it, or start the server with --tls-cert."
    if "failed to connect" in details and "Socket closed" in details:
        return (
            f"The server at {address} hung up at once; it may speak only TLS, or want a client's certificate: pass "
            "tls=ClientTls(ca=..., certificate=..., key=...)."
        )
    return f"There is no server at {address}; start one with: understudy serve BUNDLE"
