"""What planted bugs do while the game runs. Those that are geometry are in the layout already."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable

from understudy.envs.parkland.body import Pit, Walker
from understudy.envs.parkland.layout import Layout, PlantedBug
from understudy.envs.parkland.state import OUTSIDE, State

_MEGABYTE = 1 << 20
_STUCK_HEIGHT = 2.0  # how far above and under a stuck spot it holds, metres
_DOORWAY = 2.5  # how near a door one must be to have come through it, metres


class Faults:
    """The planted bugs of a layout at work.

    Args:
        layout: The park.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._kinds: dict[str, list[PlantedBug]] = {}
        for bug in layout.bugs:
            self._kinds.setdefault(bug.kind, []).append(bug)
        self._deadly = {int(bug.details["trigger"]) for bug in self._of("crash")}
        self._broken = {(int(bug.details["quest"]), int(bug.details["stage"])) for bug in self._of("broken_quest")}
        self._leaked: list[bytes] = []

    @property
    def pits(self) -> tuple[Pit, ...]:
        """Where the ground is missing."""
        return tuple(
            Pit(*bug.position, bug.radius, kind == "endless_fall")
            for kind in ("hole", "endless_fall")
            for bug in self._of(kind)
        )

    def holds(self, walker: Walker) -> bool:
        """Whether a stuck spot keeps a walker where it is."""
        return any(
            math.dist(walker.feet[:2], bug.position[:2]) < bug.radius
            and abs(walker.z - bug.position[2]) < _STUCK_HEIGHT
            for bug in self._of("stuck_spot")
        )

    def counts(self, quest: int, stage: int) -> bool:
        """Whether a stage of a quest counts when it is reached."""
        return (quest, stage) not in self._broken

    def fire(self, trigger: int) -> None:
        """Fire a trigger; one with a planted crash ends the process."""
        if trigger in self._deadly:
            os.abort()

    def shut_doors(self, before: State, after: State) -> State:
        """Lock whoever came through a soft-locking door in: all of the building's doors shut for good."""
        if after.inside in (OUTSIDE, before.inside):
            return after
        for bug in self._of("soft_lock"):
            door = self._layout.doors[int(bug.details["door"])]
            if door.building == after.inside and math.dist(after.walker.feet[:2], door.middle[:2]) < _DOORWAY:
                its = [each.building == door.building for each in self._layout.doors]
                return after._replace(
                    open=tuple(stands and not own for stands, own in zip(after.open, its, strict=True)),
                    locked=tuple(shut or own for shut, own in zip(after.locked, its, strict=True)),
                )
        return after

    def leak(self, walker: Walker, seconds: float) -> None:
        """Eat memory, and touch it so that the system counts it, while a walker is at a leak."""
        for bug in self._at("leak", walker):
            self._leaked.append(b"\xa5" * int(float(bug.details["mb_per_second"]) * seconds * _MEGABYTE))

    def slow(self, walker: Walker, draw: Callable[[], object]) -> None:
        """Draw the same picture over and over while a walker is at a slow spot."""
        for bug in self._at("slow_spot", walker):
            end = time.perf_counter() + float(bug.details["delay_ms"]) / 1000
            while time.perf_counter() < end:
                draw()

    def close(self) -> None:
        """Give the leaked memory back."""
        self._leaked.clear()

    def _of(self, kind: str) -> list[PlantedBug]:
        return self._kinds.get(kind, [])

    def _at(self, kind: str, walker: Walker) -> list[PlantedBug]:
        return [bug for bug in self._of(kind) if math.dist(walker.feet, bug.position) < bug.radius]
