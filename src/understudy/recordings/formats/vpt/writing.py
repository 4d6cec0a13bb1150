"""From actions back to what a recorder would have logged: the reverse of `inputs`, by the same rules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from understudy.recordings.formats.vpt.behavior import BUTTONS, DEGREES_PER_PIXEL, GUI, KEYS, MOUSE_BUTTONS, TYPED
from understudy.spec import Action

_MILLI_NS = 1_000_000
_KEY_OF = {name: key for key, name in KEYS.items()}
_MOUSE_OF = {name: number for number, name in MOUSE_BUTTONS.items()}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a recording.

    Attributes:
        pose: x, y, z, pitch, yaw.
        action: By part name.
        cursor: x and y in the game's window.
        tick: The game's count.
        time_ns: Wall clock in nanoseconds.
        reward: That followed; NaN where unknown.
        events: Words for it.
    """

    pose: tuple[float, ...]
    action: Action
    cursor: tuple[float, float]
    tick: int
    time_ns: int
    reward: float
    events: list[str]


class LineMaker:
    """Makes the lines of one log, in their order. Parts that an action lacks are logged as not used."""

    def __init__(self) -> None:
        self._slot = 0
        self._held: tuple[set[str], set[int]] | None = None

    def line(self, step: Step) -> dict[str, Any]:
        """Return the JSON form of a step, with every field that the format's readers ask for."""
        keys, buttons = self._inputs(step.action)
        # What is down on the first line was pressed before it: readers take a fresh attack there for a stuck one.
        old_keys, old_buttons = (keys, buttons) if self._held is None else self._held
        self._held = (keys, buttons)
        pitch, yaw = (float(each) / DEGREES_PER_PIXEL for each in step.action.get("camera", (0, 0)))
        x, y = step.cursor
        return {
            "mouse": {"x": x, "y": y, "dx": yaw, "dy": pitch, "scaledX": x - 640, "scaledY": y - 360, "dwheel": 0.0}
            | {"buttons": sorted(buttons), "newButtons": sorted(buttons - old_buttons)},
            "keyboard": {"keys": sorted(keys), "newKeys": sorted(keys - old_keys), "chars": ""},
            "isGuiOpen": GUI in step.events,
            "isGuiInventory": False,
            "hotbar": self._slot,
            **dict(zip(("xpos", "ypos", "zpos", "pitch", "yaw"), step.pose, strict=True)),
            "tick": step.tick,
            "milli": max(step.time_ns, 0) // _MILLI_NS,
            "inventory": [],
            "serverTick": step.tick,
            "serverTickDurationMs": 0.0,
            "stats": {},
            "understudy": _ours(step),
        }

    def _inputs(self, action: Action) -> tuple[set[str], set[int]]:
        """The keys and mouse buttons that are down; the chosen slot by its key."""
        pressed = {name for name, held in zip(BUTTONS, action.get("buttons", ()), strict=False) if held}
        keys = {_KEY_OF[name] for name in pressed if name in _KEY_OF}
        slot = int(action.get("hotbar", 0))
        if slot:
            self._slot = slot - 1
            keys.add(f"key.keyboard.{slot}")
        return keys, {_MOUSE_OF[name] for name in pressed if name in _MOUSE_OF}


def _ours(step: Step) -> dict[str, Any]:
    """What the format has no field for; other readers pass over it."""
    events = [each for each in step.events if not each.startswith(TYPED)]
    reward = {} if math.isnan(step.reward) else {"reward": step.reward}
    return {"time_ns": step.time_ns, "events": events, **reward}
