"""Minari data sets: HDF5, Arrow and Parquet, in and out."""

from __future__ import annotations

from understudy.recordings.formats.minari.exporter import MinariExporter
from understudy.recordings.formats.minari.importer import MinariImporter

__all__ = ["MinariExporter", "MinariImporter"]
