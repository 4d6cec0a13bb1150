"""d3rlpy's data sets: HDF5 with columns for each episode, in and out."""

from __future__ import annotations

from understudy.recordings.formats.d3rlpy.exporter import D3rlpyExporter
from understudy.recordings.formats.d3rlpy.importer import D3rlpyImporter

__all__ = ["D3rlpyExporter", "D3rlpyImporter"]
