"""What the replaying process and its parent agree on: the records between them."""

from __future__ import annotations

import struct

RECORD = struct.Struct("<II")
"""Tics run when the picture was drawn, and the bytes of the picture that follow: 0 after the last."""
PICTURE_SHAPE = (200, 320, 3)
"""Height, width and RGB of a picture, uint8."""
FIRST_DRAWN_TIC = 2
"""The engine runs two tics before it draws its first picture."""
