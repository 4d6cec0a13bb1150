"""What a format of gameplay logs is: an `Importer` that reads it, an `Exporter` that writes it, or both.

A log becomes episodes, an episode a stream of `Rows`: columns of a few hundred steps at a time, so that no log is ever
in memory whole. What could not be read is told as a `Loss`, never left out in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from gymnasium import spaces
from pydantic import BaseModel, ConfigDict

from understudy.recordings.provenance import Provenance
from understudy.recordings.reader import Recordings
from understudy.spec import BehaviorSpec, Observation

Progress = Callable[[str, int, int], None]


class Settings(BaseModel):
    """A format's own settings, given as `--set KEY=VALUE`; each field needs a description."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Ending:
    """How an episode ended.

    Attributes:
        terminated: By the game's own rules.
        truncated: From outside, or where the log stops.
        final_observation: What was seen after the last action, if the log says.
    """

    terminated: bool = False
    truncated: bool = False
    final_observation: Observation | None = None


@dataclass(frozen=True)
class Rows:
    """Consecutive steps of an episode, as columns; n is the number of steps.

    Attributes:
        observations: By sensor name, shape (n, *sensor shape), of the sensor's dtype.
        actions: By part name, shape (n, *part shape), of the part's dtype: what was done on that observation.
        rewards: float32, shape (n,), what followed each action; NaN where unknown. None if none is known.
        events: Words for what happened in each step.
        ticks: int64, shape (n,), the game's own count. None to count decisions.
        times_ns: int64, shape (n,), wall clock in nanoseconds. None for game time from nought at the decision rate.
        extras: By name, shape (n, *shape).
        ending: Set on the last rows of an episode whose end is known.
    """

    observations: Mapping[str, np.ndarray]
    actions: Mapping[str, np.ndarray]
    rewards: np.ndarray | None = None
    events: Sequence[Sequence[str]] | None = None
    ticks: np.ndarray | None = None
    times_ns: np.ndarray | None = None
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)
    ending: Ending | None = None

    def __len__(self) -> int:
        return len(next(iter(self.actions.values())))

    def columns(self) -> dict[str, Any]:
        """Return everything but the ending, as `EpisodeWriter.extend` takes it."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "ending"}


@dataclass(frozen=True)
class Loss:
    """Something in a log that was not imported.

    Attributes:
        where: The file, and the place in it.
        what: What was lost and why, one sentence without a full stop.
        steps: How many steps at least, nought if none or not known.
    """

    where: str
    what: str
    steps: int = 0


@dataclass
class LogEpisode:
    """One episode of a log, read as it is iterated over.

    Attributes:
        name: For the recording's file, stable from run to run, of letters, digits, `-`, `_` and `.`; without the
            player's name, which would undo the hashing.
        behavior: What was logged.
        provenance: Where it comes from; `player` as the log has it, hashed when it is written.
        rows: The steps. An importer that meets damage here ends the episode after what is whole, adds to `losses`, and
            sets `ending` to truncated; if told not to salvage, it raises `RecordingError` instead.
        num_steps: If known beforehand, for the progress bar.
        extras: Spaces of the arrays kept beside the spec.
        losses: What could not be read; complete once `rows` is exhausted.
        player_is_public: True if `provenance.player` names nobody, only the log: it is then not hashed.
    """

    name: str
    behavior: BehaviorSpec
    provenance: Provenance
    rows: Iterator[Rows]
    num_steps: int | None = None
    extras: Mapping[str, spaces.Box] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    player_is_public: bool = False


@dataclass(frozen=True)
class ImportOptions:
    """What the user asked for.

    Attributes:
        settings: The format's own, of its importer's `Settings`.
        salvage: Take what is whole of a damaged log and tell what was lost, instead of refusing it.
        keep_text: Keep free text that people typed (chat, signs); it is dropped by default.
        mapping: The mapping file of a telemetry log.
    """

    settings: Settings = field(default_factory=Settings)
    salvage: bool = True
    keep_text: bool = False
    mapping: Path | None = None


@dataclass(frozen=True)
class LogDescription:
    """What a log holds, found without reading it whole.

    Attributes:
        files: All of its files, for a log of several: a video and its actions.
        num_episodes: None if not known before reading.
        num_steps: None if not known before reading.
        notes: Lines for people: the game, the version of the recorder, what will be left out.
    """

    files: tuple[Path, ...]
    num_episodes: int | None = None
    num_steps: int | None = None
    notes: tuple[str, ...] = ()


@runtime_checkable
class Importer(Protocol):
    """Reads one format of gameplay logs. Register it under the entry point group `understudy.importers`.

    Attributes:
        name: In the command line, such as `"mlagents"`.
        title: For people, such as `"Unity ML-Agents demonstrations (.demo)"`.
        Settings: Its own settings.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    Settings: ClassVar[type[Settings]]

    def sniff(self, path: Path) -> bool:
        """Whether the file or folder is (the main file of) a log of this format. Cheap; looks inside; never raises."""
        ...

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Say what the log holds; raises `RecordingError` if nothing can be read."""
        ...

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield its episodes, each to be read before the next is asked for; raises `RecordingError`."""
        ...


@dataclass(frozen=True)
class ExportOptions:
    """What the user asked for: the format's own settings."""

    settings: Settings = field(default_factory=Settings)


@runtime_checkable
class Exporter(Protocol):
    """Writes one format. Register it under the entry point group `understudy.exporters`.

    Attributes:
        name: In the command line; that of its importer if there is one.
        title: For people.
        Settings: Its own settings.
        keeps: What comes back when the export is imported again: by aspect (`ASPECTS`), `"exact"`, a limit in words
            such as `"float32"` or `"lossy video"`, or `"no"`. A test measures it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    Settings: ClassVar[type[Settings]]
    keeps: ClassVar[Mapping[str, str]]

    def check(self, behavior: BehaviorSpec, options: ExportOptions) -> None:
        """Raise `RecordingError`, naming the sensor or part and what to do, if the format cannot hold the behaviour."""
        ...

    def write(self, recordings: Recordings, out: Path, options: ExportOptions, progress: Progress) -> Sequence[Path]:
        """Write recordings of one behaviour to the empty folder `out`; return what was written."""
        ...


# What can come back from an export, in the columns of the round-trip matrix.
ASPECTS = ("spec", "observations", "actions", "rewards", "ending", "final observation", "ticks", "times", "events")
EXACT: Mapping[str, str] = dict.fromkeys(ASPECTS, "exact")
