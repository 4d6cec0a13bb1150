"""Existing Unity ML-Agents games, played by bundles through the games' own communicator."""

from __future__ import annotations

from understudy.serving.dialects.mlagents.game import GameLimits
from understudy.serving.dialects.mlagents.servicer import SERVICE, add_to

__all__ = ["SERVICE", "GameLimits", "add_to"]
