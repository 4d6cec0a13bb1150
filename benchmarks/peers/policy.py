"""What every peer runs: the same graph, one thread, the state of one client's bots kept beside it."""

import numpy as np
import onnxruntime


class Policy:
    """Plays the GRU policy of the benchmark for one client.

    Args:
        path: Of its graph.
    """

    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        sizes = {each.name: each.shape[1] for each in self._session.get_inputs() if each.name in ("state", "noise")}
        found = [each.name for each in self._session.get_outputs()]
        self.parts = [name.removeprefix("action.") for name in found if name.startswith("action.")]
        self._outputs = [*(f"action.{name}" for name in self.parts), "next_state"]
        self._state, self._noise = np.zeros((64, sizes["state"]), np.float32), sizes["noise"]
        self._rng = np.random.default_rng(0)

    def step(self, rays: np.ndarray) -> "list[np.ndarray]":
        """Decide once for 64 bots; returns the action parts in the order of `parts`."""
        noise = self._rng.random((len(rays), self._noise), np.float32)
        feed = {"observation.rays": rays, "state": self._state, "noise": noise}
        *actions, self._state = self._session.run(self._outputs, feed)
        return actions
