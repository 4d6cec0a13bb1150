"""The child process of one run: plays a game and reports each decision before it is made.

A game that crashes takes this process with it; the decision that did it lies in the shared ring by then. The parent
starts it as `python -m understudy.playtest.run.worker RING LIFE`, two file descriptors, with a `Job` in one line of
JSON on standard input, which ends with the parent. RING is the file of a `Ring` that the reports go to (see
`reports`); its flag says whether the game (1) or the player (0) is at work. LIFE is a pipe that nothing is written
to: it ends when this process does.

The events are `ready` (with the behaviour and the level), `close` (sent before the game is closed) and `end` (with how
the run ended).
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import traceback
from pathlib import Path

import numpy as np

from understudy.agents.agent import Agent
from understudy.errors import UnderstudyError
from understudy.playtest.coverage.survey import survey
from understudy.playtest.disk import is_full
from understudy.playtest.run.game import Game, GameFaultError, blaming_the_game, picture_sensor
from understudy.playtest.run.gauge import Gauge
from understudy.playtest.run.job import Job
from understudy.playtest.run.keeper import Keeper
from understudy.playtest.run.moment import Ended, Number
from understudy.playtest.run.personas import Playback, load_inputs, open_agent
from understudy.playtest.run.reports import ReportWriter
from understudy.playtest.run.ring import Ring

_PLAYER, _GAME = 0, 1


def play(job: Job, ring: Ring) -> None:
    """Play a run to its end and report how it ended; never raises what the game or the agent raised."""
    _seed_globals(job.seed)
    reports = ReportWriter(ring.write)
    try:
        how = _play(job, ring, reports)
        reports.event("end", {"how": how.name})
    except GameFaultError as error:
        traceback.print_exc()
        cause = error.__cause__
        reports.event("end", {"how": Ended.RAISED.name, "message": _words(cause), "detail": _trace(cause)})
    except UnderstudyError as error:
        reports.event("end", {"how": Ended.BROKEN.name, "message": str(error), "full": is_full(error)})
    except Exception as error:
        traceback.print_exc()
        fields = {"message": _words(error), "detail": _trace(error), "full": is_full(error)}
        reports.event("end", {"how": Ended.BROKEN.name, **fields})


def _play(job: Job, ring: Ring, reports: ReportWriter) -> Ended:
    game = Game(job.game, job.folder, pictures=job.pictures, faults="faults" in job.needs)
    agent, steps = _agent(job, game)
    agent.reset(job.seed)
    seen, info = game.reset(job.seed)
    lines = game.level_lines() if job.survey else []
    with blaming_the_game():
        found = survey(game.env, job.coverage, reachable=job.survey)
    reports.ready(game.behavior, {"lines": lines, "survey": found})
    with Keeper(job, game, info) as keeper:
        how, seen = _Loop(game, agent, keeper, _gauge(job, game), ring, reports).run(steps, seen, info)
        keeper.finish(how, seen)
    agent.close()
    reports.event("close", {})
    ring.flag = _GAME
    game.close()
    return how


class _Loop:
    """The decisions of a run."""

    def __init__(
        self, game: Game, agent: Agent, keeper: Keeper, gauge: Gauge | None, ring: Ring, reports: ReportWriter
    ) -> None:
        self.game, self.agent, self.keeper, self.gauge = game, agent, keeper, gauge
        self.ring, self.reports = ring, reports

    def run(
        self, steps: int, seen: dict[str, np.ndarray], info: dict[str, Number]
    ) -> tuple[Ended, dict[str, np.ndarray]]:
        """Play on from a first observation; return how it ended and the last one."""
        game, keeper, ring, reports, act = self.game, self.keeper, self.ring, self.reports, self.agent.act
        reward, how, tick = 0.0, Ended.BUDGET, -1
        for tick in range(steps):
            action = act(seen)
            keeper.look(seen)
            reports.decision(tick, info, action, reward, game.step_seconds, self._detail(tick, seen))
            ring.flag = _GAME
            try:
                after, reward, terminated, truncated, later = game.step(action)
            except GameFaultError:
                keeper.append(seen, action, info, None)
                raise
            ring.flag = _PLAYER
            keeper.append(seen, action, info, reward)
            seen, info = after, later
            if terminated or truncated:
                how = Ended.TERMINATED if terminated else Ended.TRUNCATED
                break
        reports.decision(tick + 1, info, None, reward, game.step_seconds, self._detail(tick + 1, seen))
        return how, seen

    def _detail(self, tick: int, seen: dict[str, np.ndarray]) -> dict[str, object] | None:
        if self.gauge is None and not self.game.faults:
            return None
        detail = self.gauge.read(tick, seen) if self.gauge else {}
        return {**detail, "faults": self.game.faults} if self.game.faults else detail


def _gauge(job: Job, game: Game) -> Gauge | None:
    if not job.needs & {"memory", "picture", "log"}:
        return None
    return Gauge(job.needs, picture_sensor(game.recorded), game.behavior.decision_hz, job.look, job.log)


def _agent(job: Job, game: Game) -> tuple[Agent, int]:
    if job.inputs is None:
        if job.persona is None:
            raise ValueError("A job needs a persona or inputs.")
        if job.persona.privileged:
            from understudy.playtest.run.privileged import open_privileged

            return open_privileged(job.persona, game, job.coverage.cell, job.steps), job.steps
        return open_agent(job.persona, game.behavior), job.steps
    inputs = load_inputs(job.inputs)
    agent = Playback(game.behavior, inputs)
    return agent, len(next(iter(inputs.values())))


def _seed_globals(seed: int) -> None:
    """Some games draw from the global generators; the same run should still be the same game."""
    random.seed(seed)
    np.random.seed(seed % 2**32)


def _words(error: BaseException | None) -> str:
    """What was raised and in which line of which file."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def _trace(error: BaseException | None) -> str:
    return "".join(traceback.format_exception(error)) if error else ""


def main() -> None:
    """Read a job from standard input, play it and report it on the descriptors given as arguments."""
    shared, life = int(sys.argv[1]), int(sys.argv[2])
    # Whatever the game starts must not hold the pipe open once this process is gone.
    os.set_inheritable(life, False)
    parent = os.getppid()
    ring = Ring(shared, gone=lambda: os.getppid() != parent)
    job = Job.model_validate_json(sys.stdin.readline())
    _live_with_parent()
    play(job, ring)


def _live_with_parent() -> None:
    """Kill this process and all it started once the parent is gone, which holds standard input open until then."""
    held = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def wait() -> None:
        while os.read(held, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
