"""Run by LeRobot's own Python: reads or writes a data set with the real package. Imports nothing of ours.

python lerobot_peer.py read ROOT OUT.npz     every step of every episode, and a window at the start of each
python lerobot_peer.py write ROOT CODEC      two episodes, recorded as LeRobot records them
"""

import sys

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

WINDOW = 4


def read(root: str, out: str) -> None:
    """Save each feature of each step, and the windows that `delta_timestamps` gives."""
    steps = LeRobotDataset("understudy/test", root=root)
    items = [steps[index] for index in range(len(steps))]
    found = {key: np.stack([np.asarray(item[key]) for item in items]) for key in items[0]}
    deltas = [step / steps.meta.fps for step in range(WINDOW)]
    keys = ["action", *steps.meta.camera_keys]
    windows = LeRobotDataset("understudy/test", root=root, delta_timestamps=dict.fromkeys(keys, deltas))
    starts = steps.meta.episodes["dataset_from_index"]
    found |= {f"window.{key}": np.stack([np.asarray(windows[start][key]) for start in starts]) for key in keys}
    stats = {f"stats.{key}.{name}": value for key, each in steps.meta.stats.items() for name, value in each.items()}
    np.savez(out, num_episodes=steps.num_episodes, fps=steps.meta.fps, **found, **stats)


def write(root: str, codec: str) -> None:
    """Record two episodes of 9 and 14 steps; pictures and numbers are functions of the step."""
    picture = {"dtype": "video", "shape": (64, 96, 3), "names": ["height", "width", "channels"]}
    features = {
        "observation.state": {"dtype": "float32", "shape": (3,), "names": ["a", "b", "c"]},
        "observation.images.front": picture,
        "observation.images.wrist": {**picture, "dtype": "image"},
        "action": {"dtype": "float32", "shape": (2,), "names": ["x", "y"]},
    }
    dataset = LeRobotDataset.create("understudy/test", 30, features, root=root, robot_type="arm", vcodec=codec)
    step = 0
    for length in (9, 14):
        for _ in range(length):
            dataset.add_frame({**frame(step), "task": "push"})
            step += 1
        dataset.save_episode()
    dataset.finalize()


def frame(step: int) -> dict[str, np.ndarray]:
    """What was seen and done in a step."""
    shade = np.full((64, 96, 3), 20 + 9 * step, np.uint8)
    shade[:, :48, 0] = 255 - 9 * step
    state, action = np.float32([step, -step, 0.5]), np.float32([step / 10, 1])
    return {
        "observation.state": state,
        "observation.images.front": shade,
        "observation.images.wrist": shade[::-1].copy(),
        "action": action,
    }


if __name__ == "__main__":
    {"read": read, "write": write}[sys.argv[1]](*sys.argv[2:])
