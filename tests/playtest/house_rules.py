"""What must hold in the small game with bugs, as a user writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def solvent(moment: Mapping[str, Any]) -> str | None:
    """Nobody owes gold."""
    return None if moment["gold"] >= 0 else f"The player owes {-moment['gold']:g} gold at decision {moment['tick']}."


def near_home(moment: Mapping[str, Any]) -> bool:
    """Nobody walks a hundred units away."""
    return abs(moment["position"][0]) < 100


def confused(moment: Mapping[str, Any]) -> bool:
    """Asks for what the game does not tell, once it is late enough."""
    return moment["tick"] < 3 or moment["silver"] > 0
