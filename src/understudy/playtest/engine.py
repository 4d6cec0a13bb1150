"""A game in an engine of its own, which connects as to a server of bots: `understudy/Engine-v0`.

Any engine that plays with our server, by the C library or a binding, can be tested as it is: the playtest stands in the
server's place, and each persona decides for the engine's one bot. In a spec:

    game:
      id: understudy/Engine-v0
      import: understudy.playtest.engine
      args:
        behavior: game.behavior.json     # the spec that the engine opens its stream with
        command: [./game, --headless, --server, "{address}", --seed, "{seed}"]

The engine is started for each run, so that a seed gives the same game and a finding replays. Without a command somebody
else starts it, to connect to `address`, once for each run; `--workers` is then 1. Its sensors with few numbers count as
what the game says of itself: one named `position` is where the player is.
"""

from __future__ import annotations

import json
import queue
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import gymnasium
import numpy as np

from understudy.errors import GameError, UnderstudyError
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.codec import Codec
from understudy.serving.opening import parse_spec
from understudy.spec import Action, BehaviorSpec, Observation

_POLL_S = 0.1
_GOODBYE_S = 1.0
_OVER = object()


class EngineEnv(gymnasium.Env):
    """The engine's game.

    Args:
        behavior: The file of its `BehaviorSpec`, JSON.
        command: Starts it; `{address}` and `{seed}` are filled in.
        address: Where to wait for it, `host:port`; port 0 is a free one, which needs a command.

    Raises:
        GameError: If the file is no spec, or the port cannot be had.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, behavior: str, command: Sequence[str] = (), address: str = "127.0.0.1:0") -> None:
        self.behavior = _read_behavior(Path(behavior))
        self.observation_space, self.action_space = self.behavior.observation_space, self.behavior.action_space
        self._command = list(command)
        self._desk = _Desk(self.behavior)
        self._engine: subprocess.Popen[bytes] | None = None
        self._seen: Observation = {}
        self._server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
        pb_grpc.add_UnderstudyServicer_to_server(self._desk, self._server)  # type: ignore[no-untyped-call]
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise GameError(f"No engine can connect to {address} ({error}); name another port.") from error
        self.address = f"{address.rpartition(':')[0]}:{port}"
        self._server.start()

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Observation, dict[str, Any]]:
        """Start the engine and wait for what its bot sees first."""
        super().reset(seed=seed, options=options)
        self._end_engine()
        self._desk.begin(seed or 0)
        if self._command:
            filled = [each.replace("{address}", self.address).replace("{seed}", str(seed)) for each in self._command]
            self._engine = subprocess.Popen(filled, stdin=subprocess.DEVNULL)
        if not self._wait():
            raise RuntimeError("The engine ended its stream before its bot saw anything.")
        return self._seen, dict(self._seen)

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Answer the engine, and wait for what its bot sees next; the episode is over with the bot or the stream."""
        self._desk.actions.put(action)
        going_on = self._wait()
        return self._seen, 0.0, not going_on, False, dict(self._seen)

    def close(self) -> None:
        """End the engine and stop listening."""
        self._end_engine()
        self._server.stop(0)

    def _wait(self) -> bool:
        while True:
            try:
                seen = self._desk.seen.get(timeout=_POLL_S)
            except queue.Empty:
                if self._engine is None or self._engine.poll() is None:
                    continue
                seen = _OVER
            if isinstance(seen, UnderstudyError):
                raise GameError(f"The engine was refused. {seen}") from seen
            if seen is _OVER:
                self._require_sound_end()
                return False
            self._seen = seen
            return True

    def _require_sound_end(self) -> None:
        """An engine that crashed ends its stream too."""
        deadline = time.monotonic() + _GOODBYE_S
        while self._engine and self._engine.poll() is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if self._engine and self._engine.returncode:
            code = self._engine.returncode
            raise RuntimeError(f"The engine {'was killed by signal' if code < 0 else 'left with status'} {abs(code)}.")

    def _end_engine(self) -> None:
        self._desk.end()
        if self._engine is not None:
            self._engine.kill()
            self._engine.wait()
            self._engine = None


class _Desk(pb_grpc.UnderstudyServicer):
    """Where the engine's ticks arrive, in gRPC's threads: one stream, one bot."""

    def __init__(self, behavior: BehaviorSpec) -> None:
        self.behavior = behavior
        self.seen: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.actions: queue.SimpleQueue[Action | None] = queue.SimpleQueue()
        self._codec = Codec(behavior)
        self._seed = 0

    def begin(self, seed: int) -> None:
        """Forget the last episode."""
        self.seen, self.actions, self._seed = queue.SimpleQueue(), queue.SimpleQueue(), seed

    def end(self) -> None:
        """Let go of an engine that waits for an answer."""
        self.actions.put(None)

    def Play(  # noqa: N802, gRPC calls it so
        self, requests: Iterator[pb.PlayRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.PlayResponse]:
        """Answer one stream."""
        seen, actions = self.seen, self.actions
        try:
            yield self._opened(next(requests))
            for request in requests:
                answer = self._decided(request.tick, seen, actions)
                if answer is None:
                    return
                yield answer
        except UnderstudyError as error:
            seen.put(error)
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        finally:
            seen.put(_OVER)

    def _opened(self, request: pb.PlayRequest) -> pb.PlayResponse:
        offered = parse_spec(request.open.spec_json)
        self.behavior.require_from(offered, expected="the playtest's behavior file", where="the engine")
        seed = json.dumps({"seed": self._seed})
        bundle = pb.Bundle(name="playtest", spec_json=self.behavior.to_json(), provenance_json=seed)
        return pb.PlayResponse(opened=pb.Opened(bundle=bundle))

    def _decided(
        self, tick: pb.Tick, seen: queue.SimpleQueue[Any], actions: queue.SimpleQueue[Action | None]
    ) -> pb.PlayResponse | None:
        if len(tick.bots) > 1:
            raise GameError(f"The engine asks for {len(tick.bots)} bots in one tick; a playtest plays one.")
        if tick.despawn:
            seen.put(_OVER)
        if not tick.bots:
            return pb.PlayResponse(actions=pb.Actions(tick=tick.tick, parts=[b"" for _ in self._codec.parts]))
        arrays = self._codec.decode_sensors(tick.sensors, 1)
        seen.put({name: np.array(array[0]) for name, array in zip(self.behavior.sensor_names, arrays, strict=True)})
        action = actions.get()
        if action is None:
            return None
        rows = [np.asarray(action[part.name], part.dtype)[None] for part in self.behavior.actions]
        return pb.PlayResponse(actions=pb.Actions(tick=tick.tick, parts=self._codec.encode_actions(rows)))


def _read_behavior(path: Path) -> BehaviorSpec:
    try:
        return parse_spec(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GameError(
            f"{path} cannot be read ({error.strerror}); write the engine's BehaviorSpec there, as JSON."
        ) from error


gymnasium.register("understudy/Engine-v0", entry_point="understudy.playtest.engine:EngineEnv", order_enforce=False)
