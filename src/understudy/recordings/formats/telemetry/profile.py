"""What a sample of a table shows of each of its columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from understudy.errors import RecordingError
from understudy.recordings.formats.telemetry import cells
from understudy.recordings.formats.telemetry.names import words_of
from understudy.recordings.formats.telemetry.tables import BLOCK_ROWS, column_names, read_blocks
from understudy.recordings.formats.telemetry.tally import Tally

SAMPLE_ROWS = 8 * BLOCK_ROWS
_KEPT_WORDS = 1000
_IDLE = ("none", "None", "NONE", "nil", "-")


@dataclass
class Profile:
    """One column of the sample.

    Attributes:
        name: Of the column.
        kind: `"number"`, `"flag"` (0 and 1, true and false), `"date"`, `"word"`, `"list"` or `"empty"`.
        values: float64 or int64, shape (rows,): numbers, or nanoseconds of dates; 0 where unknown.
        known: bool, shape (rows,).
        texts: The cells as words.
        different: The different words, in the order of their first use; at most a thousand.
        idle: The words such as `none` among the cells, which may stand for nothing known or for nothing done.
    """

    name: str
    kind: str
    values: np.ndarray
    known: np.ndarray
    texts: list[str | None]
    different: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)

    @property
    def words(self) -> set[str]:
        """The words of its name."""
        return set(words_of(self.name))

    @property
    def numbers(self) -> np.ndarray:
        """The known values."""
        return self.values[self.known]

    @property
    def is_whole(self) -> bool:
        """Whether all numbers are whole."""
        return bool((self.numbers == np.rint(self.numbers)).all())

    @property
    def rising(self) -> float:
        """The share of rows whose value is not below that of the row before."""
        return float((np.diff(self.numbers) >= 0).mean()) if len(self.numbers) > 1 else 0.0

    @property
    def low(self) -> float:
        """The least number."""
        return float(self.numbers.min()) if len(self.numbers) else 0.0

    @property
    def high(self) -> float:
        """The greatest number."""
        return float(self.numbers.max()) if len(self.numbers) else 0.0


def profile_table(path: Path) -> list[Profile]:
    """Look at the first rows of a table; raises `RecordingError` if it has none."""
    names = column_names(path)
    tally = Tally(str(path))
    blocks = list(islice(read_blocks(path, names, tally), SAMPLE_ROWS // BLOCK_ROWS))
    if not blocks:
        raise RecordingError(f"{path} has no row; a mapping is made from the data.")
    return [_profile(name, [block.columns[name] for block in blocks]) for name in names]


def _profile(name: str, parts: list[pa.Array]) -> Profile:
    if any(pa.types.is_nested(each.type) for each in parts):
        texts = [text for each in parts for text in cells.texts(each).to_pylist()]
        return Profile(name, "list", np.zeros(len(texts)), np.zeros(len(texts), bool), texts)
    texts = [text for each in parts for text in cells.texts(each).to_pylist()]
    different = list(islice(dict.fromkeys(each for each in texts if each is not None), _KEPT_WORDS))
    if not different:
        return Profile(name, "empty", np.zeros(len(texts)), np.zeros(len(texts), bool), texts)
    if _are_flags(different):
        return _numeric(name, "flag", parts, texts, different)
    found = _numeric(name, "number", parts, texts, different)
    if found.known.mean() >= 0.95 * np.mean([each is not None for each in texts]) and not _is_stamp(parts[0].type):
        return found
    dated = [cells.times_ns(each, "iso", "UTC") for each in parts]
    known = np.concatenate([each[1] for each in dated])
    kind = "date" if known.sum() >= 0.95 * sum(each is not None for each in texts) else "word"
    idle = _idle_words(parts) if kind == "word" else []
    return Profile(name, kind, np.concatenate([each[0] for each in dated]), known, texts, different, idle)


def _idle_words(parts: list[pa.Array]) -> list[str]:
    found = {word for each in parts for word in cells.texts(each, _IDLE).unique().to_pylist()}
    return [word for word in _IDLE if word in found]


def _numeric(name: str, kind: str, parts: list[pa.Array], texts: list[str | None], different: list[str]) -> Profile:
    read = [cells.numbers(each) for each in parts]
    return Profile(
        name,
        kind,
        np.concatenate([each[0] for each in read]),
        np.concatenate([each[1] for each in read]),
        texts,
        different,
    )


def _are_flags(different: list[str]) -> bool:
    return {each.lower() for each in different} <= {"0", "1", "true", "false", "0.0", "1.0", "yes", "no", "on", "off"}


def _is_stamp(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind)
