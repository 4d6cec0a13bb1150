"""A bundle behind Triton's Python backend; `understudy export --target triton` copies this file beside the graph.

It stands alone: Triton gives it `triton_python_backend_utils`, the repository holds `policy.onnx` and, as
`understudy_noise.py`, our `understudy.agents.noise`; its Python needs numpy and onnxruntime. Each sequence is one bot;
the sequences that wait at the same time come here together and are decided as one batch.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

IDLE_S = 300.0
"""Triton says nothing when it ends an idle sequence, so bots that were not asked for this long are dropped here too."""


class Bot:
    """What one sequence remembers."""

    __slots__ = ("decision", "last_used", "seed", "state")

    def __init__(self, seed: int, state_size: int) -> None:
        self.seed = seed
        self.decision = 0
        self.state = np.zeros(state_size, np.float32)
        self.last_used = time.monotonic()


class TritonPythonModel:
    """Triton's contract: `initialize` once, then `execute` with every batch of requests."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the graph that lies beside this file."""
        import onnxruntime
        import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]
        import understudy_noise  # type: ignore[import-not-found]

        self._utils: Any = pb_utils
        self._uniform_noise: Any = understudy_noise.uniform_noise
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = Path(args["model_repository"]) / args["model_version"] / "policy.onnx"
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        inputs = {each.name: each.shape for each in self._session.get_inputs()}
        self._sensors = [name.removeprefix("observation.") for name in inputs if name.startswith("observation.")]
        self._state_size, self._noise_size = inputs["state"][1], inputs["noise"][1]
        self._has_style = "style" in inputs
        names = [each.name for each in self._session.get_outputs()]
        self._actions = [name.removeprefix("action.") for name in names if name.startswith("action.")]
        self._bots: dict[int | str, Bot] = {}
        self._swept = time.monotonic()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Decide once for the bot of each request."""
        answers: list[Any] = [None] * len(requests)
        due: list[tuple[int, Bot, dict[str, np.ndarray]]] = []
        for index, request in enumerate(requests):
            try:
                due.append((index, self._bot_of(request), self._observe(request)))
            except ValueError as error:
                failure = self._utils.TritonError(str(error))
                answers[index] = self._utils.InferenceResponse(error=failure)
        if due:
            for (index, _, _), answer in zip(due, self._decide(due), strict=True):
                answers[index] = answer
        for request in requests:
            if request.flags() & self._utils.TRITONSERVER_REQUEST_FLAG_SEQUENCE_END:
                self._bots.pop(request.correlation_id(), None)
        self._drop_idle()
        return answers

    def _bot_of(self, request: Any) -> Bot:
        sequence = request.correlation_id()
        if request.flags() & self._utils.TRITONSERVER_REQUEST_FLAG_SEQUENCE_START:
            self._bots[sequence] = Bot(int(self._array(request, "seed").item()) % 2**64, self._state_size)
        if sequence not in self._bots:
            raise ValueError(f"No sequence {sequence!r} is running; its first request sets sequence_start.")
        return self._bots[sequence]

    def _observe(self, request: Any) -> dict[str, np.ndarray]:
        names = [*self._sensors, *(["style"] if self._has_style else [])]
        arrays = {name: self._array(request, name) for name in names}
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ValueError(f"Input '{name}' holds a number that is not finite.")
        return arrays

    def _array(self, request: Any, name: str) -> np.ndarray:
        array: np.ndarray = self._utils.get_input_tensor_by_name(request, name).as_numpy()
        return array

    def _decide(self, due: list[tuple[int, Bot, dict[str, np.ndarray]]]) -> list[Any]:
        bots = [bot for _, bot, _ in due]
        feed = {f"observation.{name}": np.concatenate([seen[name] for _, _, seen in due]) for name in self._sensors}
        feed["state"] = np.stack([bot.state for bot in bots])
        seeds = np.array([bot.seed for bot in bots], np.uint64)
        decisions = np.array([bot.decision for bot in bots], np.uint64)
        feed["noise"] = self._uniform_noise(seeds, decisions, self._noise_size)
        if self._has_style:
            feed["style"] = np.concatenate([seen["style"] for _, _, seen in due])
        *actions, states = self._session.run([*(f"action.{name}" for name in self._actions), "next_state"], feed)
        for bot, state in zip(bots, states, strict=True):
            bot.state, bot.decision, bot.last_used = state, bot.decision + 1, time.monotonic()
        return [self._answer([part[row : row + 1] for part in actions]) for row in range(len(bots))]

    def _answer(self, parts: list[np.ndarray]) -> Any:
        tensors = [
            self._utils.Tensor(name, part.reshape(1, 1) if part.ndim == 1 else part)
            for name, part in zip(self._actions, parts, strict=True)
        ]
        return self._utils.InferenceResponse(output_tensors=tensors)

    def _drop_idle(self) -> None:
        now = time.monotonic()
        if now - self._swept < IDLE_S / 4:
            return
        self._swept = now
        self._bots = {name: bot for name, bot in self._bots.items() if now - bot.last_used < IDLE_S}
