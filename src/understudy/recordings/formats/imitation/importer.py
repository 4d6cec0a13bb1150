"""Reads rollouts of `imitation` and Stable-Baselines, with numpy and pyarrow alone."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from understudy.errors import RecordingError, SpecError
from understudy.recordings.formats import guards
from understudy.recordings.formats.columns import Columns, as_rewards, stream
from understudy.recordings.formats.guessed import Range, guessed_parts, guessed_sensor
from understudy.recordings.formats.gymspaces import ASSUMED_HZ, GymSettings, file_name
from understudy.recordings.formats.imitation import folder, npz
from understudy.recordings.formats.imitation.trajectories import Trajectories
from understudy.recordings.formats.protocol import (
    Ending,
    ImportOptions,
    LogDescription,
    LogEpisode,
    Loss,
    Rows,
    Settings,
)
from understudy.recordings.provenance import Provenance
from understudy.spec import BehaviorSpec, Json

_SCAN_ROWS = 65536
_CHANNELS = (1, 3, 4)
_PICKLED_BY = (b"imitation", b"stable_baselines3")
_ADVICE = (
    "is a pickle, and loading one can run any code; where you trust it, open it and save its obs, acts, terminal, "
    "indices and rews with numpy.savez, as docs/logs/imitation.md shows."
)


class ImitationSettings(GymSettings):
    """What rollouts do not say."""

    channels: Literal["first", "last", "guess"] = Field(default="guess", description="where pictures have colours")


class ImitationImporter:
    """Imports rollouts."""

    name: ClassVar[str] = "imitation"
    title: ClassVar[str] = "imitation and Stable-Baselines rollouts (npz, Hugging Face datasets)"
    Settings: ClassVar[type[Settings]] = ImitationSettings

    def sniff(self, path: Path) -> bool:
        """Whether the file or folder holds rollouts; pickles of them too, which are then refused by name."""
        try:
            if path.is_dir():
                return folder.looks_right(path)
            start = guards.head(path, 64 << 10)
        except OSError:
            return False
        if start[:4] == b"PK\x03\x04":
            return npz.looks_right(path)
        return guards.is_pickle(start[:2]) and any(word in start for word in _PICKLED_BY)

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Say what the log holds; raises `RecordingError` if it is a pickle, or cannot be read."""
        with ExitStack() as stack:
            log = _Log.open(path, options, stack)
            files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
            return LogDescription(tuple(files), len(log.trajectories), notes=tuple(log.notes()))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield the trajectories in their order; raises `RecordingError`."""
        with ExitStack() as stack:
            log = _Log.open(path, options, stack)
            for number in range(len(log.trajectories)):
                yield log.episode(number, options.salvage)
            problem = getattr(log.trajectories, "problem", None)
            if problem is not None:
                raise RecordingError(f"{problem}.")


@dataclass(frozen=True)
class _Log:
    """An open log, with what all of its trajectories share."""

    path: Path
    trajectories: Trajectories
    behavior: BehaviorSpec
    turned: bool
    assumed_rate: bool

    @classmethod
    def open(cls, path: Path, options: ImportOptions, stack: ExitStack) -> _Log:
        """Open it; `stack` closes it."""
        settings = options.settings if isinstance(options.settings, ImitationSettings) else ImitationSettings()
        if path.is_dir():
            trajectories: Trajectories = folder.FolderTrajectories(path)
        elif path.suffix.lower() in (".pkl", ".pickle") or guards.is_pickle(guards.head(path, 2)):
            raise RecordingError(f"{path} {_ADVICE}")
        else:
            found = npz.NpzTrajectories(path)
            stack.callback(found.close)
            trajectories = found
        turned = _channels_first(trajectories, settings)
        behavior = _behavior(path, trajectories, settings, turned=turned)
        return cls(path, trajectories, behavior, turned, settings.decision_hz is None)

    def notes(self) -> list[str]:
        """Lines for people."""
        lines = [self.trajectories.source, *self.trajectories.notes]
        if self.assumed_rate:
            lines.append(f"the log names no rate; {ASSUMED_HZ:g} decisions a second are taken (--set decision_hz=…)")
        if self.turned:
            lines.append("pictures are turned from channels first to channels last")
        return lines

    def episode(self, number: int, salvage: bool) -> LogEpisode:
        """One trajectory, to be read."""
        losses: list[Loss] = []
        where = f"{self.path}, trajectory {number}"
        notes: dict[str, Json] = {"episode": number, **({"decision_hz": "assumed"} if self.assumed_rate else {})}
        provenance = Provenance(file_name(self.path.stem), source=self.trajectories.source, notes=notes)
        name = f"{file_name(self.path.stem)}-{number:06d}"
        try:
            steps = self.trajectories.num_steps(number)
        except RecordingError as error:
            if not salvage:
                raise
            losses.append(Loss(where, str(error).rstrip(".")))
            return LogEpisode(name, self.behavior, provenance, iter(()), losses=losses)
        columns = Columns(
            where, self.behavior, steps, lambda *at: self._rows(number, *at), lambda: self._ending(number, steps)
        )
        rows = stream(columns, losses, salvage=salvage)
        return LogEpisode(name, self.behavior, provenance, rows, steps, losses=losses)

    def _rows(self, number: int, start: int, stop: int) -> Rows:
        read = self.trajectories.read
        rewards = read("rews", number, start, stop) if self.trajectories.has_rewards else None
        return Rows(
            self._seen(read("obs", number, start, stop)),
            self._done(read("acts", number, start, stop)),
            rewards=None if rewards is None else as_rewards(rewards),
        )

    def _seen(self, values: np.ndarray) -> dict[str, np.ndarray]:
        sensor = self.behavior.sensors[0]
        turned = np.moveaxis(values, 1, -1) if self.turned else values
        if turned.shape[1:] != sensor.space.shape:
            raise RecordingError(f"{self.path}: an observation is of shape {values.shape[1:]}, unlike the first.")
        with np.errstate(over="ignore", invalid="ignore"):
            return {sensor.name: np.ascontiguousarray(turned.astype(sensor.space.dtype, copy=False))}

    def _done(self, values: np.ndarray) -> dict[str, np.ndarray]:
        if values.shape[1:] != self.trajectories.actions.shape:
            raise RecordingError(f"{self.path}: an action is of shape {values.shape[1:]}, unlike the first.")
        flat = values.reshape(len(values), -1)
        parts = self.behavior.actions
        if len(parts) == 1 and parts[0].shape:
            with np.errstate(over="ignore", invalid="ignore"):
                return {parts[0].name: flat.astype(np.float32)}
        if not np.isfinite(flat).all():
            raise RecordingError(f"{self.path}: a choice is not finite.")
        return {part.name: flat[:, index].astype(np.int64) for index, part in enumerate(parts)}

    def _ending(self, number: int, steps: int) -> Ending:
        final = None
        if self.trajectories.has_final(number):
            seen = self._seen(self.trajectories.read("obs", number, steps, steps + 1))
            final = {name: values[0] for name, values in seen.items()}
        terminated = self.trajectories.is_terminal(number)
        return Ending(terminated, not terminated, final)


def _channels_first(trajectories: Trajectories, settings: ImitationSettings) -> bool:
    """Whether pictures have their channels first: by the setting, or since the first dimension looks like them."""
    kind = trajectories.observations
    if kind.dtype != np.uint8 or len(kind.shape) != 3 or settings.channels == "last":
        return False
    return settings.channels == "first" or (kind.shape[0] in _CHANNELS and kind.shape[-1] not in _CHANNELS)


def _behavior(path: Path, trajectories: Trajectories, settings: ImitationSettings, *, turned: bool) -> BehaviorSpec:
    kind = trajectories.observations
    shape = (*kind.shape[1:], kind.shape[0]) if turned else kind.shape
    try:
        sensor = guessed_sensor("observation", shape, kind.dtype, settings)
        found = _range(trajectories)
        parts = tuple(guessed_parts(trajectories.actions.dtype, found.low, found.high, settings, str(path)))
        return BehaviorSpec(file_name(path.stem), (sensor,), parts, settings.decision_hz or ASSUMED_HZ)
    except SpecError as error:
        raise RecordingError(f"{path} makes no behaviour: {error}") from error


def _range(trajectories: Trajectories) -> Range:
    found = Range(math.prod(trajectories.actions.shape))
    # What is damaged is left for the stream to meet.
    with contextlib.suppress(RecordingError, ValueError):
        for number in range(len(trajectories)):
            steps = trajectories.num_steps(number)
            for start in range(0, steps, _SCAN_ROWS):
                rows = trajectories.read("acts", number, start, min(start + _SCAN_ROWS, steps))
                found.take(rows.reshape(len(rows), -1))
    return found
