"""Which pairs of a file make which episode.

Pairs of one `id` that follow one another up to `done` are an episode; pairs of other agents may lie between. Scanning
yields an episode once its last pair was met, and reading goes from pair to pair, so that memory depends only on the
number of agents that live at once.
"""

from __future__ import annotations

import struct
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from understudy.errors import RecordingError
from understudy.recordings.formats.mlagents import demo_pb2 as pb
from understudy.recordings.formats.mlagents.framing import DamageError, DemoFile, Header
from understudy.recordings.formats.protocol import Loss

MAX_AGENTS = 65_536
"""Unfinished episodes at once; a file with more is none that a recorder wrote."""

_LINK = struct.Struct("<qq")


@dataclass(frozen=True)
class Place:
    """Of a pair: how many come before it, and its first byte."""

    number: int
    offset: int


class Links:
    """From one pair of an agent to its next, where other agents' pairs lie between. Kept in a file, not in memory."""

    def __init__(self) -> None:
        # Sparse: no link means that the next pair in the file is the one.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - as long as this object
        weakref.finalize(self, self._file.close)
        self._empty = True

    def put(self, number: int, place: Place) -> None:
        """Say that the pair `number` is followed by the one at `place`."""
        self._file.seek(number * _LINK.size)
        self._file.write(_LINK.pack(place.number, place.offset))
        self._empty = False

    def after(self, number: int, end: int) -> Place:
        """Return where the next pair of the same agent is, after the pair `number`, which ends at `end`."""
        if not self._empty:
            self._file.seek(number * _LINK.size)
            data = self._file.read(_LINK.size)
            if len(data) == _LINK.size and any(data):
                return Place(*_LINK.unpack(data))
        return Place(number + 1, end)


@dataclass
class Span:
    """An episode's pairs.

    Attributes:
        agent: Their id.
        first: Where they begin.
        last: The number of the last of them.
        num_pairs: How many they are.
        done: Whether the last of them ends the episode.
        mask_size: Entries of the longest action mask that forbade something; 0 if there was none.
        grouped: Whether there was a group reward.
        actions_come_next: Whether each pair's action is in the pair after it (`pairing`).
        losses: Of the file, told with this episode.
    """

    agent: int
    first: Place
    last: int
    num_pairs: int = 0
    done: bool = False
    mask_size: int = 0
    grouped: bool = False
    actions_come_next: bool = False
    losses: list[Loss] = field(default_factory=list)

    @property
    def num_steps(self) -> int:
        """Decisions whose action is known: all but the one that was not taken any more, or is told no more."""
        return self.num_pairs - (self.done or self.actions_come_next)

    def take(self, number: int, info: pb.AgentInfoProto) -> None:
        """Count a pair."""
        self.last = number
        self.num_pairs += 1
        self.done = info.done
        if len(info.action_mask) > self.mask_size and True in info.action_mask:
            self.mask_size = len(info.action_mask)
        self.grouped = self.grouped or info.group_reward != 0


class Scan:
    """Finds the episodes of a file.

    Args:
        path: Of the file.
        header: Of the file.
        salvage: Take what is whole of a damaged file.
    """

    def __init__(self, path: Path, header: Header, *, salvage: bool) -> None:
        self._path = path
        self._header = header
        self._salvage = salvage
        self._links = Links()

    def spans(self) -> Iterator[Span]:
        """Yield the episodes in the order of their ends; the unfinished ones come last, in that of their beginnings.

        What is wrong with the file as a whole is a loss of the last one.

        Raises:
            RecordingError: If the file is damaged and shall not be salvaged, or holds no pair.
        """
        held: Span | None = None
        losses: list[Loss] = []
        for span in self._find(losses):
            if held is not None:
                yield held
            held = span
        if held is None:
            what = losses[0].what if losses else "the recorder was stopped before the first one"
            raise RecordingError(f"{self._path} holds no decision: {what}.")
        held.losses += losses
        yield held

    def pairs(self, span: Span) -> Iterator[pb.AgentInfoActionPairProto]:
        """Yield the pairs of an episode."""
        place = span.first
        with DemoFile(self._path) as file:
            for _ in range(span.num_pairs):
                pair, end = file.pair(place.offset)
                yield pair
                place = self._links.after(place.number, end)

    def _find(self, losses: list[Loss]) -> Iterator[Span]:
        living: dict[int, Span] = {}
        for place, info in self._walk(losses):
            span = living.get(info.id)
            if span is None:
                span = living[info.id] = Span(info.id, place, place.number)
                if len(living) > MAX_AGENTS:
                    raise RecordingError(f"{self._path} has more than {MAX_AGENTS:,} agents at once.")
            elif place.number != span.last + 1:
                self._links.put(span.last, place)
            span.take(place.number, info)
            if info.done:
                yield living.pop(info.id)
        yield from living.values()

    def _walk(self, losses: list[Loss]) -> Iterator[tuple[Place, pb.AgentInfoProto]]:
        """Yield each pair of the file; what is wrong goes to `losses`, or is raised."""
        offset, number = self._header.start, 0
        with DemoFile(self._path) as file:
            try:
                while not self._is_end(file, offset, number):
                    pair, end = file.pair(offset)
                    yield Place(number, offset), pair.agent_info
                    offset, number = end, number + 1
                problem = self._doubt(file, offset, number)
            except DamageError as error:
                problem = f"{error}; every decision before it is kept"
        if problem and not self._salvage:
            raise RecordingError(f"{self._path}: {problem}.")
        if problem:
            losses.append(Loss(str(self._path), problem, max(0, self._header.meta.number_steps - number)))

    def _is_end(self, file: DemoFile, offset: int, number: int) -> bool:
        expected = self._header.meta.number_steps
        if expected > 0:
            return number == expected
        return offset == file.size or self._is_tail(file, offset)

    def _is_tail(self, file: DemoFile, offset: int) -> bool:
        """Whether just the meta data follow, which a recorder that closes the file writes there."""
        raw = self._header.raw_meta
        return file.size - offset == len(raw) and file.rest(offset, len(raw)) == raw

    def _doubt(self, file: DemoFile, offset: int, number: int) -> str | None:
        """What is odd about a file whose pairs are whole."""
        if self._header.meta.number_steps <= 0:
            return "the recorder was killed before it closed the file; every decision in it is kept" if number else None
        if offset == file.size or self._is_tail(file, offset):
            return None
        return f"{file.size - offset:,} bytes follow the {number:,} decisions that it says it holds; they are not read"
