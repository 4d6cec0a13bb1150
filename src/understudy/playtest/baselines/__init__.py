"""Testers to compare with: what can be had without learning, and what only a tester who looks behind the game has.

- `StickyRandom`: acts at random, and keeps at it for a while.
- `RetrievalReplay`: finds where it is in the demonstrations by what it sees, and does what was done there.
- `GoExplore`: restores the engine's state and explores from there (marked: it uses engine state).
- `NavmeshWalker`: knows the level and where it stands (marked: privileged).

Random network distillation with PPO is an exploration recipe with `alphas: [1]`, `novelty.episodic: false` and no
demonstrations.
"""

from __future__ import annotations

from understudy.playtest.baselines.embedding import Embed, EncoderEmbedding, PictureEmbedding
from understudy.playtest.baselines.go_explore import GoExplore, RestorableGame
from understudy.playtest.baselines.navmesh import NavmeshWalker, Steer, TurnAndWalk, WalkGrid
from understudy.playtest.baselines.retrieval import RetrievalReplay, Shown
from understudy.playtest.baselines.sticky import StickyRandom

__all__ = [
    "Embed",
    "EncoderEmbedding",
    "GoExplore",
    "NavmeshWalker",
    "PictureEmbedding",
    "RestorableGame",
    "RetrievalReplay",
    "Shown",
    "Steer",
    "StickyRandom",
    "TurnAndWalk",
    "WalkGrid",
]
