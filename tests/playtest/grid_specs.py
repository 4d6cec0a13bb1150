"""Specs of playtests of the grid world."""

from __future__ import annotations

from typing import Any

GRID_ORACLES = [
    {"kind": "crash"},
    {"kind": "stuck", "distance": 5, "seconds": 2},
    {"kind": "timeout"},
]


def grid_form(room: list[str], crash: str = "raise", **keys: Any) -> dict[str, Any]:
    """The spec of a playtest of the grid world, as its YAML file would hold it."""
    return {
        "game": {"id": "playtest/Grid-v0", "import": "grid_world", "args": {"room": room, "crash": crash}},
        "personas": [{"name": "monkey", "agent": "random", "runs": 3}],
        "budget": {"steps": 300},
        "oracles": GRID_ORACLES,
        "coverage": {"cell": 20},
        "replay": {"times": 1, "shrink": 0},
        "video": {"runs": 0},
        **keys,
    }
