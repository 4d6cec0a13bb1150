"""What recordings are called in a report, where two folders may hold some of the same name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from understudy.recordings.layout import SUFFIX
from understudy.recordings.reader import Episode


def names_of(recordings: Sequence[Episode]) -> list[str]:
    """Return a name for each recording that no other has: its own, or with its folder where several share that."""
    counts = Counter(each.name for each in recordings)
    if len(counts) == len(recordings):
        return [each.name for each in recordings]
    root = Path(os.path.commonpath([each.path.resolve().parent for each in recordings]))
    return [each.name if counts[each.name] == 1 else _within(each, root) for each in recordings]


def _within(episode: Episode, root: Path) -> str:
    home = episode.path.resolve().parent.relative_to(root)
    return (home / episode.path.name).as_posix().removesuffix(SUFFIX)
