"""Skirmish as a `pettingzoo.ParallelEnv`: one round, everybody decides at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from understudy.envs.skirmish.behavior import DECISION_HZ, skirmish_behavior
from understudy.envs.skirmish.chance import require_seed
from understudy.envs.skirmish.level import Level
from understudy.envs.skirmish.measures import read_extras, read_rewards
from understudy.envs.skirmish.observe import Observer
from understudy.envs.skirmish.options import named_level, players, refuse_misspelt, weapons
from understudy.envs.skirmish.rules import AGENTS, Rules, event_names
from understudy.envs.skirmish.state import CHOICES, NUM_AGENTS, NUMBERS
from understudy.envs.skirmish.world import World, idle_actions, new_world, step
from understudy.errors import GameError, ObservationError, require, suggest
from understudy.spec import Action

pettingzoo: Any = require("pettingzoo", "tactical")


class SkirmishEnv(pettingzoo.ParallelEnv):
    """One round of attackers against defenders, 16 decisions a second.

    The reward is that of `measures.WORTH`. Who dies is terminated and leaves `agents`; when the round has a winner,
    everybody is. No round is endless: when the time is over the defenders win, or the bomb explodes.

    `infos[agent]` holds `position` (x and y, float32), `events` (words of `rules.EVENTS`), `extras` (arrays of
    `measures.EXTRAS`), and at the end of the round `won`.

    Args:
        level: A name (see `level.load_level`) or a level.
        sensors: Of `behavior.skirmish_behavior`.
        team_size: How many play on each side, 1 or 2.
        rules: By default `Rules()`.
        render_mode: None: the picture is the viewer's.

    Attributes:
        behavior: What is sensed and done.
        world: The round itself, a world of one; there from the first `reset` on.
        agents: Who plays and lives.
        possible_agents: Who may play.

    Raises:
        GameError: If there is no such level, team or render mode.
        SpecError: If there is no such sensor.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "skirmish_v0", "render_modes": [], "render_fps": DECISION_HZ}

    def __init__(
        self,
        level: str | Level = "foundry",
        sensors: Sequence[str] | None = None,
        team_size: int = 2,
        rules: Rules | None = None,
        render_mode: str | None = None,
    ) -> None:
        if render_mode is not None:
            raise GameError(f"Skirmish has no render mode '{render_mode}'; look at it with `understudy play skirmish`.")
        self.behavior = skirmish_behavior(sensors)
        self.render_mode = render_mode
        self.rules = rules or Rules()
        self._level, self._team_size = level, team_size
        named_level(level)
        self.possible_agents = [AGENTS[index] for index in players(team_size)]
        self.agents: list[str] = []
        self._observation_space, self._action_space = self.behavior.observation_space, self.behavior.action_space
        self._world: World | None = None
        self._seeds = np.random.default_rng()
        self._rewards = np.zeros(NUM_AGENTS, np.float32)

    @property
    def world(self) -> World:
        """The round itself, a world of one; raises `GameError` before the first `reset`."""
        if self._world is None:
            raise GameError("This round has not started; call reset() first.")
        return self._world

    def observation_space(self, agent: str) -> spaces.Dict:
        """Return the observation of `agent`: everybody's is the same."""
        _index(agent)
        return self._observation_space

    def action_space(self, agent: str) -> spaces.Dict:
        """Return the action of `agent`: everybody's is the same."""
        _index(agent)
        return self._action_space

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, dict[str, Any]]]:
        """Begin a round.

        Args:
            seed: What chance hangs on; None draws one.
            options: `level` and `team_size` as in the constructor; `money`, a number or one by agent, which decides the
                weapons (without it everybody has a rifle); `weapons`, a name or one by agent. Others are ignored, as
                they may be a wrapper's, unless they look like one of these misspelt.

        Raises:
            GameError: If there is no such level, team or weapon, an option is misspelt, or the seed is negative.
        """
        asked = dict(options or {})
        refuse_misspelt(asked)
        if seed is not None:
            self._seeds = np.random.default_rng(require_seed(seed))
        team_size = asked.get("team_size", self._team_size)
        agents = [AGENTS[index] for index in players(team_size)]
        if not set(agents) <= set(self.possible_agents):
            raise GameError(f"A round with teams of {team_size} needs SkirmishEnv(team_size={team_size}).")
        self._world = new_world(
            named_level(asked.get("level", self._level)),
            1,
            [int(self._seeds.integers(2**63)) if seed is None else seed],
            self.rules,
            weapons=weapons(asked),
            team_sizes=(team_size, team_size),
        )
        self._observer = Observer(self._world, self.behavior)
        self.agents = agents
        return self._observe(self.agents), self._infos(self.agents)

    def step(self, actions: Mapping[str, Action]) -> tuple[Any, Any, Any, Any, Any]:
        """Play one decision; returns observations, rewards, terminations, truncations and infos by agent.

        Raises:
            GameError: If the round has not started, or is over.
            ObservationError: If the action of somebody who plays lacks or is not one of `action_space`.
        """
        world, acting = self.world, list(self.agents)
        if not acting:
            raise GameError("This round is over; call reset() before step().")
        step(world, self._gather(actions))
        over = bool(world.winner[0] >= 0)
        self._rewards = read_rewards(world, np.array([over]))[0]
        self.agents = [] if over else [agent for agent in acting if world.alive[0, _index(agent)]]
        return (
            self._observe(acting),
            {agent: float(self._rewards[_index(agent)]) for agent in acting},
            {agent: agent not in self.agents for agent in acting},
            dict.fromkeys(acting, False),
            self._infos(acting),
        )

    def render(self) -> None:
        """Draw nothing: `understudy play skirmish` does."""

    def close(self) -> None:
        """Do nothing: there is nothing to close. Calling it twice does no harm."""

    def _gather(self, actions: Mapping[str, Action]) -> dict[str, np.ndarray]:
        gathered = idle_actions(1)
        for agent in self.agents:
            if agent not in actions:
                raise ObservationError(f"The action of '{agent}' lacks; give one for each of {', '.join(self.agents)}.")
            for name in (*CHOICES, *NUMBERS):
                gathered[name][0, _index(agent)] = _number(agent, name, actions[agent])
        return gathered

    def _observe(self, agents: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
        readings = self._observer.read()
        return {
            agent: {name: np.array(values[0, _index(agent)]) for name, values in readings.items()} for agent in agents
        }

    def _infos(self, agents: Sequence[str]) -> dict[str, dict[str, Any]]:
        extras, infos = read_extras(self.world), {}
        for agent in agents:
            index = _index(agent)
            own = {name: values[0, index] for name, values in extras.items()}
            info = {"position": own["position"], "events": event_names(int(self.world.events[0, index])), "extras": own}
            if self.world.winner[0] >= 0:
                info["won"] = bool(self.world.winner[0] == index // 2)
            infos[agent] = info
        return infos


def _index(agent: str) -> int:
    if agent not in AGENTS:
        raise GameError(f"There is no agent '{agent}'.{suggest(str(agent), AGENTS)}")
    return AGENTS.index(agent)


def _number(agent: str, name: str, action: Action) -> float:
    """One part of an action as a number; whole if it is a choice. `step` checks its range."""
    if not isinstance(action, Mapping) or name not in action:
        raise ObservationError(f"The action of '{agent}' lacks '{name}'.")
    value = np.asarray(action[name])
    if value.shape != () or value.dtype.kind not in ("iub" if name in CHOICES else "iuf"):
        raise ObservationError(f"'{name}' of '{agent}' should be one number, got {value.dtype} of shape {value.shape}.")
    return float(value)
