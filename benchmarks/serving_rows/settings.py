"""How long the serving benchmark takes, and where it keeps what takes long to make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "demo" / "bench"


@dataclass(frozen=True)
class Settings:
    """Of one run.

    Attributes:
        repeats: Of what is measured in turn.
        ticks: In one repeat.
        window_s: Seconds of a window of ticks at a game's rate.
        soak_minutes: Of the soak.
        smoke: Whether numbers do not matter, only that every part runs.
    """

    repeats: int = 21
    ticks: int = 60
    window_s: float = 10.0
    soak_minutes: float = 10.0
    smoke: bool = False


def smoke_settings() -> Settings:
    """The smallest run that goes through every part."""
    return Settings(repeats=2, ticks=8, window_s=1.0, soak_minutes=0.3, smoke=True)
