"""Imports a studio's own tables, as their mapping says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, groupby
from pathlib import Path
from typing import ClassVar

from understudy.recordings.formats.protocol import (
    Ending,
    ImportOptions,
    LogDescription,
    LogEpisode,
    Loss,
    Rows,
    Settings,
)
from understudy.recordings.formats.telemetry.chunk import Chunk, Converter
from understudy.recordings.formats.telemetry.finding import Found, find_mapping, looks_like_table
from understudy.recordings.formats.telemetry.keys import Key, blocks_by_episode
from understudy.recordings.formats.telemetry.parts import Cutter, Filler
from understudy.recordings.formats.telemetry.resample import ClockSteps, RowSteps, observe
from understudy.recordings.formats.telemetry.tables import PARQUET, parquet_file
from understudy.recordings.formats.telemetry.tally import Tally
from understudy.recordings.provenance import Provenance
from understudy.spec import Observation

_YEAR_2000_NS = 946_684_800 * 1_000_000_000


@dataclass(frozen=True)
class _Segment:
    """Rows of one part of an episode; `ends` where its key ends with them, `cut` where a broken table does."""

    episode: int
    part: int
    key: Key
    chunk: Chunk
    ends: bool = False
    cut: bool = False


class TelemetryImporter:
    """Reads CSV, JSON lines and Parquet by a mapping file."""

    name: ClassVar[str] = "telemetry"
    title: ClassVar[str] = "a studio's own tables (CSV, JSONL, Parquet)"
    Settings: ClassVar[type[Settings]] = Settings

    def sniff(self, path: Path) -> bool:
        """Whether a file is a table, and not a part of another format's data set."""
        return looks_like_table(path)

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Say what the table holds, from its beginning (and its end, for Parquet)."""
        found = find_mapping(path, options)
        files = (path,) if found.file is None else (path, found.file)
        rows = parquet_file(path).metadata.num_rows if path.suffix.lower() in PARQUET else None
        notes = [f"mapping: {found.file or 'in the file itself'}", f"steps by {found.mapping.steps}"]
        if found.mapping.text and not options.keep_text:
            notes.append(f"what people typed is left out: {', '.join(found.mapping.text)}")
        return LogDescription(files, None, rows if found.mapping.steps == "rows" else None, tuple(notes))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield the episodes, cut where the mapping's key, flags and clock say."""
        found = find_mapping(path, options)
        tally = Tally(str(path), options.salvage)
        segments = _segments(path, found, options, tally)
        for _, group in groupby(segments, key=lambda each: (each.episode, each.part)):
            own = iter(group)
            first = next(own)
            losses: list[Loss] = []
            rows = _rows(chain([first], own), found, tally, losses)
            provenance = _provenance(path, first, found)
            yield LogEpisode(_name(path, first, found, provenance), found.behavior, provenance, rows, losses=losses)


def _segments(path: Path, found: Found, options: ImportOptions, tally: Tally) -> Iterator[_Segment]:
    """Yield each part's rows; one is held back, for only the next tells whether it was the key's last."""
    convert = Converter(found.mapping, tally, keep_text=options.keep_text)
    held: _Segment | None = None
    cutter, key, number = Cutter(found.mapping, tally), None, -1
    for own, block in blocks_by_episode(path, found.mapping, tally):
        if own != key:
            cutter, key, number = Cutter(found.mapping, tally), own, number + 1
        for part, chunk in cutter(convert(block)):
            if held:
                yield replace(held, ends=held.episode != number)
            held = _Segment(number, part, own, chunk)
    if held:
        yield replace(held, ends=not tally.broken, cut=tally.broken)


def _rows(group: Iterator[_Segment], found: Found, tally: Tally, losses: list[Loss]) -> Iterator[Rows]:
    mapping, behavior = found.mapping, found.behavior
    fill = Filler(mapping, tally)
    steps = RowSteps(mapping, behavior) if mapping.steps == "rows" else ClockSteps(mapping, behavior)
    end, held = _End(found), None
    for segment in group:
        chunk = fill(segment.chunk)
        end.take(segment, chunk)
        for rows in steps.push(chunk[~chunk.final]):
            if held:
                yield held
            held = rows
    # Of the decision in which the table was cut nobody knows what else was done.
    for rows in () if end.cut else steps.finish():
        if held:
            yield held
        held = rows
    if held:
        yield replace(held, ending=end.ending())
    losses += tally.drain()


class _End:
    """Gathers how a part ended."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._terminated = self._truncated = self._last = self.cut = False
        self._seen: Observation | None = None

    def take(self, segment: _Segment, chunk: Chunk) -> None:
        """Look at further rows, as they are and filled."""
        self._terminated |= bool(segment.chunk.terminated.any())
        self._truncated |= bool(segment.chunk.truncated.any())
        self._last, self.cut = segment.ends, segment.cut
        seen = chunk[chunk.final]
        if len(seen):
            values = observe(self._found.behavior, seen.values)
            self._seen = {name: column[-1] for name, column in values.items()}

    def ending(self) -> Ending:
        """What the rows and the mapping say."""
        rule = self._found.mapping.ends
        if self._terminated or self._truncated or rule == "unknown":
            return Ending(self._terminated, self._truncated, self._seen)
        # Where it was cut, or the table is broken, only the log stops; the game went on.
        terminated = self._last and rule == "terminated"
        return Ending(terminated, not terminated, self._seen)


def _provenance(path: Path, first: _Segment, found: Found) -> Provenance:
    mapping = found.mapping
    words = dict(zip(mapping.key, first.key, strict=True))
    if known := found.provenances.get(first.key[0] if first.key else ""):
        return replace(known, notes={**known.notes, "from": "telemetry"})
    start = int(first.chunk.time[0])
    started = datetime.fromtimestamp(start // 10**9, UTC).isoformat() if start > _YEAR_2000_NS else ""
    return Provenance(
        mapping.game or mapping.name,
        build=mapping.build,
        map=str(first.chunk.map[0]),
        player=words.get(mapping.player or "", ""),
        source=f"telemetry ({path.suffix.lower().lstrip('.')})",
        notes={"steps": mapping.steps, "row": int(first.chunk.row[0])},
        started=started,
    )


def _name(path: Path, first: _Segment, found: Found, provenance: Provenance) -> str:
    """Name an episode by its key without the player, or by the file, and number it."""
    if first.key and first.key[0] in found.provenances:
        return slug(first.key[0])
    mapping = found.mapping
    words = [word for name, word in zip(mapping.key, first.key, strict=True) if name != mapping.player]
    text = "-".join(words) or path.name.split(".")[0]
    if provenance.player:
        text = re.sub(re.escape(provenance.player), "player", text, flags=re.IGNORECASE)
    part = f".{first.part + 1}" if first.part else ""
    return f"{slug(text)}-{first.episode:04d}{part}"


def slug(text: str) -> str:
    """Keep of a text what may be in a file's name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")[:80] or "episode"
