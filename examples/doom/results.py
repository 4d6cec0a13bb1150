"""The full evaluation of the Doom bot, written to docs/results/doom.md. Run by `make results-doom`; resumable.

Three questions: how well does it predict people's next action, on held-out play of people it learned from and on people
it never saw; what does it do in live play beside a random and a scripted player; and how close is its play to people's.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from measures import MEASURES

from understudy.cli.progress import progress
from understudy.evaluation.likeness import Play, panel
from understudy.evaluation.statistics import mean_interval
from understudy.recordings import Recordings, open_recordings
from understudy.recordings.cache import Span
from understudy.training.loop import train
from understudy.training.recipe import Recipe, load_recipe
from understudy.training.split import split_spans

HERE = Path(__file__).parent
MAPS = {
    "E1M6": "freedoom1.wad",
    "E2M4": "freedoom1.wad",
    "E3M9": "freedoom1.wad",
    "E4M6": "freedoom1.wad",
    "MAP03": "freedoom2.wad",
    "MAP10": "freedoom2.wad",
    "MAP22": "freedoom2.wad",
    "MAP23": "freedoom2.wad",
}
SEEDS = 10
SECONDS = 60
CELL = 128
FOLDS = 4
PLAYERS = ("cloned", "scripted", "random")


def main(demo: Path, work: Path, page: Path) -> None:
    """Fill `page` from the demo's recordings, run and bundle; intermediate results go to `work`."""
    recordings = open_recordings(demo / "logs")
    recipe = load_recipe(demo / "run" / "recipe.yaml")
    known = json.loads((demo / "run" / "metrics.json").read_text())
    players = sorted({each.provenance.player for each in recordings})
    unseen = [
        _train_again(
            f"without-{fold}", {"players": tuple(players[fold::FOLDS]), "blocks": 0.0}, recipe, recordings, demo, work
        )
        for fold in range(FOLDS)
    ]
    ends = _train_again("ends", {"blocks": 0.0, "tail": 0.2}, recipe, recordings, demo, work)
    plays = {name: _playtest(name, wad, demo / "bundle", work) for name, wad in MAPS.items()}
    text = _page(recipe, recordings, known, ends, unseen, plays)
    page.write_text(text)
    print(text)


def _train_again(name: str, split: dict, recipe: Recipe, recordings: Recordings, demo: Path, work: Path) -> dict:
    """Train with the same recipe but for the split, and return the metrics."""
    out = work / name
    if not (out / "metrics.json").exists():
        out.mkdir(parents=True, exist_ok=True)
        # What the encoder learned to see came from no person, so that it is the same for every split.
        shutil.copy(demo / "run" / "pretrained.safetensors", out)
        other = recipe.model_copy(update={"split": recipe.split.model_copy(update=split)})
        with progress() as report:
            train(other, recordings, out, report)
    return json.loads((out / "metrics.json").read_text())


def _playtest(name: str, wad: str, bundle: Path, work: Path) -> Path:
    """Let each player play a map with ten seeds; returns the playtest's folder."""
    out = work / f"play-{name}"
    if (out / "results.json").exists():
        return out
    sensors = ["frame", "rays"]
    args = {"wad": wad, "map": name, "skill": 3, "sensors": sensors, "max_seconds": SECONDS}
    personas = [
        {"name": "cloned", "agent": "bundle", "bundle": str(bundle.resolve()), "runs": SEEDS},
        {"name": "scripted", "agent": "scripted", "runs": SEEDS},
        {"name": "random", "agent": "random", "runs": SEEDS},
    ]
    spec = {
        "game": {"id": "understudy/Doom-v0", "args": args},
        "personas": personas,
        "budget": {"steps": int(SECONDS * 17.5)},
        "oracles": [{"kind": "crash"}, {"kind": "timeout"}, {"kind": "stuck", "seconds": 5}],
        "coverage": {"cell": CELL},
        "pass": {"max_findings": {"stuck": 1000}},
        "video": {"runs": 0},
    }
    path = work / f"{name}.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    command = [sys.executable, "-m", "understudy.cli.main", "playtest", str(path), "--out", str(out), "--workers", "2"]
    subprocess.run(command, check=True)
    return out


def _page(
    recipe: Recipe, recordings: Recordings, known: dict, ends: dict, unseen: list[dict], plays: dict[str, Path]
) -> str:
    parts = [
        _opening(recordings, known),
        _likelihood_section(known, ends, unseen),
        _live_section(recipe, plays),
        _likeness_section(recipe, recordings, plays),
        _closing(),
    ]
    return "\n\n".join(parts) + "\n"


def _opening(recordings: Recordings, known: dict) -> str:
    minutes = sum(each.duration_s for each in recordings) / 60
    return f"""# Doom: a pixel bot cloned from people

Made by `make results-doom`. The bot of the demo (`recipes/doom.yaml`: {known["updates"]} updates, {known["parameters"]:,}
parameters) was cloned from the {len(recordings)} demos that come with Freedoom, {minutes:.1f} minutes of play by people. It sees the
320 × 200 picture, halved, and nothing else. Its encoder first learned to tell rays from pictures that a scripted player
recorded on the same maps; rays explain themselves to {known["pretraining_explains"]:.0%} (share of variance, on episodes left out)."""


def _likelihood_section(known: dict, ends: dict, unseen: list[dict]) -> str:
    pooled = _pool(unseen)
    return f"""## How well it predicts people

Mean negative log-likelihood of the person's next action, in nats per decision (two tics); lower is better. *Markov* is the
first-order chain (the next action given the last), *marginal* ignores everything. The gain is Markov minus policy, with a 95 %
interval from a bootstrap over blocks of 256 consecutive decisions.

Held-out blocks of the same demos: a fifth of each, in two blocks spread over it, with 32 decisions left out on both sides (the time
after the player's death is left out everywhere). This is the bot that plays below.

{_likelihood_table([row for row in known["heads"] if row["held_out"] == "blocks"])}

The last fifth of each demo instead, another training: how every one of them ends, in a fight that is lost.

{_likelihood_table([row for row in ends["heads"] if row["held_out"] == "blocks"])}

Demos never seen: {FOLDS} trainings, each without a fourth of the demos (two), measured on those; the mean over all four, weighted by
decisions. The ids name demos, not people: one person may have recorded more than one. Their maps were not new to the encoder, which
had seen the scripted player's pictures of all eight.

{_likelihood_table(pooled)}"""


def _pool(folds: list[dict]) -> list[dict]:
    """Average the same row of each fold, weighted by its steps; the interval of the mean from the folds' own intervals."""
    pooled = []
    keys = [(row["head"], row["where"]) for row in folds[0]["heads"] if row["held_out"] == "players"]
    for head, where in keys:
        rows = [
            r
            for fold in folds
            for r in fold["heads"]
            if (r["held_out"], r["head"], r["where"]) == ("players", head, where)
        ]
        total = sum(row["steps"] for row in rows)
        shares = [row["steps"] / total for row in rows]
        mean = {
            key: sum(share * row[key] for share, row in zip(shares, rows, strict=True))
            for key in ("model", "markov", "marginal", "gain")
        }
        # Folds are measured on different demos, so their errors add up like independent ones.
        half = (
            sum(
                (share * (row["gain_high"] - row["gain_low"]) / 2) ** 2 for share, row in zip(shares, rows, strict=True)
            )
            ** 0.5
        )
        pooled.append(
            {
                "head": head,
                "where": where,
                "steps": total,
                **mean,
                "gain_low": mean["gain"] - half,
                "gain_high": mean["gain"] + half,
            }
        )
    return pooled


def _likelihood_table(rows: list[dict]) -> str:
    lines = [
        "| head | where | decisions | policy | Markov | marginal | gain over Markov |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        gain = f"{row['gain']:+.4f} [{row['gain_low']:+.4f}, {row['gain_high']:+.4f}]"
        numbers = " | ".join(f"{row[key]:.4f}" for key in ("model", "markov", "marginal"))
        lines.append(f"| {row['head']} | {row['where']} | {row['steps']} | {numbers} | {gain} |")
    return "\n".join(lines)


LIVE = {
    "seconds alive": "time alive, s",
    "distance": "distance, map units",
    "cells": "area, cells of 128 × 128",
    "kills": "kills",
    "damage dealt": "damage dealt",
    "damage taken": "damage taken",
    "seconds stuck": "time stuck, s",
}


def _live_section(recipe: Recipe, plays: dict[str, Path]) -> str:
    runs = {name: json.loads((folder / "results.json").read_text())["runs"] for name, folder in plays.items()}
    totals = {player: _totals(runs, player) for player in PLAYERS}
    table = ["| per run of at most 60 s | " + " | ".join(PLAYERS) + " |", "|---|---|---|---|"]
    for key, title in LIVE.items():
        cells = [mean_interval([each[key] for each in totals[player]]) for player in PLAYERS]
        table.append(f"| {title} | " + " | ".join(f"{c.mean:.1f} [{c.low:.1f}, {c.high:.1f}]" for c in cells) + " |")
    per_map = ["| area by map | " + " | ".join(PLAYERS) + " | cloned / random |", "|---|---|---|---|---|"]
    for name in runs:
        means = [
            mean_interval([each["cells"] for each in _totals({name: runs[name]}, player)]).mean for player in PLAYERS
        ]
        per_map.append(f"| {name} | " + " | ".join(f"{mean:.1f}" for mean in means) + f" | {means[0] / means[2]:.2f} |")
    overall = [mean_interval([each["cells"] for each in totals[player]]).mean for player in PLAYERS]
    per_map.append("| all | " + " | ".join(f"{mean:.1f}" for mean in overall) + f" | {overall[0] / overall[2]:.2f} |")
    heading = f"""## What it does in live play

{_settings(recipe)}

{SEEDS} seeds on each of the {len(plays)} maps of the demos, alone, at skill 3, from the level's start until death, the exit or {SECONDS} s; means with
95 % bootstrap intervals over all {SEEDS * len(plays)} runs. *scripted* walks by rays cast on the level's geometry and shoots what they hit; *random*
draws each action part evenly."""
    return "\n\n".join([heading, "\n".join(table), "\n".join(per_map)])


def _settings(recipe: Recipe) -> str:
    """What play changes about what was learned, in words."""
    divided = [f"{part} by {value:g}" for part, value in recipe.temperature.items()]
    multiplied = [
        f"{part} {choice} by {value:g}" for part, choices in recipe.odds.items() for choice, value in choices.items()
    ]
    if not divided and not multiplied:
        return "The bot plays just what it learned."
    return f"""In play, the recipe divides its logits ({", ".join(divided) or "of no part"}) and multiplies the odds of some choices
({", ".join(multiplied) or "of none"}); this was chosen on other seeds, from 1000 on. The likelihoods above are those of what
it learned, without either."""


def _totals(runs: dict[str, list[dict]], player: str) -> list[dict]:
    found = [run["totals"] for rows in runs.values() for run in rows if run["persona"] == player]
    return [{**each, "cells": each["area"] / CELL**2} for each in found]


def _likeness_section(recipe: Recipe, recordings: Recordings, plays: dict[str, Path]) -> str:
    spans = [Span(each.name, each.provenance.player, 0, each.num_steps) for each in recordings]
    split = split_spans(spans, recipe.split, recipe.loop.seed)
    by_name = {each.name: each for each in recordings}
    held, taught = (
        [Play.of(by_name[span.name], slice(span.start, span.stop)) for span in part]
        for part in (split.held_out["blocks"], split.train)
    )
    runs = {
        player: [
            Play.of(each)
            for folder in plays.values()
            for each in open_recordings(folder / "runs")
            if each.name.startswith(f"{player}-")
        ]
        for player in PLAYERS
    }
    table = panel({**runs, "the people it learned from": taught}, held, MEASURES)
    lines = ["| play of | " + " | ".join(MEASURES) + " |", "|---|---|---|---|---|"]
    lines += [
        f"| {player} | " + " | ".join(str(row[name]) for name in MEASURES) + " |" for player, row in table.items()
    ]
    return """## How close it is to people

Jensen-Shannon divergence, in bits, between its actions in live play and those of people in the held-out blocks: of turns, of the
joint choice of move and strafe, of firing, and of how long move, strafe, turn direction and fire are held (mean of the four). 0 is equal;
95 % bootstrap intervals over runs. The last row is the floor: people against people.

""" + "\n".join(lines)


def _closing() -> str:
    return (HERE / "limits.md").read_text().strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
