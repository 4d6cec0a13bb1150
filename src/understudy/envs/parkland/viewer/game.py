"""A walk through a park as a person takes it: shown smoothly, and recorded as an agent would see it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from understudy.envs.parkland.env import ParklandEnv
from understudy.envs.parkland.scene import View
from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import Action

EXTRAS = {"position": spaces.Box(-np.inf, np.inf, (3,), np.float32)}
"""Kept beside what an agent sees: where the player stood at each decision, metres."""
SIZE = 480, 640
"""Of the picture in the window, which can be made larger: height and width."""


class Game:
    """One walk after another through one park.

    Args:
        env: The park as an agent plays it; what it sees is what is recorded.
        record: The folder of recordings; None keeps nothing.
        size: (height, width) of the picture that the person sees.
        player: Who plays; recordings keep only a keyed hash of it.
        build: Of the game, for the recordings.

    Attributes:
        env: As given.
        size: As given.
        info: What the environment told last.
        recorded: The recordings written so far.
        over: Whether the walk has ended, or none has begun.
    """

    def __init__(
        self,
        env: ParklandEnv,
        record: Path | None,
        size: tuple[int, int] = SIZE,
        player: str = "player",
        build: str = "clean",
    ) -> None:
        self.env, self.size, self._record = env, size, record
        self._provenance = Provenance(
            "parkland", build=build, map=f"park-{env.layout.seed}", player=player, source="understudy play parkland"
        )
        self._view = View(env.layout, size)
        self._writer: EpisodeWriter | None = None
        self.recorded: list[Path] = []
        self.info: Mapping[str, Any] = {}
        self._observation: dict[str, NDArray] = {}
        self.over = True

    def begin(self) -> None:
        """Begin a walk at the park's start.

        Raises:
            RecordingError: If it cannot be recorded.
        """
        self.end()
        self._observation, self.info = self.env.reset()
        self.over = False

    def decide(self, action: Action) -> None:
        """Play one decision, and record it.

        Raises:
            RecordingError: If it cannot be recorded.
        """
        if self._writer is None and self._record is not None:
            self._writer = EpisodeWriter(self._record, self.env.behavior, self._provenance, extras=EXTRAS)
        position = np.array(self.info["position"], np.float32)
        observation, reward, _, self.over, self.info = self.env.step(action)
        if self._writer is not None:
            self._writer.append(self._observation, action, reward=reward, extras={"position": position})
        self._observation = observation

    def end(self) -> None:
        """End the walk, and its recording, here."""
        if self._writer is not None:
            self._writer.finish(truncated=True, final_observation=self._observation)
            self._writer.close()
            self.recorded.append(self._writer.path)
        self._writer, self.over = None, True

    def picture(self, share: float, action: Action) -> NDArray[np.uint8]:
        """Return what the person sees when so great a share of a decision has passed, RGB uint8 (height, width, 3)."""
        return self._view.draw(self.env.preview(action, share))

    def close(self) -> None:
        """End the walk and the engine. Calling it twice does no harm."""
        self.end()
        self._view.close()
        self.env.close()
