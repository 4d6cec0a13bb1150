"""What may be asked of a round when it begins, as `SkirmishEnv.reset` takes it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from understudy.envs.skirmish.level import Level, load_level
from understudy.envs.skirmish.rules import AGENTS, SIDES, WEAPONS, affordable_weapon
from understudy.errors import GameError, suggest

OPTIONS = ("level", "money", "weapons", "team_size")


def refuse_misspelt(options: Mapping[str, Any]) -> None:
    """Raise `GameError` if an option is none, but looks like one; others may be a wrapper's."""
    for name in options:
        if name not in OPTIONS and difflib.get_close_matches(name, OPTIONS, n=1):
            raise GameError(f"A round has no option '{name}'.{suggest(name, OPTIONS)}")


def players(team_size: int) -> list[int]:
    """Return the indices of the agents that play; raises `GameError` if there is no such team."""
    if team_size not in (1, 2):
        raise GameError(f"Teams of {team_size} cannot play; each side needs 1 or 2.")
    return [2 * side + slot for side in range(len(SIDES)) for slot in range(team_size)]


def named_level(level: str | Level) -> Level:
    """Return a level, loading it if it is given by name; raises `GameError` if there is none."""
    if not isinstance(level, (str, Level)):
        raise GameError(f"A round is played on one level, such as 'foundry', not on {level!r}.")
    return load_level(level) if isinstance(level, str) else level


def weapons(options: Mapping[str, Any]) -> list[int]:
    """Return the weapon of each agent as `options` ask for it, a rifle where they do not.

    Raises:
        GameError: If there is no such weapon or agent, or money is no number.
    """
    names = _for_each(options.get("weapons"), "rifle")
    for name in names:
        if name not in WEAPONS:
            raise GameError(f"There is no weapon '{name}'.{suggest(str(name), WEAPONS)}")
    if options.get("money") is not None:
        purses = [_amount(money) for money in _for_each(options["money"], 0)]
        names = [affordable_weapon(purse, name) for purse, name in zip(purses, names, strict=True)]
    return [WEAPONS.index(name) for name in names]


def _for_each(asked: Any, otherwise: Any) -> list[Any]:
    """One value for each agent, from one for all, one by agent, or None."""
    if not isinstance(asked, Mapping):
        return [otherwise if asked is None else asked] * len(AGENTS)
    for agent in asked:
        if agent not in AGENTS:
            raise GameError(f"There is no agent '{agent}'.{suggest(str(agent), AGENTS)}")
    return [asked.get(agent, otherwise) for agent in AGENTS]


def _amount(money: Any) -> float:
    try:
        return max(float(money), 0.0)
    except (TypeError, ValueError) as error:
        raise GameError(f"Money is a number, one for all or one by agent, not {money!r}.") from error
