"""What a VPT log holds as a `BehaviorSpec`, and the names and numbers of the format.

Source: openai/Video-Pre-Training (README, data_loader.py, run_inverse_dynamics_model.py, agent.py).
"""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

RATE_HZ = 20.0
FRAME_SIZE = (128, 128)
"""Height and width of the frames that VPT's models were trained on."""

DEGREES_PER_PIXEL = 360 / 2400
MAX_CAMERA_DEGREES = 180.0
WINDOW_HEIGHT = 720
"""Height of the game's window, in whose pixels the cursor is logged."""

NUM_SLOTS = 9
BUTTONS = (
    *("attack", "back", "forward", "jump", "left", "right", "sneak", "sprint", "use", "drop", "inventory"),
    *("ESC", "pickItem", "swapHands"),
)
"""As MineRL calls them; the first eleven are those of VPT's models."""

MOUSE_BUTTONS = {0: "attack", 1: "use", 2: "pickItem"}
KEYS = {
    "key.keyboard.s": "back",
    "key.keyboard.w": "forward",
    "key.keyboard.space": "jump",
    "key.keyboard.a": "left",
    "key.keyboard.d": "right",
    "key.keyboard.left.shift": "sneak",
    "key.keyboard.left.control": "sprint",
    "key.keyboard.q": "drop",
    "key.keyboard.e": "inventory",
    "key.keyboard.escape": "ESC",
    "key.keyboard.f": "swapHands",
}
SLOT_KEYS = {f"key.keyboard.{number}": number for number in range(1, NUM_SLOTS + 1)}

# Versions of the recorder that logged the mouse in other units while a GUI was open.
GUI_MOUSE_SCALES = {"5.7": 0.5, "5.8": 0.5, "6.7": 2.0, "6.8": 2.0, "6.9": 2.0}

CURSOR_EXTRA = {"cursor": spaces.Box(-np.inf, np.inf, (2,), np.float32)}
"""Kept beside the spec: x and y of the cursor in pixels of the 1280 × 720 window."""

GUI, NULL, STUCK, TYPED = "gui", "null", "attack stuck", "typed: "
"""Events: a GUI is open; nothing was done; attack was down without being pressed; text that the player typed."""


def minecraft(size: tuple[int, int] = FRAME_SIZE, *, pose: bool = True) -> BehaviorSpec:
    """Return the behaviour of a VPT log.

    Args:
        size: Height and width of `frame`.
        pose: Whether the log says where the player is and looks. People see that on the debug screen alone, so both
            sensors are privileged.
    """
    frame = SensorSpec("frame", spaces.Box(0, 255, (*size, 3), np.uint8), computed={"resize": "INTER_LINEAR"})
    poses = (
        SensorSpec("position", spaces.Box(-np.inf, np.inf, (3,), np.float32), "blocks", privileged=True),
        SensorSpec("view", spaces.Box(-np.inf, np.inf, (2,), np.float32), "degrees", privileged=True),
    )
    return BehaviorSpec("minecraft", (frame, *(poses if pose else ())), _actions(), RATE_HZ)


def _actions() -> tuple[ActionSpec, ...]:
    camera = spaces.Box(-MAX_CAMERA_DEGREES, MAX_CAMERA_DEGREES, (2,), np.float32)
    slots = tuple(f"hotbar.{number}" for number in range(1, NUM_SLOTS + 1))
    return (
        ActionSpec("camera", camera, "degrees per decision", ("pitch", "yaw")),
        ActionSpec("buttons", spaces.MultiBinary(len(BUTTONS)), labels=BUTTONS),
        ActionSpec("hotbar", spaces.Discrete(NUM_SLOTS + 1), labels=("none", *slots)),
    )


MINECRAFT = minecraft()
"""The behaviour that logs are imported as by default: `frame`, `position`, `view`; `camera`, `buttons`, `hotbar`."""
