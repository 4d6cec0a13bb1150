"""A person's hands in one decision: which keys were held, and how far the mouse moved."""

from __future__ import annotations

from collections import Counter

import numpy as np

from understudy.envs.window.bindings import Bindings
from understudy.envs.window.desk import Desk


class Hands:
    """Looks at the keyboard and the mouse again and again, and says which action that was.

    A key counts as held if it was down in half of the looks or more, or went down in this decision: a short tap is
    never missed, and a key that was let go of early is not held on.

    Args:
        desk: The keyboard and the mouse.
        bindings: What they mean.
    """

    def __init__(self, desk: Desk, bindings: Bindings) -> None:
        self._desk, self._bindings = desk, bindings
        self._downs: Counter[str] = Counter()
        self._at_first: frozenset[str] = frozenset()
        self._num_looks = 0
        self._right = self._down = 0.0

    def sample(self) -> None:
        """Look once."""
        held = self._desk.held(self._bindings.keys)
        if self._bindings.motions:
            right, down = self._desk.moved()
            self._right, self._down = self._right + right, self._down + down
        if not self._num_looks:
            self._at_first = held
        self._downs.update(held)
        self._num_looks += 1

    def action(self) -> dict[str, np.ndarray]:
        """Return the action of all looks since the beginning."""
        held = {key for key, count in self._downs.items() if 2 * count >= self._num_looks or key not in self._at_first}
        return self._bindings.read(held, (self._right, self._down))
