"""The round-trip matrix: what comes back of each toy behaviour from each format, measured; and from one to the next.

`python tests/recordings/formats/test_matrix.py` writes docs/logs/matrix.md anew.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

# ruff: noqa: E402
ROOT = Path(__file__).parents[3]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "tests")]

import matrix_toys
from format_samples import accepted

from understudy.recordings import Episode, Recordings, open_recordings
from understudy.recordings.formats import ASPECTS, Exporter, export_logs, exporters, import_logs

PAGE = ROOT / "docs" / "logs" / "matrix.md"
LEVELS = ("exact", "float32", "nearly", "no")
MOST_LEVELS = 8.0
"""Of 255: how far a lossy picture may be from its original, on average."""

CASES = [(name, behavior) for name, each in exporters().items() for behavior in accepted(each)]


def round_trip(recordings: Recordings, format_name: str, folder: Path) -> Recordings:
    """Export, and import what was written."""
    export_logs(recordings, folder / "export", format_name)
    report = import_logs([folder / "export"], folder / "back", format_name=format_name, reveal_players=True)
    assert report.losses == []
    return open_recordings(folder / "back")


def by_length(recordings: Recordings) -> list[Episode]:
    """The episodes, of which no two are equally long, shortest first: names may be lost on the way."""
    return sorted(recordings, key=lambda each: each.num_steps)


def measure(before: Recordings, after: Recordings) -> dict[str, str]:
    """Say of each aspect how well it came back, as one of `LEVELS`, the worst of all episodes."""
    assert [each.num_steps for each in by_length(after)] == [each.num_steps for each in by_length(before)]
    found = [_measure(one, other) for one, other in zip(by_length(before), by_length(after), strict=True)]
    return {aspect: max((each[aspect] for each in found), key=LEVELS.index) for aspect in ASPECTS}


def _measure(one: Episode, other: Episode) -> dict[str, str]:
    finals = one.final_observation(), other.final_observation()
    return {
        "spec": _exactly(one.behavior == other.behavior),
        "observations": _compare(*({n: e.observation(n) for n in e.behavior.sensor_names} for e in (one, other))),
        "actions": _compare(*({n: e.action(n) for n in e.behavior.action_names} for e in (one, other))),
        "rewards": _compare({"": one.reward}, {"": other.reward}),
        "ending": _exactly((one.terminated, one.truncated) == (other.terminated, other.truncated)),
        "final observation": _compare(finals[0] or {}, finals[1] or {}),
        "ticks": _exactly(np.array_equal(one.tick, other.tick)),
        "times": _times(one.time_ns, other.time_ns),
        "events": _events(one.events, other.events),
    }


def _exactly(same: bool) -> str:
    return "exact" if same else "no"


def _times(one: np.ndarray, other: np.ndarray) -> str:
    """Exact, nearly (the same distances within a millisecond), or no."""
    if np.array_equal(one, other):
        return "exact"
    return "nearly" if np.abs((one - one[0]) - (other - other[0])).max() <= 1_000_000 else "no"


def _events(one: list[list[str]], other: list[list[str]]) -> str:
    return _exactly([list(words) for words in one] == [list(words) for words in other])


def _compare(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> str:
    """The worst level of all arrays; where their names were lost, of all of them side by side."""
    if set(one) != set(other):
        one, other = ({"": _side_by_side(each)} if each else {} for each in (one, other))
    if set(one) != set(other):
        return "no"
    return max((_level(one[name], other[name]) for name in one), key=LEVELS.index)


def _side_by_side(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([each.reshape(len(each), -1).astype(np.float64) for each in columns.values()], axis=1)


def _level(one: np.ndarray, other: np.ndarray) -> str:
    if one.shape != other.shape:
        return "no"
    if np.array_equal(one, other, equal_nan=one.dtype.kind == "f"):
        return "exact"
    left, right = one.astype(np.float64), other.astype(np.float64)
    if np.allclose(left, right, rtol=1e-6, atol=1e-6, equal_nan=True):
        return "float32"
    is_near = one.dtype == np.uint8 and np.abs(left - right).mean() <= MOST_LEVELS
    return "nearly" if is_near else "no"


def is_kept(promised: str, measured: list[str]) -> bool:
    """Whether what was measured on all behaviours is what a word of `keeps` says: no less, and not always more."""
    worst = max(measured, key=LEVELS.index)
    if promised in ("exact", "no"):
        return set(measured) == {promised}
    if promised.startswith("float32"):
        return worst == "float32"
    return worst == "nearly" if "lossy" in promised else worst != "no"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, str]]:
    """Every exporter with every behaviour it can hold: what came back."""
    found = {}
    for name, behavior in CASES:
        folder = tmp_path_factory.mktemp(f"{name}-{behavior}")
        recordings = matrix_toys.record(folder / "recordings", matrix_toys.behaviors()[behavior])
        found[name, behavior] = measure(recordings, round_trip(recordings, name, folder))
    return found


@pytest.mark.parametrize("name", exporters())
def test_a_format_keeps_what_it_says(name: str, measured: dict[tuple[str, str], dict[str, str]]) -> None:
    """Of each aspect comes back what `keeps` promises: exact, within a limit that is reached, or not at all."""
    own = [levels for (exporter, _), levels in measured.items() if exporter == name]
    assert own, f"{name} accepts none of the behaviours {list(matrix_toys.behaviors())}"
    for aspect, promised in exporters()[name].keeps.items():
        levels = [each[aspect] for each in own]
        assert is_kept(promised, levels), f"{name} promises {aspect} {promised!r}, and gave {levels}"


def test_the_page_shows_the_matrix(measured: dict[tuple[str, str], dict[str, str]]) -> None:
    """docs/logs/matrix.md says what is measured here; and so that a test log shows it, it is printed."""
    for (name, behavior), levels in sorted(measured.items()):
        print(f"{name:12} {behavior:12}", "  ".join(f"{aspect}: {levels[aspect]}" for aspect in ASPECTS))

    assert PAGE.read_text() == page(), "run: python tests/recordings/formats/test_matrix.py"


@pytest.mark.parametrize("behavior", matrix_toys.behaviors())
def test_logs_go_from_format_to_format(behavior: str, tmp_path: Path) -> None:
    """Through all the formats that keep a behaviour exactly, one after the other, nothing is lost."""
    names = [name for name, each in exporters().items() if behavior in accepted(each) and _is_exact(each)]
    first = recordings = matrix_toys.record(tmp_path / "first", matrix_toys.behaviors()[behavior])
    for number, name in enumerate([*names, *names[:1]]):
        recordings = round_trip(recordings, name, tmp_path / f"{number}-{name}")
    assert set(measure(first, recordings).values()) == {"exact"}


@pytest.mark.slow
@pytest.mark.parametrize("one", exporters())
@pytest.mark.parametrize("other", exporters())
def test_logs_go_from_each_format_to_each(one: str, other: str, tmp_path: Path) -> None:
    """What one format gave back another can hold, if it held it before, and gives back as well as both promise."""
    for behavior in set(accepted(exporters()[one])) & set(accepted(exporters()[other])):
        recordings = matrix_toys.record(tmp_path / behavior, matrix_toys.behaviors()[behavior])
        between = round_trip(recordings, one, tmp_path / f"{behavior}-first")
        after = round_trip(between, other, tmp_path / f"{behavior}-second")
        best = _worst(measure(recordings, between), measure(between, after))
        assert _worst(best, measure(recordings, after)) == best


def _worst(one: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    return {aspect: max(one[aspect], other[aspect], key=LEVELS.index) for aspect in ASPECTS}


def _is_exact(exporter: Exporter) -> bool:
    return set(exporter.keeps.values()) == {"exact"}


def page() -> str:
    """The matrix as a page."""
    rows = [_row(name, each) for name, each in sorted(exporters().items())]
    columns = ["format", "holds", *ASPECTS]
    return f"""# What comes back

Recordings exported to a format and imported again: what is the same afterwards. Where a format has room for it, the
export carries Understudy's own description of the behaviour, so that the way back is exact; other tools ignore it.
*Holds* names the kinds of behaviour that a format can hold, of those tested: a vector with two action parts
(`vector`), with one choice (`plain`), with numbers only (`continuous`), pictures (`pixels`), sensors of every other
kind with buttons (`mixed`), and Minecraft's. A test measures every cell (`tests/recordings/formats/test_matrix.py`,
which also writes this page).

| {" | ".join(columns)} |
|{"---|" * len(columns)}
{chr(10).join(rows)}
"""


def _row(name: str, exporter: Exporter) -> str:
    cells = [f"`{name}`", ", ".join(accepted(exporter)), *(exporter.keeps[aspect] for aspect in ASPECTS)]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
