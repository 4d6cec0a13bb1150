"""One client's tick stream, apart from gRPC: the bundle it opened, its bots, and the answer to each tick."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.errors import ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving.batcher import Request, Spawned
from understudy.serving.roster import Roster
from understudy.serving.served import ServedBundle


class Session:
    """The bots that one stream plays with one bundle.

    Args:
        served: The bundle it opened.
        max_bots: How many bots may live in it at once.
    """

    def __init__(self, served: ServedBundle, max_bots: int) -> None:
        self._served = served
        self._roster = Roster(served.slots, max_bots)

    async def answer(self, request: pb.PlayRequest, *, alone: bool) -> pb.PlayResponse:
        """Return the actions for one tick.

        Args:
            request: Holding the tick.
            alone: Whether no other stream is open on the server.

        Raises:
            ServingError: If the request is not a tick, or names bots wrongly.
            BotLimitError: If it spawns too many bots.
            ObservationError: If a sensor has the wrong size or a number that is not finite.
        """
        if request.WhichOneof("kind") != "tick":
            raise ServingError("This stream is open already; send ticks, or start another stream for another bundle.")
        tick = request.tick
        actions = await self._served.batcher.decide(self._to_request(tick), alone=alone)
        parts = self._served.codec.encode_actions(actions)
        return pb.PlayResponse(actions=pb.Actions(tick=tick.tick, parts=parts))

    def settle(self) -> None:
        """Do what answering put off; to be called once the answer is sent."""
        self._served.batcher.settle()

    def close(self) -> None:
        """Free every bot of the stream. A tick that still computes must be cancelled before."""
        self._roster.release()

    def _to_request(self, tick: pb.Tick) -> Request:
        bots = list(tick.bots)
        if tick.despawn:
            self._roster.despawn(tick.despawn)
        return Request(
            spawned=self._spawn(tick.spawn) if tick.spawn else None,
            slots=self._roster.slots(bots),
            sensors=self._served.codec.decode_sensors(tick.sensors, len(bots)),
        )

    def _spawn(self, spawns: Sequence[pb.Spawn]) -> Spawned:
        slots = self._roster.spawn([each.bot for each in spawns])
        return Spawned(slots, np.array([each.seed for each in spawns], np.uint64))
