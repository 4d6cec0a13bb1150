"""The stages of the testers' benchmark that are done by commands: demonstrations, trainings, playtests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
GAME = "understudy/Parkland-v0"
STYLES = ("golden_path", "perimeter", "off_road", "indoors")
OBJECTIVES = ("none", "next_embedding", "inverse_dynamics", "dynamo")
JOBS = 2
"""Trainings at once, a thread each."""


@dataclass(frozen=True)
class Size:
    """How much of everything.

    Attributes:
        worlds: Seeds of the parks to learn in.
        unseen: Seeds of the parks to be measured in.
        episodes: Demonstrations of each preference in each park.
        seconds: Of game time in each of them; a play that is measured has as much.
        seeds: Of each training.
        updates: Of each imitation; None is the recipe's.
        iterations: Of each exploration; None is the recipe's.
        runs: Of each player in each unseen park.
        steps: Of each run that looks for bugs.
        shrink: Replays for each finding to be shortened.
        pixels: Along the pictures' sides.
        objects: Held-out objects to be inspected, in each unseen park.
    """

    worlds: Sequence[int]
    unseen: Sequence[int]
    episodes: int
    seconds: int
    seeds: Sequence[int]
    updates: int | None
    iterations: int | None
    runs: int
    steps: int
    shrink: int
    pixels: int = 84
    objects: int = 10


FULL = Size((1, 2, 3, 4), (101, 102, 103), 3, 180, (0, 1, 2), None, None, 3, 3000, 20)
QUICK = Size((1,), (101,), 3, 10, (0,), 20, 1, 1, 100, 4, objects=1)


class Work:
    """Stages of the work, each done once."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size = folder, size
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def objective(self) -> str:
        """The self-supervision of recipes/parkland.yaml."""
        return str(yaml.safe_load((ROOT / "recipes" / "parkland.yaml").read_text())["self_supervised"]["objective"])

    def demonstrations(self, name: str, worlds: Sequence[int], styles: Sequence[str], first_seed: int) -> Path:
        """Record scripted testers; what is there already is kept."""
        out = self.folder / name
        for world in worlds:
            arguments = {"seed": world, "size": self.size.pixels, "max_seconds": self.size.seconds}
            for style in styles:
                understudy(
                    *("record", GAME, "--agent", f"tester:{style}", "--episodes", self.size.episodes),
                    *("--seed", first_seed + 100 * world, "--args", json.dumps(arguments)),
                    *("--out", out / str(world) / style),
                )
        return out

    def imitations(self, name: str, logs: Path, **change: Any) -> list[Path]:
        """Train recipes/parkland.yaml, changed, and export it, once for each seed; route (a)."""
        return self._by_seed(lambda seed: self._imitation(name, logs, seed, change))

    def explorations(self, name: str, logs: Path | None, **change: Any) -> list[Path]:
        """Train recipes/explore/parkland.yaml, changed, and export it, once for each seed; route (b)."""
        return self._by_seed(lambda seed: self._exploration(name, logs, seed, change))

    def _by_seed(self, train: Callable[[int], Path]) -> list[Path]:
        with ThreadPoolExecutor(min(JOBS, len(self.size.seeds))) as pool:
            return list(pool.map(train, self.size.seeds))

    def _imitation(self, name: str, logs: Path, seed: int, change: Mapping[str, Any]) -> Path:
        form = yaml.safe_load((ROOT / "recipes" / "parkland.yaml").read_text()) | dict(change)
        form["loop"] |= {"seed": seed, "threads": 1} | ({"updates": self.size.updates} if self.size.updates else {})
        form["name"] = f"parkland-{name}"
        recipe = self._write(f"{name}-{seed}", {key: value for key, value in form.items() if value is not None})
        run, bundle = self.folder / f"run-{name}-{seed}", self.folder / f"bundle-{name}-{seed}"
        if not (run / "metrics.json").exists():
            understudy("train", recipe, logs, "--out", run)
        if not (bundle / "bundle.json").exists():
            understudy("export", run, bundle, "--logs", logs)
        return bundle

    def _exploration(self, name: str, logs: Path | None, seed: int, change: Mapping[str, Any]) -> Path:
        form = yaml.safe_load((ROOT / "recipes" / "explore" / "parkland.yaml").read_text())
        for key, value in change.items():
            form[key] = form[key] | value if isinstance(value, Mapping) else value
        form["loop"] |= {"seed": seed, "threads": 1}
        form["game"]["args"] |= {"seed": self.size.worlds[0], "size": self.size.pixels}
        if self.size.iterations:
            form["loop"] |= {"iterations": self.size.iterations, "games": 2, "episode": 100}
            form["ppo"]["batch_size"] = 100
            form["encoder"]["contrast"] |= {"decisions": 400, "updates": 10}
            if form["clone"]:
                form["clone"] |= {"updates": 20}
        recipe = self._write(f"{name}-{seed}", {key: value for key, value in form.items() if value is not None})
        run, bundle = self.folder / f"run-{name}-{seed}", self.folder / f"bundle-{name}-{seed}"
        if not (bundle / "bundle.json").exists():
            shown = () if logs is None else ("--logs", logs)
            understudy("explore", recipe, *shown, "--out", run, "--bundle", bundle)
        return bundle

    def detector(self, run: Path, logs: Path, labels: Mapping[str, Any]) -> Path:
        """Make a detector of objects of interest from labelled frames."""
        out, path = self.folder / "objects.onnx", self.folder / "labels.yaml"
        path.write_text(yaml.safe_dump(dict(labels)))
        if not out.exists():
            understudy("detect", run, out, "--logs", logs, "--labels", path, "--false-alarms", 0.02)
        return out

    def playtest(self, name: str, spec: Mapping[str, Any], workers: int = 2) -> Path:
        """Run a playtest, or go on with one; a build that fails it is no failure of the benchmark."""
        out = self.folder / "plays" / name
        if not (out / "results.json").exists():
            path = self._write(f"plays-{name}", spec)
            goes_on = ("--resume", out) if (out / "runs").exists() else (path, "--out", out)
            understudy("playtest", *goes_on, "--workers", workers, allowed=(0, 1))
        return out

    def write_checks(self, world: int) -> str:
        """Write the designers' checks of a park beside the specs; return the module's name."""
        name = f"checks_{world}"
        checks = ("things_are_solid", "nothing_holds", "quests_count")
        lines = [f"{each} = _design.{each}" for each in checks]
        text = f"from understudy.envs.parkland.design import Design\n\n_design = Design(seed={world})\n"
        (self.folder / f"{name}.py").write_text(text + "\n".join(lines) + "\n")
        return name

    def _write(self, name: str, form: Mapping[str, Any]) -> Path:
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(dict(form), sort_keys=False))
        return path


def understudy(*arguments: object, allowed: Sequence[int] = (0,)) -> None:
    """Run a command as a user does; its failure ends everything."""
    command = [sys.executable, "-m", "understudy.cli.main", *map(str, arguments)]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status not in allowed:
        print(f"error: understudy {' '.join(command[3:])} ended with {status}", file=sys.stderr)
        sys.exit(status)
