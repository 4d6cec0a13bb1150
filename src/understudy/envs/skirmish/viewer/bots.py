"""Whoever sits in a round beside the person: scripted players, and anything that follows the `Agent` protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from understudy.envs.skirmish.players import PERSONAS, ScriptedPlayer, look
from understudy.envs.skirmish.players.personas import find_persona
from understudy.envs.skirmish.world import World
from understudy.spec import Action, Observation


def as_action(
    *, move: int = 0, gait: int = 0, turn: float = 0.0, pitch: float = 0.0, fire: int = 0, act: int = 0
) -> Action:
    """Return an action of the behaviour, with arrays of its parts' dtypes; by default it does nothing."""
    choices = {"move": move, "gait": gait, "fire": fire, "act": act}
    angles = {"turn": turn, "pitch": pitch}
    return {
        **{name: np.asarray(value, np.int64) for name, value in choices.items()},
        **{name: np.asarray(value, np.float32) for name, value in angles.items()},
    }


class Acting(Protocol):
    """What is needed of an `understudy.agents.Agent`: this room imports no agents."""

    def reset(self, seed: int) -> None:
        """Begin a life."""
        ...

    def act(self, observation: Observation) -> Action:
        """Decide once."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class Bot(Protocol):
    """Plays one seat of a match.

    Attributes:
        name: Who it is, for the screen and the recording.
        persona: What kind of player it is.
        skill: 0 to 1, or None where there is no such dial.
        weapon: What it buys if it can.
    """

    name: str
    persona: str
    skill: float | None
    weapon: str

    def begin(self, world: World, agent: int, seed: int, call: int) -> None:
        """Begin a round as `agent`, an index; `call` is the same number for both of a team."""
        ...

    def decide(self, world: World, agent: int, observation: Observation) -> Action:
        """Decide once; the world stands still meanwhile."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class Scripted:
    """A scripted player of a persona.

    Args:
        persona: A name of `players.PERSONAS`.
        skill: 0 to 1.
        identity: Which individual.

    Raises:
        GameError: If there is no such persona.
    """

    def __init__(self, persona: str, skill: float = 0.5, identity: int = 0) -> None:
        find_persona(persona)
        self._player = ScriptedPlayer(persona, skill, identity)
        self.name, self.persona, self.weapon = self._player.name, persona, str(self._player.weapon)
        self.skill: float | None = skill

    def begin(self, world: World, agent: int, seed: int, call: int) -> None:
        """Begin a round; see `Bot`."""
        level = world.levels[int(world.level[0])].name
        self._player.begin(level, agent // 2, agent % 2, seed, call)

    def decide(self, world: World, agent: int, observation: Observation) -> Action:  # noqa: ARG002
        """Decide once, from the same knowledge as the sensors hold."""
        view = look(world)[0][agent]
        if view is None:
            return as_action()
        return as_action(**self._player.act(view)._asdict())

    def close(self) -> None:
        """Nothing to release."""


class Learned:
    """An agent that reads sensors: a bundle in this process, or one that a server plays.

    Args:
        agent: Whose behaviour the game offers.
        name: Who it is.
        persona: What kind of player it is, such as the name of a style.
    """

    def __init__(self, agent: Acting, name: str, persona: str = "") -> None:
        self._agent = agent
        self.name, self.persona, self.weapon = name, persona or name, "rifle"
        self.skill: float | None = None

    def begin(self, world: World, agent: int, seed: int, call: int) -> None:  # noqa: ARG002
        """Begin a life; see `Bot`."""
        self._agent.reset(seed)

    def decide(self, world: World, agent: int, observation: Observation) -> Action:  # noqa: ARG002
        """Decide once."""
        return self._agent.act(observation)

    def close(self) -> None:
        """Release the agent."""
        self._agent.close()


def scripted_bots(names: Sequence[str], num_bots: int, skill: float) -> list[Bot]:
    """Return scripted players for so many seats; the names are taken in turn, each time another individual.

    Raises:
        GameError: If there is no such persona.
    """
    wanted = list(names) or list(PERSONAS)
    return [Scripted(wanted[seat % len(wanted)], skill, seat // len(wanted)) for seat in range(num_bots)]


def learned_bots(open_agent: Callable[[str], Acting], names: Sequence[str], what: str, num_bots: int) -> list[Bot]:
    """Return agents for so many seats.

    Args:
        open_agent: Called with the name of a style, empty for the default one.
        names: Of styles, taken in turn; may be empty.
        what: A name for all of them, such as the bundle's.
        num_bots: How many.
    """
    bots: list[Bot] = []
    try:
        for seat in range(num_bots):
            style = names[seat % len(names)] if names else ""
            bots.append(Learned(open_agent(style), f"{style or what}-{seat + 1}", style or what))
    except BaseException:
        for bot in bots:
            bot.close()
        raise
    return bots
