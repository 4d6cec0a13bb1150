"""A match: rounds in a row with money and a score, sides swapped half way. It plays nothing itself.

match = Match(seed=1)
while not match.over:
    match.begin(world, index)     # hands out seed, level and weapons
    ...                           # step the world until the round has a winner
    match.finish(world, index)    # score and money
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.envs.skirmish import chance
from understudy.envs.skirmish.rules import ARSENAL, WEAPONS, Economy, affordable_weapon
from understudy.envs.skirmish.world import World
from understudy.errors import GameError

_MOST_STREAK = 2


@dataclass(frozen=True)
class Seats:
    """Who plays what in a round.

    Attributes:
        number: Of the round in the match, from 0.
        seed: What the round's chance hangs on.
        teams: Of each agent, index of its team, shape (4,).
        weapons: Of each agent, index into `rules.WEAPONS`, shape (4,).
    """

    number: int
    seed: int
    teams: tuple[int, ...]
    weapons: tuple[int, ...]


class Match:
    """The score and the money of two teams, 0 and 1; team 0 attacks first. A player is a team and a slot.

    Args:
        seed: What the rounds' seeds are drawn from, at least 0.
        rounds: Played at most, an even number; the match is over once a team has won more than half of them.
        economy: Money.
        preferences: Of each team and slot, the weapon it buys if it can, of `rules.WEAPONS`.

    Attributes:
        score: Rounds won by each team.
        money: Of each team and slot, int64, shape (2, 2).
        number: Rounds played.

    Raises:
        GameError: If the number of rounds is odd or below 2, there is no such weapon, or the seed is negative.
    """

    def __init__(
        self,
        seed: int = 0,
        rounds: int = 12,
        economy: Economy | None = None,
        preferences: tuple[tuple[str, str], tuple[str, str]] = (("rifle", "rifle"), ("rifle", "rifle")),
    ) -> None:
        if rounds < 2 or rounds % 2:
            raise GameError(f"A match of {rounds} rounds cannot swap sides half way; use an even number.")
        for name in (*preferences[0], *preferences[1]):
            if name not in WEAPONS:
                raise GameError(f"There is no weapon '{name}'; known: {', '.join(WEAPONS)}.")
        self.seed, self.rounds, self.economy = chance.require_seed(seed), rounds, economy or Economy()
        self._preferences = preferences
        self.score = [0, 0]
        self.number = 0
        self.money = np.zeros((2, 2), np.int64)
        self._begin_half()

    @property
    def attackers(self) -> int:
        """Which team attacks in this round: 0 in the first half, 1 in the second."""
        return int(self.number >= self.rounds // 2)

    @property
    def over(self) -> bool:
        """Whether a team has won more than half of the rounds, or all are played."""
        return max(self.score) > self.rounds // 2 or self.number >= self.rounds

    @property
    def winner(self) -> int | None:
        """The team that has won, once the match is over; None for a draw or before."""
        if not self.over or self.score[0] == self.score[1]:
            return None
        return int(self.score[1] > self.score[0])

    def seats(self) -> Seats:
        """Return who plays what in the next round; money is not spent yet.

        Raises:
            GameError: If the match is over.
        """
        if self.over:
            raise GameError("This match is over; begin another.")
        teams = (self.attackers, self.attackers, 1 - self.attackers, 1 - self.attackers)
        weapons = tuple(self._choose(team, agent % 2) for agent, team in enumerate(teams))
        return Seats(self.number, chance.round_seed(self.seed, self.number), teams, weapons)

    def begin(self, world: World, index: int, *, team_sizes: tuple[int, int] = (2, 2)) -> Seats:
        """Begin the next round as round `index` of a world, pay for its weapons, and return who plays what."""
        seats = self.seats()
        world.begin(index, seats.seed, weapons=seats.weapons, team_sizes=team_sizes)
        for agent, team in enumerate(seats.teams):
            slot, weapon = agent % 2, seats.weapons[agent]
            if weapon != self._kept[team, slot]:
                self.money[team, slot] -= ARSENAL[WEAPONS[weapon]].price
        return seats

    def finish(self, world: World, index: int) -> None:
        """Count round `index` of a world, which has a winner, and pay everybody.

        Raises:
            GameError: If the round is not over.
        """
        side = int(world.winner[index])
        if side < 0:
            raise GameError("This round has no winner yet; play it to its end before counting it.")
        teams = (self.attackers, 1 - self.attackers)
        self.score[teams[side]] += 1
        self._streaks[teams[side]] = 0
        self._streaks[teams[1 - side]] += 1
        planted = bool(world.planter[index] >= 0)
        for agent in range(4):
            team, slot = teams[agent // 2], agent % 2
            self.money[team, slot] += self._pay(agent // 2 == side, team) + self._bonus(world, index, agent, planted)
            self._kept[team, slot] = world.weapon[index, agent] if world.alive[index, agent] else 0
        np.minimum(self.money, self.economy.most, out=self.money)
        self.number += 1
        if self.number == self.rounds // 2:
            self._begin_half()

    def _begin_half(self) -> None:
        self.money[:] = self.economy.start
        self._kept = np.zeros((2, 2), np.int64)
        self._streaks = [0, 0]

    def _choose(self, team: int, slot: int) -> int:
        """What a player goes in with: what it kept, or what it can buy, whichever is dearer."""
        kept = WEAPONS[self._kept[team, slot]]
        bought = affordable_weapon(float(self.money[team, slot]), self._preferences[team][slot])
        return WEAPONS.index(max(kept, bought, key=lambda name: ARSENAL[name].price))

    def _pay(self, won: bool, team: int) -> int:
        if won:
            return self.economy.win
        return self.economy.loss + self.economy.loss_streak * min(self._streaks[team] - 1, _MOST_STREAK)

    def _bonus(self, world: World, index: int, agent: int, planted: bool) -> int:
        plant = self.economy.plant if planted and agent < 2 else 0
        return plant + self.economy.kill * int(world.kills[index, agent])
