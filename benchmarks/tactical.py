"""Every promise about bots for skirmish that are like players, a row each (make bench-tactical).

python benchmarks/tactical.py [--quick]

From nothing: a corpus of scripted players; another, of other individuals, maps and seeds; a bot, the same without
memory, the same without styles, as long as the bot; and `understudy evaluate`. Stages that are done are kept in
results/tactical, so that a run that is stopped goes on. Quick takes ten minutes, and shows only that everything works.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from _table import Row, report

ROOT = Path(__file__).parents[1]
SEEN = ("foundry", "harbour", *(f"generated-{seed}" for seed in range(1, 65)))
UNSEEN = ("terrace", *(f"generated-{seed}" for seed in range(101, 106)))
IDENTITIES, HELD_OUT_IDENTITIES = 24, 6
BASELINES: Mapping[str, Mapping[str, Any]] = {
    "no-memory": {"policy": {"memory": 0, "recall": 0}},
    "no-style": {"style": None},
}
"""What each takes out of the recipe."""


@dataclass(frozen=True)
class Size:
    """How much of everything.

    Attributes:
        hours: Of play to learn from.
        unseen_hours: Of play to compare with.
        updates: Of each training.
        evaluation: Options of `understudy evaluate`.
    """

    hours: float
    unseen_hours: float
    updates: int | None
    evaluation: Sequence[str] = ()


FULL, QUICK = Size(60, 4, None), Size(0.5, 0.4, 120, ("--quick",))


class Work:
    """Stages of the work, each done once, by the commands that a user types."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size = folder, size
        folder.mkdir(parents=True, exist_ok=True)

    def corpus(self, name: str, hours: float, seed: int, **arguments: Any) -> Path:
        """Record scripted players; what is there already is kept."""
        out = self.folder / name
        understudy(
            *("record", "skirmish", "--hours", hours, "--out", out, "--jobs", 2, "--seed", seed),
            *("--args", json.dumps(arguments)),
        )
        return out

    def bundle(self, name: str, logs: Path) -> Path:
        """Train the recipe, or a baseline, and export it."""
        recipe, run, bundle = self._recipe(name), self.folder / f"run-{name}", self.folder / f"bundle-{name}"
        if not (run / "metrics.json").exists():
            with Stopwatch(self.folder / f"seconds-{name}.json"):
                understudy("train", recipe, logs, "--out", run)
        if not (bundle / "bundle.json").exists():
            understudy("export", run, bundle, "--logs", logs)
        return bundle

    def baselines(self, logs: Path) -> dict[str, Path]:
        """Train what the bot is compared with, at the same time."""
        with ThreadPoolExecutor(len(BASELINES)) as pool:
            return dict(zip(BASELINES, pool.map(lambda name: self.bundle(name, logs), BASELINES), strict=True))

    def evaluation(
        self, bot: Path, baselines: Mapping[str, Path], against: Path, demonstrations: Path
    ) -> dict[str, Any]:
        """Compare the bot with players, beside the baselines."""
        page = self.folder / "report" / "index.html"
        if not page.exists():
            beside = {**baselines, "random": "random", "scripted": "scripted"}
            understudy(
                *("evaluate", bot, "--against", against, "--demonstrations", demonstrations),
                *("--out", page, *self.size.evaluation),
                *(part for name, what in beside.items() for part in ("--baseline", f"{name}={what}")),
            )
        return json.loads(page.with_suffix(".json").read_text())

    def seconds(self, name: str) -> float:
        """How long a variant trained, all sittings together."""
        return float(json.loads((self.folder / f"seconds-{name}.json").read_text()))

    def _recipe(self, name: str) -> Path:
        form = yaml.safe_load((ROOT / "recipes" / "skirmish.yaml").read_text())
        for key, change in BASELINES.get(name, {}).items():
            form[key] = change if change is None else form[key] | change
        form["name"] = f"skirmish-{name}"
        if self.size.updates:
            form["loop"]["updates"] = self.size.updates
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(form, sort_keys=False))
        return path


class Stopwatch:
    """Adds the seconds that a block takes, also if it is stopped, to those in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._before = float(json.loads(self._path.read_text())) if self._path.exists() else 0.0
        self._start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._path.write_text(json.dumps(self._before + time.monotonic() - self._start))


def understudy(*arguments: object) -> None:
    """Run a command as a user does; its failure ends everything."""
    command = [sys.executable, "-m", "understudy.cli.main", *map(str, arguments)]
    if status := subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(status)


def rows(found: Mapping[str, Any], train_seconds: float) -> list[Row]:
    """The promises of the report."""
    by_key = {row["key"]: row for row in found["rows"]}
    panel, turing = by_key["jsd_mean"], found["turing"]
    nearest = min(each[0] for each in panel["baselines"].values()) / panel["bot"][0]
    styles, skill = found["styles"], found["skill"]
    blends = [each["between"] for each in styles["blends"].values()]
    return [
        Row(
            "mean of the divergences from held-out players, over their floor",
            panel["ratio"][0],
            1.5,
            at_most=True,
            note=f"95 % {_interval(panel['ratio'])}; floor {panel['floor'][0]:.4f} bits, bot {panel['bot'][0]:.4f}",
        ),
        Row(
            "the same of the best baseline, over the bot's",
            nearest,
            1.0,
            note=", ".join(f"{name} {each[0]:.4f}" for name, each in panel["baselines"].items()),
        ),
        Row(
            "automated Turing test: area under the curve",
            turing["bot"]["auc"][0],
            0.65,
            "AUC",
            at_most=True,
            note=f"95 % {_interval(turing['bot']['auc'])}; players {turing['players']['auc'][0]:.3f}",
        ),
        Row(
            f"style recovery over {len(styles['styles'])} styles, unseen maps and players",
            styles["accuracy"][0],
            0.85,
            "share",
            note=f"95 % {_interval(styles['accuracy'])}; by single rounds {styles['by_round'][0]:.3f}",
        ),
        Row("blends that lie between their parents", sum(blends) / max(len(blends), 1), 1.0, "share"),
        Row(
            "skill dial: Spearman's correlation with the rating",
            skill["spearman"][0] if skill else None,
            0.9,
            "ρ",
            note=f"95 % {_interval(skill['spearman'])} at {len(skill['dials'])} positions" if skill else "",
        ),
        Row("training the bot on two cores", train_seconds / 3600, 1.0, "h", at_most=True),
    ]


def _interval(estimate: Sequence[float | None]) -> str:
    return "[{}]".format(", ".join("–" if each is None else f"{each:.3f}" for each in estimate[1:]))


def main() -> int:
    """Do every stage that is not done, and print the table; the exit status is 1 if a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, not how well")
    quick = parser.parse_args().quick
    name = "tactical_quick" if quick else "tactical"
    work = Work(ROOT / "results" / name, QUICK if quick else FULL)
    logs = work.corpus("logs", work.size.hours, 1, levels=SEEN, identities=IDENTITIES)
    unseen = work.corpus(
        "unseen",
        work.size.unseen_hours,
        2,
        levels=UNSEEN,
        identities=HELD_OUT_IDENTITIES,
        first_identity=IDENTITIES,
    )
    found = work.evaluation(work.bundle("bot", logs), work.baselines(logs), unseen, logs)
    return int(not report(name, rows(found, work.seconds("bot")), keep=not quick))


if __name__ == "__main__":
    sys.exit(main())
