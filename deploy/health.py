"""Exits with 0 if the server serves, else with 1 and a sentence: python health.py [ADDRESS] [CA].

For Docker's HEALTHCHECK, and for a Kubernetes exec probe where the server speaks TLS, which gRPC probes do not. CA is
the PEM file of the authority that signed the server's certificate, which must then be valid for ADDRESS.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_S = 4


def main(address: str = "127.0.0.1:50051", authority: str = "") -> int:
    """Ask once."""
    try:
        with _channel(address, authority) as channel:
            request = health_pb2.HealthCheckRequest()
            status = health_pb2_grpc.HealthStub(channel).Check(request, timeout=TIMEOUT_S).status
    except (grpc.RpcError, OSError) as error:
        reason = error.details() if isinstance(error, grpc.Call) else error
        print(f"{address} does not answer: {reason}", file=sys.stderr)
        return 1
    if status != health_pb2.HealthCheckResponse.SERVING:
        print(f"{address} does not serve: {health_pb2.HealthCheckResponse.ServingStatus.Name(status)}", file=sys.stderr)
        return 1
    return 0


def _channel(address: str, authority: str) -> grpc.Channel:
    if not authority:
        return grpc.insecure_channel(address)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(Path(authority).read_bytes()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
