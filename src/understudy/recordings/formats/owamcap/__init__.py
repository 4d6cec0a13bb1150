"""OWAMcap: what a person did at a desktop, as events in an MCAP file, with the screen as a video beside it."""

from __future__ import annotations

from understudy.recordings.formats.owamcap.importer import OwamcapImporter

__all__ = ["OwamcapImporter"]
