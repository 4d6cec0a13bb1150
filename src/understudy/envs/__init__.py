"""Games as `gymnasium.Env`, or as `pettingzoo.ParallelEnv` where many play (`skirmish`); one folder per game.

Importing this registers the games below with gymnasium, by name only: a game is imported when it is made.
"""

from __future__ import annotations

from typing import Any

import gymnasium

from understudy.errors import GameError, suggest
from understudy.spec import BehaviorSpec

__all__ = ["GAMES", "make"]

GAMES = {
    "understudy/Doom-v0": "understudy.envs.vizdoom.env:DoomEnv",
    "understudy/Parkland-v0": "understudy.envs.parkland.env:ParklandEnv",
    "understudy/Window-v0": "understudy.envs.window.env:WindowEnv",
}
"""Where each game's environment is, by gymnasium id."""


for _name, _entry_point in GAMES.items():
    if _name not in gymnasium.registry:
        # The environments here refuse a step before a reset themselves: gymnasium's wrapper would hide `behavior`.
        gymnasium.register(_name, entry_point=_entry_point, order_enforce=False)


def make(name: str, **options: Any) -> gymnasium.Env:
    """Make the environment registered as `name`, such as `"understudy/Doom-v0"`, and check that it has a `behavior`.

    Args:
        name: A gymnasium id; `"module:id"` imports the module first, so that it can register its own.
        options: For the environment's constructor.

    Returns:
        The environment; `behavior` is its `BehaviorSpec`.

    Raises:
        GameError: If no such environment is registered, or it has no `behavior`.
    """
    try:
        env = gymnasium.make(name, disable_env_checker=True, **options)
    except gymnasium.error.Error as error:
        known = [each for each in gymnasium.registry if "/" in each]
        raise GameError(f"No environment '{name}' can be made.{suggest(name, known)}") from error
    if not isinstance(getattr(env, "behavior", None), BehaviorSpec):
        env.close()
        raise GameError(
            f"The environment '{name}' has no `behavior`; give it a BehaviorSpec of what it senses and does."
        )
    return env
