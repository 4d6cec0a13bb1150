"""How the dialect is served."""

from __future__ import annotations

from dataclasses import dataclass

from understudy.errors import ServingError


@dataclass(frozen=True)
class GodotRlOptions:
    """Limits and the seed.

    Attributes:
        seed: Of every bot's noise, with the agent's index and its life.
        max_games: Connections at once.
        max_agents: In one game.
        max_frame_bytes: Of one message of a game.
        greeting_s: Seconds a game has from connecting to its `env_info`; later it may pause as long as it likes.
        planar_pictures: Whether pictures come channel after channel, instead of as rows of Godot's `Image.get_data()`.

    Raises:
        ServingError: If a number is out of range.
    """

    seed: int = 0
    max_games: int = 64
    max_agents: int = 1024
    max_frame_bytes: int = 16 << 20
    greeting_s: float = 60.0
    planar_pictures: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 1 << 64:
            raise ServingError(f"The seed is {self.seed}; it must be from 0 to 2**64 - 1.")
        for name in ("max_games", "max_agents", "max_frame_bytes", "greeting_s"):
            if not getattr(self, name) > 0:
                raise ServingError(f"The option {name} is {getattr(self, name)}; it must be above 0.")
