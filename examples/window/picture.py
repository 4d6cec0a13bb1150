"""The picture of docs/window.md: two games in their windows, and what a bot sees of them.

python examples/window/picture.py docs/images/window.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from understudy.envs.window.env import WindowEnv

_HERE = Path(__file__).parent
_GAMES = {"chocolate-doom": 15, "lbreakout2": 45}
_WIDTH = 480
_GAP = 12


def main(out: str) -> None:
    """Play both games for a moment, and draw window and sensor below each other."""
    columns = [_column(*_play(name, steps)) for name, steps in _GAMES.items()]
    height = max(len(each) for each in columns)
    padded = [np.pad(each, ((0, height - len(each)), (0, 0), (0, 0)), constant_values=255) for each in columns]
    cv2.imwrite(out, np.concatenate([padded[0], _blank(height, _GAP), padded[1]], axis=1)[..., ::-1])


def _play(name: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
    env = WindowEnv(_HERE / f"{name}.yaml", screen=[800, 600], render_mode="rgb_array")
    env.reset(seed=0)
    env.action_space.seed(1)
    for _ in range(steps):
        action = env.action_space.sample()
        if name == "chocolate-doom":
            action |= {"move": np.int64(2), "fire": np.int64(1), "turn": np.array([-3.0], np.float32)}
        seen = env.step(action)[0]["frame"]
    picture = env.render()
    env.close()
    assert picture is not None
    return picture, seen


def _column(picture: np.ndarray, seen: np.ndarray) -> np.ndarray:
    if seen.shape[-1] == 3 and seen.shape[0] * 4 < seen.shape[1] * 2:  # three grey pictures: only the newest
        seen = np.repeat(seen[..., -1:], 3, axis=-1)
    window = cv2.resize(picture, (_WIDTH, _WIDTH * 3 // 4), interpolation=cv2.INTER_AREA)
    tall = round(seen.shape[0] * _WIDTH / seen.shape[1])
    sensor = cv2.resize(seen, (_WIDTH, tall), interpolation=cv2.INTER_NEAREST)
    return np.concatenate([window, np.full((_GAP, _WIDTH, 3), 255, np.uint8), sensor])


def _blank(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


if __name__ == "__main__":
    main(sys.argv[1])
