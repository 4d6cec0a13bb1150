"""How real people turn, move and fire, beside skirmish's scripted players: what the scripts are to be believed for.

python benchmarks/people.py DEMOS CORPUS [--most N]

DEMOS are recordings of people, such as `make demo` imports: the demos that come with Freedoom. CORPUS is what
`understudy record skirmish --hours …` leaves. The games differ, so that no number should be the same; what matters is
whether scripted hands do what no person's does. Intervals are of a bootstrap over recordings.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from understudy.evaluation.likeness import hold_lengths
from understudy.evaluation.measures import burst_lengths
from understudy.evaluation.statistics import bootstrap_interval
from understudy.evaluation.telemetry import Telemetry, read_telemetry
from understudy.recordings import open_recordings

MOST = 200
_MOVING = ("move", "strafe")
_STILL_DEG_S = 12.0
"""Slower turns are not counted, as Doom's demos cannot hold them: half of the least that they can."""

Values = Callable[[Telemetry], np.ndarray]


def turning(episode: Telemetry) -> np.ndarray:
    """Whether the view turns, a decision each."""
    return (np.abs(episode.columns["turn"]) > _STILL_DEG_S).astype(float)


def turn_rates(episode: Telemetry) -> np.ndarray:
    """Degrees a second, where the view turns."""
    rates = np.abs(episode.columns["turn"])
    return rates[rates > _STILL_DEG_S]


def sweeps(episode: Telemetry) -> np.ndarray:
    """Seconds for which the view goes on turning one way."""
    signs = np.where(np.abs(episode.columns["turn"]) > _STILL_DEG_S, np.sign(episode.columns["turn"]), 0)
    return _lengths(signs, signs != 0) / episode.hz


def keys(episode: Telemetry) -> np.ndarray:
    """Which way the keys ask to move, one number for each direction, 0 for none."""
    assert episode.source is not None
    behavior = episode.source.behavior
    parts = [behavior.action(name) for name in _MOVING if name in episode.choices]
    return sum((episode.choices[part.name] - part.labels.index("none")) * 9**place for place, part in enumerate(parts))


def moving(episode: Telemetry) -> np.ndarray:
    """Whether keys ask to move, a decision each."""
    return (keys(episode) != 0).astype(float)


def holds(episode: Telemetry) -> np.ndarray:
    """Seconds for which a direction is held."""
    asked = keys(episode)
    return _lengths(asked, asked != 0) / episode.hz


def firing(episode: Telemetry) -> np.ndarray:
    """Whether the trigger is down, a decision each."""
    return (episode.columns["fire"] > 0).astype(float)


def bursts(episode: Telemetry) -> np.ndarray:
    """Seconds for which the trigger stays down."""
    lengths = burst_lengths(episode)
    return np.empty(0) if lengths is None else lengths / episode.hz


def _lengths(states: np.ndarray, counted: np.ndarray) -> np.ndarray:
    starts = np.flatnonzero(np.diff(states, prepend=states[0] + 1) != 0)
    return hold_lengths(states)[counted[starts]].astype(float)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _percentile(share: float) -> Callable[[np.ndarray], float]:
    return lambda values: float(np.percentile(values, share)) if len(values) else float("nan")


STATISTICS: Mapping[str, tuple[Values, Callable[[np.ndarray], float]]] = {
    "share of time the view turns": (turning, _mean),
    "turn rate while it does, °/s: median": (turn_rates, _percentile(50)),
    "turn rate while it does, °/s: 90 %": (turn_rates, _percentile(90)),
    "a turn one way, s: median": (sweeps, _percentile(50)),
    "a turn one way, s: 90 %": (sweeps, _percentile(90)),
    "share of time keys ask to move": (moving, _mean),
    "a direction is held, s: median": (holds, _percentile(50)),
    "a direction is held, s: 90 %": (holds, _percentile(90)),
    "share of time the trigger is down": (firing, _mean),
    "a burst, s: median": (bursts, _percentile(50)),
    "a burst, s: 90 %": (bursts, _percentile(90)),
}


def describe(episodes: Sequence[Telemetry]) -> list[str]:
    """Each statistic with its interval."""
    cells = []
    for values, statistic in STATISTICS.values():
        found = [values(each) for each in episodes]
        numbers = np.arange(len(found))

        def of(drawn: np.ndarray, found: list[np.ndarray] = found, statistic: Callable = statistic) -> float:
            return statistic(np.concatenate([found[int(each)] for each in drawn]))

        low, high = bootstrap_interval(numbers, of)
        cells.append(f"{of(numbers):.2f} [{low:.2f}, {high:.2f}]")
    return cells


def read(folder: Path, most: int) -> list[Telemetry]:
    """Some recordings of a folder, evenly spread."""
    every = list(open_recordings(folder))
    chosen = np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int))
    return read_telemetry([every[each] for each in chosen])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demos", type=Path, help="recordings of people")
    parser.add_argument("corpus", type=Path, help="recordings of scripted players")
    parser.add_argument("--most", type=int, default=MOST, help="recordings read of each")
    asked = parser.parse_args()
    people, scripts = (read(each, asked.most) for each in (asked.demos, asked.corpus))
    print(f"| | people ({len(people)} recordings) | scripted players ({len(scripts)} recordings) |\n|---|---|---|")
    for name, left, right in zip(STATISTICS, describe(people), describe(scripts), strict=True):
        print(f"| {name} | {left} | {right} |")


if __name__ == "__main__":
    main()
