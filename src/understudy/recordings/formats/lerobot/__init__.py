"""LeRobot data sets: steps in Parquet, pictures as video or PNG. Versions 2 and 3 are read, version 3 is written."""

from __future__ import annotations

from understudy.recordings.formats.lerobot.exporter import LerobotExporter
from understudy.recordings.formats.lerobot.importer import LerobotImporter

__all__ = ["LerobotExporter", "LerobotImporter"]
