"""Where imported episodes land: each in a file of its own, in the folder of its behaviour, whole or not at all."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from understudy.errors import ObservationError, RecordingError
from understudy.recordings.formats.protocol import Ending, LogEpisode, Loss, Progress
from understudy.recordings.layout import SUFFIX
from understudy.recordings.provenance import Provenance, hash_player, project_key
from understudy.recordings.reader import Episode
from understudy.recordings.writer import EpisodeWriter
from understudy.spec import BehaviorSpec

_MAX_NAME, _MAX_HOMES = 150, 1000
# What Windows takes for a device, whatever comes after a dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


class UnwritableError(RecordingError):
    """Raised when a recording cannot be written: not the log's fault, and no other log would fare better."""


@dataclass(frozen=True)
class Landed:
    """A recording, and whether this import wrote it."""

    path: Path
    num_steps: int
    is_new: bool


class Landing:
    """Writes episodes below a folder.

    Args:
        out: The folder, made with the first recording.
        reveal_players: Keep the players' names as the logs have them.
        progress: Called with (name of the episode, steps done, steps in all or done).
    """

    def __init__(self, out: Path, reveal_players: bool, progress: Progress) -> None:
        self.out = out
        self.reveal_players = reveal_players
        self.progress = progress
        self._homes: dict[BehaviorSpec, Path] = {}
        self._mark = ""
        self._names: Counter[tuple[Path, str]] = Counter()
        self._taken: set[tuple[Path, str]] = set()

    def begin(self, mark: str) -> None:
        """Begin another log; `mark` tells it from all others, and is kept in its recordings."""
        self._mark = mark
        self._names.clear()
        self._taken.clear()

    def land(self, log: LogEpisode) -> Landed | None:
        """Write an episode, unless an earlier import of the same log did; None if it has no step.

        Raises:
            UnwritableError: If the disk is full, or the folder may not be written.
            RecordingError: If the log is damaged, or its rows do not fit its spec.
        """
        home = self._home(log.behavior)
        name = self._own_name(home, _safe(log.name))
        path = self._path(home, name)
        there = _read(path)
        if there is not None and there.complete:
            return Landed(path, there.num_steps, is_new=False)
        with self._workplace() as folder:
            steps = self._write(log, folder, name)
            if not steps:
                log.losses += [] if log.losses else [Loss(log.name, "it holds no whole step")]
                return None
            with self._writing():
                home.mkdir(exist_ok=True)
                # Another import may have taken the place meanwhile.
                path = self._path(home, name)
                (folder / f"{name}{SUFFIX}").rename(path)
        return Landed(path, steps, is_new=True)

    @contextmanager
    def _workplace(self) -> Iterator[Path]:
        """A folder to write in. Hidden: whoever opens the one around it must not find half a recording.

        A Ctrl-C inside `shutil.rmtree` can come out as an `OSError` (Python 3.11 then closes a directory twice), which
        would count as damage of the log. So a folder that is empty, as it is when all went well, goes without it.
        """
        with self._writing():
            self.out.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=".part-", dir=self.out))
        try:
            yield folder
        finally:
            _remove(folder)

    def _home(self, behavior: BehaviorSpec) -> Path:
        """The folder of a behaviour: its name, with a number where another behaviour of that name was first."""
        if behavior not in self._homes:
            self._homes[behavior] = self._find_home(behavior)
        return self._homes[behavior]

    def _find_home(self, behavior: BehaviorSpec) -> Path:
        name, free = _safe(behavior.name), None
        # Windows and macOS hold two names for one that differ in case only.
        taken = {str(home).lower() for home in self._homes.values()}
        for number in range(1, _MAX_HOMES):
            home = self.out / (name if number == 1 else f"{name}-{number}")
            found = _behavior_in(home)
            if found == behavior:
                return home
            # What this import is about to write there is not on the disk yet.
            if free is None and found is None and str(home).lower() not in taken:
                free = home
        if free is None:
            raise RecordingError(f"{self.out} holds a thousand behaviours called '{behavior.name}'; name them apart.")
        return free

    def _path(self, home: Path, plain: str) -> Path:
        """Where an episode of this log is, or goes: its name, unless another log's episode has it."""
        free = None
        # A few digits of the mark are enough but for thousands of logs.
        for digits in (0, 6, 12, len(self._mark)):
            path = home / f"{plain}-{_safe(self._mark[-digits:])}{SUFFIX}" if digits else home / f"{plain}{SUFFIX}"
            owner = _owner(path)
            if owner == self._mark:
                return path
            free = free or (path if owner is None else None)
        if free is None:
            raise RecordingError(f"{home} has no name left for the episode '{plain}'; import into a new folder.")
        return free

    def _own_name(self, home: Path, plain: str) -> str:
        """The name, with a number where an episode of this log was first."""
        name = plain
        while (home, name.lower()) in self._taken:
            self._names[home, plain.lower()] += 1
            name = f"{plain}-{self._names[home, plain.lower()] + 1}"
        self._taken.add((home, name.lower()))
        return name

    def _write(self, log: LogEpisode, folder: Path, name: str) -> int:
        with self._writing():
            writer = EpisodeWriter(
                folder, log.behavior, self._provenance(log), name=name, extras=log.extras, reveal_player=True
            )
        ending = None
        try:
            for rows in log.rows:
                with self._writing(log):
                    writer.extend(**rows.columns())
                ending = rows.ending or ending
                self.progress(name, writer.num_steps, max(log.num_steps or 0, writer.num_steps))
            with self._writing(log):
                _finish(writer, ending)
        finally:
            with self._writing():
                writer.close()
        return writer.num_steps

    def _provenance(self, log: LogEpisode) -> Provenance:
        provenance = replace(log.provenance, notes={**log.provenance.notes, "log": self._mark})
        if not provenance.player or self.reveal_players or log.player_is_public:
            return provenance
        return replace(provenance, player=hash_player(provenance.player, project_key(self.out)))

    @contextmanager
    def _writing(self, log: LogEpisode | None = None) -> Iterator[None]:
        """What goes wrong in here is not damage: either the disk's fault, or the importer's."""
        try:
            yield
        except ObservationError as error:
            where = log.name if log else "A log"
            raise RecordingError(f"{where} does not fit its own spec: {error}") from error
        except RecordingError as error:
            raise UnwritableError(str(error)) from error
        except OSError as error:
            raise UnwritableError(f"{self.out} cannot be written: {error.strerror}.") from error


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


def _finish(writer: EpisodeWriter, ending: Ending | None) -> None:
    # A log that just stops was ended from outside, as far as anyone can tell.
    ending = ending or Ending(truncated=True)
    if writer.num_steps:
        writer.finish(
            terminated=ending.terminated, truncated=ending.truncated, final_observation=ending.final_observation
        )


def _safe(name: str) -> str:
    """A name from a log as that of a file or folder."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:_MAX_NAME].rstrip("-.") or "unnamed"
    return f"_{safe}" if _DEVICE.match(safe) else safe


def _behavior_in(home: Path) -> BehaviorSpec | None:
    """The behaviour of the recordings in a folder; None if there is none."""
    if not home.is_dir():
        return None
    return next((found.behavior for each in sorted(home.glob(f"*{SUFFIX}")) if (found := _read(each))), None)


def _read(path: Path) -> Episode | None:
    """The recording at `path`, or None if there is none that can be read."""
    try:
        return Episode(path)
    except (RecordingError, OSError):
        return None


def _owner(path: Path) -> str | None:
    """The mark of the log whose recording this is; None if the place is free, or holds what cannot be read."""
    found = _read(path)
    return None if found is None else str(found.provenance.notes.get("log", ""))
