"""Windows' virtual-key codes and the words for them.

Source: learn.microsoft.com, "Virtual-Key Codes". The recorder writes these codes on every system.
"""

from __future__ import annotations

from understudy.errors import RecordingError, suggest

_NAMED = {
    0x08: "backspace", 0x09: "tab", 0x0D: "enter", 0x10: "shift", 0x11: "ctrl", 0x12: "alt", 0x13: "pause",
    0x14: "caps_lock", 0x15: "hangul", 0x19: "hanja", 0x1B: "esc", 0x20: "space", 0x21: "page_up", 0x22: "page_down",
    0x23: "end", 0x24: "home", 0x25: "left", 0x26: "up", 0x27: "right", 0x28: "down", 0x2C: "print_screen",
    0x2D: "insert", 0x2E: "delete", 0x5B: "left_win", 0x5C: "right_win", 0x5D: "menu", 0x6A: "num_multiply",
    0x6B: "num_add", 0x6D: "num_subtract", 0x6E: "num_decimal", 0x6F: "num_divide", 0x90: "num_lock",
    0x91: "scroll_lock", 0xA0: "left_shift", 0xA1: "right_shift", 0xA2: "left_ctrl", 0xA3: "right_ctrl",
    0xA4: "left_alt", 0xA5: "right_alt", 0xBA: "semicolon", 0xBB: "equals", 0xBC: "comma", 0xBD: "minus",
    0xBE: "period", 0xBF: "slash", 0xC0: "backquote", 0xDB: "left_bracket", 0xDC: "backslash", 0xDD: "right_bracket",
    0xDE: "quote",
}  # fmt: skip
KEYS: dict[int, str] = {
    **{code: chr(code).lower() for code in (*range(0x30, 0x3A), *range(0x41, 0x5B))},
    **{0x60 + digit: f"num_{digit}" for digit in range(10)},
    **{0x6F + number: f"f{number}" for number in range(1, 13)},
    **_NAMED,
}
# The mouse's buttons have codes too; they come as events of the mouse.
MOUSE_CODES = {1: "left", 2: "right", 4: "middle", 5: "x1", 6: "x2"}
MOUSE_BUTTONS = ("left", "right", "middle", "x1", "x2")


def chosen_keys(text: str) -> tuple[int, ...]:
    """Return the codes of words such as `w,a,s,d,space`; of every key if there are none. Raises `RecordingError`."""
    if not text.strip():
        return tuple(sorted(KEYS))
    codes = {label: code for code, label in KEYS.items()}
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in codes:
            raise RecordingError(f"There is no key '{word}'.{suggest(word, codes)}")
    return tuple(dict.fromkeys(codes[word] for word in words))
