"""A scripted player that finds its way by a fan of rays. It learns nothing: it is a player to test and compare with."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from understudy.agents.noise import uniform_noise
from understudy.errors import SpecError
from understudy.sensors import RayFan
from understudy.spec import Action, ActionSpec, BehaviorSpec, Observation

BODY = 24.0
"""Half of the corridor a player needs, in map units."""
NEAR = 64.0
"""Where a wall is near enough to be tried as a door, and to turn away from, in map units."""
AIM_DEGREES = 4.0
MAX_TURN = 12.0
"""Degrees of a smooth turn in one decision."""
LEG = 24
"""Decisions for which a whim, or an escape from a corner, lasts."""


class RayWalker:
    """Walks where the rays reach furthest, shoots the monsters they hit and tries near walls as doors.

    It decides from the rays alone, and its whims come from the seed: the same seed and observations give the same
    actions.

    Args:
        behavior: Must have a ray fan with the type `"wall"`, and the action parts `move` (labels back, none, forward)
            and `turn` (degrees, positive to the right). `fire` and `use` are pressed if they are there; every other
            part stays at rest: no button pressed, the choice `"none"` or the first one.
        rays: Name of the ray fan's sensor.

    Raises:
        SpecError: If the behaviour lacks one of these.
    """

    def __init__(self, behavior: BehaviorSpec, rays: str = "rays") -> None:
        self.behavior = behavior
        self._sensor = rays
        fan = RayFan.from_spec(behavior.sensor(rays))
        if "wall" not in fan.types:
            raise SpecError(f"RayWalker needs rays with the type 'wall', but '{rays}' has {fan.types}.")
        if behavior.action("move").labels != ("back", "none", "forward"):
            raise SpecError("RayWalker needs an action part 'move' with the labels back, none and forward.")
        if not isinstance(behavior.action("turn").space, spaces.Box):
            raise SpecError("RayWalker needs an action part 'turn' in degrees.")
        self._angles = np.array(fan.angles)
        self._ahead = np.abs(self._angles) <= max(10.0, float(np.abs(self._angles).min()))
        self._columns = {name: 1 + index for index, name in enumerate(fan.types)}
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget the past and start the whims of `seed` from their beginning."""
        self._seed = np.array([seed], np.uint64)
        self._decision = 0
        self._escape = 0
        self._side = 1.0
        self._last: np.ndarray | None = None

    def act(self, observation: Observation) -> Action:
        """Decide once from the rays."""
        self.behavior.check_observation(observation)
        rays = observation[self._sensor]
        whim, jitter = self._noise(self._decision // LEG)[0], self._noise(self._decision)[1]
        target = self._hunt(rays)
        chosen = self._walk(rays, 2 * whim - 1, 2 * jitter - 1) if target is None else self._shoot(rays, target)
        self._last = rays[:, 0].copy()
        self._decision += 1
        return {part.name: _value(part, chosen.get(part.name)) for part in self.behavior.actions}

    def close(self) -> None:
        """Nothing to release."""

    def _noise(self, count: int) -> np.ndarray:
        return uniform_noise(self._seed, np.array([count], np.uint64), 2)[0]

    def _hunt(self, rays: np.ndarray) -> int | None:
        """The ray that hits the nearest monster, or None."""
        column = self._columns.get("monster")
        if column is None or not rays[:, column].any():
            return None
        return int(np.argmin(np.where(rays[:, column] > 0, rays[:, 0], np.inf)))

    def _shoot(self, rays: np.ndarray, target: int) -> dict[str, float]:
        """Turn towards a monster, fire once it is under the crosshair, and step back from one that is close."""
        angle = float(self._angles[target])
        move = 0.0 if rays[target, 0] < 2 * NEAR else 1.0
        return {"move": move, "turn": 0.6 * angle, "fire": float(abs(angle) <= AIM_DEGREES)}

    def _walk(self, rays: np.ndarray, whim: float, jitter: float) -> dict[str, float]:
        """Head for the deepest opening, or out of a corner.

        Args:
            rays: The reading.
            whim: In [-1, 1]: which side is liked better for now.
            jitter: In [-1, 1]: the unsteadiness of the hand.
        """
        distances = rays[:, 0]
        front = float(distances[self._ahead].min())
        still = self._last is not None and float(np.abs(distances - self._last).max()) < 0.5
        if self._escape == 0 and (front < NEAR or still):
            self._escape = LEG // 2
            self._side = 1.0 if whim + self._open_side(distances) > 0 else -1.0
        use = float(front < NEAR and self._decision % 2 == 0)
        if self._escape > 0:
            self._escape = 0 if front > 3 * NEAR and not still else self._escape - 1
            return {"move": 1.0 if front < NEAR else 2.0, "turn": self._side * MAX_TURN + jitter, "use": use}
        liking = self._clearance(distances) * (1 + 0.5 * whim * self._angles / np.abs(self._angles).max())
        goal = float(self._angles[int(np.argmax(liking))])
        return {"move": 2.0, "turn": float(np.clip(0.3 * goal, -MAX_TURN, MAX_TURN)) + jitter, "use": use}

    def _open_side(self, distances: np.ndarray) -> float:
        """In [-1, 1]: how much more room there is to the right than to the left."""
        left, right = (float(distances[self._angles * side >= 0].mean()) for side in (-1, 1))
        return (right - left) / (right + left + 1e-6)

    def _clearance(self, distances: np.ndarray) -> np.ndarray:
        """How far a body of width 2 × `BODY` could walk along each ray, given what the other rays hit."""
        apart = np.radians(np.abs(self._angles[:, None] - self._angles[None, :]))
        beside = distances[None, :] * np.sin(np.minimum(apart, np.pi / 2))
        in_the_way = np.where(beside < BODY, distances[None, :] * np.cos(apart), np.inf)
        return np.asarray(in_the_way.min(axis=1))


def _value(part: ActionSpec, chosen: float | None) -> np.ndarray:
    """One action part's array: `chosen` within the part's range, or the part at rest."""
    space = part.space
    if isinstance(space, spaces.Box):
        return np.clip(np.full(space.shape, chosen or 0.0), space.low, space.high).astype(part.dtype)
    if isinstance(space, spaces.MultiBinary):
        return np.full(part.shape, bool(chosen), part.dtype)
    rest = part.labels.index("none") if "none" in part.labels else 0
    return np.asarray(rest if chosen is None else int(chosen), part.dtype)
