"""Every format of gameplay logs: recognised, imported, exported. A format is a folder here, or an entry point."""

from __future__ import annotations

from understudy.recordings.formats.exporting import export_logs
from understudy.recordings.formats.importing import ImportReport, import_logs
from understudy.recordings.formats.protocol import (
    ASPECTS,
    Ending,
    Exporter,
    ExportOptions,
    Importer,
    ImportOptions,
    LogDescription,
    LogEpisode,
    Loss,
    Progress,
    Rows,
    Settings,
)
from understudy.recordings.formats.registry import exporters, importers

__all__ = [
    "ASPECTS",
    "Ending",
    "ExportOptions",
    "Exporter",
    "ImportOptions",
    "ImportReport",
    "Importer",
    "LogDescription",
    "LogEpisode",
    "Loss",
    "Progress",
    "Rows",
    "Settings",
    "export_logs",
    "exporters",
    "import_logs",
    "importers",
]
