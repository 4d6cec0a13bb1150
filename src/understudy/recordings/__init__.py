"""Episodes on disk: the append-only writer, the memory-mapped reader, and the cache that training reads."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from understudy.errors import require

if TYPE_CHECKING:
    from understudy.recordings.cache import Cache
    from understudy.recordings.provenance import Provenance, hash_player
    from understudy.recordings.reader import Damage, Episode, Recordings, open_recordings
    from understudy.recordings.writer import EpisodeWriter

__all__ = [
    "Cache",
    "Damage",
    "Episode",
    "EpisodeWriter",
    "Provenance",
    "Recordings",
    "hash_player",
    "open_recordings",
]

_HOMES = {
    "Cache": "cache",
    "Damage": "reader",
    "Episode": "reader",
    "EpisodeWriter": "writer",
    "Provenance": "provenance",
    "Recordings": "reader",
    "hash_player": "provenance",
    "open_recordings": "reader",
}


def __getattr__(name: str) -> Any:
    """Load a name's module when it is first asked for, so that a missing extra is named in one sentence."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for package in ("pyarrow", "cv2"):
        require(package, "logs")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
