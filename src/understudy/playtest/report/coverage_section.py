"""What the report says of coverage: how much, by whom, on and off the preferences, and what was never reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.evaluation.statistics import Interval, mean_interval
from understudy.playtest.coverage import Coverage, open_measure, union
from understudy.playtest.coverage.measures import Cells, Measure
from understudy.playtest.coverage.preference import Preference, kept, open_preferences
from understudy.playtest.coverage.unreached import Region, unreached_regions
from understudy.playtest.report.heat import GAINED, MISSING, Heat
from understudy.playtest.report.maps import Sheet, View, draw_sheet, heat, views_of
from understudy.playtest.report.plots import Plot, draw_growth
from understudy.playtest.results import Results

_MOST_REGIONS = 8
_MOST_STATES = 12


@dataclass(frozen=True)
class Row:
    """A persona's coverage: of all its runs together, and the mean of a single run; `share` of what can be reached."""

    name: str
    ink: int
    runs: int
    together: int
    share: float | None
    single: Interval


@dataclass(frozen=True)
class OnRow:
    """How a persona keeps to a preference, the mean over its runs; shares from 0 to 1."""

    name: str
    covered: Interval
    on: Interval
    off: Interval


@dataclass(frozen=True)
class PreferenceSection:
    """A preference: the rows of the personas, its path on the map with what nobody covered of it, and its curves.

    Attributes:
        preference: It.
        rows: By persona.
        covered: The part of its path that somebody covered, on the map.
        missed: The other part.
        walks: The demonstrations' paths, as an SVG path.
        view: The part of the map that they lie in.
        plot: The share of the path covered against decisions.
    """

    preference: Preference
    rows: Sequence[OnRow]
    covered: Heat | None
    missed: Heat | None
    walks: str
    view: View | None
    plot: Plot | None


@dataclass(frozen=True)
class CoverageSection:
    """All of it.

    Attributes:
        noun: What is counted, in the plural.
        problem: Why nothing, or no more, was counted; empty if all is well.
        total: Keys met by all runs together.
        reachable: How many the game says can be reached, None if it does not say, and how many of those were.
        reached: See `reachable`.
        rows: By persona.
        sheet: The map, if the game reports positions.
        plot: The curves.
        preferences: One for each of the spec.
        unreached: The largest regions that nobody visited.
        states: The commonest states and the rarest, with the decisions made in them.
    """

    noun: str
    problem: str
    total: int
    reachable: int | None
    reached: int
    rows: Sequence[Row]
    sheet: Sheet | None
    plot: Plot | None
    preferences: Sequence[PreferenceSection]
    unreached: Sequence[Region]
    states: Sequence[tuple[str, int]]


def draw_coverage(results: Results) -> CoverageSection:
    """Return what the report says of coverage."""
    parts = [each.coverage for each in results.traces]
    personas = [(each.name, [t.coverage for t in results.of(each)]) for each in results.spec.personas]
    measure, met = open_measure(results.spec.coverage), union(parts)
    reachable = next((each.reachable for each in parts if each.reachable), None)
    sheet = draw_sheet(results)
    missing = reachable - met if reachable else frozenset()
    nouns = f"{measure.noun}s"
    return CoverageSection(
        nouns,
        next((each.problem for each in parts if each.problem), ""),
        len(met),
        None if reachable is None else len(reachable),
        len(met & reachable) if reachable else 0,
        [_row(name, ink, runs, reachable) for ink, (name, runs) in enumerate(personas) if runs],
        sheet,
        draw_growth(personas, f"{nouns} visited in a run"),
        [_preference(each, personas, parts, sheet) for each in _preferences(results, measure)],
        unreached_regions(missing, measure.side)[:_MOST_REGIONS] if isinstance(measure, Cells) else [],
        _states(parts) if measure.noun == "state" else [],
    )


def _row(name: str, ink: int, runs: Sequence[Coverage], reachable: frozenset[tuple[int | str, ...]] | None) -> Row:
    met = union(runs)
    share = len(met & reachable) / len(reachable) if reachable else None
    return Row(name, ink, len(runs), len(met), share, mean_interval([float(each.num_cells) for each in runs]))


def _preferences(results: Results, measure: Measure) -> list[Preference]:
    game = next((each.behavior.name for each in results.traces if each.behavior), None)
    return open_preferences(results.spec.coverage, measure, game)


def _preference(
    preference: Preference,
    personas: Sequence[tuple[str, Sequence[Coverage]]],
    parts: Sequence[Coverage],
    sheet: Sheet | None,
) -> PreferenceSection:
    if not preference.path:
        nothing = f"The preference '{preference.name}' is left out: its recordings hold no decision."
        problem = preference.problem or nothing
        return PreferenceSection(Preference(preference.name, problem=problem), [], None, None, "", None, None)
    rows = [_on_row(name, runs, preference) for name, runs in personas if runs]
    plot = draw_growth(personas, f"percent of the path '{preference.name}' covered in a run", preference.path)
    if sheet is None:
        return PreferenceSection(preference, rows, None, None, "", None, plot)
    met = union(parts)
    covered = heat(dict.fromkeys(preference.path & met, 1), parts, sheet.frame, GAINED)
    missed = heat(dict.fromkeys(preference.path - met, 1), parts, sheet.frame, MISSING)
    walks = " ".join(sheet.frame.line(walk) for walk in preference.walks if walk)
    walked = np.array([point[:2] for walk in preference.walks for point in walk])
    view = views_of(walked, sheet.frame, 1 / sheet.frame.scale)[-1]
    return PreferenceSection(preference, rows, covered, missed, walks, view, plot)


def _on_row(name: str, runs: Sequence[Coverage], preference: Preference) -> OnRow:
    each = [kept(run, preference) for run in runs]
    return OnRow(
        name,
        mean_interval([run.covered for run in each]),
        mean_interval([run.on for run in each]),
        mean_interval([float(run.off) for run in each]),
    )


def _states(parts: Sequence[Coverage]) -> list[tuple[str, int]]:
    counts = Counter({key: 0 for part in parts for key in part.visits})
    for part in parts:
        counts.update(part.visits)
    listed = [(", ".join(map(str, key)), count) for key, count in counts.most_common()]
    return listed if len(listed) <= 2 * _MOST_STATES else [*listed[:_MOST_STATES], *listed[-_MOST_STATES:]]
