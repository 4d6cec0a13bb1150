"""Recordings of what the bots of a stream see and do, and of the persons who take over their controls."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from understudy.errors import RecordingError, ServingError, UnderstudyError, require
from understudy.serving import understudy_pb2 as pb
from understudy.serving.codec import Codec
from understudy.spec import ActionSpec

if TYPE_CHECKING:
    from understudy.recordings import EpisodeWriter

PERSON = "person"
"""The extra that says whether a person had the controls: int8, 1 or 0."""

POLICY = "policy_"
"""Begins the names of the extras that hold what the policy answered."""

_LOG = logging.getLogger(__name__)


class Recorder:
    """Writes one recording per bot that asks for it, in the server's folder.

    An episode's `action` is what was done: by the person, where one had the controls, else by the bot. The extras hold
    what the policy answered, and whether a person played. A stream that breaks off leaves its recordings
    incomplete, but readable up to about the last second; a full disk ends a recording, never the game.

    Args:
        folder: For recordings.
        codec: Of the bots' behaviour.
    """

    def __init__(self, folder: Path, codec: Codec) -> None:
        require("pyarrow", "logs")
        self._folder = folder
        self._codec = codec
        self._behavior = codec.behavior
        self._writers: dict[int, EpisodeWriter] = {}

    def change(self, tick: pb.Tick) -> None:
        """End and begin recordings as a tick says, before it is kept; raises `RecordingError` if one cannot begin."""
        self.end(tick.despawn)
        for each in tick.spawn:
            if each.HasField("record"):
                self.begin(each.bot, each.record)
            else:
                self.end([each.bot])

    def begin(self, bot: int, record: pb.Record) -> None:
        """Start a recording, and end the bot's former one; raises `RecordingError` if there can be none."""
        from understudy.recordings import EpisodeWriter, Provenance

        self.end([bot])
        provenance = Provenance(
            game=record.game or self._behavior.name,
            build=record.build,
            map=record.map,
            player=record.player,
            source="understudy serve",
        )
        extras: dict[str, spaces.Box] = {PERSON: spaces.Box(0, 1, (), np.int8)}
        extras |= {f"{POLICY}{each.name}": _box(each) for each in self._behavior.actions}
        try:
            self._writers[bot] = EpisodeWriter(self._folder, self._behavior, provenance, extras=extras)
        except RecordingError as error:
            # Where the server's folder lies is none of the client's business.
            cause = error.__cause__
            problem = (cause.strerror if isinstance(cause, OSError) else None) or "its recorder could not begin"
            raise RecordingError(f"The play of bot {bot} cannot be recorded here: {problem}.") from error

    def keep(self, tick: pb.Tick, sensors: Sequence[np.ndarray], actions: Sequence[np.ndarray]) -> None:
        """Record one tick.

        Args:
            tick: As it was asked.
            sensors: In the spec's order, each of shape (bots, *sensor shape).
            actions: What was answered, in the spec's order, each of shape (bots, *part shape).
        """
        if not self._writers:
            return
        played = self.decode_played(tick)
        for row, bot in enumerate(tick.bots):
            if bot in self._writers:
                answer = [np.asarray(part[row]) for part in actions]
                done = played.get(bot)
                self._append(bot, tick.tick, [each[row] for each in sensors], answer, done)

    def decode_played(self, tick: pb.Tick) -> dict[int, list[np.ndarray]]:
        """Return what persons did, by bot; raises `ServingError` or `ObservationError` if it does not fit the tick."""
        bots = list(tick.played.bots)
        if not bots:
            return {}
        strangers = set(bots) - set(tick.bots)
        if strangers:
            raise ServingError(
                f"A person played bot {min(strangers)}, which is not in this tick; send its observation."
            )
        parts = self._codec.decode_parts(tick.played.parts, len(bots))
        return {bot: [np.asarray(part[row]) for part in parts] for row, bot in enumerate(bots)}

    def end(self, bots: Sequence[int]) -> None:
        """Finish the recordings of bots that ended."""
        for bot in bots:
            writer = self._writers.pop(bot, None)
            if writer is not None and writer.num_steps:
                self._guarded(bot, lambda writer=writer: writer.finish(truncated=True))
            if writer is not None:
                self._guarded(bot, writer.close)

    def close(self) -> None:
        """Close every recording as it is."""
        for bot, writer in self._writers.items():
            self._guarded(bot, writer.close)
        self._writers.clear()

    def _append(
        self, bot: int, tick: int, seen: list[np.ndarray], answer: list[np.ndarray], done: list[np.ndarray] | None
    ) -> None:
        names = self._behavior.action_names
        extras = {f"{POLICY}{name}": value for name, value in zip(names, answer, strict=True)}
        extras[PERSON] = np.asarray(done is not None, np.int8)
        writer = self._writers[bot]
        observation = dict(zip(self._behavior.sensor_names, seen, strict=True))
        action = dict(zip(names, answer if done is None else done, strict=True))
        if not self._guarded(bot, lambda: writer.append(observation, action, extras=extras, tick=tick)):
            del self._writers[bot]
            self._guarded(bot, writer.close)

    def _guarded(self, bot: int, write: Any) -> bool:
        try:
            write()
        except UnderstudyError as error:
            _LOG.error("The recording of bot %d ends here: %s", bot, error)
            return False
        return True


def _box(part: ActionSpec) -> spaces.Box:
    if isinstance(part.space, spaces.Box):
        return part.space
    return spaces.Box(0, np.iinfo(part.dtype).max, part.shape, part.dtype)
