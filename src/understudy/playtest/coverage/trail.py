"""A player's path in bounded memory."""

from __future__ import annotations

from understudy.playtest.run.moment import Position

_MOST_POINTS = 2048


class Trail:
    """Every n-th position of a walk, where n doubles as the walk grows, and the last one.

    Attributes:
        every: How many decisions lie between two points.
        points: From the start, never more than 2,048.
        last: The newest position.
    """

    def __init__(self) -> None:
        self.every = 1
        self.points: list[Position] = []
        self.last: Position | None = None
        self._count = 0

    def add(self, position: Position) -> None:
        """Go on to `position`."""
        if self._count % self.every == 0:
            self.points.append(position)
            if len(self.points) > _MOST_POINTS:
                self.points, self.every = self.points[::2], self.every * 2
        self._count += 1
        self.last = position

    def path(self, until: int | None = None) -> list[Position]:
        """Return the points in order, up to a decision if one is given; the newest is always among the whole."""
        if until is not None:
            return self.points[: until // self.every + 1]
        return self.points if self.last is None or self.points[-1] == self.last else [*self.points, self.last]
