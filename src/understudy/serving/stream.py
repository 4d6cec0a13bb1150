"""What the synchronous and the asynchronous client share: the requests of one stream and the reading of its answers."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from understudy.errors import ObservationError, ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving.codec import Codec, Field
from understudy.serving.fallback import Fallback
from understudy.serving.request import Late
from understudy.serving.tuning import WINDOW_OPTIONS
from understudy.spec import Action, BehaviorSpec, Json, check_array

CHANNEL_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), *WINDOW_OPTIONS]
CLOSE_S = 1.0
"""Seconds a closing stream waits for the server to say goodbye; a stream that is cut off keeps its bots for a while."""

Style = str | Sequence[float] | np.ndarray


class ServedInfo:
    """What a server says of one bundle.

    Attributes:
        name: As `play` takes it.
        digest: SHA-256 of its graph, in hexadecimal.
        behavior: What its bots see and do.
        provenance: What the bundle says of its making, in JSON.
        style_size: Numbers in a style; 0 if it takes none.
        styles: The names of its styles.
    """

    def __init__(self, message: pb.Bundle) -> None:
        self.name = message.name
        self.digest = message.digest
        self.behavior = BehaviorSpec.from_json(message.spec_json)
        self.provenance: Mapping[str, Json] = json.loads(message.provenance_json or "{}")
        self.style_size = message.style_size
        self.styles = list(message.styles)

    def __repr__(self) -> str:
        return f"ServedInfo(name={self.name!r}, digest={self.digest[:12]!r}, behavior={self.behavior.name!r})"


def open_request(
    bundle: str, behavior: BehaviorSpec | None, budget_s: float | None, fallback: Fallback, resume: str
) -> pb.PlayRequest:
    """Return the first request of a stream; see `Client.play`."""
    if budget_s is not None and not 0 < budget_s < 2**32 / 1e6:
        raise ServingError(f"The budget of a tick is {budget_s} s; it must be above 0 and below 4294 s.")
    opening = pb.Open(
        bundle=bundle,
        spec_json=behavior.to_json() if behavior else "",
        resume=resume,
        budget_us=max(1, round(budget_s * 1e6)) if budget_s else 0,
        fallback=pb.FALLBACK_NOTHING if fallback is Fallback.NOTHING else pb.FALLBACK_REPEAT,
    )
    return pb.PlayRequest(open=opening)


class StreamState:
    """Collects what the next tick carries, and turns arrays into requests and answers into arrays.

    The streams of both clients are made of it.

    Attributes:
        info: The bundle that plays: its name, digest, behaviour and styles.
        lease: For `play(resume=...)`, should this stream break off. A secret.
        grace_s: Seconds the bots then wait.
        resumed: Bots that were taken back.
        late: Whether the last tick's actions are fallbacks.
        saved: The memory of the bots that the last tick saved, by bot.
    """

    info: ServedInfo
    lease: str
    grace_s: float
    resumed: list[int]

    def __init__(self) -> None:
        self.late = Late.NO
        self.saved: dict[int, bytes] = {}
        self._living: set[int] = set()
        self._births: dict[int, pb.Spawn] = {}
        self._restyles: dict[int, pb.Restyle] = {}
        self._despawns: set[int] = set()
        self._tick = 0
        self._in_flight: deque[tuple[int, int]] = deque()

    def spawn(
        self,
        bot: int,
        seed: int = 0,
        style: Style | None = None,
        state: bytes = b"",
        record: Mapping[str, str] | None = None,
    ) -> None:
        """Start `bot` afresh with the next tick.

        Args:
            bot: The caller's own number, below 2**32.
            seed: Of its noise stream, below 2**64.
            style: One of the bundle's names, or the numbers; its default if None.
            state: As `saved` gave it: the bot goes on where it stopped, with the seed and style it had.
            record: Makes the server write what it sees and does as a recording: `player`, and where known `game`,
                `build` and `map`.

        Raises:
            ServingError: If a number is out of range.
        """
        if not 0 <= bot < 2**32 or not 0 <= seed < 2**64:
            raise ServingError(f"Bot {bot} with seed {seed}: a bot's number is below 2**32, its seed below 2**64.")
        recorded = None if record is None else pb.Record(**record)
        self._births[bot] = pb.Spawn(bot=bot, seed=seed, style=_style(style), state=state, record=recorded)

    def despawn(self, bot: int) -> None:
        """End `bot` with the next tick; raises `ServingError` if it does not live."""
        self._require_living(bot, "despawned")
        self._births.pop(bot, None)
        self._restyles.pop(bot, None)
        if bot in self._living:
            self._despawns.add(bot)

    def restyle(self, bot: int, style: Style | None) -> None:
        """Let `bot` play in another style from the next tick on; raises `ServingError` if it does not live."""
        self._require_living(bot, "restyled")
        self._restyles[bot] = pb.Restyle(bot=bot, style=_style(style))

    @property
    def num_in_flight(self) -> int:
        """Requests that were not answered yet."""
        return len(self._in_flight)

    def _opened(self, opened: pb.Opened) -> None:
        self.info = ServedInfo(opened.bundle)
        self.lease, self.grace_s, self.resumed = opened.lease, opened.grace_s, list(opened.bots)
        self._living = set(opened.bots)
        self._codec = Codec(self.info.behavior)
        self._names = self.info.behavior.action_names

    def _request(
        self,
        bots: Sequence[int],
        observations: Mapping[str, np.ndarray],
        save: Sequence[int] = (),
        played: Mapping[int, Action] | None = None,
    ) -> pb.PlayRequest:
        self.info.behavior.check_observation(observations, rows=len(bots))
        sensors = self._codec.encode_sensors(observations)
        tick = pb.Tick(tick=self._tick, bots=bots, sensors=sensors, save=save, under_way=len(self._in_flight))
        if played:
            self._add_played(tick, played)  # May be refused, and then the changes wait for the next tick.
        if self._births or self._despawns or self._restyles:
            self._add_changes(tick)
        self._in_flight.append((self._tick, len(bots)))
        self._tick += 1
        return pb.PlayRequest(tick=tick)

    def _actions(self, response: pb.PlayResponse) -> dict[str, np.ndarray]:
        """Return the actions that answer the oldest request in flight, by part name."""
        (tick, rows), answer = self._in_flight.popleft(), response.actions
        if answer.tick != tick:
            raise ServingError(f"The server answered tick {answer.tick}, expected {tick}; start a new stream.")
        self.late = Late(answer.late)
        self.saved = {each.bot: each.state for each in answer.saved}
        return self._codec.decode_actions(answer.parts, rows)

    def _add_changes(self, tick: pb.Tick) -> None:
        tick.despawn.extend(sorted(self._despawns))
        tick.spawn.extend(self._births.values())
        tick.restyle.extend(self._restyles.values())
        self._living = (self._living - self._despawns) | self._births.keys()
        self._births, self._despawns, self._restyles = {}, set(), {}

    def _add_played(self, tick: pb.Tick, played: Mapping[int, Action]) -> None:
        parts = [np.stack([_part(each, field) for each in played.values()]) for field in self._codec.parts]
        tick.played.bots.extend(played)
        tick.played.parts.extend(self._codec.encode_actions(parts))

    def _require_living(self, bot: int, what: str) -> None:
        lives = bot in self._living and bot not in self._despawns
        if not lives and bot not in self._births:
            raise ServingError(f"Bot {bot} cannot be {what}: no bot {bot} lives in this stream.")


def _part(action: Action, field: Field) -> np.ndarray:
    if field.name not in action:
        raise ObservationError(f"{field.what} is missing; found {', '.join(sorted(action)) or 'none'}.")
    values = np.asarray(action[field.name]).astype(field.dtype)
    check_array(field.what, values, field.shape, field.dtype)
    return values


def _style(style: Style | None) -> pb.Style:
    if style is None:
        return pb.Style()
    return pb.Style(name=style) if isinstance(style, str) else pb.Style(vector=np.asarray(style, np.float32).ravel())
