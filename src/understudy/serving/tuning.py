"""What makes gRPC answer a tick sooner. This module does not import it: one setting must come before that."""

from __future__ import annotations

import os
import sys

WINDOW_OPTIONS = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4 << 20)]
"""For channels and servers: a window as large as a tick, and no pings that measure one."""

SWITCH_S = 5e-6
"""Seconds after which a thread hands the interpreter to one that waits for it; Python's own is 5 ms."""

_DIRECT_POLLING = "-event_engine_client,-event_engine_listener"


def poll_directly() -> bool:
    """Let gRPC wait for sockets in the thread that wants the data, for this process, unless `GRPC_EXPERIMENTS` is set.

    Its own engine hands each message over once more. That is about a quarter of an empty round trip between
    two Python processes. Call it before anything imports `grpc`.

    Returns:
        False if `grpc` is imported already, so that nothing changed.
    """
    if "grpc" in sys.modules:
        return False
    os.environ.setdefault("GRPC_EXPERIMENTS", _DIRECT_POLLING)
    return True


def share_interpreter() -> None:
    """Let the thread that computes a batch have the interpreter back soon, for this process.

    Between two batches it needs it for some microseconds only, while the event loop keeps it for most of a tick.
    """
    sys.setswitchinterval(SWITCH_S)
