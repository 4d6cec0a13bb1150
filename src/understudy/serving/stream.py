"""What the synchronous and the asynchronous client share: the requests of one stream and the reading of its answers."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from understudy.errors import ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving.codec import Codec
from understudy.serving.tuning import WINDOW_OPTIONS
from understudy.spec import BehaviorSpec, Json

CHANNEL_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), *WINDOW_OPTIONS]


class ServedInfo:
    """What a server says of one bundle.

    Attributes:
        name: As `play` takes it.
        digest: SHA-256 of its graph, in hexadecimal.
        behavior: What its bots see and do.
        provenance: What the bundle says of its making, in JSON.
    """

    def __init__(self, message: pb.Bundle) -> None:
        self.name = message.name
        self.digest = message.digest
        self.behavior = BehaviorSpec.from_json(message.spec_json)
        self.provenance: Mapping[str, Json] = json.loads(message.provenance_json or "{}")

    def __repr__(self) -> str:
        return f"ServedInfo(name={self.name!r}, digest={self.digest[:12]!r}, behavior={self.behavior.name!r})"


def open_request(bundle: str, behavior: BehaviorSpec | None) -> pb.PlayRequest:
    """Return the first request of a stream."""
    return pb.PlayRequest(open=pb.Open(bundle=bundle, spec_json=behavior.to_json() if behavior else ""))


class StreamState:
    """Collects what the next tick carries, and turns arrays into requests and answers into arrays.

    Args:
        info: The bundle that the server opened.
    """

    def __init__(self, info: ServedInfo) -> None:
        self.info = info
        self._codec = Codec(info.behavior)
        self._living: set[int] = set()
        self._spawns: dict[int, int] = {}
        self._despawns: set[int] = set()
        self._tick = 0
        self._in_flight: deque[tuple[int, int]] = deque()

    def spawn(self, bot: int, seed: int) -> None:
        """Start `bot` afresh with the next tick, its noise from `seed`."""
        if not 0 <= bot < 2**32 or not 0 <= seed < 2**64:
            raise ServingError(f"Bot {bot} with seed {seed}: a bot's number is below 2**32, its seed below 2**64.")
        self._spawns[bot] = seed

    def despawn(self, bot: int) -> None:
        """End `bot` with the next tick; raises `ServingError` if it does not live."""
        if bot not in self._living and bot not in self._spawns:
            raise ServingError(f"Bot {bot} cannot be despawned: no bot {bot} lives in this stream.")
        self._spawns.pop(bot, None)
        if bot in self._living:
            self._despawns.add(bot)

    def request(self, bots: Sequence[int], observations: Mapping[str, np.ndarray]) -> pb.PlayRequest:
        """Return the next tick; see `PlayStream.tick`."""
        self.info.behavior.check_observation(observations, rows=len(bots))
        sensors = self._codec.encode_sensors(observations)
        tick = pb.Tick(tick=self._tick, bots=bots, sensors=sensors)
        if self._spawns or self._despawns:
            self._add_changes(tick)
        self._in_flight.append((self._tick, len(bots)))
        self._tick += 1
        return pb.PlayRequest(tick=tick)

    def _add_changes(self, tick: pb.Tick) -> None:
        tick.despawn.extend(sorted(self._despawns))
        tick.spawn.extend(pb.Spawn(bot=bot, seed=seed) for bot, seed in self._spawns.items())
        self._living = (self._living - self._despawns) | self._spawns.keys()
        self._spawns, self._despawns = {}, set()

    def actions(self, response: pb.PlayResponse) -> dict[str, np.ndarray]:
        """Return the actions that answer the oldest request in flight, by part name."""
        (tick, rows), answer = self._in_flight.popleft(), response.actions
        if answer.tick != tick:
            raise ServingError(f"The server answered tick {answer.tick}, expected {tick}; start a new stream.")
        return self._codec.decode_actions(answer.parts, rows)

    @property
    def num_in_flight(self) -> int:
        """Requests that were not answered yet."""
        return len(self._in_flight)
