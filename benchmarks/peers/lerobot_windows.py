"""Run by LeRobot's own Python: random windows by its own loader, timed as they are asked for on standard input.

python lerobot_windows.py ROOT LENGTH BATCH SEED

Prints `ready` with what it decodes with, then the seconds of a batch for each line it gets.
"""

import sys
import time

import numpy as np
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset


def main(root: str, length: int, batch: int, seed: int) -> None:
    """Answer until standard input ends."""
    meta = LeRobotDataset("understudy/windows", root=root).meta
    deltas = [step / meta.fps for step in range(length)]
    keys = ["action", *meta.camera_keys]
    dataset = LeRobotDataset("understudy/windows", root=root, delta_timestamps=dict.fromkeys(keys, deltas))
    frames, rng = meta.camera_keys[0], np.random.default_rng(seed)
    print("ready", dataset.video_backend if meta.video_keys else "png", flush=True)
    for _ in sys.stdin:
        starts = rng.integers(len(dataset) - length, size=batch)
        begin = time.perf_counter()
        items = [dataset[int(start)] for start in starts]
        found = {key: torch.stack([item[key] for item in items]) for key in keys}
        seconds = time.perf_counter() - begin
        assert found[frames].shape[:2] == (batch, length)
        print(seconds, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
