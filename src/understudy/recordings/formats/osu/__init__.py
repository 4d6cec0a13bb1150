"""osu! replays (.osr): a person's cursor and keys, about sixty times a second."""

from __future__ import annotations

from understudy.recordings.formats.osu.importer import OsuImporter

__all__ = ["OsuImporter"]
