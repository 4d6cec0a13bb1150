"""Who plays in the arena: bots from bundles, scripted players and random ones, many of each deciding in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from gymnasium import spaces

from understudy.agents.bundle import Bundle
from understudy.agents.noise import uniform_noise
from understudy.agents.runtime import PolicyRuntime
from understudy.agents.styles import parse_style
from understudy.envs.skirmish.players import PERSONAS, ScriptedPlayer, look
from understudy.envs.skirmish.players.matches import team_call
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.vector import SkirmishVector
from understudy.errors import GameError, suggest
from understudy.playtest.arena.usual_bot import UsualBot
from understudy.spec import BehaviorSpec

RANDOM, USUAL, PERSONA = "random", "scripted", "persona"
_RIFLE = "rifle"


@dataclass(frozen=True)
class Contestant:
    """One who takes a seat.

    Attributes:
        name: In tables, and as the recordings' player.
        bundle: That it plays by; None for a scripted or random player.
        style: Of the bundle, such as "rusher:0.7+anchor:0.3", or a persona; empty for the default.
        skill: 0 to 1; None leaves a bundle's as its style has it.
        kind: `RANDOM`, `USUAL` or `PERSONA` where there is no bundle.
        identity: Which individual of a scripted persona.
    """

    name: str
    bundle: Bundle | None = None
    style: str = ""
    skill: float | None = None
    kind: str = ""
    identity: int = 0

    @property
    def weapon(self) -> str:
        """What it buys if it can: as scripted players of the style that weighs most in its own do."""
        weights = _weights(self.style)
        persona = max(weights, key=lambda name: weights[name]) if weights else ""
        return str(ScriptedPlayer(persona, 0.5, self.identity).weapon) if persona in PERSONAS else _RIFLE


def _weights(style: str) -> dict[str, float]:
    found = {}
    for part in style.split(",")[0].split("+"):
        name, _, weight = part.partition(":")
        found[name.strip()] = float(weight) if weight else 1.0
    return {name: weight for name, weight in found.items() if name}


def parse_contestant(name: str, text: str) -> Contestant:
    """Return the contestant that a text asks for.

    Args:
        name: Of the contestant.
        text: "random"; "scripted", the bot that games usually ship with; or a persona such as "rusher@0.8", with its
            skill.

    Raises:
        GameError: If it is none of these.
    """
    word, _, skill = text.partition("@")
    if word in (RANDOM, USUAL):
        return Contestant(name, kind=word)
    if word not in PERSONAS:
        raise GameError(f"There is no contestant '{text}'.{suggest(word, [RANDOM, USUAL, *PERSONAS])}")
    try:
        dial = float(skill) if skill else 0.5
    except ValueError as error:
        raise GameError(f"'{text}' should be a persona, '@' and a skill from 0 to 1, such as {word}@0.8.") from error
    return Contestant(name, style=word, skill=dial, kind=PERSONA)


class Driver(Protocol):
    """Decides for all the seats of its kind at once."""

    def seat(self, index: int, agent: int, contestant: Contestant, seed: int, round_seed: int, level: str) -> None:
        """Take an agent of a round that has just begun; of the seeds, the first is this agent's own."""
        ...

    def leave(self, index: int, agent: int) -> None:
        """Give an agent up."""
        ...

    def decide(self, readings: Mapping[str, np.ndarray], actions: Mapping[str, np.ndarray]) -> None:
        """Fill in the actions, shape (B, 4) each, of its agents that play on."""
        ...


class BundleDriver:
    """Plays every bot of a bundle in one batch, whatever its style.

    Args:
        bundle: To play.
        vector: To play in.
        threads: Of ONNX Runtime.
    """

    def __init__(self, bundle: Bundle, vector: SkirmishVector, threads: int = 1) -> None:
        bundle.behavior.require_from(
            vector.behavior, expected=f"the bundle '{bundle.name}'", where="the game of skirmish"
        )
        self._bundle, self._vector = bundle, vector
        self._runtime = PolicyRuntime(bundle, threads)
        shape = (len(vector), NUM_AGENTS)
        self._own = np.zeros(shape, bool)
        self._state = np.zeros((*shape, bundle.state_size), np.float32)
        self._style = np.zeros((*shape, bundle.style_size), np.float32)
        self._seed, self._decision = np.zeros(shape, np.uint64), np.zeros(shape, np.uint64)

    def seat(self, index: int, agent: int, contestant: Contestant, seed: int, round_seed: int, level: str) -> None:
        """Begin a bot's life with an empty memory."""
        del round_seed, level
        where = (index, agent)
        self._own[where], self._state[where] = True, 0
        self._seed[where], self._decision[where] = seed, 0
        if self._bundle.style_size:
            dial = "" if contestant.skill is None else f",skill={contestant.skill:g}"
            self._style[where] = parse_style(self._bundle, contestant.style + dial)

    def leave(self, index: int, agent: int) -> None:
        """Give an agent up."""
        self._own[index, agent] = False

    def decide(self, readings: Mapping[str, np.ndarray], actions: Mapping[str, np.ndarray]) -> None:
        """Decide for every bot that lives, in one step."""
        rows = np.nonzero(self._own & _playing(self._vector))
        if not len(rows[0]):
            return
        behavior = self._bundle.behavior
        sensors = [readings[name][rows] for name in behavior.sensor_names]
        noise = uniform_noise(self._seed[rows], self._decision[rows], self._bundle.noise_size)
        done, self._state[rows] = self._runtime.step(sensors, self._state[rows], noise, self._style[rows])
        self._decision[rows] += np.uint64(1)
        for name, values in zip(behavior.action_names, done, strict=True):
            actions[name][rows] = values


class ScriptedDriver:
    """Plays the scripted players, of personas and the usual bot."""

    def __init__(self, vector: SkirmishVector) -> None:
        self._vector = vector
        self._players: dict[tuple[int, int], ScriptedPlayer | UsualBot] = {}

    def seat(self, index: int, agent: int, contestant: Contestant, seed: int, round_seed: int, level: str) -> None:
        """Begin a round, with what the team agreed on."""
        side, slot = divmod(agent, 2)
        call = team_call(round_seed, side)
        if contestant.kind == USUAL:
            self._players[index, agent] = UsualBot(level, side, slot, call)
            return
        skill = 0.5 if contestant.skill is None else contestant.skill
        player = ScriptedPlayer(contestant.style, skill, contestant.identity)
        player.begin(level, side, slot, seed, call)
        self._players[index, agent] = player

    def leave(self, index: int, agent: int) -> None:
        """Give an agent up."""
        self._players.pop((index, agent), None)

    def decide(self, readings: Mapping[str, np.ndarray], actions: Mapping[str, np.ndarray]) -> None:
        """Decide for each that lives."""
        del readings
        if not self._players:
            return
        views = look(self._vector.world)
        for (index, agent), player in self._players.items():
            view = views[index][agent]
            if view is not None:
                deed = player.act(view)
                for name, value in zip(deed._fields, deed, strict=True):
                    actions[name][index, agent] = value


class RandomDriver:
    """Plays at random: each part uniform over its space."""

    def __init__(self, vector: SkirmishVector) -> None:
        self._vector = vector
        shape = (len(vector), NUM_AGENTS)
        self._own, self._seed = np.zeros(shape, bool), np.zeros(shape, np.uint64)
        self._decision = np.zeros(shape, np.uint64)

    def seat(self, index: int, agent: int, contestant: Contestant, seed: int, round_seed: int, level: str) -> None:
        """Begin a noise stream."""
        del contestant, round_seed, level
        self._own[index, agent], self._seed[index, agent], self._decision[index, agent] = True, seed, 0

    def leave(self, index: int, agent: int) -> None:
        """Give an agent up."""
        self._own[index, agent] = False

    def decide(self, readings: Mapping[str, np.ndarray], actions: Mapping[str, np.ndarray]) -> None:
        """Draw an action for each that lives."""
        del readings
        rows = np.nonzero(self._own & _playing(self._vector))
        parts = self._vector.behavior.actions
        noise = uniform_noise(self._seed[rows], self._decision[rows], len(parts)).T
        self._decision[rows] += np.uint64(1)
        for part, draws in zip(parts, noise, strict=True):
            if isinstance(part.space, spaces.Box):
                low, high = float(part.space.low), float(part.space.high)
                actions[part.name][rows] = low + draws * (high - low)
            else:
                actions[part.name][rows] = (draws * part.num_labels).astype(np.int64)


def _playing(vector: SkirmishVector) -> np.ndarray:
    return np.asarray(vector.world.alive & ~vector.over[:, None])


def make_drivers(contestants: Sequence[Contestant], vector: SkirmishVector, threads: int = 1) -> dict[str, Driver]:
    """Return a driver for each bundle and kind among the contestants; see `driver_key`."""
    drivers: dict[str, Driver] = {}
    for each in contestants:
        key = driver_key(each)
        if key in drivers:
            continue
        if each.bundle is not None:
            drivers[key] = BundleDriver(each.bundle, vector, threads)
        else:
            drivers[key] = RandomDriver(vector) if each.kind == RANDOM else ScriptedDriver(vector)
    return drivers


def driver_key(contestant: Contestant) -> str:
    """Return which driver plays a contestant."""
    return contestant.kind if contestant.bundle is None else str(contestant.bundle.folder.resolve())


def sensors_of(contestants: Sequence[Contestant], known: BehaviorSpec) -> list[str]:
    """Return the sensors that must be computed for them: all that their bundles read, and `self` for the recording."""
    wanted = {"self"} | {name for each in contestants if each.bundle for name in each.bundle.behavior.sensor_names}
    return [name for name in (*known.sensor_names, "enemies") if name in wanted]
