"""Scripted players at matches: several matches side by side, every round of every player recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.envs.skirmish.match import Match, Seats
from understudy.envs.skirmish.players.disturbance import Disturbance
from understudy.envs.skirmish.players.looking import look
from understudy.envs.skirmish.players.player import ScriptedPlayer
from understudy.envs.skirmish.recorder import Player, VectorRecorder
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.vector import SkirmishVector
from understudy.envs.skirmish.world import World, idle_actions


@dataclass(frozen=True)
class Seat:
    """Who sits where in a match: an individual and its skill."""

    persona: str
    identity: int
    skill: float


@dataclass(frozen=True)
class MatchPlan:
    """One match: its number, seed and level, how many rounds at most, team 0's and team 1's two players, and the share
    of their decisions in which something disturbs their hands.
    """

    number: int
    seed: int
    level: str
    rounds: int
    seats: tuple[Seat, Seat, Seat, Seat]
    disturbed: float = 0.0


def record_matches(plans: Sequence[MatchPlan], folder: Path) -> float:
    """Play matches side by side and record them in `folder`.

    Args:
        plans: Of the matches.
        folder: Of the recordings, one for each player and round.

    Returns:
        Seconds of play recorded, all players together.
    """
    return _Tables(plans, folder).play()


class _Tables:
    """A match at each round of a vector; once it is over its round stays over."""

    def __init__(self, plans: Sequence[MatchPlan], folder: Path) -> None:
        names = list(dict.fromkeys(plan.level for plan in plans))
        self._levels = [names.index(plan.level) for plan in plans]
        self._plans = plans
        self._players = [[ScriptedPlayer(*_dials(seat)) for seat in plan.seats] for plan in plans]
        self._matches = [_new_match(plan, row) for plan, row in zip(plans, self._players, strict=True)]
        self._disturbances = [Disturbance(plan.seed, plan.disturbed) for plan in plans]
        self._seated: list[list[ScriptedPlayer]] = [[] for _ in plans]
        self._recorded: list[list[Player | None]] = [[None] * NUM_AGENTS for _ in plans]
        self._vector = SkirmishVector(names, len(plans), auto_reset=True, before_round=self._begin)
        self._recorder = VectorRecorder(self._vector, folder, self._recorded)

    def play(self) -> float:
        """Play all matches to their end."""
        vector, recorder = self._vector, self._recorder
        readings, steps = vector.reset(0), 0
        while not all(match.over for match in self._matches):
            recorder.players = self._recorded
            actions = self._decide()
            steps += int(vector.world.alive[~vector.over].sum())
            recorder.before(readings, actions)
            self._disturb(actions)
            readings = vector.step(actions)
            recorder.after(readings)
            for index in np.flatnonzero(vector.ended):
                self._matches[index].finish(vector.world, int(index))
        return steps / vector.behavior.decision_hz

    def _disturb(self, actions: dict[str, np.ndarray]) -> None:
        """Let hands do something else than the recorder was told."""
        for index, plan in enumerate(self._plans):
            if plan.disturbed:
                self._disturbances[index].disturb({name: values[index] for name, values in actions.items()})

    def _begin(self, world: World, index: int) -> None:
        """Begin a match's next round; there is none for a match that is over."""
        match, plan = self._matches[index], self._plans[index]
        if match.over:
            world.winner[index] = 0
            return
        world.level[index] = self._levels[index]
        seats = match.begin(world, index)
        self._seated[index] = [self._seat(index, agent, seats) for agent in range(NUM_AGENTS)]
        self._recorded[index] = [
            Player(player.name, player.persona, player.skill, plan.number, seats.number)
            for player in self._seated[index]
        ]

    def _seat(self, index: int, agent: int, seats: Seats) -> ScriptedPlayer:
        """Tell the player of an agent where the round is played, and what its team agreed on."""
        side, slot = divmod(agent, 2)
        player = self._players[index][2 * seats.teams[agent] + slot]
        player.begin(self._plans[index].level, side, slot, seats.seed + agent, team_call(seats.seed, side))
        return player

    def _decide(self) -> dict[str, np.ndarray]:
        actions = idle_actions(len(self._plans))
        for index, row in enumerate(look(self._vector.world)):
            for agent, view in enumerate(row):
                if view is None:
                    continue
                deed = self._seated[index][agent].act(view)
                for name, value in zip(deed._fields, deed, strict=True):
                    actions[name][index, agent] = value
        return actions


def team_call(seed: int, side: int) -> int:
    """Return what a side agrees on before a round, for `ScriptedPlayer.begin`: the same number for both teammates."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{side}".encode()).digest()[:6], "big")


def _dials(seat: Seat) -> tuple[str, float, int]:
    return seat.persona, seat.skill, seat.identity


def _new_match(plan: MatchPlan, players: Sequence[ScriptedPlayer]) -> Match:
    a, b, c, d = (player.weapon for player in players)
    return Match(plan.seed, plan.rounds, preferences=((a, b), (c, d)))
