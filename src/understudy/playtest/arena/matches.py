"""The arena: matches of skirmish between bots and scripted players, many side by side, recorded and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from understudy.envs.skirmish.behavior import skirmish_behavior
from understudy.envs.skirmish.match import Match, Seats
from understudy.envs.skirmish.recorder import Player, VectorRecorder
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.vector import SkirmishVector
from understudy.envs.skirmish.world import World, idle_actions
from understudy.errors import GameError
from understudy.evaluation.ratings import Game
from understudy.playtest.arena.contestants import Contestant, driver_key, make_drivers, sensors_of

Progress = Callable[[int, int], None]
Team = tuple[Contestant, Contestant]
_SIDE_BY_SIDE = 32


@dataclass(frozen=True)
class Fixture:
    """A match to be played.

    Attributes:
        teams: Two teams of two; the first attacks first.
        level: Its name.
        seed: Of everything by chance in it.
        rounds: An even number; sides are swapped half way, and all of them are played.
        names: Of the teams, for the count; by default those of their first contestants.
    """

    teams: tuple[Team, Team]
    level: str
    seed: int
    rounds: int = 4
    names: tuple[str, str] | None = None

    @property
    def sides(self) -> tuple[str, str]:
        """The teams' names."""
        return self.names or (self.teams[0][0].name, self.teams[1][0].name)


def likeness_fixtures(
    players: Sequence[Contestant], levels: Sequence[str], matches: int, *, seed: int = 0, rounds: int = 4
) -> list[Fixture]:
    """Return matches in which everybody plays about as often, in teams and against others drawn by chance.

    Args:
        players: As often as they should play: repeat those who play more.
        levels: Played on in turn.
        matches: How many.
        seed: Of the draw.
        rounds: Of a match.

    Raises:
        GameError: If there is nobody or no level.
    """
    if not players or not levels:
        raise GameError("The arena needs somebody to play and a level; name a level, such as --levels foundry.")
    rng = np.random.default_rng(seed)
    order: list[Contestant] = []
    while len(order) < NUM_AGENTS * matches:
        order += _evenly(players, rng)
    return [
        Fixture(
            ((order[4 * index], order[4 * index + 1]), (order[4 * index + 2], order[4 * index + 3])),
            levels[index % len(levels)],
            _seed(seed, index),
            rounds,
        )
        for index in range(matches)
    ]


def _evenly(players: Sequence[Contestant], rng: np.random.Generator) -> list[Contestant]:
    """In random order, but with each style spread over all of it: a few matches have the mix of many."""
    at = np.empty(len(players))
    for style in sorted({each.style for each in players}):
        own = np.flatnonzero([each.style == style for each in players])
        at[own] = (rng.permutation(len(own)) + rng.random(len(own))) / len(own)
    return [players[index] for index in np.argsort(at)]


def round_robin(
    contestants: Sequence[Contestant], levels: Sequence[str], matches: int, *, seed: int = 0, rounds: int = 4
) -> list[Fixture]:
    """Return matches of everybody against everybody else, two of a kind in each team, each pair on the same seeds."""
    return [
        Fixture(((a, a), (b, b)), levels[index % len(levels)], _seed(seed, index), rounds, (a.name, b.name))
        for a, b in combinations(contestants, 2)
        for index in range(matches)
    ]


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint32)[0])


def play_fixtures(
    fixtures: Sequence[Fixture],
    out: Path | None = None,
    *,
    threads: int = 1,
    progress: Progress | None = None,
) -> list[Game]:
    """Play matches, many side by side, and return every round as a game.

    The same fixtures give the same rounds, however many are played side by side.

    Args:
        fixtures: To play.
        out: Folder of the recordings, one for each player and round; None records nothing.
        threads: Of each bundle's runtime.
        progress: Called with rounds played and rounds in all.

    Raises:
        GameError: If there is no such level.
        SpecMismatchError: If a bundle is of another game.
    """
    games: list[Game] = []
    total = sum(each.rounds for each in fixtures)
    for level in dict.fromkeys(each.level for each in fixtures):
        own = [each for each in fixtures if each.level == level]
        for start in range(0, len(own), _SIDE_BY_SIDE):
            arena = _Arena(own[start : start + _SIDE_BY_SIDE], level, start, out, threads)
            arena.play(_counted(progress, len(games), total))
            games += arena.games
    return games


def _counted(progress: Progress | None, done: int, total: int) -> Callable[[int], None]:
    return lambda now: progress(done + now, total) if progress else None


class _Arena:
    """Some matches on one level, one at each round of a vector; once a match is over its round stays over."""

    def __init__(self, fixtures: Sequence[Fixture], level: str, first: int, out: Path | None, threads: int) -> None:
        contestants = [seat for each in fixtures for team in each.teams for seat in team]
        sensors = sensors_of(contestants, skirmish_behavior())
        self.games: list[Game] = []
        self._fixtures, self._level, self._first = fixtures, level, first
        # The vector begins its rounds when it is made, before there is anybody to play them.
        self._ready = False
        self._vector = SkirmishVector(level, len(fixtures), sensors=sensors, auto_reset=True, before_round=self._begin)
        self._drivers = make_drivers(contestants, self._vector, threads)
        self._matches = [_match(each) for each in fixtures]
        self._recorded: list[list[Player | None]] = [[None] * NUM_AGENTS for _ in fixtures]
        self._recorder = VectorRecorder(self._vector, out, self._recorded) if out is not None else None

    def play(self, progress: Callable[[int], None]) -> None:
        """Play all matches to their end."""
        self._ready = True
        vector, readings = self._vector, self._vector.reset(0)
        while any(each.number < each.rounds for each in self._matches):
            actions = idle_actions(len(vector))
            for driver in self._drivers.values():
                driver.decide(readings, actions)
            if self._recorder is not None:
                self._recorder.players = self._recorded
                self._recorder.before(readings, actions)
            readings = vector.step(actions)
            if self._recorder is not None:
                self._recorder.after(readings)
            for index in np.flatnonzero(vector.ended):
                self._finish(int(index))
                progress(len(self.games))

    def _begin(self, world: World, index: int) -> None:
        if not self._ready:
            return
        match, fixture = self._matches[index], self._fixtures[index]
        if match.number >= match.rounds:
            world.winner[index] = 0
            return
        seats = match.begin(world, index)
        row: list[Player | None] = []
        for agent in range(NUM_AGENTS):
            who = fixture.teams[seats.teams[agent]][agent % 2]
            self._seat(index, agent, who, seats)
            number = self._first + index
            row.append(Player(who.name, _named_style(who), who.skill, number, seats.number))
        self._recorded[index] = row

    def _seat(self, index: int, agent: int, who: Contestant, seats: Seats) -> None:
        for driver in self._drivers.values():
            driver.leave(index, agent)
        own = _seed(seats.seed % 2**32, seats.seed >> 32, agent)
        self._drivers[driver_key(who)].seat(index, agent, who, own, seats.seed, self._level)

    def _finish(self, index: int) -> None:
        match, fixture = self._matches[index], self._fixtures[index]
        attackers, seed = match.attackers, match.seats().seed
        side = int(self._vector.world.winner[index])
        match.finish(self._vector.world, index)
        # Sides of a game are in the order of attack and defence.
        names = fixture.sides if attackers == 0 else fixture.sides[::-1]
        self.games.append(Game((names[0], names[1]), side, self._level, seed))


class _FullMatch(Match):
    """A match that is played to its last round, so that every pair plays as many."""

    @property
    def over(self) -> bool:
        return self.number >= self.rounds


def _match(fixture: Fixture) -> Match:
    (a, b), (c, d) = ((first.weapon, second.weapon) for first, second in fixture.teams)
    return _FullMatch(fixture.seed, fixture.rounds, preferences=((a, b), (c, d)))


def _named_style(who: Contestant) -> str:
    """For the recording's notes; a bundle's default style has no name."""
    return who.style.split(",")[0]
