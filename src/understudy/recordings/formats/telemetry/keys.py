"""Sorts a table's rows by episode: read straight through where episodes follow each other, through files where not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from understudy.errors import RecordingError
from understudy.recordings.formats.telemetry.cells import texts
from understudy.recordings.formats.telemetry.mapping import Mapping
from understudy.recordings.formats.telemetry.tables import Block, read_blocks
from understudy.recordings.formats.telemetry.tally import Tally

Key = tuple[str, ...]


@dataclass
class _Span:
    """Where an episode's rows are: the first, the last, and in how many pieces."""

    first: int
    last: int
    pieces: int


def blocks_by_episode(path: Path, mapping: Mapping, tally: Tally) -> Iterator[tuple[Key, Block]]:
    """Yield the rows of each episode together, in the order of the table.

    Raises:
        RecordingError: If more episodes lie interleaved than the mapping allows.
    """
    if not mapping.key:
        for block in read_blocks(path, mapping.columns, tally):
            yield (), block
        return
    spans = _survey(path, mapping)
    if all(span.pieces == 1 for span in spans.values()):
        yield from _split(path, mapping, tally)
        return
    _require_few_open(path, spans, mapping)
    yield from _sorted_through_files(path, mapping, spans, tally)


def _survey(path: Path, mapping: Mapping) -> dict[Key, _Span]:
    """Read only the key columns, to know where each episode begins and ends."""
    spans: dict[Key, _Span] = {}
    before: Key | None = None
    # What is wrong with rows is told when they are read for good.
    for block in read_blocks(path, mapping.key, Tally(str(path))):
        keys, ids = _keys(block, mapping)
        starts = np.flatnonzero(np.diff(ids, prepend=-1))
        pieces = np.bincount(ids[starts], minlength=len(keys))
        for index, key in enumerate(keys):
            rows = np.flatnonzero(ids == index)
            going_on = key == before and ids[0] == index
            span = spans.setdefault(key, _Span(block.first + int(rows[0]), 0, 0))
            span.last, span.pieces = block.first + int(rows[-1]), span.pieces + int(pieces[index]) - going_on
        before = keys[ids[-1]]
    return spans


def _keys(block: Block, mapping: Mapping) -> tuple[list[Key], np.ndarray]:
    """Return the block's keys, and which one each row has."""
    ids = np.zeros(len(block), np.int64)
    words = []
    for name in mapping.key:
        encoded = texts(block.columns[name]).dictionary_encode("encode")
        words.append([each or "" for each in encoded.dictionary.to_pylist()])
        ids = ids * max(1, len(words[-1])) + encoded.indices.to_numpy(zero_copy_only=False)
    found, ids = np.unique(ids, return_inverse=True)
    return [_key(int(each), words) for each in found], ids


def _key(number: int, words: list[list[str]]) -> Key:
    key = []
    for each in reversed(words):
        number, index = divmod(number, max(1, len(each)))
        key.append(each[index])
    return tuple(reversed(key))


def _split(path: Path, mapping: Mapping, tally: Tally) -> Iterator[tuple[Key, Block]]:
    for block in read_blocks(path, mapping.columns, tally):
        keys, ids = _keys(block, mapping)
        cuts = [*np.flatnonzero(np.diff(ids, prepend=-1)).tolist(), len(block)]
        for start, stop in pairwise(cuts):
            yield keys[ids[start]], _slice(block, start, stop)


def _slice(block: Block, start: int, stop: int) -> Block:
    return Block({name: each.slice(start, stop - start) for name, each in block.columns.items()}, block.first + start)


def _require_few_open(path: Path, spans: dict[Key, _Span], mapping: Mapping) -> None:
    changes = sorted([(each.first, 1) for each in spans.values()] + [(each.last + 1, -1) for each in spans.values()])
    most = int(np.cumsum([change for _, change in changes]).max())
    if most > mapping.max_open:
        raise RecordingError(
            f"{path}: the rows of {most:,} episodes lie interleaved, and at most {mapping.max_open} are sorted out. "
            f"Sort the table by {', '.join(mapping.key)} first, or raise max_open in the mapping (up to 1024)."
        )


def _sorted_through_files(
    path: Path, mapping: Mapping, spans: dict[Key, _Span], tally: Tally
) -> Iterator[tuple[Key, Block]]:
    """Write each episode's rows to a file of its own, and read it back once its last row has passed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="understudy-telemetry-")))
        open_: dict[Key, _Shelf] = {}
        stack.callback(lambda: [each.writer.close() for each in open_.values()])
        for block in read_blocks(path, mapping.columns, tally):
            keys, ids = _keys(block, mapping)
            for index in sorted(range(len(keys)), key=lambda each: spans[keys[each]].last):
                key, rows = keys[index], np.flatnonzero(ids == index)
                if key not in open_:
                    open_[key] = _Shelf(folder / f"{spans[key].first}.arrow", block)
                open_[key].add(block, rows)
                if spans[key].last < block.first + len(block):
                    yield from ((key, each) for each in open_.pop(key).read())


class _Shelf:
    """The file of one episode while others lie between its rows."""

    def __init__(self, path: Path, like: Block) -> None:
        fields = [pa.field("", pa.int64()), *(pa.field(name, each.type) for name, each in like.columns.items())]
        self._path, self._schema = path, pa.schema(fields)
        self.writer: Any = pa.ipc.new_stream(path, self._schema)

    def add(self, block: Block, rows: np.ndarray) -> None:
        """Put rows of a block away."""
        take = pa.array(rows)
        columns = [pa.array(rows + block.first), *(each.take(take) for each in block.columns.values())]
        self.writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def read(self) -> Iterator[Block]:
        """Take them out, and remove the file."""
        self.writer.close()
        with pa.memory_map(str(self._path)) as source, pa.ipc.open_stream(source) as reader:
            for batch in reader:
                yield Block(
                    dict(zip(self._schema.names[1:], batch.columns[1:], strict=True)), batch.column(0)[0].as_py()
                )
        self._path.unlink()
