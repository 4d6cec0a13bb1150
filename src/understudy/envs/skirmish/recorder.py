"""Recordings of skirmish, one for each player and round.

`VectorRecorder` writes each round of a vector when it is over, for corpora; `RecordSkirmish` wraps an environment and
writes while it is played, so that a game that is killed still reads back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from understudy.envs.skirmish.env import SkirmishEnv
from understudy.envs.skirmish.measures import EXTRAS
from understudy.envs.skirmish.rules import AGENTS, SIDES, event_names
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.vector import SkirmishVector
from understudy.envs.skirmish.world import World
from understudy.errors import GameError, require
from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import Action

pettingzoo_utils: Any = require("pettingzoo.utils", "tactical")

GAME = "skirmish"


@dataclass(frozen=True)
class Player:
    """Who plays, for a recording's provenance.

    Attributes:
        identity: Such as `"rusher-07"`; a person's is stored as a keyed hash.
        persona: The name of a scripted player's character; empty for a person.
        skill: 0 to 1, None if not known.
        match: Which match the round belongs to.
        round: Which round of it; None takes the vector's own count, or 0.
    """

    identity: str
    persona: str = ""
    skill: float | None = None
    match: int = 0
    round: int | None = None

    @property
    def is_scripted(self) -> bool:
        """Whether this is nobody whose name needs hiding."""
        return bool(self.persona)

    def provenance(self, world: World, index: int, agent: int, number: int, won: bool | None) -> Provenance:
        """Return where the recording of `agent` in round `index` of a world comes from."""
        notes = {
            "persona": self.persona,
            "skill": self.skill,
            "side": SIDES[agent // 2],
            "slot": agent % 2,
            "match": self.match,
            "round": number if self.round is None else self.round,
            "won": won,
        }
        level, seed = world.levels[int(world.level[index])].name, int(world.seed[index])
        return Provenance(GAME, map=level, seed=seed, player=self.identity, source="understudy", notes=notes)


class VectorRecorder:
    """Records the rounds of a vector: `before` each step and `after` it.

    A row holds what was seen and the extras of the same moment, what was done, and the reward and the events that
    followed. A player's recording ends with its death or with the round, `terminated`; the last observation follows.
    Rounds are kept in memory until they are over, 10 MB at most for each; one that `vector.reset` leaves for another is
    not written, unless the recorder was closed before.

    Args:
        vector: To record.
        folder: Made if it is not there.
        players: Of each round and agent, lists of B and 4; None is not recorded. Change `players` when another round
            begins with others.

    Attributes:
        players: Of each round and agent.
        num_written: Recordings so far.

    Raises:
        GameError: If there is not a row of four players for each round.
        RecordingError: If a recording cannot be written.
    """

    def __init__(self, vector: SkirmishVector, folder: Path | str, players: Sequence[Sequence[Player | None]]) -> None:
        if len(players) != len(vector) or any(len(each) != NUM_AGENTS for each in players):
            raise GameError(f"{len(vector)} rounds need as many rows of {NUM_AGENTS} players, got {len(players)} rows.")
        self.players = [list(each) for each in players]
        self.num_written = 0
        self._vector, self._folder = vector, Path(folder)
        rules, behavior = vector.world.rules, vector.behavior
        # A planted bomb may outlive the clock; and one row is for what was seen last.
        most = int((rules.round_s + rules.bomb_s) * rules.decision_hz) + 2
        shape = (len(vector), most, NUM_AGENTS)
        self._seen = {each.name: np.zeros((*shape, *each.shape), each.dtype) for each in behavior.sensors}
        self._done = {each.name: np.zeros(shape, each.dtype) for each in behavior.actions}
        self._extras = {name: np.zeros((*shape, *space.shape), np.float32) for name, space in EXTRAS.items()}
        self._rewards, self._events = np.zeros(shape, np.float32), np.zeros(shape, np.uint32)
        self._num_rows = np.zeros(len(vector), np.int64)
        self._lengths = np.zeros((len(vector), NUM_AGENTS), np.int64)

    def before(self, readings: Mapping[str, np.ndarray], actions: Mapping[str, np.ndarray]) -> None:
        """Keep what everybody sees, and what it is about to do in `vector.step(actions)`."""
        self._drop_left()
        self._playing = np.flatnonzero(~self._vector.over)
        self._living = self._vector.world.alive.copy()
        where = (self._playing, self._num_rows[self._playing])
        extras = self._vector.extras()
        for columns, values in ((self._seen, readings), (self._done, actions), (self._extras, extras)):
            for name, column in columns.items():
                column[where] = values[name][self._playing]

    def after(self, readings: Mapping[str, np.ndarray]) -> None:
        """Keep what came of it, and write the rounds that ended."""
        playing, vector = self._playing, self._vector
        where = (playing, self._num_rows[playing])
        self._rewards[where] = vector.rewards[playing]
        self._events[where] = vector.world.events[playing]
        self._num_rows[playing] += 1
        self._lengths[playing] += self._living[playing]
        self._readings = readings
        for index in np.flatnonzero(vector.ended):
            self._write_round(int(index), ended=True)

    def close(self) -> None:
        """Write the rounds that are not over, as truncated."""
        self._drop_left()
        for index in np.flatnonzero(self._num_rows):
            self._write_round(int(index), ended=False)

    def _drop_left(self) -> None:
        """Forget rounds in whose place others have begun."""
        self._num_rows[self._vector.started], self._lengths[self._vector.started] = 0, 0

    def _write_round(self, index: int, *, ended: bool) -> None:
        for name, column in self._seen.items():
            column[index, self._num_rows[index]] = self._readings[name][index]
        for agent, player in enumerate(self.players[index]):
            if player is not None and self._lengths[index, agent]:
                self._write(index, agent, player, ended=ended)
        self._num_rows[index] = 0
        self._lengths[index] = 0

    def _write(self, index: int, agent: int, player: Player, *, ended: bool) -> None:
        world, number = self._vector.world, int(self._vector.round_number[index])
        length = int(self._lengths[index, agent])
        won = bool(world.winner[index] == agent // 2) if ended else None
        terminated = ended or not world.alive[index, agent]
        mine = (index, slice(length), agent)
        writer = EpisodeWriter(
            self._folder,
            self._vector.behavior,
            player.provenance(world, index, agent, number, won),
            name=f"{GAME}-{int(world.seed[index]):016x}-{AGENTS[agent]}",
            extras=EXTRAS,
            reveal_player=player.is_scripted,
        )
        with writer:
            writer.extend(
                {name: column[mine] for name, column in self._seen.items()},
                {name: column[mine] for name, column in self._done.items()},
                rewards=self._rewards[mine],
                events=[_words(int(mask)) for mask in self._events[mine]],
                extras={name: column[mine] for name, column in self._extras.items()},
            )
            last = {name: column[index, length, agent] for name, column in self._seen.items()}
            writer.finish(
                terminated=terminated, truncated=not terminated, final_observation=last if terminated else None
            )
        self.num_written += 1


class RecordSkirmish(pettingzoo_utils.BaseParallelWrapper):
    """An environment whose rounds are recorded while they are played.

    As in `VectorRecorder`, but that nobody knows who wins when the recording begins: `won` is None in its notes.

    Args:
        env: To play in.
        folder: Made if it is not there.
        players: By agent; who is not there is not recorded. May be changed before each `reset`.
    """

    def __init__(self, env: SkirmishEnv, folder: Path | str, players: Mapping[str, Player]) -> None:
        super().__init__(env)
        self.players = dict(players)
        self.num_rounds = 0
        self._folder = Path(folder)
        self._writers: dict[str, EpisodeWriter] = {}

    def reset(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> Any:
        """Begin a round, and a recording of each player; what is left of the last round's is closed as truncated."""
        self._stop()
        self._observations, self._infos = self.env.reset(seed=seed, options=options)
        for agent, player in self.players.items():
            if agent in self.env.agents:
                self._writers[agent] = self._open(agent, player)
        self.num_rounds += 1
        return self._observations, self._infos

    def step(self, actions: Mapping[str, Action]) -> Any:
        """Play one decision and record it."""
        result = self.env.step(actions)
        observations, rewards, terminations, _, infos = result
        for agent in [each for each in self._writers if each in observations]:
            writer = self._writers[agent]
            writer.append(
                self._observations[agent],
                _of_dtypes(actions[agent], writer),
                reward=rewards[agent],
                events=infos[agent]["events"],
                extras=self._infos[agent]["extras"],
            )
            if terminations[agent]:
                self._writers.pop(agent).finish(terminated=True, final_observation=observations[agent])
        self._observations, self._infos = observations, infos
        return result

    def close(self) -> None:
        """Close the recordings and the environment."""
        self._stop()
        self.env.close()

    def _open(self, agent: str, player: Player) -> EpisodeWriter:
        where = player.provenance(self.env.unwrapped.world, 0, AGENTS.index(agent), self.num_rounds, None)
        behavior = self.env.unwrapped.behavior
        return EpisodeWriter(self._folder, behavior, where, extras=EXTRAS, reveal_player=player.is_scripted)

    def _stop(self) -> None:
        for writer in self._writers.values():
            if writer.num_steps:
                writer.finish(truncated=True)
            else:
                writer.close()
                writer.path.unlink(missing_ok=True)
        self._writers = {}


def _of_dtypes(action: Action, writer: EpisodeWriter) -> dict[str, np.ndarray]:
    return {each.name: np.asarray(action[each.name]).astype(each.dtype) for each in writer.layout.behavior.actions}


@lru_cache(maxsize=4096)
def _words(mask: int) -> tuple[str, ...]:
    return event_names(mask)
