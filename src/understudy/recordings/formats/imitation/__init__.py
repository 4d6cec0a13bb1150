"""Rollouts of `imitation` and Stable-Baselines: npz files and folders of Hugging Face `datasets`, in only."""

from __future__ import annotations

from understudy.recordings.formats.imitation.importer import ImitationImporter

__all__ = ["ImitationImporter"]
