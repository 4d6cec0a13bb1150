"""Real VPT logs: an H.264 video whose frames tell their number, and the lines as the recorder writes them."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from understudy.recordings.video import VideoWriter

ALIAS = "cheeky-cornflower-setter"
STEM = f"{ALIAS}-02e496ce4abb-20220421-092639"
NAME = "vpt-02e496ce4abb-20220421-092639"
HEIGHT, WIDTH = 360, 640

Line = dict[str, Any]

_LINE: Line = {
    "mouse": {
        "x": 640.0,
        "y": 360.0,
        "dx": 0.0,
        "dy": 0.0,
        "scaledX": 0.0,
        "scaledY": 0.0,
        "dwheel": 0.0,
        "buttons": [],
        "newButtons": [],
    },
    "keyboard": {"keys": [], "newKeys": [], "chars": ""},
    "isGuiOpen": False,
    "isGuiInventory": False,
    "hotbar": 0,
    "yaw": -112.35006,
    "pitch": 8.099996,
    "xpos": 841.364694513396,
    "ypos": 63.0,
    "zpos": 24.956354839537802,
    "tick": 0,
    "milli": 1650533199000,
    "inventory": [{"type": "oak_log", "quantity": 3}, {"type": "wooden_axe", "quantity": 1}],
    "serverTick": 6001,
    "serverTickDurationMs": 36.3466,
    "stats": {"minecraft.custom:minecraft.jump": 4, "minecraft.custom:minecraft.time_since_rest": 5999},
}


def line(
    step: int = 0,
    *,
    dx: float = 0.0,
    dy: float = 0.0,
    buttons: Sequence[int] = (),
    new_buttons: Sequence[int] = (),
    keys: Sequence[str] = (),
    **fields: Any,
) -> Line:
    """A line of the recorder; `keys` without `key.keyboard.`, other fields as they are called there."""
    form = copy.deepcopy(_LINE)
    form["mouse"] |= {"dx": dx, "dy": dy, "buttons": list(buttons), "newButtons": list(new_buttons)}
    form["mouse"] |= {name: fields.pop(name) for name in ("x", "y") if name in fields}
    form["keyboard"]["keys"] = [f"key.keyboard.{key}" for key in keys]
    form["keyboard"]["chars"] = fields.pop("chars", "")
    return form | {"tick": step, "milli": form["milli"] + 50 * step} | fields


def frame(step: int, *, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A picture whose colours tell its number."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = (40 + 8 * (step % 20), 120, 220 - 8 * (step % 20))
    return picture


def frame_number(picture: np.ndarray) -> int:
    """The number of a picture of `frame`, modulo 20; near enough after a video codec."""
    return round((float(np.median(picture[..., 0])) - 40) / 8)


def write_video(path: Path, num_frames: int, *, height: int = HEIGHT, width: int = WIDTH, fps: float = 20.0) -> Path:
    """Write a video of `frame`s."""
    with VideoWriter(path, height, width, fps) as writer:
        for step in range(num_frames):
            writer.write(frame(step, height=height, width=width))
    return path


def write_log(
    folder: Path, lines: Sequence[Line | bytes], *, stem: str = STEM, num_frames: int | None = None, **video: int
) -> Path:
    """Write a log and return its `.jsonl`; a line that is bytes is written as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.jsonl"
    texts = [each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in lines]
    path.write_bytes(b"".join(texts))
    write_video(folder / f"{stem}.mp4", len(lines) if num_frames is None else num_frames, **video)
    return path


def sample_lines(seed: int, steps: int) -> list[Line]:
    """Lines of somebody who walks, looks around, opens the inventory and changes the slot; drawn from a seed."""
    rng = random.Random(seed)
    keys = ("w", "a", "s", "d", "space", "left.shift", "left.control", "e", "q", "t")
    return [
        line(
            step,
            dx=float(rng.randint(-40, 40)),
            dy=float(rng.randint(-9, 9)),
            buttons=[number for number in (0, 1) if rng.random() < 0.2],
            keys=[key for key in keys if rng.random() < 0.2],
            isGuiOpen=step % 10 > 7,
            hotbar=step // 7 % 9,
            x=rng.uniform(0, 1280),
            y=rng.uniform(0, 720),
        )
        for step in range(steps)
    ]


def sample_log(folder: Path, seed: int) -> Path:
    """Write a real log, small, drawn from a seed."""
    steps = random.Random(seed).randint(3, 12)
    stem = f"{ALIAS}-{seed:012x}-20220421-092639"
    return write_log(folder, sample_lines(seed, steps), stem=stem, height=90, width=160)
