"""Looking at a part of the screen, by mss."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from understudy.envs.window.desk import Place, WindowGoneError
from understudy.errors import require


class Eyes:
    """Takes pictures of the screen.

    Args:
        display: Of X11, such as `":1"`; not used elsewhere.
    """

    def __init__(self, display: str) -> None:
        mss: Any = require("mss", "window")
        self._cv2: Any = require("cv2", "logs")
        self._failure = mss.exception.ScreenShotError
        self._screen = mss.MSS() if sys.platform in ("win32", "darwin") else mss.MSS(display=display)

    def look(self, place: Place) -> np.ndarray:
        """Return the picture of a place on the screen, uint8 RGB of shape (height, width, 3).

        Raises:
            WindowGoneError: If the screen does not give it.
        """
        try:
            shot = self._screen.grab(
                {"left": place.left, "top": place.top, "width": place.width, "height": place.height}
            )
        except self._failure as error:
            raise WindowGoneError(f"The screen gave no picture of the window: {error}.") from error
        four = np.frombuffer(shot.bgra, np.uint8).reshape(shot.height, shot.width, 4)
        return np.asarray(self._cv2.cvtColor(four, self._cv2.COLOR_BGRA2RGB))

    def close(self) -> None:
        """Close the eyes."""
        self._screen.close()
