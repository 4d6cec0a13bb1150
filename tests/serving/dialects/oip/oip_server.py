"""A server that speaks the Open Inference Protocol, in a thread, and the requests that tests send to it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import grpc
import numpy as np
import tritonclient.grpc as triton
from arena import BEHAVIOR
from tritonclient.utils import np_to_triton_dtype

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.serving.dialects.oip.options import OipOptions
from understudy.serving.dialects.oip.service import add_to
from understudy.serving.registry import Registry


class OipServer:
    """Serves bundles while its `with` block runs."""

    def __init__(self, bundles: Sequence[Bundle], **options: Any) -> None:
        self.registry = Registry(bundles)
        self._options = OipOptions(**options)
        self._address: Future[str] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="oip server")

    def __enter__(self) -> OipServer:
        self._thread.start()
        self.address = self._address.result(timeout=30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def wait_for_bots(self, number: int) -> None:
        """Wait until that many bots live, ten seconds at most."""
        until(lambda: self.registry.num_bots == number)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = grpc.aio.server()
        add_to(server, self.registry, self._options)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        self._address.set_result(f"127.0.0.1:{port}")
        await self._stop.wait()
        await server.stop(1)
        await self.registry.close()


def until(true: Callable[[], bool]) -> None:
    """Wait for something to become true, ten seconds at most."""
    for _ in range(500):
        if true():
            return
        time.sleep(0.02)
    raise TimeoutError


def to_inputs(arrays: Mapping[str, np.ndarray]) -> list[triton.InferInput]:
    """Return arrays as Triton's client takes them."""
    inputs = []
    for name, array in arrays.items():
        tensor = triton.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    return inputs


def to_actions(result: triton.InferResult) -> dict[str, np.ndarray]:
    """Return the action parts of an answer by name."""
    return {name: result.as_numpy(name) for name in BEHAVIOR.action_names}


class LocalBots:
    """The same bots in this process, one `BundleAgent` for each row."""

    def __init__(self, bundle: Bundle, seeds: Sequence[int]) -> None:
        self._agents = [BundleAgent(bundle) for _ in seeds]
        for agent, seed in zip(self._agents, seeds, strict=True):
            agent.reset(seed)

    def require_equal(self, observations: Mapping[str, np.ndarray], actions: Mapping[str, np.ndarray]) -> None:
        """Let them decide as well; fails where they do something else."""
        for row, agent in enumerate(self._agents):
            expected = agent.act({name: array[row] for name, array in observations.items()})
            for name in BEHAVIOR.action_names:
                np.testing.assert_allclose(actions[name][row], expected[name], atol=1e-3, err_msg=f"{name}, row {row}")
