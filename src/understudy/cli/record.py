"""`understudy record`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from understudy.cli.progress import progress
from understudy.errors import UnderstudyError, require, suggest

if TYPE_CHECKING:
    import gymnasium

    from understudy.agents.agent import Agent

_TESTER = "tester:"
_AGENTS = ("scripted", "random", "bundle", "remote")


def record(
    env: Annotated[str, typer.Argument(help="The environment's id, such as understudy/Doom-v0, or skirmish.")],
    out: Annotated[Path, typer.Option(help="The folder of recordings; what is there already is skipped.")],
    agent: Annotated[
        str,
        typer.Option(
            help="Who plays: scripted, random, bundle, remote, person (a game in a window), or a scripted tester of "
            "Parkland by its preference, such as tester:golden_path."
        ),
    ] = "scripted",
    bundle: Annotated[str, typer.Option(help="A bundle's folder, or its name at the server.")] = "",
    address: Annotated[str, typer.Option(help="The server's host:port, for a remote agent.")] = "",
    episodes: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    args: Annotated[str, typer.Option(help="Arguments of the environment, in JSON.")] = "{}",
    options: Annotated[str, typer.Option(help="Options of its reset, in JSON.")] = "{}",
    seed: Annotated[int, typer.Option(min=0, help="Of the first episode; the others count up.")] = 0,
    hours: Annotated[float, typer.Option(min=0, help="Of a corpus of skirmish: player time, of scripted players.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that play such a corpus.")] = 1,
    seconds: Annotated[float, typer.Option(min=0, help="Of a person's episode at most; 0: as long as it lasts.")] = 0,
    name: Annotated[str, typer.Option(help="A person's; recordings keep only a keyed hash of it.")] = "player",
) -> None:
    """Let an agent play a game, and record it; or scripted players a corpus of skirmish; or a person in a window.

    For example: understudy record understudy/Doom-v0 --args '{"map": "E1M6", "sensors": ["rays"]}' --out LOGS

    or: understudy record skirmish --hours 20 --out LOGS --jobs 2 --args '{"levels": ["foundry"]}'

    or: understudy record understudy/Parkland-v0 --agent tester:indoors --args '{"max_seconds": 120}' --out LOGS

    or: understudy record understudy/Window-v0 --agent person --args '{"game": "GAME.yaml"}' --out LOGS
    """
    require("pyarrow", "logs")
    if env == "skirmish" or hours:
        _record_corpus(env, out, hours, seed, jobs, _json("--args", args))
        return
    if agent == "person":
        _record_person(env, out, name, episodes, seconds, _json("--args", args))
        return
    from understudy.envs import make
    from understudy.playtest.record import record_episodes
    from understudy.recordings import Provenance

    arguments = _json("--args", args)
    game = make(env, **arguments)
    try:
        player = _open(agent, game, bundle, address)
        preference = agent.removeprefix(_TESTER) if agent.startswith(_TESTER) else ""
        notes: dict[str, Any] = {"env": env, "args": arguments, **({"persona": preference} if preference else {})}
        provenance = Provenance(
            game=env.split("/")[-1], map=str(arguments.get("map", "")), player=agent, source="understudy record",
            notes=notes,
        )  # fmt: skip
        with progress() as report:
            seeds = range(seed, seed + episodes)
            reset = _json("--options", options)
            written = record_episodes(game, player, out, provenance, seeds, options=reset, progress=report)
    finally:
        game.close()
    Console(highlight=False).print(f"{len(written)} recordings in {out}. Next: understudy train RECIPE {out} --out RUN")


def _open(agent: str, game: gymnasium.Env, bundle: str, address: str) -> Agent:
    """Return who plays."""
    if agent.startswith(_TESTER):
        from understudy.envs.parkland.testers.agent import TesterAgent

        return TesterAgent(game, agent.removeprefix(_TESTER))
    from understudy.playtest.persona import PersonaSpec
    from understudy.playtest.run.personas import open_agent

    if agent not in _AGENTS:
        raise UnderstudyError(f"There is no agent '{agent}' to record.{suggest(agent, _AGENTS)}")
    persona = PersonaSpec.model_validate({"name": agent, "agent": agent, "bundle": bundle, "address": address})
    return open_agent(persona, game.get_wrapper_attr("behavior"))


def _record_person(env: str, out: Path, name: str, episodes: int, seconds: float, arguments: dict[str, Any]) -> None:
    """Record a person who plays a game in its window."""
    from understudy.envs import make
    from understudy.envs.window.env import WindowEnv
    from understudy.envs.window.record import record_play
    from understudy.recordings import Provenance

    game = make(env, **arguments)
    try:
        window = game.unwrapped
        if not isinstance(window, WindowEnv):
            raise UnderstudyError(
                f"A person plays in a window, and '{env}' has none; take understudy/Window-v0 (docs/window.md)."
            )
        provenance = Provenance(
            game=window.behavior.name, player=name, source="understudy record", notes={"env": env, "args": arguments}
        )
        with progress() as report:
            written = record_play(window, out, provenance, episodes=episodes, seconds=seconds or None, progress=report)
    finally:
        game.close()
    Console(highlight=False).print(f"{len(written)} recordings in {out}. Next: understudy train RECIPE {out} --out RUN")


def _record_corpus(env: str, out: Path, hours: float, seed: int, jobs: int, arguments: dict[str, Any]) -> None:
    """Record a corpus of scripted players."""
    if env != "skirmish" or not hours:
        raise UnderstudyError(
            "A corpus of scripted players is made by: understudy record skirmish --hours 20 --out LOGS"
        )
    require("pettingzoo", "tactical")
    from understudy.envs.skirmish.corpus import CHOICES, make_corpus

    for name in arguments:
        if name not in CHOICES:
            raise UnderstudyError(f"A corpus of skirmish has no argument '{name}'.{suggest(name, CHOICES)}")
    with progress() as report:
        make_corpus(out, hours, seed, jobs=jobs, progress=report, **arguments)
    Console(highlight=False).print(f"Recordings in {out}. Next: understudy train RECIPE {out} --out RUN")


def _json(option: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UnderstudyError(f'{option} is not JSON: {error}. For example: {option} \'{{"map": "E1M1"}}\'') from error
    if not isinstance(value, dict):
        raise UnderstudyError(f"{option} should be a JSON object, found {text}.")
    return value
