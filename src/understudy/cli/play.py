"""`understudy play`: a person at the keyboard, with and against bots."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape

from understudy.errors import GameError, require, suggest

if TYPE_CHECKING:
    from understudy.agents.agent import Agent
    from understudy.envs.skirmish.viewer.bots import Bot
    from understudy.envs.skirmish.viewer.game import Game

_GAMES = ("parkland", "skirmish")
_PERSONAS = "rusher,anchor,lurker"
_PATIENCE_S = 10.0
_EPILOG = (
    "Keys: WASD walk, mouse looks, left button fires, right button or Q uses the ability, E held plants or defuses, "
    "R reloads, Shift walks silently, Ctrl or C crouches, Tab shows the map, F12 saves a picture, Esc pauses and then "
    "Q quits."
)
_WHO, _VIEW, _PARK = "Who plays", "The window", "Parkland"


def _option(text: str, panel: str, **settings: Any) -> Any:
    return typer.Option(help=text, rich_help_panel=panel, **settings)


Bots = Annotated[
    str, _option("Personas, or styles of the bundle, taken in turn: both enemies first, then your mate.", _WHO)
]
Skill = Annotated[float, _option("Of scripted players.", _WHO, min=0.0, max=1.0)]
Bundle = Annotated[str, _option("The bots' bundle: a folder, or its name at the server.", _WHO)]
Address = Annotated[str, _option("A server's host:port: it plays the bots.", _WHO)]
Side = Annotated[Literal["attack", "defend", "watch"], _option("Where you begin; watch: only bots play.", _WHO)]
Role = Annotated[
    Literal["controller", "initiator"], typer.Option("--class", help="Yours: smoke, or scan.", rich_help_panel=_WHO)
]
TeamSize = Annotated[int, _option("Players in a team.", _WHO, min=1, max=2)]
Name = Annotated[str, _option("Yours; recordings keep only a keyed hash of it.", _WHO)]
View = Annotated[Literal["eyes", "top"], _option("What is shown first: through the eyes, or from above.", _VIEW)]
Sensitivity = Annotated[float, _option("Of the mouse.", _VIEW, min=0.05, max=20.0)]
Volume = Annotated[float, _option("0 is silent.", _VIEW, min=0.0, max=1.0)]
Build = Annotated[Path | None, _option("A build of the park, with planted bugs: its manifest.", _PARK)]
Area = Annotated[float, _option("Of the park.", _PARK, min=0.25, max=8.6)]
Size = Annotated[int, _option("Side of the recorded pictures, in pixels.", _PARK, min=16, max=512)]


def play(
    game: Annotated[str, typer.Argument(help="The game: skirmish, or parkland.")],
    level: Annotated[str, typer.Option(help="foundry, harbour, terrace, or a new one: generated-SEED.")] = "foundry",
    rounds: Annotated[int, typer.Option(help="Of the match, an even number: sides are swapped half way.")] = 8,
    record: Annotated[Path | None, typer.Option(help="The folder of recordings; by default games/GAME.")] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Keep nothing.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the match; by default another each time.")] = None,
    bots: Bots = "",
    skill: Skill = 0.5,
    bundle: Bundle = "",
    bot_address: Address = "",
    side: Side = "attack",
    role: Role = "controller",
    team_size: TeamSize = 2,
    name: Name = "player",
    view: View = "eyes",
    sensitivity: Sensitivity = 1.0,
    volume: Volume = 0.6,
    build: Build = None,
    area_km2: Area = 0.25,
    size: Size = 84,
) -> None:
    """Play a game with and against bots, and record it.

    For example: understudy play skirmish --bots rusher,anchor
    """
    if game not in _GAMES:
        raise GameError(f"There is no game '{game}' to play.{suggest(game, _GAMES)}")
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    record = record or Path("games") / game
    if game == "parkland":
        _walk(build, seed or 0, area_km2, None if no_record else record, name, size, sensitivity)
        return
    for package, extra in (("pygame", "play"), ("pettingzoo", "tactical"), ("pyarrow", "logs")):
        require(package, extra)
    from understudy.envs.skirmish.viewer.game import Game
    from understudy.envs.skirmish.viewer.window import Window

    person, names = side != "watch", [each.strip() for each in bots.split(",") if each.strip()]
    company = _company(names, 2 * team_size - person, skill, bundle, bot_address)
    chance = secrets.randbelow(1 << 31) if seed is None else seed
    match = Game(
        level,
        company,
        person=person,
        side=int(side == "defend"),
        slot=int(role == "initiator"),
        num_rounds=rounds,
        seed=chance,
        team_size=team_size,
        name=name,
        record=None if no_record else record,
    )
    try:
        top = view == "top" or not person
        with contextlib.suppress(KeyboardInterrupt):  # what was played is in the recordings
            Window(match, _about(match, side), map_first=top, sensitivity=sensitivity, volume=volume).run()
    finally:
        match.close()
    _say_goodbye(match, None if no_record else record)


def _walk(
    build: Path | None, seed: int, area_km2: float, record: Path | None, name: str, size: int, sensitivity: float
) -> None:
    """A walk in the park."""
    for package, extra in (("panda3d", "parkland"), ("pygame", "play"), ("pyarrow", "logs")):
        require(package, extra)
    from understudy.envs.parkland.viewer.session import visit

    kept = visit(build, seed, area_km2, record=record, player=name, size=size, sensitivity=sensitivity)
    Console(highlight=False).print(f"Recorded walks: {len(kept)}.")


def _company(names: Sequence[str], num_bots: int, skill: float, bundle: str, address: str) -> list[Bot]:
    """The bots: scripted, or of a bundle in this process or at a server."""
    from understudy.envs.skirmish.viewer.bots import learned_bots, scripted_bots

    if bundle or address:
        what = Path(bundle).name or "bot"
        return learned_bots(_opener(bundle, address), names, what, num_bots)
    return scripted_bots(names or _PERSONAS.split(","), num_bots, skill)


def _opener(bundle: str, address: str) -> Callable[[str], Agent]:
    from understudy.envs.skirmish.behavior import skirmish_behavior

    def checked(agent: Agent) -> Agent:
        agent.behavior.require_from(skirmish_behavior(), expected=f"the bundle '{bundle}'", where="skirmish")
        return agent

    if address:
        require("grpc", "serve")
        from understudy.serving.remote import RemoteAgent

        return lambda style: checked(RemoteAgent(address, bundle, _PATIENCE_S, style))
    require("onnxruntime", "serve")
    from understudy.agents.bundle import Bundle as LoadedBundle
    from understudy.agents.runtime import BundleAgent

    loaded = LoadedBundle.load(Path(bundle))
    return lambda style: checked(BundleAgent(loaded, style=style))


def _about(match: Game, side: str) -> list[str]:
    names = [bot.name for bot in match.company]
    if side == "watch":
        return [f"{match.level.name}: {', '.join(names)}"]
    enemies, mates = names[: match.team_size], names[match.team_size :]
    aims = {
        "attack": "Plant the bomb at A or B, or stop everybody.",
        "defend": "Keep the bomb from A and B, or defuse it.",
    }
    mate = f" with {mates[0]}" if mates else ""
    return [f"{match.level.name}: you {side}{mate}, against {' and '.join(enemies)}", aims[side]]


def _say_goodbye(match: Game, record: Path | None) -> None:
    console = Console(soft_wrap=True, highlight=False)
    own = match.team if match.person else 0
    score = f"{match.match.score[own]}:{match.match.score[1 - own]}"
    if not match.num_decisions:
        console.print("Nothing was played, so nothing is recorded.")
        return
    console.print(f"Whole rounds on {match.level.name}: {match.match.number}, {score}, seed {match.seed}.")
    if record is not None:
        folder = escape(str(record))
        console.print(f"Recorded in {folder}. Look at it: understudy logs inspect {folder}")


play.__doc__ = f"{play.__doc__}\n    {_EPILOG}"
