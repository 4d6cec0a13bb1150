"""Telemetry as sequences for a classifier: one row per decision, cut to windows of some seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.evaluation.telemetry import Telemetry

_MOST_CHOICES = 16
_LOG_UNITS = {"turn": 10.0, "pitch": 10.0, "aim_error": 2.0}


@dataclass(frozen=True)
class Layout:
    """What a row holds, so that all who are compared are told in the same way.

    Attributes:
        columns: Of the telemetry.
        choices: Action parts and how many choices each has.
        places: Whether distances to the sites are told: where one goes is style, but no sign of a bot.
    """

    columns: tuple[str, ...]
    choices: tuple[tuple[str, int], ...]
    places: bool = False

    @property
    def groups(self) -> dict[str, slice]:
        """Which numbers of a row tell of what."""
        found, at = {}, 0
        sizes = [*((name, 2) for name in self.columns), *self.choices, *((("places", 3),) if self.places else ())]
        for name, size in sizes:
            found[name] = slice(at, at + size)
            at += size
        return found

    @property
    def size(self) -> int:
        """Numbers in a row."""
        return max((each.stop for each in self.groups.values()), default=0)

    def rows(self, episode: Telemetry) -> np.ndarray:
        """Return an episode as float32, shape (steps, size): values, and whether they are known; choices as flags."""
        parts = [_known(name, episode.columns[name]) for name in self.columns]
        for name, size in self.choices:
            flags = np.eye(size, dtype=np.float32)
            parts.append(flags[np.clip(episode.choices[name], 0, size - 1)])
        if self.places:
            parts.append(_places(episode))
        return np.concatenate(parts, axis=1).astype(np.float32)


def shared_layout(episodes: Sequence[Telemetry], *, places: bool = False) -> Layout:
    """Return the layout of what all of these episodes have."""
    columns = set.intersection(*(set(each.columns) for each in episodes)) if episodes else set()
    names = set.intersection(*(set(each.choices) for each in episodes)) if episodes else set()
    sizes = {name: 1 + max(int(each.choices[name].max(initial=0)) for each in episodes) for name in names}
    few = tuple((name, size) for name, size in sorted(sizes.items()) if 1 < size <= _MOST_CHOICES)
    known = places and all(each.ground is not None and each.ground.sites for each in episodes)
    return Layout(tuple(sorted(columns)), few, known)


def _known(name: str, values: np.ndarray) -> np.ndarray:
    unit = _LOG_UNITS.get(name)
    scaled = np.arcsinh(values / unit) if unit else values
    missing = np.isnan(scaled)
    return np.stack([np.where(missing, 0.0, scaled), missing], 1)


def _places(episode: Telemetry) -> np.ndarray:
    """The distances to the nearer and the farther site, and how long the round has lasted: styles are of space too."""
    assert episode.ground is not None
    assert episode.positions is not None
    away = np.sort(np.stack(list(episode.ground.site_distances(episode.positions).values())), axis=0)
    seconds = np.arange(episode.num_steps) / episode.hz
    return np.stack([away[0] / 10, away[-1] / 10, seconds / 30], 1)


@dataclass(frozen=True)
class Windows:
    """Windows of several episodes.

    Attributes:
        values: float32, shape (windows, steps, size).
        owner: Which episode each is of, int64, shape (windows,).
    """

    values: np.ndarray
    owner: np.ndarray


def cut_windows(rows: Sequence[np.ndarray], steps: int, *, pool: int = 1) -> Windows:
    """Cut episodes to half-overlapping windows.

    The last row of an episode that is shorter than a window is repeated; one that is shorter than half is left out.

    Args:
        rows: Of each episode, shape (steps, size).
        steps: Decisions in a window.
        pool: Decisions that are averaged to one row.
    """
    values, owner = [], []
    for index, each in enumerate(rows):
        if len(each) < steps // 2:
            continue
        padded = np.concatenate([each, np.repeat(each[-1:], max(0, steps - len(each)), 0)])
        for start in range(0, len(padded) - steps + 1, max(1, steps // 2)):
            window = padded[start : start + steps // pool * pool]
            values.append(window.reshape(-1, pool, window.shape[1]).mean(1))
            owner.append(index)
    size = rows[0].shape[1] if rows else 0
    return Windows(
        np.stack(values).astype(np.float32) if values else np.zeros((0, steps // pool, size), np.float32),
        np.array(owner, np.int64),
    )
