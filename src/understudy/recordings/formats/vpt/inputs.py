"""From what a person did with mouse and keyboard to an action, by the rules of VPT's own data loading.

Three mistakes of the public loader are not repeated: it rounds the camera to whole degrees (motion of less than seven
pixels becomes none), it takes a slot chosen by the wheel for a null action, and it takes the slot that was selected
before the first frame for a choice.
"""

from __future__ import annotations

from dataclasses import dataclass

from understudy.recordings.formats.vpt.behavior import (
    BUTTONS,
    DEGREES_PER_PIXEL,
    GUI,
    KEYS,
    MOUSE_BUTTONS,
    NULL,
    SLOT_KEYS,
    STUCK,
    TYPED,
)
from understudy.recordings.formats.vpt.lines import Line

_ATTACK = 0
_INDEX = {name: index for index, name in enumerate(BUTTONS)}
_KEY_INDEX = {key: _INDEX[name] for key, name in KEYS.items()}
_MOUSE_INDEX = {number: _INDEX[name] for number, name in MOUSE_BUTTONS.items()}


@dataclass(frozen=True, slots=True)
class Inputs:
    """The action of one line.

    Attributes:
        camera: Pitch (down is positive) and yaw (right is positive) in degrees.
        buttons: A 0 or 1 for each of `BUTTONS`.
        slot: The slot chosen in this step, from 1; 0 if none was.
        events: Words for it.
    """

    camera: tuple[float, float]
    buttons: list[int]
    slot: int
    events: list[str]

    @property
    def null(self) -> bool:
        """Whether nothing was done."""
        return not self.slot and self.camera == (0, 0) and not any(self.buttons)


class InputReader:
    """Turns the lines of one log, in their order, into inputs.

    Args:
        gui_scale: What mouse motion is multiplied by while a GUI is open; it depends on the recorder's version.
        esc_as_inventory: Take ESC in an open GUI for the inventory key, as VPT's training did: both close it.
        keep_text: Tell what was typed, as an event.
    """

    def __init__(self, *, gui_scale: float = 1.0, esc_as_inventory: bool = False, keep_text: bool = False) -> None:
        self._gui_scale = gui_scale
        self._esc_as_inventory = esc_as_inventory
        self._keep_text = keep_text
        self._is_first = True
        self._stuck = False
        self._slot: int | None = None

    def read(self, line: Line) -> Inputs:
        """Return the inputs of the next line."""
        self._watch_attack(line)
        buttons, dropped = self._buttons(line)
        scale = DEGREES_PER_PIXEL * (self._gui_scale if line.gui else 1.0)
        camera = (line.motion[1] * scale, line.motion[0] * scale)
        inputs = Inputs(camera, buttons, self._chosen_slot(line), [])
        inputs.events.extend(self._words(line, inputs, dropped))
        self._is_first = False
        return inputs

    def _watch_attack(self, line: Line) -> None:
        """A log that begins with attack pressed and nothing else has it stuck, until it is pressed afresh."""
        if self._is_first:
            self._stuck = line.new_buttons == {_ATTACK}
        elif _ATTACK in line.new_buttons:
            self._stuck = False

    def _buttons(self, line: Line) -> tuple[list[int], bool]:
        buttons = [0] * len(BUTTONS)
        for key in line.keys:
            if key in _KEY_INDEX:
                buttons[_KEY_INDEX[key]] = 1
        for number in line.buttons:
            if number in _MOUSE_INDEX:
                buttons[_MOUSE_INDEX[number]] = 1
        if self._esc_as_inventory and line.gui and buttons[_INDEX["ESC"]]:
            buttons[_INDEX["ESC"]], buttons[_INDEX["inventory"]] = 0, 1
        dropped = self._stuck and bool(buttons[_ATTACK])
        buttons[_ATTACK] &= not self._stuck
        return buttons, dropped

    def _chosen_slot(self, line: Line) -> int:
        """The slot that became selected, by key or by wheel, for the wheel is not logged; else a slot's key held."""
        before, self._slot = self._slot, line.slot
        if before is not None and line.slot is not None and line.slot != before:
            return line.slot + 1
        return next((SLOT_KEYS[key] for key in line.keys if key in SLOT_KEYS), 0)

    def _words(self, line: Line, inputs: Inputs, dropped: bool) -> list[str]:
        if "events" in line.ours:
            return [each for each in line.ours["events"] if self._keep_text or not each.startswith(TYPED)]
        typed = f"{TYPED}{line.chars}"
        words = ((GUI, line.gui), (NULL, inputs.null), (STUCK, dropped), (typed, line.chars and self._keep_text))
        return [word for word, holds in words if holds]
