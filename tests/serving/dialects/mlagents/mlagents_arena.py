"""Bundles for games with a picture and hybrid actions, and a server that plays ML-Agents games."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
from arena import HIDDEN, Graph, gru_step
from gymnasium import spaces
from onnx import TensorProto

from understudy.agents.bundle import Bundle, write_bundle
from understudy.serving.dialects.mlagents import GameLimits, add_to
from understudy.serving.registry import Limits, Registry
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

SERVER_SEED = 11
WALKER = BehaviorSpec(
    "walker",
    (
        SensorSpec("rays", spaces.Box(-np.inf, np.inf, (2, 3), np.float32)),
        SensorSpec("frame", spaces.Box(0, 255, (4, 5, 3), np.uint8)),
        SensorSpec("health", spaces.Box(0, 90, (), np.float32)),
    ),
    (
        ActionSpec("move", spaces.Discrete(3)),
        ActionSpec("turn", spaces.Box(np.float32([-90, 0]), np.float32([90, 10]))),
        ActionSpec("buttons", spaces.MultiBinary(2)),
    ),
    10.0,
)
_LOGITS = 7


def make_walker(folder: Path, name: str, seed: int, behavior: BehaviorSpec = WALKER) -> Bundle:
    """Write a bundle for `WALKER`, or for some of its actions, whose weights depend on `seed`, and return it.

    Its graph fails at run time where `health` is above 90: a policy with a fault of its own.
    """
    sizes = {"state_size": HIDDEN, "noise_size": _LOGITS, "logits_size": _LOGITS}
    return write_bundle(
        folder,
        _walker_graph(seed, behavior),
        None,
        name=name,
        behavior=behavior,
        provenance={},
        certificate={},
        **sizes,
    )


def _walker_graph(seed: int, behavior: BehaviorSpec) -> bytes:
    graph = Graph(np.random.default_rng(seed))
    frame = graph("Flatten", graph("Cast", "observation.frame", to=TensorProto.FLOAT))
    health = graph("Reshape", "observation.health", graph.constant(np.array([-1, 1], np.int64)))
    seen = graph(
        "Concat",
        graph("Flatten", "observation.rays"),
        graph("Div", frame, graph.constant(np.float32(255))),
        graph("Add", health, _fragile_zero(graph, health)),
        axis=1,
    )
    state = gru_step(graph, seen, "state", 67, HIDDEN)
    graph("Identity", state, out="next_state")
    logits = graph("MatMul", state, graph.weight(HIDDEN, _LOGITS), out="logits")
    drawn = graph("Add", logits, graph("Mul", "noise", graph.constant(np.float32(3))))
    move, turn, buttons = graph.split(drawn, (3, 2, 2))
    graph("ArgMax", move, out="action.move", axis=1, keepdims=0)
    unit = graph("Sigmoid", turn)
    scaled = graph("Mul", unit, graph.constant(np.array([180, 10], np.float32)))
    graph("Add", scaled, graph.constant(np.array([-90, 0], np.float32)), out="action.turn")
    pressed = graph("Less", graph.constant(np.float32(1.5)), buttons)
    graph("Cast", pressed, out="action.buttons", to=TensorProto.INT8)
    return graph.finish(
        {f"observation.{each.name}": (each.space.dtype, each.space.shape) for each in WALKER.sensors}
        | {"state": (np.float32, (HIDDEN,)), "noise": (np.float32, (_LOGITS,))},
        {f"action.{each.name}": (each.dtype, each.shape) for each in behavior.actions}
        | {"next_state": (np.float32, (HIDDEN,)), "logits": (np.float32, (_LOGITS,))},
    )


def _fragile_zero(graph: Graph, health: str) -> str:
    """Look up a zero at the index that `health` gives, in a table of 91."""
    index = graph("Cast", health, to=TensorProto.INT64)
    return graph("Gather", graph.constant(np.zeros(91, np.float32)), index)


def observe_walker(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw an observation that the bundle's graph survives."""
    return {
        "rays": rng.normal(0, 2, (2, 3)).astype(np.float32),
        "frame": rng.integers(0, 256, (4, 5, 3), np.uint8),
        "health": np.asarray(rng.uniform(0, 90), np.float32),
    }


@contextmanager
def serve_games(
    bundles: Sequence[Bundle], limits: GameLimits | None = None, registries: list[Registry] | None = None
) -> Iterator[str]:
    """Serve ML-Agents games in a thread while the `with` block runs; gives the address.

    Each behaviour may have 100 agents and each message 1 MiB; the server's registry is put into `registries`.
    """
    address: Future[str] = Future()
    stop = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 1 << 20)])
        registry = Registry(bundles, Limits(max_bots=100))
        if registries is not None:
            registries.append(registry)
        add_to(server, registry, seed=SERVER_SEED, limits=limits)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        address.set_result(f"127.0.0.1:{port}")
        await stop.wait()
        await server.stop(1.0)
        await registry.close()

    thread = threading.Thread(target=asyncio.run, args=(main(),), name="ML-Agents server")
    thread.start()
    try:
        yield address.result(timeout=60)
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()
