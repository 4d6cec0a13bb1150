"""What a recording says of how somebody played, in the same columns whatever the game; what it lacks is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.evaluation.ground import Ground, GroundOf, no_ground
from understudy.recordings import Episode
from understudy.spec import ActionSpec

_TURNS, _PITCHES, _FIRES = ("turn", "yaw"), ("pitch", "look_up"), ("fire", "attack", "shoot")
_BLOCKING = ("wall", "cover")
_CENTIMETRES = 100.0


@dataclass(frozen=True)
class Telemetry:
    """One episode of one player.

    Attributes:
        name: Of the recording.
        player: Who played; the recording's name if that is unknown.
        map: The level played.
        notes: Of the recording's provenance.
        hz: Decisions a second.
        columns: By name, float64, shape (steps,): `speed` and the like, NaN where a step has none.
        choices: By action part, int64, shape (steps,): which choice was made.
        positions: Metres (or the game's units), shape (steps, 2), or None.
        headings: Degrees counter-clockwise from +x, shape (steps,), or None.
        enemies: As the extra of that name, shape (steps, enemies, 5), or None.
        planted: The step in which the bomb was planted by this player, or None.
        ground: The level's plan, if it is known.
        source: The recording, for videos; None if there is none.
        seed: That the round started from, if known.
    """

    name: str
    player: str
    map: str
    notes: Mapping[str, Any]
    hz: float
    columns: Mapping[str, np.ndarray]
    choices: Mapping[str, np.ndarray]
    positions: np.ndarray | None = None
    headings: np.ndarray | None = None
    enemies: np.ndarray | None = None
    planted: int | None = None
    ground: Ground | None = None
    source: Episode | None = None
    seed: int | None = None

    @cached_property
    def num_steps(self) -> int:
        """How many decisions were made."""
        return len(next(iter((*self.columns.values(), *self.choices.values())), ()))

    @property
    def persona(self) -> str:
        """The named style of whoever played; empty if there is none."""
        return str(self.notes.get("style") or self.notes.get("persona") or "")

    @property
    def side(self) -> str:
        """Which side was played; empty if there are none."""
        return str(self.notes.get("side", ""))

    @property
    def won(self) -> bool | None:
        """Whether the round was won, if that is known."""
        won = self.notes.get("won")
        return bool(won) if isinstance(won, (bool, int)) else None

    @property
    def round(self) -> str:
        """Those who played together: the unit that a classifier's training and testing are divided by."""
        return self.name if self.seed is None else f"{self.map}/{self.seed}"


def read_telemetry(episodes: Iterable[Episode], ground_of: GroundOf = no_ground) -> list[Telemetry]:
    """Read the columns of recordings; those without a step are left out."""
    grounds: dict[str, Ground | None] = {}
    found = []
    for each in episodes:
        name = each.provenance.map
        if name not in grounds:
            grounds[name] = ground_of(name)
        if each.num_steps:
            found.append(telemetry_of(each, grounds[name]))
    return found


def telemetry_of(episode: Episode, ground: Ground | None = None) -> Telemetry:
    """Read the columns of one recording."""
    source, hz = episode.provenance, episode.behavior.decision_hz
    extras = episode.layout.extra_columns
    positions = _positions(episode)
    view = episode.extra("view").astype(float) if _has(extras, "view", 2) else None
    enemies = episode.extra("enemies").astype(float) if "enemies" in extras else None
    planted = episode.steps_with("planted")
    columns = {
        "speed": _speed(episode, positions, hz),
        "turn": _turn(episode, view, _TURNS, 0),
        "pitch": _turn(episode, view, _PITCHES, 1),
        "fire": _fire(episode),
        "aim_error": None if enemies is None else aim_error(enemies),
        "visible": None if enemies is None else (_seen(enemies).any(1)).astype(float),
        "clearance": _clearance(episode, positions, ground),
    }
    return Telemetry(
        episode.name,
        source.player or str(source.notes.get("player", "")) or episode.name,
        source.map,
        source.notes,
        hz,
        {name: values for name, values in columns.items() if values is not None},
        _choices(episode),
        positions,
        None if view is None else view[:, 0],
        enemies,
        int(planted[0]) if len(planted) else None,
        ground if positions is not None else None,
        episode,
        source.seed,
    )


def aim_error(enemies: np.ndarray) -> np.ndarray:
    """Return the angle between the aim and the best aimed-at visible enemy in degrees, NaN while none is visible.

    Args:
        enemies: x, y, alive, visible and angle of each, shape (steps, enemies, 5).
    """
    angles = np.where(_seen(enemies), np.abs(enemies[..., 4]), np.inf).min(1)
    return np.where(np.isfinite(angles), angles, np.nan)


def _seen(enemies: np.ndarray) -> np.ndarray:
    return (enemies[..., 2] > 0) & (enemies[..., 3] > 0)


def _has(extras: Mapping[str, Any], name: str, size: int) -> bool:
    return name in extras and len(extras[name].shape) == 1 and extras[name].shape[0] >= size


def _positions(episode: Episode) -> np.ndarray | None:
    if not _has(episode.layout.extra_columns, "position", 2):
        return None
    return episode.extra("position")[:, :2].astype(float)


def _speed(episode: Episode, positions: np.ndarray | None, hz: float) -> np.ndarray | None:
    if _has(episode.layout.extra_columns, "velocity", 2):
        return np.linalg.norm(episode.extra("velocity")[:, :2].astype(float), axis=1)
    if positions is None:
        return None
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1) * hz
    return np.append(steps, np.nan)


def _turn(episode: Episode, view: np.ndarray | None, names: tuple[str, ...], column: int) -> np.ndarray | None:
    """Degrees a second, of the view itself if it was recorded, else as asked for."""
    hz = episode.behavior.decision_hz
    if view is not None:
        steps = np.diff(view[:, column])
        steps = -((steps + 180) % 360 - 180) if column == 0 else steps
        return np.append(steps * hz, np.nan)
    part = _part(episode, names, lambda part: isinstance(part.space, spaces.Box) and part.num_labels == 1)
    return None if part is None else episode.action(part).reshape(-1).astype(float) * hz


def _fire(episode: Episode) -> np.ndarray | None:
    part = _part(episode, _FIRES, lambda part: isinstance(part.space, spaces.Discrete) and part.num_labels == 2)
    return None if part is None else episode.action(part).astype(float)


def _part(episode: Episode, names: tuple[str, ...], fits: Callable[[ActionSpec], bool]) -> str | None:
    return next((each.name for each in episode.behavior.actions if each.name in names and fits(each)), None)


def _clearance(episode: Episode, positions: np.ndarray | None, ground: Ground | None) -> np.ndarray | None:
    """From the level's plan if it is known, else the nearest wall or cover in sight."""
    if ground is not None and positions is not None:
        return ground.clearance(positions)
    sensor = next((each for each in episode.behavior.sensors if each.name == "rays"), None)
    types = list(sensor.computed.get("types", ())) if sensor is not None else []  # type: ignore[arg-type]
    if sensor is None or sensor.dtype != np.int16 or sensor.shape[-1:] != (2,) or not set(_BLOCKING) & set(types):
        return None
    rays = episode.observation("rays").reshape(episode.num_steps, -1, 2)
    blocking = np.isin(rays[..., 1], [types.index(each) + 1 for each in _BLOCKING if each in types])
    nearest = np.where(blocking, rays[..., 0], np.iinfo(np.int16).max).min(1) / _CENTIMETRES
    return np.where(blocking.any(1), nearest, np.nan)


def _choices(episode: Episode) -> dict[str, np.ndarray]:
    """Each part that is a choice, or buttons as one joint choice where they are few."""
    found = {}
    for part in episode.behavior.actions:
        if isinstance(part.space, spaces.Discrete):
            found[part.name] = episode.action(part.name).astype(np.int64)
        elif isinstance(part.space, spaces.MultiBinary):
            weights = 1 << np.arange(min(part.num_labels, 62), dtype=np.int64)
            found[part.name] = episode.action(part.name)[:, : len(weights)].astype(np.int64) @ weights
    return found
