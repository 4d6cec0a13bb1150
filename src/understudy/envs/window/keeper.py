"""A process that outlives the environment by a moment: lets go of every key and ends the game, however its owner went.

X11 keeps a key down whose presser was killed, and a game that was started lives on. The environment starts this file
as a program and writes to its standard input `group N` for a process group to end and `forget N` for one that is no
more; when that pipe closes, by `close()`, an exception, SIGTERM or SIGKILL, its work begins. Standard library and
python-xlib only, so that it starts fast.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

PATIENCE_S = 2.0


def release_all(display_name: str) -> None:
    """Let go of every key and mouse button that is down on a display."""
    from Xlib import X, display
    from Xlib.ext import xtest

    connection = display.Display(display_name)
    keymap = connection.query_keymap()
    for code in range(8, 256):
        if keymap[code // 8] >> code % 8 & 1:
            xtest.fake_input(connection, X.KeyRelease, code)
    mask = connection.screen().root.query_pointer().mask
    for button in range(1, 6):
        if mask & (X.Button1Mask << (button - 1)):
            xtest.fake_input(connection, X.ButtonRelease, button)
    connection.sync()
    connection.close()


def end_group(group: int, patience: float = PATIENCE_S) -> None:
    """Ask a process group to end, and kill what is left of it after `patience` seconds."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            os.killpg(group, 0)
            time.sleep(0.02)
        os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Wait until the owner is gone, then tidy up."""
    # A Ctrl-C or a polite end is for the owner; this process ends after it.
    for word_of_end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(word_of_end, signal.SIG_IGN)
    groups: list[int] = []
    for line in sys.stdin:
        word, number = line.split()
        (groups.append if word == "group" else groups.remove)(int(number))
    # Whatever the display says, the game must end.
    with contextlib.suppress(Exception):
        release_all(sys.argv[1])
    for each in reversed(groups):
        end_group(each)


if __name__ == "__main__":
    main()
