"""Sessions with known defects, to try checks on: generated play in a small world, and ten ways to spoil it."""

from __future__ import annotations

from understudy.recordings.doctor.specimens.defects import DEFECTS, Spoiled, spoil
from understudy.recordings.doctor.specimens.play import Play, save
from understudy.recordings.doctor.specimens.player import Study, generate

__all__ = ["DEFECTS", "Play", "Spoiled", "Study", "generate", "save", "spoil"]
