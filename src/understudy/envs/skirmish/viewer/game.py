"""A match between a person and bots, decision by decision: who sits where, and what everybody does.

It knows no window and no clock, so that a test can play it as fast as it likes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from understudy.envs.skirmish.env import SkirmishEnv
from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.match import Match, Seats
from understudy.envs.skirmish.players.matches import team_call
from understudy.envs.skirmish.recorder import Player, RecordSkirmish
from understudy.envs.skirmish.rules import AGENTS, WEAPON_TABLE, WEAPONS, Record, Rules
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.ticking import advance
from understudy.envs.skirmish.viewer.bots import Bot, as_action
from understudy.envs.skirmish.viewer.hud import Standing
from understudy.envs.skirmish.world import World, idle_actions, new_world, pack_actions, step
from understudy.errors import GameError
from understudy.spec import Action, Observation

NOBODY = -1
_SEEDS = 1 << 63


class Game:
    """Plays a match.

    Args:
        level: Its name.
        bots: Of the seats that no person has: the person's enemies first, then a team mate.
        person: True if a person plays, False if all seats are bots'.
        side: Where the person begins: 0 attacks, 1 defends; sides are swapped half way.
        slot: Of the person: 0 is a controller, 1 an initiator.
        num_rounds: Of the match, an even number.
        seed: What chance hangs on.
        team_size: 1 or 2.
        name: The person's, kept in recordings as a keyed hash.
        record: The folder of recordings; None records nothing.
        rules: By default `Rules()`.

    Attributes:
        behavior: What the bots read and everybody does.
        level: That is played on.
        rules: Of the rounds.
        match: Score and money.
        team: Of the person, 0 or 1.
        company: All bots, enemies first.
        me: The agent that the person plays in this round, or `NOBODY`.
        seated: The bots of this round, by agent.
        num_decisions: Played so far.

    Raises:
        GameError: If there is no such level or match, or there are too few bots.
    """

    def __init__(
        self,
        level: str,
        bots: Sequence[Bot],
        *,
        person: bool = True,
        side: int = 0,
        slot: int = 0,
        num_rounds: int = 8,
        seed: int = 0,
        team_size: int = 2,
        name: str = "player",
        record: Path | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.level, self.rules = load_level(level), rules or Rules()
        env = SkirmishEnv(self.level, team_size=team_size, rules=self.rules)
        self.behavior = env.behavior
        self._env: Any = env if record is None else RecordSkirmish(env, record, {})
        if len(bots) < 2 * team_size - person:
            raise GameError(f"{len(bots)} bots are too few for the seats of a {team_size}-against-{team_size} match.")
        self.name, self.team_size, self.seed = name, team_size, seed
        self._chair = (side, min(slot, team_size - 1)) if person else None
        self._chairs = self._seat_bots(bots, side)
        self.match = Match(seed, num_rounds, self.rules.economy, self._weapons())
        self.person, self.team, self.company = person, side, tuple(bots)
        self._purse = new_world(self.level, 1, [seed], self.rules, team_sizes=(team_size, team_size))
        self._match_id = time.time_ns() // 1_000_000
        self.me, self.seated, self.num_decisions = NOBODY, dict[int, Bot](), 0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="bots")
        self._thinking: Future[dict[int, Action]] | None = None
        self._last: Mapping[int, Action] = {}

    @property
    def world(self) -> World:
        """The round, a world of one; there from the first `begin_round` on."""
        return self._env.unwrapped.world

    @property
    def state(self) -> Record:
        """The round as it stands, a record of `world.ROUND`."""
        return self.world.rounds[0]

    @property
    def round_over(self) -> bool:
        """Whether the round has a winner."""
        return bool(self.world.winner[0] >= 0)

    @property
    def is_alive(self) -> bool:
        """Whether the person plays and lives."""
        return self.me != NOBODY and bool(self.world.alive[0, self.me])

    @property
    def side(self) -> int:
        """The side of the person in this round; the attackers' where only bots play."""
        return self.me // 2 if self.me != NOBODY else 0

    def names(self) -> tuple[str, ...]:
        """Return the name of who plays each agent, empty for nobody."""
        bots = {agent: bot.name for agent, bot in self.seated.items()}
        return tuple(self.name if agent == self.me else bots.get(agent, "") for agent in range(NUM_AGENTS))

    def standing(self) -> Standing:
        """Return how the match stands, as the person sees it."""
        teams = (self.match.attackers, 1 - self.match.attackers)
        own = self.team if self.person else teams[0]
        money = tuple(int(self.match.money[teams[agent // 2], agent % 2]) for agent in range(NUM_AGENTS))
        scores = self.match.score[own], self.match.score[1 - own]
        return Standing(scores, min(self.match.number + 1, self.match.rounds), self.match.rounds, money, self.names())

    def rehearse(self) -> None:
        """Play a decision that counts for nothing: what has to be compiled first is compiled before anybody plays."""
        step(self._purse, idle_actions(1))

    def begin_round(self) -> None:
        """Begin the next round, and let the bots think of their first decision.

        Raises:
            GameError: If the match is over.
            RecordingError: If the round cannot be recorded.
        """
        # The match pays for weapons in a world of its own; the environment begins the very same round.
        seats = self.match.begin(self._purse, 0, team_sizes=(self.team_size, self.team_size))
        self._seat(seats)
        if isinstance(self._env, RecordSkirmish):
            self._env.players = self._players(seats.number)
        weapons = {agent: WEAPONS[weapon] for agent, weapon in zip(AGENTS, seats.weapons, strict=True)}
        observations, _ = self._env.reset(seats.seed, {"weapons": weapons})
        for agent, bot in self.seated.items():
            bot.begin(self.world, agent, (seats.seed + agent) % _SEEDS, team_call(seats.seed, agent // 2))
        self._last = {}
        self._begin_decision(observations)

    def end_decision(self, action: Action | None) -> None:
        """Play a decision of everybody, and let the bots think of the next one.

        Args:
            action: The person's; ignored where no person plays or lives.

        Raises:
            UnderstudyError: If a bot fails, such as when its server is gone.
        """
        self._last = self._decided(action, wait=True)
        observations, *_ = self._env.step({AGENTS[agent]: each for agent, each in self._last.items()})
        self.num_decisions += 1
        if not self.round_over:
            self._begin_decision(observations)

    def finish_round(self) -> None:
        """Count the round, which has a winner, and pay everybody."""
        self.match.finish(self.world, 0)

    def close(self) -> None:
        """End the recordings, where they are, and the bots. Calling it twice does no harm."""
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._env.close()
        for bot in self.company:
            bot.close()

    def preview(self, elapsed_s: float, action: Action | None) -> Record:
        """Return the round as it will have been so long after this decision began, if the person goes on like this.

        The simulation itself is asked, on a copy, so that what is shown is what will have been played; the view has all
        of the mouse's turn already.

        Args:
            elapsed_s: Seconds since the decision began, less than one lasts.
            action: The person's by now.

        Returns:
            A record of `world.ROUND`.
        """
        rounds = self.world.rounds.copy()
        ticks = min(int(elapsed_s * self.rules.ticks_hz), self.rules.ticks_per_decision)
        if ticks and not self.round_over:
            packed = pack_actions(self._as_arrays(self._decided(action, wait=False)), 1)
            for part in ("turn", "pitch"):
                packed[part] *= ticks / self.rules.ticks_per_decision
            tables = self.rules.record, WEAPON_TABLE, self.world.heights, self.world.places
            advance(rounds, packed, *tables, ticks)
        state = rounds[0]
        state["position"] += state["velocity"] * (elapsed_s - ticks / self.rules.ticks_hz)
        if action is not None and self.is_alive:
            state["heading"][self.me] = self.world.heading[0, self.me] - float(action["turn"])
            state["pitch"][self.me] = self.world.pitch[0, self.me] + float(action["pitch"])
        return state

    def _seat_bots(self, bots: Sequence[Bot], team: int) -> dict[tuple[int, int], Bot]:
        """Which bot has which chair, a team and a slot: enemies first."""
        chairs = [(each, slot) for each in (1 - team, team) for slot in range(self.team_size)]
        return dict(zip((chair for chair in chairs if chair != self._chair), bots, strict=False))

    def _weapons(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """What each team and slot buys."""
        a, b, c, d = (
            self._chairs[chair].weapon if chair in self._chairs else "rifle"
            for chair in ((0, 0), (0, 1), (1, 0), (1, 1))
        )
        return (a, b), (c, d)

    def _seat(self, seats: Seats) -> None:
        """Find out who plays which agent in this round."""
        chairs = {(team, agent % 2): agent for agent, team in enumerate(seats.teams)}
        self.me = NOBODY if self._chair is None else chairs[self._chair]
        self.seated = {chairs[chair]: bot for chair, bot in self._chairs.items()}

    def _players(self, number: int) -> dict[str, Player]:
        players = {
            AGENTS[agent]: Player(bot.name, bot.persona, bot.skill, self._match_id, number)
            for agent, bot in self.seated.items()
        }
        if self.me != NOBODY:
            players[AGENTS[self.me]] = Player(self.name, match=self._match_id, round=number)
        return players

    def _begin_decision(self, observations: Mapping[str, Observation]) -> None:
        """Let the bots decide in a thread of their own: the picture goes on meanwhile."""
        acting = [(agent, bot) for agent, bot in self.seated.items() if AGENTS[agent] in self._env.agents]
        self._thinking = self._worker.submit(self._think, acting, observations)

    def _think(self, acting: Sequence[tuple[int, Bot]], observations: Mapping[str, Observation]) -> dict[int, Action]:
        return {agent: bot.decide(self.world, agent, observations[AGENTS[agent]]) for agent, bot in acting}

    def _decided(self, action: Action | None, *, wait: bool) -> dict[int, Action]:
        """Everybody's actions; without waiting, those that still think seem to walk on as before."""
        thinking = self._thinking
        if thinking is not None and (wait or thinking.done()):
            actions = dict(thinking.result())
        else:
            actions = {
                agent: as_action(move=int(each["move"]), gait=int(each["gait"]))
                for agent, each in self._last.items()
                if agent != self.me
            }
        if action is not None and self.is_alive:
            actions[self.me] = action
        return actions

    def _as_arrays(self, actions: Mapping[int, Action]) -> dict[str, np.ndarray]:
        arrays = idle_actions(1)
        for agent, action in actions.items():
            for name, array in arrays.items():
                array[0, agent] = action[name]
        return arrays
