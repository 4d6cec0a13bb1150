"""What was made of recordings elsewhere: caches, edited recordings, runs and bundles, found by what they say of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from understudy.errors import RecordingError
from understudy.recordings.layout import SUFFIX
from understudy.recordings.reader import Episode

CACHE_INDEX, BUNDLE_CARD, RUN_RECIPE = "index.json", "bundle.json", "recipe.yaml"
# A cache's folder is named by a hash; one that was not finished has no index.
_UNFINISHED_CACHE = re.compile(r"[0-9a-f]{24}\.part")
# What the doctor has reduced recordings to is named by their digests.
_SIGNATURE = re.compile(r"[0-9]+-([0-9a-f]{24})(\.part)?")
_HASHED = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Origin:
    """A recording as others name it.

    Attributes:
        name: Of its file, without suffix.
        player: As it says.
        digest: Of what it holds.
        num_steps: How long it is.
    """

    name: str
    player: str
    digest: str
    num_steps: int

    @classmethod
    def of(cls, episode: Episode) -> Origin:
        """Describe a recording."""
        return cls(episode.name, episode.provenance.player, episode.digest, episode.num_steps)


def read_recordings(folders: Iterable[Path]) -> tuple[dict[Path, Episode], list[Path]]:
    """Open every recording below some folders.

    Returns:
        The recordings by their resolved files; and the files that cannot be read, of which nobody can say whose they
        are. Files without a byte are left out.
    """
    opened: dict[Path, Episode] = {}
    unreadable = []
    for path in _below(folders, f"*{SUFFIX}"):
        if not path.is_file() or not path.stat().st_size or path in opened:
            continue
        try:
            opened[path] = Episode(path)
        except RecordingError:
            unreadable.append(path)
    return opened, sorted(set(unreadable))


def derived_from(recordings: dict[Path, Episode], digests: Iterable[str]) -> dict[Path, Episode]:
    """Return those whose history names one of the digests, or names one that does."""
    known, found = set(digests), dict[Path, Episode]()
    while True:
        new = {path: episode for path, episode in recordings.items() if path not in found and _sources(episode) & known}
        if not new:
            return found
        found |= new
        known |= {episode.digest for episode in new.values()}


def find_caches(folders: Iterable[Path], origins: Sequence[Origin]) -> list[Path]:
    """Return the caches that hold a row of one of the recordings, and those that were never finished and may."""
    triples = {(each.name, each.player, each.num_steps) for each in origins}
    # A pseudonym can be anyone's elsewhere; a hash under a key cannot.
    players = {each.player for each in origins if _HASHED.fullmatch(each.player)}
    found = []
    for path in _below(folders, CACHE_INDEX):
        spans = _list(_read_json(path), "spans")
        if any(
            _text(span, "player") in players or (_text(span, "name"), _text(span, "player"), _length(span)) in triples
            for span in spans
        ):
            found.append(path.parent)
    unfinished = [
        path for path in _below(folders, "*.part") if path.is_dir() and _UNFINISHED_CACHE.fullmatch(path.name)
    ]
    return sorted({*found, *(path for path in unfinished if any(path.glob("*.npy")))})


def find_signatures(folders: Iterable[Path], digests: Iterable[str]) -> list[Path]:
    """Return what the doctor keeps of the recordings of these digests."""
    starts = {each[:24] for each in digests}
    found = ((path, _SIGNATURE.fullmatch(path.name)) for path in _below(folders, "*-*") if path.is_dir())
    return sorted({path for path, match in found if match and match[1] in starts})


def find_bundles(folders: Iterable[Path], origins: Sequence[Origin]) -> tuple[list[Path], list[Path]]:
    """Return the bundles that were trained on one of the recordings, and those that know only the name of one."""
    digests, names = {each.digest for each in origins}, {each.name for each in origins}
    sure, perhaps = set(), set()
    for path in _below(folders, BUNDLE_CARD):
        card = _read_json(path)
        used = _list(card.get("provenance", {}) if isinstance(card, dict) else {}, "recordings")
        if any(_text(each, "digest") in digests for each in used):
            sure.add(path.parent)
        elif any(_text(each, "name") in names for each in used):
            perhaps.add(path.parent)
    return sorted(sure), sorted(perhaps)


def find_runs(folders: Iterable[Path], caches: Sequence[Path]) -> list[Path]:
    """Return the training runs that lie beside the folder of one of the caches, as `understudy train` puts them."""
    homes = {cache.parent.parent for cache in caches}
    return sorted({path.parent for path in _below(folders, RUN_RECIPE) if path.parent.parent in homes})


def _below(folders: Iterable[Path], pattern: str) -> Iterator[Path]:
    for folder in folders:
        home = folder.resolve()
        # A link that leads nowhere, or to itself, cannot always be resolved.
        there = (each for each in sorted(home.rglob(pattern)) if each.exists())
        yield from (path for each in there if (path := each.resolve()).is_relative_to(home))


def _sources(episode: Episode) -> set[str]:
    lines = _list(dict(episode.provenance.notes), "history")
    return {_text(source, "digest") for line in lines for source in _list(line, "sources")}


def _length(span: dict[str, Any]) -> int:
    try:
        return int(span["stop"]) - int(span["start"])
    except (KeyError, TypeError, ValueError):
        return -1


def _read_json(path: Path) -> Any:
    """Any JSON file may have one of our names; what is not ours has nothing that is looked for."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _text(form: dict[str, Any], key: str) -> str:
    found = form.get(key)
    return found if isinstance(found, str) else ""


def _list(form: Any, key: str) -> list[dict[str, Any]]:
    found = form.get(key) if isinstance(form, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
