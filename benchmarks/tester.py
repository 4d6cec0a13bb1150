"""Every promise about testers and playtests, a row each (make bench-tester).

python benchmarks/tester.py [--quick] [--only PART ...]

From nothing: demonstrations by scripted testers; testers by imitation with and without preferences, and by exploration
with and without them; playtests of parks that nobody learned in, clean and with planted bugs. Stages that are done are
kept in results/tester, so that a run that is stopped goes on. Quick shows only that everything works.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import _tester_plays as plays
import _tester_rows as rows
from _parts import any_broken, run_part
from _table import Row, report
from _tester_execution import Trial, labels, trials
from _tester_work import FULL, OBJECTIVES, QUICK, ROOT, STYLES, Work

from understudy.agents.executing import open_executing
from understudy.agents.random import RandomAgent
from understudy.envs.parkland.generator import generate
from understudy.recordings import open_recordings

HZ, BUG_SEED = 10, 11


class Bench:
    """The parts, which share what they need from one another; each stage is done when it is first asked for."""

    def __init__(self, work: Work) -> None:
        self.work, self.size = work, work.size
        self.logs = work.demonstrations("logs", self.size.worlds, STYLES, 0)
        self.paths = work.demonstrations("unseen", self.size.unseen, STYLES, 50)

    def told(self) -> list[Path]:
        """The testers by imitation that are told a preference, one of each seed."""
        return self.work.imitations("told", self.logs)

    def free(self) -> list[Path]:
        """The testers by exploration with preferences."""
        return self.work.explorations("free", self.logs)

    def rnd(self) -> list[Path]:
        """Random network distillation with PPO."""
        plain = {"rewards": {"alphas": [1]}, "novelty": {"episodic": False}, "clone": None}
        return self.work.explorations("rnd", None, **plain)

    def coverage(self) -> list[Row]:
        """Who goes where: preferences covered and named, and freely explored."""
        size, work = self.size, self.work
        untold = work.imitations("untold", self.logs, style=None)
        players = plays.styled(self.told(), size.runs)
        for name, bundles, style in (("untold", untold, ""), ("free", self.free(), "free"), ("rnd", self.rnd(), "")):
            players += [plays.persona(f"{name}-{k}", size.runs, each, style) for k, each in enumerate(bundles)]
        players += plays.untrained(size.runs, size.seeds, self.logs, size.worlds)
        outs = {}
        for world in size.unseen:
            where = plays.game(world, size.seconds, size.pixels)
            outs[world] = work.playtest(f"cover-{world}", plays.covering(where, players, HZ * size.seconds))
        trainings = len(size.seeds)
        return [
            rows.preference_row(outs, self.paths, trainings, ("untold", "rnd", "random", "sticky")),
            rows.naming_row(outs, self.logs, size.worlds, trainings),
            *rows.coverage_rows(outs, trainings),
        ]

    def execution(self) -> list[Row]:
        """Objects that are inspected where nobody learned."""
        size, work = self.size, self.work
        logs = work.demonstrations("inspections", size.worlds, ("inspection",), 25)
        inspectors = work.imitations("inspector", logs, style=None)
        layouts = {world: generate(world) for world in size.worlds}
        run = work.folder / f"run-told-{size.seeds[0]}"
        explorers = self.told()
        detector = work.detector(run, logs, labels(open_recordings(logs), layouts))
        found: list[Trial] = []
        for explorer, inspector in zip(explorers, inspectors, strict=True):
            agent = open_executing(explorer, inspector, detector, style=STYLES[0])
            for world in size.unseen:
                found += trials(world, size.pixels, size.objects, agent)
        monkey = RandomAgent(agent.behavior)
        chance = [each for world in size.unseen for each in trials(world, size.pixels, size.objects, monkey)]
        return rows.execution_rows(found, chance)

    def bugs(self) -> list[Row]:
        """Planted bugs, false findings, and how short findings become."""
        size, work, players = self.size, self.work, plays.styled(self.told(), 1)
        chance = [plays.persona("monkey", len(players))]
        planted: dict[int, dict[str, Path]] = {}
        clean: dict[int, Path] = {}
        for world in size.unseen:
            checks = work.write_checks(world)
            for kind, bug_seed in (("planted", BUG_SEED), ("clean", None)):
                where = plays.game(world, size.steps, size.pixels, bug_seed)
                for who, personas in (("personas", players), ("random", chance)):
                    shrink = size.shrink if kind == "planted" else 0
                    spec = plays.hunting(where, personas, size.steps, shrink, checks)
                    if kind == "planted":
                        planted.setdefault(world, {})[who] = work.playtest(f"{kind}-{who}-{world}", spec)
                    elif who == "personas":
                        clean[world] = work.playtest(f"{kind}-{who}-{world}", spec)
        outs = [out for each in planted.values() for out in each.values()]
        return [*rows.bug_rows(planted, clean, BUG_SEED), *rows.shrinking_rows(outs)]

    def ablation(self) -> list[Row]:
        """What self-supervision is worth: the path covered with each objective, over that without any."""
        size, work = self.size, self.work
        played: dict[str, dict[int, Path]] = {}
        for objective in OBJECTIVES:
            bundles = self.told()
            if objective != work.objective:
                change = None if objective == "none" else {"objective": objective}
                bundles = work.imitations(f"told-{objective}", self.logs, self_supervised=change)
            for world in size.unseen:
                where = plays.game(world, size.seconds, size.pixels)
                spec = plays.covering(where, plays.styled(bundles, 1), HZ * size.seconds)
                played.setdefault(objective, {})[world] = work.playtest(f"ablation-{objective}-{world}", spec)
        return rows.ablation_rows(played, self.paths, len(size.seeds))

    def speed(self) -> list[Row]:
        """The park against its bare engine, two workers against one, and what the runner adds to a step."""
        import playtest_overhead
        import playtest_workers

        quick = self.size.runs == 1
        arguments = ["--decisions", "60"] if quick else []
        parks = run_part(str(ROOT / "benchmarks" / "parkland.py"), "parkland", arguments)
        pairs = playtest_workers.rows(2, 300, 1) if quick else playtest_workers.rows()
        return [*parks, *pairs, *playtest_overhead.rows()]


PARTS: Mapping[str, Callable[[Bench], list[Row]]] = {
    "coverage": Bench.coverage,
    "execution": Bench.execution,
    "bugs": Bench.bugs,
    "ablation": Bench.ablation,
    "speed": Bench.speed,
}


def main() -> int:
    """Do every stage that is not done, and print the table; the exit status is 1 if a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, not how well")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to do")
    asked = parser.parse_args()
    name = "tester_quick" if asked.quick else "tester"
    bench = Bench(Work(ROOT / "results" / name, QUICK if asked.quick else FULL))
    found = [row for part in asked.only for row in PARTS[part](bench)]
    whole = not asked.quick and set(asked.only) == set(PARTS)
    return int(not report(name, found, keep=whole) or any_broken(found))


if __name__ == "__main__":
    sys.exit(main())
