"""A tiny game in an X11 window: keys colour it, the mouse moves its bar, and some keys make it misbehave.

a red while held; g green while held; w as wide again; m elsewhere; o partly off the screen; u hidden; q leaves well;
x leaves badly; t opens another window that takes the keyboard.
"""

from __future__ import annotations

import sys

from Xlib import X, display

_SIZE = (160, 120)
_BAR = 10


class Toy:
    """The window and what it shows."""

    def __init__(self, name: str) -> None:
        self.display = display.Display()
        self.screen = self.display.screen()
        mask = X.KeyPressMask | X.KeyReleaseMask | X.ExposureMask | X.PointerMotionMask | X.ButtonPressMask
        self.window = self.screen.root.create_window(
            40, 30, *_SIZE, 0, self.screen.root_depth, background_pixel=0, event_mask=mask
        )
        self.window.set_wm_name(name)
        self.window.map()
        self.ink = self.window.create_gc()
        self.down: set[str] = set()
        self.bar = _SIZE[0] // 2
        self.names = {self.display.keysym_to_keycode(ord(each)): each for each in "agwmuoqxt"}

    def draw(self) -> None:
        """Fill the window by the keys that are down, and draw the bar where the mouse is."""
        colour = 0xC00000 * ("a" in self.down) + 0x00C000 * ("g" in self.down)
        self.ink.change(foreground=colour)
        self.window.fill_rectangle(self.ink, 0, 0, 400, 400)
        self.ink.change(foreground=0xFFFFFF)
        self.window.fill_rectangle(self.ink, self.bar, 0, _BAR, 400)
        self.display.flush()

    def misbehave(self, key: str) -> None:
        """Do what a key asks for."""
        if key == "w":
            self.window.configure(width=_SIZE[0] * 2)
        elif key == "m":
            self.window.configure(x=100, y=90)
        elif key == "o":
            self.window.configure(x=-50, y=30)
        elif key == "u":
            self.window.unmap()
        elif key == "t":
            other = self.screen.root.create_window(300, 200, 50, 50, 0, self.screen.root_depth)
            other.map()
            self.display.sync()
            other.set_input_focus(X.RevertToParent, X.CurrentTime)
        elif key == "q":
            sys.exit(0)
        elif key == "x":
            sys.exit("the toy is broken")

    def run(self) -> None:
        """Go on until a key ends it."""
        while True:
            event = self.display.next_event()
            if event.type in (X.KeyPress, X.KeyRelease):
                name = self.names.get(event.detail, "")
                (self.down.add if event.type == X.KeyPress else self.down.discard)(name)
                if event.type == X.KeyPress:
                    self.misbehave(name)
            elif event.type == X.MotionNotify:
                self.bar = event.event_x
            if not self.display.pending_events():
                self.draw()


if __name__ == "__main__":
    Toy(sys.argv[1]).run()
