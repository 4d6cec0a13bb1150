"""What the parent asks of a run's process."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from understudy.playtest.coverage.options import CoverageSpec
from understudy.playtest.oracles.picture import PictureSpec
from understudy.playtest.persona import PersonaSpec
from understudy.playtest.spec import GameSpec


class Job(BaseModel):
    """One run to play.

    Attributes:
        game: The game.
        folder: Where the spec lies.
        seed: Of the game and of the agent.
        steps: Decisions at most.
        recording: The recording's path without suffix.
        persona: Who plays; None to play back `inputs`.
        inputs: A file of recorded inputs.
        record: Whether to record the run.
        pictures: Whether to render pictures if the game has none among its sensors.
        coverage: How it is counted; decides what the game is asked of its level.
        survey: Whether to ask for the level's lines and for what a player can reach.
        needs: What the oracles need measured, see `OracleOptions.needs`.
        look: How to look at the picture, if an oracle needs it.
    """

    game: GameSpec
    folder: Path
    seed: int
    steps: int
    recording: Path
    persona: PersonaSpec | None = None
    inputs: Path | None = None
    record: bool = True
    pictures: bool = True
    coverage: CoverageSpec = CoverageSpec()
    survey: bool = False
    needs: frozenset[str] = frozenset()
    look: PictureSpec | None = None

    @property
    def log(self) -> Path:
        """The file that the process prints to."""
        return self.recording.with_suffix(".log")
