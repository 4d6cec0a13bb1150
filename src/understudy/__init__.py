"""Understudy: game agents that learn from people's play, are served to engines, and test games.

Importing this package imports no room; ask for the one you need, such as `understudy.recordings`.
"""

from __future__ import annotations

from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

__all__ = ["ActionSpec", "BehaviorSpec", "SensorSpec", "__version__"]

__version__ = "0.1.0"
