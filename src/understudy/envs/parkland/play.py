"""One decision of play after another: what an action does to a `State`, without any picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland import body
from understudy.envs.parkland.behavior import GAITS, STEEPEST_LOOK, Choice
from understudy.envs.parkland.body import Walker, Wish
from understudy.envs.parkland.collision import SEEN, Collision
from understudy.envs.parkland.faults import Faults
from understudy.envs.parkland.layout import Layout
from understudy.envs.parkland.physics import Physics
from understudy.envs.parkland.state import State, building_at

_STAGE_HEIGHT = 2.5  # how far above or under a stage of a quest, or a trigger, one may be, metres


class Play:
    """The rules of the game.

    Args:
        layout: The park.
        physics_hz: Steps of the physics a second.
        decision_hz: Decisions a second.
    """

    def __init__(self, layout: Layout, physics_hz: int, decision_hz: float) -> None:
        self._layout = layout
        self.faults = Faults(layout)
        self.collision = Collision(layout)
        self.physics = Physics(layout, self.collision, self.faults.pits)
        self._steps, self._seconds = round(physics_hz / decision_hz), 1 / physics_hz
        self._triggers = _places([(*each.position, each.radius) for each in layout.triggers])
        self._quests = [_places(each.stages) for each in layout.quests]
        self._standing = [False] * len(layout.doors)

    def decide(self, state: State, choice: Choice) -> State:
        """Return the state after one decision."""
        self._set_doors(state)
        before = state
        if choice.interact and not state.interacting:
            state = self._interact(state)
        elif state.interacted >= 0:
            state = state._replace(interacted=-1)
        state = self._walk(state, choice, self._steps)
        inside = building_at(self._layout, *state.walker.feet)
        state = state._replace(interacting=bool(choice.interact), inside=inside, decisions=state.decisions + 1)
        return self._count(self.faults.shut_doors(before, state))

    def preview(self, state: State, choice: Choice, share: float) -> State:
        """Return where a player is, and looks, when a share (0 to 1) of a decision has passed; nothing else happens."""
        self._set_doors(state)
        return self._walk(state, choice, round(self._steps * share))

    def _walk(self, state: State, choice: Choice, steps: int) -> State:
        heading, pitch, walker = state.heading, state.pitch, state.walker
        speed = body.SPEEDS[GAITS[choice.gait]] if choice.move else 0.0
        crouch = GAITS[choice.gait] == "crouch"
        # Moves go clockwise from forward, in eighths of a circle.
        aside = math.radians((choice.move - 1) * 45)
        for _ in range(steps):
            heading -= choice.turn / self._steps
            pitch += choice.pitch / self._steps
            if self.faults.holds(walker) and walker.grounded:
                continue
            way = math.radians(heading) - aside
            velocity = speed * math.cos(way), speed * math.sin(way)
            walker = self.physics.step(walker, Wish(velocity, crouch, bool(choice.jump)), self._seconds)
        pitch = min(max(pitch, -STEEPEST_LOOK), STEEPEST_LOOK)
        return state._replace(walker=walker, heading=heading % 360, pitch=pitch)

    def _interact(self, state: State) -> State:
        """Inspect the thing, or turn the door, that is looked at within reach."""
        eyes, look = state.walker.eyes, direction(state.heading, state.pitch)
        end = tuple(at + body.REACH * along for at, along in zip(eyes, look, strict=True))
        hit = self.collision.ray(eyes, (end[0], end[1], end[2]), SEEN)
        what, _, index = hit.name.partition("-") if hit else ("", "", "")
        if what == "prop":
            return state._replace(interactions=state.interactions + 1, interacted=int(index))
        if what == "door":
            return self._turn_door(state._replace(interacted=-1), int(index))
        return state._replace(interacted=-1)

    def _turn_door(self, state: State, index: int) -> State:
        walker = state.walker
        opens = not state.open[index]
        blocked = self.collision.door_would_touch(index, walker.feet, walker.height, body.RADIUS, is_open=opens)
        if blocked or state.locked[index]:
            return state
        turned = tuple(not stands if each == index else stands for each, stands in enumerate(state.open))
        state = state._replace(open=turned, interactions=state.interactions + 1)
        self._set_doors(state)
        return state

    def _set_doors(self, state: State) -> None:
        for index, stands in enumerate(state.open):
            if stands != self._standing[index]:
                self.collision.turn_door(index, is_open=stands)
                self._standing[index] = stands

    def _count(self, state: State) -> State:
        """Count the quests' stages and fire the triggers that have been reached."""
        near = _reached(state.walker, self._triggers)
        fired = [index for index, now in enumerate(near) if now and not state.near[index]]
        for index in fired:
            self.faults.fire(index)
        at_stage = [_reached(state.walker, each) for each in self._quests]
        stages = tuple(
            done + (done < len(at) and at[done] and self.faults.counts(index, done))
            for index, (at, done) in enumerate(zip(at_stage, state.stages, strict=True))
        )
        if near == state.near and stages == state.stages:
            return state
        return state._replace(near=near, bells=state.bells + len(fired), stages=stages)


def direction(heading: float, pitch: float) -> tuple[float, float, float]:
    """Return the unit vector of a look, from degrees."""
    level = math.cos(math.radians(pitch))
    angle = math.radians(heading)
    return level * math.cos(angle), level * math.sin(angle), math.sin(math.radians(pitch))


def _places(rows: Sequence[tuple[float, float, float, float]]) -> NDArray[np.float64]:
    return np.array(rows, np.float64).reshape(-1, 4)


def _reached(walker: Walker, places: NDArray[np.float64]) -> tuple[bool, ...]:
    """Whether a walker is at each of some places (k, 4): x, y, z, radius."""
    away = places[:, :3] - walker.feet
    level = away[:, 0] ** 2 + away[:, 1] ** 2 < places[:, 3] ** 2
    return tuple((level & (np.abs(away[:, 2]) < _STAGE_HEIGHT)).tolist())
