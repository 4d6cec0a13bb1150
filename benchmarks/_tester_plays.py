"""The playtests of the testers' benchmark: their specs, and what is read from what they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _tester_work import GAME, STYLES

from understudy.envs.parkland.build import Build
from understudy.envs.parkland.layout import Layout, PlantedBug
from understudy.playtest.coverage.measures import Cells
from understudy.playtest.findings.finding import Finding
from understudy.playtest.ground_truth import KnownBug
from understudy.playtest.persona import PRIVILEGED
from understudy.recordings import open_recordings

CELL = 4.0
PLAIN = ("sticky", *PRIVILEGED)
"""Testers to compare with that nobody trained."""
_KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "hole": (("out_of_bounds", "falling", "stuck", "soft_lock"), ()),
    "endless_fall": (("out_of_bounds", "falling", "stuck", "soft_lock"), ()),
    "stuck_spot": (("stuck", "soft_lock"), ()),
    "invisible_wall": (("stuck", "invariant"), (":nothing_holds",)),
    "out_of_bounds": (("out_of_bounds", "falling"), ()),
    "clipping": (("invariant",), (":things_are_solid",)),
    "missing_texture": (("picture",), ()),
    "soft_lock": (("soft_lock", "stuck"), ()),
    "crash": (("crash",), ()),
    "leak": (("memory",), ()),
    "slow_spot": (("frame_time",), ()),
    "broken_quest": (("invariant",), (":quests_count",)),
}
"""By kind of planted bug: the oracles that may see it, and how the keys of their findings may end."""
_NEAR = 6.0
"""How far beside a bug's own radius it may be seen, metres."""


def game(world: int, seconds: int, pixels: int, bug_seed: int | None = None) -> dict[str, Any]:
    """The game of a spec; with bugs of all kinds if their seed is given."""
    build: dict[str, Any] = {"name": "clean" if bug_seed is None else "planted", "seed": world}
    if bug_seed is not None:
        build |= {"bugs": "all", "bug_seed": bug_seed}
    return {"id": GAME, "args": {"build": build, "size": pixels, "max_seconds": seconds}, "build": build["name"]}


def styled(bundles: Sequence[Path], runs: int, styles: Sequence[str] = STYLES) -> list[dict[str, Any]]:
    """Personas: each training in each style."""
    return [persona(f"{style}-{k}", runs, bundle, style) for k, bundle in enumerate(bundles) for style in styles]


def persona(name: str, runs: int, bundle: Path | None = None, style: str = "") -> dict[str, Any]:
    """A bundle, or random play if there is none."""
    if bundle is None:
        return {"name": name, "agent": "random", "runs": runs}
    return {"name": name, "agent": "bundle", "bundle": str(bundle), "runs": runs} | ({"style": style} if style else {})


def untrained(runs: int, seeds: Sequence[int], logs: Path, worlds: Sequence[int]) -> list[dict[str, Any]]:
    """Personas that nobody trained: random and privileged ones, and repeaters of each preference's demonstrations."""
    found: list[dict[str, Any]] = []
    for k in seeds:
        about = {"runs": runs, "seed": 1000 * k}
        found += [{"name": f"{agent}-{k}", "agent": agent} | about for agent in ("random", *PLAIN)]
        for style in STYLES:
            shown = [str(logs / str(world) / style) for world in worlds]
            found.append({"name": f"repeat_{style}-{k}", "agent": "retrieval", "demonstrations": shown} | about)
    return found


def covering(where: Mapping[str, Any], personas: Sequence[Mapping[str, Any]], steps: int) -> dict[str, Any]:
    """A spec that only looks where everybody goes."""
    return {
        "game": dict(where),
        "personas": list(personas),
        "budget": {"steps": steps},
        "oracles": [{"kind": "crash"}, {"kind": "timeout", "step_seconds": 120, "run_seconds": 36000}],
        "coverage": {"cell": CELL},
        "replay": {"times": 1, "shrink": 0},
        "video": {"runs": 0},
    }


def hunting(
    where: Mapping[str, Any], personas: Sequence[Mapping[str, Any]], steps: int, shrink: int, checks: str
) -> dict[str, Any]:
    """A spec that looks for bugs with every oracle that a park can have."""
    low_x, low_y, high_x, high_y = Build(seed=where["args"]["build"]["seed"]).layout().bounds
    functions = [f"{checks}:{each}" for each in ("things_are_solid", "nothing_holds", "quests_count")]
    oracles: list[dict[str, Any]] = [
        {"kind": "crash"},
        {"kind": "timeout", "step_seconds": 120, "run_seconds": 36000},
        {"kind": "stuck", "distance": 0.3, "seconds": 6, "parts": ["move"]},
        {"kind": "out_of_bounds", "box": [[low_x, low_y], [high_x, high_y]]},
        {"kind": "falling", "seconds": 2, "speed": 8},
        {"kind": "soft_lock", "seconds": 60, "cell": 4, "max_states": 8, "state": ["quest", "doors"]},
        {"kind": "frame_time", "info": "frame_ms", "budget_ms": 80, "seconds": 1},
        {"kind": "memory", "mb_per_minute": 120, "min_mb": 60},
        {"kind": "picture", "look_for": ["black", "untextured"], "seconds": 0.5},
        {"kind": "invariant", "functions": functions},
    ]
    return {
        "game": dict(where),
        "personas": list(personas),
        "budget": {"steps": steps},
        "oracles": oracles,
        "coverage": {"cell": CELL},
        "replay": {"times": 3, "shrink": shrink},
        "video": {"runs": 0},
        "pass": {"max_findings": 0},
    }


def walks(out: Path, name: str) -> list[np.ndarray]:
    """Where each run of a persona was, (decisions, 3), in the order of seeds."""
    folders = sorted((out / "runs").glob(f"{name}-*"), key=lambda each: int(each.name.rpartition("-")[2]))
    found = [each for each in folders if each.name.rpartition("-")[0] == name]
    return [open_recordings(each)[0].extra("position").astype(float) for each in found]


def shown(folder: Path) -> list[np.ndarray]:
    """Where the testers of a folder's recordings were."""
    return [each.extra("position").astype(float) for each in open_recordings(folder)]


def cells(positions: np.ndarray) -> frozenset[Any]:
    """The cells of a walk."""
    measure = Cells(CELL)
    return frozenset(measure.key(tuple(each), {}) for each in positions.tolist())


def findings(out: Path) -> list[Finding]:
    """What a playtest found."""
    return [Finding.load(each.parent) for each in sorted((out / "findings").glob("*/finding.json"))]


def known(layout: Layout) -> list[KnownBug]:
    """The planted bugs, as what may be seen of them."""
    return [_known(layout, bug) for bug in layout.bugs]


def _known(layout: Layout, bug: PlantedBug) -> KnownBug:
    kinds, keys = _KINDS[bug.kind]
    places = [] if bug.kind == "leak" else [bug.position]
    if bug.kind == "soft_lock":
        rooms = next(each for each in layout.buildings if each.id == bug.details["building"]).rooms
        places += [((r.bounds[0] + r.bounds[2]) / 2, (r.bounds[1] + r.bounds[3]) / 2, r.z) for r in rooms]
    return KnownBug(f"{bug.kind}-{bug.id}", tuple(places), bug.radius + _NEAR, frozenset(kinds), keys)
