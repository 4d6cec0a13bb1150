"""Reads a .demo with ML-Agents' own loader and prints what it found; runs where `mlagents` is installed."""

import json
import sys

from mlagents.trainers.buffer import BufferKey
from mlagents.trainers.demo_loader import load_demonstration, make_demo_buffer


def summary(path: str) -> dict:
    """What the loader makes of a file, as it hands it to behavioural cloning and GAIL."""
    spec, pairs, expected = load_demonstration(path)
    buffer = make_demo_buffer(pairs, spec, sequence_length=1)
    return {
        "names": [each.name for each in spec.observation_specs],
        "shapes": [list(each.shape) for each in spec.observation_specs],
        "continuous": spec.action_spec.continuous_size,
        "branches": list(spec.action_spec.discrete_branches),
        "expected": expected,
        "pairs": len(pairs),
        "done": [bool(each) for each in buffer[BufferKey.DONE]],
        "rewards": [float(each) for each in buffer[BufferKey.ENVIRONMENT_REWARDS]],
        "continuous_actions": [list(map(float, each)) for each in buffer[BufferKey.CONTINUOUS_ACTION]],
        "discrete_actions": [list(map(int, each)) for each in buffer[BufferKey.DISCRETE_ACTION]],
        "observations": {
            each.name: [row.ravel().tolist() for row in map(_array, buffer[_key(index)])]
            for index, each in enumerate(spec.observation_specs)
        },
    }


def _key(index: int) -> object:
    from mlagents.trainers.trajectory import ObsUtil

    return ObsUtil.get_name_at(index)


def _array(values: object) -> object:
    import numpy as np

    return np.asarray(values, np.float32)


if __name__ == "__main__":
    print(json.dumps(summary(sys.argv[1])))
