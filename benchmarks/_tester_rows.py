"""From what the testers' playtests left to rows with targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from _table import Row
from _tester_execution import Trial
from _tester_plays import cells, findings, known, shown, walks
from _tester_work import STYLES

from understudy.envs.parkland.build import Build
from understudy.envs.parkland.generator import generate
from understudy.envs.parkland.traits import traits
from understudy.evaluation.naming import fit_namer
from understudy.evaluation.statistics import bootstrap_interval
from understudy.playtest.findings.finding import Finding
from understudy.playtest.ground_truth import score
from understudy.playtest.persona import PRIVILEGED

Plays = Mapping[int, Path]
"""By world, the folder of a playtest."""


def preference_row(plays: Plays, paths: Path, trainings: int, others: Sequence[str]) -> Row:
    """Share of the preference's path that is covered, against the best who are not told the preference.

    Who looks behind the game, and who repeats the preference's demonstrations, is only told beside it.
    """
    own = _shares(plays, paths, trainings, "{style}")
    without = {name: _shares(plays, paths, trainings, name) for name in others}
    best = max(without, key=lambda name: float(np.mean(without[name])))
    beside = {f"{name} (privileged)": _shares(plays, paths, trainings, name) for name in PRIVILEGED}
    beside["repeating its demonstrations"] = _shares(plays, paths, trainings, "repeat_{style}")
    note = ", ".join(f"{name} {np.mean(each):.3f}" for name, each in {"told": own, **without, **beside}.items())
    return _ratio(
        f"share of the preference's path: told it, over the best that is not ({best})", own, without[best], 2.0, note
    )


def ablation_rows(played: Mapping[str, Plays], paths: Path, trainings: int) -> list[Row]:
    """Share of the preference's path with each self-supervised objective, over that without one."""
    shares = {name: _shares(plays, paths, trainings, "{style}") for name, plays in played.items()}
    none = shares.pop("none")
    return [
        _ratio(
            f"self-supervision by {name}: share of the preference's path, over that without",
            *(each, none, 1.0),
            f"{np.mean(each):.3f} over {np.mean(none):.3f}",
        )
        for name, each in shares.items()
    ]


def naming_row(plays: Plays, logs: Path, worlds: Sequence[int], trainings: int) -> Row:
    """Runs named from their maps, by what demonstrations in other parks look like."""
    examples, labels = [], []
    for world in worlds:
        layout = generate(world)
        for style in STYLES:
            mine = [traits(layout, each) for each in shown(logs / str(world) / style)]
            examples, labels = examples + mine, labels + [style] * len(mine)
    namer = fit_namer(np.array(examples), labels)
    right = []
    for world, out in plays.items():
        layout = generate(world)
        for style in STYLES:
            runs = [each for k in range(trainings) for each in walks(out, f"{style}-{k}")]
            right += [float(namer.name(traits(layout, each)[None])[0] == style) for each in runs]
    return _mean("one agent, four preferences: runs named from their map", right, 0.9, "share")


def coverage_rows(plays: Plays, trainings: int) -> list[Row]:
    """Cells met by exploring freely, over those of others, at equal steps."""
    met = {
        name: [
            len(cells(each)) for out in plays.values() for k in range(trainings) for each in walks(out, f"{name}-{k}")
        ]
        for name in ("free", "rnd", "random", "sticky", *PRIVILEGED)
    }
    note = ", ".join(f"{name} {np.mean(each):.1f}" for name, each in met.items()) + " cells a run"
    return [
        _ratio("coverage: alpha = free over RND with PPO", met["free"], met["rnd"], 1.3, note),
        _ratio("coverage: alpha = free over random", met["free"], met["random"], 3.0, note),
    ]


def execution_rows(found: Sequence[Trial], chance: Sequence[Trial]) -> list[Row]:
    """Held-out objects that were inspected, and how like a tester."""
    ratios = [each.ratio for each in found if each.done]
    luck = f"random play {np.mean([each.done for each in chance]):.2f}" if chance else ""
    far = "path distance to the tester's over tester to tester"
    return [
        _mean("test execution on held-out objects", [float(each.done) for each in found], 0.8, "share", luck),
        _mean(far, ratios, 1.5, "×", at_most=True) if ratios else Row(far, None, 1.5, at_most=True, note="none done"),
    ]


def bug_rows(planted: Mapping[int, Mapping[str, Path]], clean: Plays, bug_seed: int) -> list[Row]:
    """Planted bugs found by all personas together and by random play, and false findings where there are none."""
    found: dict[str, list[float]] = {}
    missed: list[str] = []
    for world, outs in planted.items():
        bugs = known(Build(seed=world, bugs=_all_bugs(), bug_seed=bug_seed).layout())
        for who, out in outs.items():
            scored = score(findings(out), bugs)
            found.setdefault(who, []).extend(float(bool(ids)) for ids in scored.found.values())
            missed += [name.rpartition("-")[0] for name, ids in scored.found.items() if not ids and who == "personas"]
    false = [each for out in clean.values() for each in findings(out)]
    kinds = ", ".join(sorted({f"{each.kind} {each.key.rpartition(':')[2]}".strip() for each in false}))
    return [
        _mean("planted bugs found by the personas together", found["personas"], 0.9, "share", f"missed: {missed}"),
        _mean("planted bugs found by random play, as many steps", found["random"], 0.3, "share", at_most=True),
        Row("false findings on the clean build", len(false), 0, "findings", at_most=True, note=kinds),
    ]


def shrinking_rows(outs: Sequence[Path]) -> list[Row]:
    """How short findings became, and whether the short inputs show them as surely as the long ones."""
    every = [each for out in outs for each in findings(out)]
    short = [(each, each.shrunk) for each in every if each.shrunk is not None]
    lengths = [shrunk.decisions / shrunk.original for _, shrunk in short]
    held = [float(_reproduces(each)) for each in every]
    name = "shrinking: median of shortened over original inputs"
    note = f"{len(short)} of {len(every)} findings were shortened"
    median = float(np.median(lengths)) if lengths else None
    return [
        Row(name, median, 0.25, "share", at_most=True, note=note + _interval(lengths, np.median)),
        _mean("findings that reproduce at their stated rate", held, 1.0, "share")
        if held
        else Row("findings that reproduce at their stated rate", None, 1.0, "share", note="no finding"),
    ]


def _reproduces(finding: Finding) -> bool:
    """Whether it came again at all, and its shortened inputs as often as the whole ones."""
    if not finding.reproduced:
        return False
    shrunk = finding.shrunk
    return shrunk is None or shrunk.reproduced * finding.replays >= finding.reproduced * shrunk.replays


def _all_bugs() -> dict[str, int]:
    from understudy.envs.parkland.layout import BUGS

    return dict.fromkeys(BUGS, 1)


def _shares(plays: Plays, paths: Path, trainings: int, who: str) -> list[float]:
    """By run of `who` in each park, the share of a preference's path; `{style}` in the name is the preference's."""
    found = []
    for world, out in plays.items():
        for style in STYLES:
            path = frozenset().union(*(cells(each) for each in shown(paths / str(world) / style)))
            name = who.format(style=style)
            found += [_share(each, path) for k in range(trainings) for each in walks(out, f"{name}-{k}")]
    return found


def _share(walk: np.ndarray, path: frozenset) -> float:
    return len(cells(walk) & path) / max(1, len(path))


def _mean(
    promise: str, values: Sequence[float], target: float, unit: str, note: str = "", *, at_most: bool = False
) -> Row:
    if not values:
        return Row(promise, None, target, unit, at_most, "nothing was played")
    about = f"{len(values)} of them{_interval(values, np.mean)}"
    return Row(promise, float(np.mean(values)), target, unit, at_most, "; ".join(filter(None, (about, note))))


def _ratio(promise: str, above: Sequence[float], below: Sequence[float], target: float, note: str) -> Row:
    """The ratio of two means, its interval from resampling the runs of both."""
    rng, draws = np.random.default_rng(0), []
    for _ in range(2000):
        top, bottom = (rng.choice(np.asarray(each, float), len(each)).mean() for each in (above, below))
        draws.append(top / max(bottom, 1e-9))
    low, high = np.percentile(draws, [2.5, 97.5])
    measured = float(np.mean(above) / max(np.mean(below), 1e-9))
    return Row(promise, measured, target, note=f"{note}; 95 % [{low:.2f}, {high:.2f}] over {len(above)} runs")


def _interval(values: Sequence[float], statistic: Callable[..., object]) -> str:
    if len(values) < 2:
        return ""
    low, high = bootstrap_interval(values, lambda drawn: float(statistic(drawn)))  # type: ignore[arg-type]
    return f", 95 % [{low:.3f}, {high:.3f}]"
