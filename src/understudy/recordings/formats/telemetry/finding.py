"""Which files are tables of a studio's own, and where the mapping of one is."""

from __future__ import annotations

import json
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from understudy.errors import RecordingError, SpecError
from understudy.recordings.formats.guards import head
from understudy.recordings.formats.protocol import ImportOptions
from understudy.recordings.formats.telemetry.layout import KEY, mapping_of
from understudy.recordings.formats.telemetry.mapping import Mapping, read_mapping
from understudy.recordings.formats.telemetry.tables import CSV, JSONL, PARQUET, delimiter_of, parquet_file
from understudy.recordings.provenance import Provenance
from understudy.spec import BehaviorSpec

_HEAD = 64 * 1024
# What marks the folder of a data set whose tables only its own importer understands.
_FOREIGN = ("meta/info.json", "dataset_info.json", "state.json", "dataset_dict.json")
_LEVELS = 4


@dataclass(frozen=True)
class Found:
    """A table's mapping.

    Attributes:
        mapping: What its columns are.
        behavior: What was logged: the mapping's, or exactly what was exported.
        file: Where the mapping was read; None if it is in the table itself.
        provenances: By episode, of a table that Understudy exported.
    """

    mapping: Mapping
    behavior: BehaviorSpec
    file: Path | None = None
    provenances: Dict[str, Provenance] = field(default_factory=dict)


def looks_like_table(path: Path) -> bool:
    """Whether a file is a table, by its name and its beginning, and no part of another format's data set."""
    suffix = path.suffix.lower()
    if suffix not in CSV | JSONL | PARQUET or not path.is_file() or _is_foreign(path):
        return False
    start = head(path, _HEAD)
    if suffix in PARQUET:
        return start[:4] == b"PAR1"
    return _looks_like_csv(start, suffix) if suffix in CSV else _looks_like_objects(start)


def find_mapping(path: Path, options: ImportOptions) -> Found:
    """Find the mapping of a table: named, beside it, or inside it.

    Raises:
        RecordingError: If there is none, or it is wrong.
    """
    beside = (path.with_name(f"{path.name}.map.yaml"), path.with_suffix(".map.yaml"), path.with_name("mapping.yaml"))
    file = options.mapping or next((each for each in beside if each.is_file()), None)
    inside = _embedded(path)
    if file is None:
        if inside is None:
            raise RecordingError(
                f"{path} is a table of your own; Understudy needs to know which column is what. "
                f"Write a first mapping of it: understudy logs map {path}"
            )
        return inside
    mapping = read_mapping(file)
    if inside is not None and mapping == inside.mapping:
        return Found(mapping, inside.behavior, file, inside.provenances)
    return Found(mapping, mapping.behavior(), file)


def _embedded(path: Path) -> Found | None:
    """What our own exporter wrote into a Parquet file, if it still fits the columns."""
    if path.suffix.lower() not in PARQUET:
        return None
    schema = parquet_file(path).schema_arrow
    try:
        form: dict[str, Any] = json.loads((schema.metadata or {})[KEY])
        behavior = BehaviorSpec.from_dict(form["behavior"])
        mapping = mapping_of(behavior)
        known = {name: Provenance.from_dict(each) for name, each in form["episodes"].items()}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError, SpecError, RecordingError):
        return None
    fits = set(mapping.columns) <= set(schema.names)
    return Found(mapping, behavior, None, known) if fits else None


def _is_foreign(path: Path) -> bool:
    folders = list(path.absolute().parents)[:_LEVELS]
    return any((folder / name).exists() for folder in folders for name in _FOREIGN)


def _looks_like_csv(start: bytes, suffix: str) -> bool:
    """At least two columns."""
    wide = start[:2] in (b"\xff\xfe", b"\xfe\xff")
    if b"\0" in start[:4096] and not wide:
        return False
    line = next(iter(start.decode("utf-16" if wide else "utf-8", "replace").splitlines()), "")
    delimiter = "\t" if suffix == ".tsv" else delimiter_of(line)
    return line.count(delimiter) >= 1


def _looks_like_objects(start: bytes) -> bool:
    """An object a line, and more than one of them; not the mouse and keyboard of a VPT log."""
    lines = [each.strip() for each in start.removeprefix(b"\xef\xbb\xbf").splitlines() if each.strip()]
    if len(lines) < 2 or not all(each.startswith(b"{") for each in lines[:2]):
        return False
    try:
        found = json.loads(lines[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and len(found) > 1 and not {"mouse", "keyboard"} <= found.keys()
