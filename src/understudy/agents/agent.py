"""The one protocol of everything that acts: a network, a script, a person at the keyboard, a remote server."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from understudy.spec import Action, BehaviorSpec, Observation


@runtime_checkable
class Agent(Protocol):
    """Plays one character of a game.

    The loop is: `reset` once per life, then `act` once per decision. The same seed and the same observations give the
    same actions, whichever implementation answers.

    Attributes:
        behavior: The sensors the agent reads and the action parts it fills.
    """

    behavior: BehaviorSpec

    def reset(self, seed: int) -> None:
        """Forget the past and start the noise stream of `seed` (0 to 2**64 - 1) from its beginning."""
        ...

    def act(self, observation: Observation) -> Action:
        """Decide once.

        Args:
            observation: At least the arrays of `behavior.sensors`, each with its own shape and dtype; more is ignored.

        Returns:
            One array per action part, of the part's shape and dtype (int64, int8 or float32).

        Raises:
            ObservationError: If an array is missing, misshapen or not finite.
        """
        ...

    def close(self) -> None:
        """Release what the agent holds. Calling it twice does no harm."""
        ...
