"""VPT and BASALT contractor data: Minecraft played by people, a video and a line of JSON for each of its frames."""

from __future__ import annotations

from understudy.recordings.formats.vpt.behavior import MINECRAFT
from understudy.recordings.formats.vpt.exporter import VptExporter
from understudy.recordings.formats.vpt.importer import VptImporter

__all__ = ["MINECRAFT", "VptExporter", "VptImporter"]
