"""Plays a sequence with the `tritonclient` of the Python that runs it: ADDRESS, a file to read, one to write.

Run by `test_newest_client.py` in another virtual environment, which has no understudy.
"""

from __future__ import annotations

import sys

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import np_to_triton_dtype

SEED = 5


def main(address: str, seen: str, done: str) -> None:
    """Send every step of the observations, (steps, bots, *shape), and keep what is answered."""
    observations, actions = dict(np.load(seen)), []
    steps = len(next(iter(observations.values())))
    with triton.InferenceServerClient(address) as client:
        for step in range(steps):
            inputs = []
            for name, array in observations.items():
                tensor = triton.InferInput(name, array[step].shape, np_to_triton_dtype(array.dtype))
                tensor.set_data_from_numpy(array[step])
                inputs.append(tensor)
            flags = {"sequence_id": 9, "sequence_start": step == 0, "sequence_end": step == steps - 1}
            result = client.infer("rusher", inputs, parameters={"seed": SEED}, **flags)
            actions.append([result.as_numpy(name) for name in ("move", "buttons", "turn")])
    move, buttons, turn = (np.stack(column) for column in zip(*actions))  # noqa: B905 (Python 3.8 runs this too)
    np.savez(done, move=move, buttons=buttons, turn=turn)


if __name__ == "__main__":
    main(*sys.argv[1:])
