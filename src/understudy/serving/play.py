"""One call of `Play`: ticks come in, answers go out in their order.

A reader submits each tick as soon as it is there, so that the next one is decoded while the last one computes; a
writer sends the answers. A client that waits for each answer has only one tick under way: that tick is computed and
answered by the reader itself, without a hop to the thread of the policy and back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np

from understudy.agents.styles import parse_style
from understudy.errors import ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving.limits import TickLimit
from understudy.serving.recorder import Recorder
from understudy.serving.refusals import StoppingError
from understudy.serving.registry import MAX_NAME
from understudy.serving.request import Decided
from understudy.serving.session import Birth, Session, Ticket

MAX_AHEAD = 16
"""Ticks of one stream under way; the next one is not read before, and gRPC then slows the client down."""

_LATE = pb.Late.keys()


class _UnderWay(NamedTuple):
    """A tick that was submitted."""

    tick: pb.Tick
    sensors: Sequence[np.ndarray]
    ticket: Ticket


class Doorkeeper(NamedTuple):
    """What the server tells a stream.

    Attributes:
        limit: Of its ticks.
        is_alone: Whether no other session is open.
        is_stopping: Whether the server is about to stop.
    """

    limit: TickLimit
    is_alone: Callable[[], bool]
    is_stopping: Callable[[], bool]


class TickStream:
    """Plays one session over one call, from its second message to its end.

    Args:
        context: Of the call.
        session: Whose bots play.
        doorkeeper: Of the server.
        recordings: The folder for recordings, or None if this server makes none.
    """

    def __init__(
        self,
        context: grpc.aio.ServicerContext,
        session: Session,
        doorkeeper: Doorkeeper,
        recordings: Path | None = None,
    ) -> None:
        self._context = context
        self._session = session
        self._doorkeeper = doorkeeper
        self._recordings = recordings
        self._recorder: Recorder | None = None
        # Beside those in line, the writer awaits one, and the reader stands with another before a full line.
        self._line: asyncio.Queue[_UnderWay | Exception | None] = asyncio.Queue(MAX_AHEAD - 2)
        self._unanswered = 0

    async def run(self) -> None:
        """Answer every tick until the client has no more; raises what ends the stream otherwise."""
        reader = asyncio.create_task(self._read_all())
        try:
            await self._write_all()
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
            if self._recorder is not None:
                self._recorder.close()

    async def _read_all(self) -> None:
        try:
            while (request := await self._context.read()) is not grpc.aio.EOF:
                await self._take(request)
            await self._line.put(None)
        except Exception as error:  # handed to the writer, which raises it after the answers that come before
            await self._line.put(error)

    async def _take(self, request: pb.PlayRequest) -> None:
        self._doorkeeper.limit.count()
        if self._doorkeeper.is_stopping():
            # Only now, as the answer to a request: a grpc.aio client that writes to a call that has ended may
            # see INTERNAL instead of our sentence (grpc/grpc#36066).
            raise StoppingError("The server is stopping; open the stream again when it is back.")
        if request.WhichOneof("kind") != "tick":
            raise ServingError("This stream is open already; send ticks, or start another stream for another bundle.")
        tick = request.tick
        inline = not tick.under_way and not self._unanswered and self._doorkeeper.is_alone()
        sensors = self._session.codec.decode_sensors(tick.sensors, len(tick.bots))
        change(self._session, tick)
        bots = list(tick.bots)
        if self._recorder is not None or any(each.HasField("record") for each in tick.spawn):
            self._check_record(tick)
        item = _UnderWay(tick, sensors, self._session.submit(bots, sensors, list(tick.save), inline=inline))
        if isinstance(item.ticket.answer, Decided):
            await self._answer(item, item.ticket.answer)
        else:
            self._unanswered += 1
            await self._line.put(item)

    def _check_record(self, tick: pb.Tick) -> None:
        if self._recorder is None:
            if self._recordings is None:
                raise ServingError("This server records nothing; start it with --record FOLDER, or spawn without it.")
            self._recorder = Recorder(self._recordings, self._session.codec)
        self._recorder.decode_played(tick)

    async def _write_all(self) -> None:
        while (item := await self._line.get()) is not None:
            if isinstance(item, Exception):
                raise item
            assert not isinstance(item.ticket.answer, Decided)
            await self._answer(item, await item.ticket.answer)
            self._unanswered -= 1

    async def _answer(self, item: _UnderWay, decided: Decided) -> None:
        tick, decision = item.tick, self._session.complete(item.ticket, decided)
        if self._recorder is not None:  # not before: until now, the ticks that came earlier belonged to former lives
            self._recorder.change(tick)
        parts = self._session.codec.encode_actions(decision.actions)
        actions = pb.Actions(tick=tick.tick, parts=parts, late=_LATE[decision.late])
        if decision.saved:
            bots = zip(tick.save, decision.saved, strict=True)
            actions.saved.extend(pb.SavedBot(bot=bot, state=each.to_bytes()) for bot, each in bots)
        await self._context.write(pb.PlayResponse(actions=actions))
        if self._recorder is not None:
            self._recorder.keep(tick, item.sensors, decision.actions)


def change(session: Session, tick: pb.Tick) -> None:
    """Do what a tick asks for before its bots decide.

    Raises:
        ServingError: If it names bots, styles or saved bots wrongly.
        BotLimitError: If it spawns too many bots, or names more than a stream can have.
    """
    for named in (tick.bots, tick.despawn, tick.spawn, tick.restyle, tick.save):
        session.require_room(len(named))
    if tick.despawn:
        session.despawn(tick.despawn)
    if tick.spawn:
        session.spawn([Birth(each.bot, each.seed, _style(session, each.style), each.state) for each in tick.spawn])
    if tick.restyle:
        styles = [_style(session, each.style) for each in tick.restyle]
        default = session.deployment.bundle.style()
        session.restyle([each.bot for each in tick.restyle], [default if each is None else each for each in styles])


def _style(session: Session, style: pb.Style) -> np.ndarray | None:
    if style.vector:
        return np.array(style.vector, np.float32)
    return parse_style(session.deployment.bundle, style.name[:MAX_NAME]) if style.name else None
