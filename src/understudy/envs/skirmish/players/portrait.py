"""How the players of a corpus play, in numbers: one row for each persona, one for each skill.

python -m understudy.envs.skirmish.players.portrait LOGS
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from understudy.envs.skirmish.behavior import GAITS, TEAM_LABELS
from understudy.envs.skirmish.level import load_level
from understudy.recordings import Episode, open_recordings

MEASURES = {
    "speed": "m/s, mean",
    "standing": "share of time slower than 0.3 m/s",
    "walking": "share of movement that is silent",
    "crouching": "share of time",
    "mate": "metres to the teammate, mean",
    "cover": "share of time beside cover or wall",
    "contact": "seconds until an enemy is first seen",
    "range": "metres to the nearest enemy in sight at a shot, mean",
    "burst": "shots without a pause of 0.25 s",
    "turning": "degrees a second, mean",
    "kills": "in a round",
    "won": "share of rounds",
}
"""What is measured of a recording, and in what unit."""
_PAUSE = 4
"""Decisions without a shot that end a burst."""


def measure(episode: Episode) -> dict[str, float]:
    """Return `MEASURES` of one recording; NaN where it shows nothing of the kind."""
    speed = np.hypot(*episode.extra("velocity").T)
    moving, gait = episode.action("move") > 0, episode.action("gait")
    shots = episode.steps_with("shot")
    return {
        "speed": float(speed.mean()),
        "standing": float((speed < 0.3).mean()),
        "walking": _share(gait[moving] == GAITS.index("walk")),
        "crouching": _share(gait == GAITS.index("crouch")),
        "mate": _mate_distance(episode.observation("team")),
        "cover": _share(_beside_something(episode)),
        **_contacts(episode, shots),
        "burst": len(shots) / (1 + int((np.diff(shots) > _PAUSE).sum())) if len(shots) else np.nan,
        "turning": float(np.abs(episode.action("turn")).mean() * episode.behavior.decision_hz),
        "kills": float(len(episode.steps_with("kill"))),
        "won": float(bool(episode.provenance.notes["won"])),
    }


def portray(logs: Path | str) -> dict[str, dict[str, dict[str, float]]]:
    """Return the mean of every measure by persona and by skill.

    Args:
        logs: A corpus of `corpus.make_corpus`.

    Returns:
        `{"persona": {name: measures}, "skill": {"0.0-0.2": measures, ...}}`, each with `"rounds"`, their number.
    """
    rows: dict[str, dict[str, list[Mapping[str, float]]]] = {"persona": defaultdict(list), "skill": defaultdict(list)}
    for episode in open_recordings(logs):
        notes, measures = episode.provenance.notes, measure(episode)
        low = min(int(float(str(notes["skill"])) * 5), 4) / 5
        rows["persona"][str(notes["persona"])].append(measures)
        rows["skill"][f"{low:.1f}-{low + 0.2:.1f}"].append(measures)
    return {kind: {name: _mean(found) for name, found in sorted(groups.items())} for kind, groups in rows.items()}


def _mean(found: list[Mapping[str, float]]) -> dict[str, float]:
    means = {name: float(np.nanmean([each[name] for each in found] or [np.nan])) for name in MEASURES}
    return {**means, "rounds": float(len(found))}


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if len(flags) else np.nan


def _mate_distance(team: np.ndarray) -> float:
    alive, distance = (team[:, TEAM_LABELS.index(label)] for label in ("mate_alive", "mate_distance"))
    return float(100 * distance[alive > 0].mean()) if (alive > 0).any() else np.nan


def _contacts(episode: Episode, shots: np.ndarray) -> dict[str, float]:
    """When an enemy was first seen, and how far off the nearest one in sight was at shots."""
    enemies = episode.extra("enemies")
    seen = enemies[..., 3] > 0
    apart = np.linalg.norm(enemies[..., :2] - episode.extra("position")[:, None], axis=-1)
    nearest = np.where(seen, apart, np.inf).min(axis=1)[shots]
    ranges = nearest[np.isfinite(nearest)]
    return {
        "contact": float(seen.any(axis=1).argmax() / episode.behavior.decision_hz) if seen.any() else np.nan,
        "range": float(ranges.mean()) if len(ranges) else np.nan,
    }


def _beside_something(episode: Episode) -> np.ndarray:
    columns, rows = np.floor(episode.extra("position").T).astype(int)
    return _edges(episode.provenance.map)[rows, columns]


@lru_cache(maxsize=64)
def _edges(level: str) -> np.ndarray:
    """Which cells have cover or wall among the eight around them."""
    solid = np.pad(~load_level(level).free, 1, constant_values=True)
    rows, columns = solid.shape[0] - 2, solid.shape[1] - 2
    around = [solid[down : down + rows, right : right + columns] for down in range(3) for right in range(3)]
    return np.logical_or.reduce(around)


def _print(portrait: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    for kind, groups in portrait.items():
        names = (*MEASURES, "rounds")
        print(f"| {kind} | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
        for name, measures in groups.items():
            print(f"| {name} | " + " | ".join(f"{measures[each]:.4g}" for each in names) + " |")
        print()


if __name__ == "__main__":
    _print(portray(sys.argv[1]))
