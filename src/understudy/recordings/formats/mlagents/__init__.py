"""Unity ML-Agents demonstrations (.demo), in and out."""

from __future__ import annotations

from understudy.recordings.formats.mlagents.exporter import MlagentsExporter
from understudy.recordings.formats.mlagents.importer import MlagentsImporter

__all__ = ["MlagentsExporter", "MlagentsImporter"]
