"""Clients of the peers, as lean as ours: the Open Inference Protocol with raw tensors, and raw bytes over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc
import numpy as np

from understudy.serving.dialects.oip import oip_pb2 as oip

Ask = Callable[[np.ndarray], Awaitable[bytes]]
IN_FLIGHT = 3


class OipClient:
    """One model behind `GRPCInferenceService`.

    Args:
        port: On this machine.
    """

    def __init__(self, port: int) -> None:
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._infer = self._channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=oip.ModelInferRequest.SerializeToString,
            response_deserializer=oip.ModelInferResponse.FromString,
        )

    async def ask(self, rays: np.ndarray) -> bytes:
        """Send one tick and return the first part of the actions."""
        tensor = oip.ModelInferRequest.InferInputTensor(name="rays", datatype="FP32", shape=rays.shape)
        request = oip.ModelInferRequest(model_name="gru", inputs=[tensor], raw_input_contents=[rays.tobytes()])
        return (await self._infer(request)).raw_output_contents[0]

    async def close(self) -> None:
        """End the connection."""
        await self._channel.close()


class HttpClient:
    """A few connections that are kept open, HTTP/1.1 by hand: a client library would cost more than the server.

    Args:
        port: On this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, rays: np.ndarray) -> bytes:
        """Send one tick and return the answer's body."""
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        body = rays.tobytes()
        head = f"POST /tick/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        fields = [line.split(b":", 1) for line in answer.lower().split(b"\r\n")[1:] if line]
        if not answer.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(answer.split(b"\r\n")[0].decode())
        content = await reader.readexactly(int(dict(fields)[b"content-length"]))
        self._idle.append((reader, writer))
        return content

    async def close(self) -> None:
        """End the connections."""
        for _, writer in self._idle:
            writer.close()


async def flood(ask: Ask, rays: list[np.ndarray], ticks: int) -> float:
    """Return the mean seconds a tick takes while a few are always under way, as `Player.flood` does it."""
    waiting = [asyncio.ensure_future(ask(rays[tick % len(rays)])) for tick in range(IN_FLIGHT)]
    began = time.perf_counter()
    for tick in range(ticks):
        await waiting.pop(0)
        waiting.append(asyncio.ensure_future(ask(rays[tick % len(rays)])))
    seconds = (time.perf_counter() - began) / ticks
    await asyncio.gather(*waiting)
    return seconds
