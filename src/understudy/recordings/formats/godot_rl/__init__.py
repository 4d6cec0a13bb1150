"""Godot RL expert demonstrations (JSON), in and out."""

from __future__ import annotations

from understudy.recordings.formats.godot_rl.exporter import GodotRlExporter
from understudy.recordings.formats.godot_rl.importer import GodotRlImporter

__all__ = ["GodotRlExporter", "GodotRlImporter"]
