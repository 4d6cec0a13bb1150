"""The child process of one run: plays a game and reports each decision before it is made.

A game that crashes takes this process with it; the decision that did it is in the parent's pipe by then. The parent
starts it as `python -m understudy.playtest.worker FD`, with a `Job` in JSON on standard input; it answers with one JSON
object a line on the file descriptor FD:

    {"event": "ready", "behavior": {...}, "lines": [[x1, y1, x2, y2, solid], ...]}
    {"event": "state", "tick": 0, "info": {...}, "reward": null}      what the game reports now
    {"event": "action", "tick": 0, "action": {...}}                   sent before the step that takes it
    {"event": "close"}                                                sent before the game is closed
    {"event": "end", "how": "TERMINATED", "message": "", "detail": ""}
"""

from __future__ import annotations

import json
import os
import random
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import numpy as np
from gymnasium import spaces
from pydantic import BaseModel

from understudy.agents.agent import Agent
from understudy.errors import UnderstudyError
from understudy.playtest.game import Game, GameFaultError
from understudy.playtest.moment import Ended, Number
from understudy.playtest.personas import Playback, load_inputs, open_agent
from understudy.playtest.pictures import LastPicture
from understudy.playtest.spec import GameSpec, PersonaSpec
from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import Action

Send: TypeAlias = "Callable[[str, Mapping[str, Any]], None]"


class Job(BaseModel):
    """One run to play.

    Attributes:
        game: The game.
        folder: Where the spec lies.
        seed: Of the game and of the agent.
        steps: Decisions at most.
        persona: Who plays; None to play back `inputs`.
        inputs: A file of recorded inputs.
        recording: The recording's path without suffix.
        pictures: Whether to render pictures if the game has none among its sensors.
        survey: Whether to ask for the level's lines.
    """

    game: GameSpec
    folder: Path
    seed: int
    steps: int
    recording: Path
    persona: PersonaSpec | None = None
    inputs: Path | None = None
    pictures: bool = True
    survey: bool = False


def play(job: Job, send: Send) -> None:
    """Play a run to its end and report how it ended; never raises what the game or the agent raised."""
    _seed_globals(job.seed)
    try:
        how = _play(job, send)
        send("end", {"how": how.name})
    except GameFaultError as error:
        traceback.print_exc()
        send("end", {"how": Ended.RAISED.name, "message": _words(error.__cause__), "detail": _trace(error.__cause__)})
    except UnderstudyError as error:
        send("end", {"how": Ended.BROKEN.name, "message": str(error)})
    except Exception as error:
        traceback.print_exc()
        send("end", {"how": Ended.BROKEN.name, "message": _words(error), "detail": _trace(error)})


def _play(job: Job, send: Send) -> Ended:
    game = Game(job.game, job.folder, pictures=job.pictures)
    agent, steps = _agent(job, game)
    agent.reset(job.seed)
    seen, info = game.reset(job.seed)
    send("ready", {"behavior": game.behavior.to_dict(), "lines": game.level_lines() if job.survey else []})
    last = LastPicture(job.recording, game.recorded)
    with _recorder(job, game, info) as writer:
        how = _loop(game, agent, writer, last, send, steps, (seen, info))
    agent.close()
    send("close", {})
    game.close()
    return how


def _loop(
    game: Game,
    agent: Agent,
    writer: EpisodeWriter,
    last: LastPicture,
    send: Send,
    steps: int,
    start: tuple[dict[str, np.ndarray], dict[str, Number]],
) -> Ended:
    (seen, info), reward, how = start, None, Ended.BUDGET
    for tick in range(steps):
        send("state", {"tick": tick, "info": info, "reward": reward})
        action = agent.act(seen)
        last.keep(seen)
        send("action", {"tick": tick, "action": {name: value.tolist() for name, value in action.items()}})
        try:
            after, reward, terminated, truncated, later = game.step(action)
        except GameFaultError:
            _append(writer, seen, action, info, None)
            raise
        _append(writer, seen, action, info, reward)
        seen, info = after, later
        if terminated or truncated:
            how = Ended.TERMINATED if terminated else Ended.TRUNCATED
            break
    send("state", {"tick": writer.num_steps, "info": info, "reward": reward})
    writer.finish(terminated=how is Ended.TERMINATED, truncated=how is not Ended.TERMINATED, final_observation=seen)
    return how


def _agent(job: Job, game: Game) -> tuple[Agent, int]:
    if job.inputs is None:
        if job.persona is None:
            raise ValueError("A job needs a persona or inputs.")
        return open_agent(job.persona, game.behavior), job.steps
    inputs = load_inputs(job.inputs)
    agent = Playback(game.behavior, inputs)
    return agent, len(next(iter(inputs.values())))


def _recorder(job: Job, game: Game, info: Mapping[str, Number]) -> EpisodeWriter:
    who = job.persona.name if job.persona else "replay"
    provenance = Provenance(game=job.game.id, seed=job.seed, source="playtest", notes={"persona": who})
    extras = {name: spaces.Box(-np.inf, np.inf, np.shape(value), np.float32) for name, value in info.items()}
    folder, name = job.recording.parent, job.recording.name
    return EpisodeWriter(folder, game.recorded, provenance, name=name, extras=extras)


def _append(
    writer: EpisodeWriter,
    seen: Mapping[str, np.ndarray],
    action: Action,
    info: Mapping[str, Number],
    reward: float | None,
) -> None:
    shapes = {name: space.shape for name, space in writer.layout.extras.items()}
    extras = {
        name: np.asarray(info[name] if name in info and np.shape(info[name]) == shape else np.zeros(shape), np.float32)
        for name, shape in shapes.items()
    }
    writer.append(seen, action, reward=reward, extras=extras)


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


def _sender(pipe: TextIO) -> Send:
    def send(event: str, fields: Mapping[str, Any]) -> None:
        pipe.write(json.dumps({"event": event, **fields}) + "\n")
        pipe.flush()

    return send


def main() -> None:
    """Read a job from standard input, play it and report on the file descriptor given as the first argument."""
    descriptor = int(sys.argv[1])
    # Whatever the game starts must not hold the pipe open once this process is gone.
    os.set_inheritable(descriptor, False)
    with os.fdopen(descriptor, "w", encoding="utf-8") as pipe:
        play(Job.model_validate_json(sys.stdin.read()), _sender(pipe))


if __name__ == "__main__":
    main()
