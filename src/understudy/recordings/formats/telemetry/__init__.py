"""A studio's own telemetry: tables in CSV, JSON lines or Parquet, read by a mapping file."""

from __future__ import annotations

from understudy.recordings.formats.telemetry.exporter import TelemetryExporter
from understudy.recordings.formats.telemetry.importer import TelemetryImporter

__all__ = ["TelemetryExporter", "TelemetryImporter"]
