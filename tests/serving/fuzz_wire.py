"""Coverage-guided fuzzing, with atheris, of what the server reads from strangers.

python fuzz_wire.py -max_total_time=60

Whatever bytes come, each reader gives a value or an `UnderstudyError`; all else ends the run and is kept as a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris
from google.protobuf.message import DecodeError

with atheris.instrument_imports(include=["understudy"]):
    from arena import make_bundle

    from understudy.errors import UnderstudyError
    from understudy.serving import understudy_pb2 as pb
    from understudy.serving.dialects.godot_rl.frames import parse_json
    from understudy.serving.dialects.godot_rl.info import parse_env_info
    from understudy.serving.dialects.mlagents.pictures import decode_pictures
    from understudy.serving.opening import parse_spec
    from understudy.serving.play import change
    from understudy.serving.recorder import Recorder
    from understudy.serving.registry import Limits, Registry
    from understudy.serving.saved import SavedBot

_TICKS_A_SESSION = 200


class Ticks:
    """Plays ticks in a session, and starts another one now and then."""

    def __init__(self, folder: Path) -> None:
        self._registry = Registry([make_bundle(folder / "rusher")], Limits(max_bots=50))
        self._loop = asyncio.new_event_loop()
        self._num = 0

    def __call__(self, data: bytes) -> None:
        """Do all that a tick asks for."""
        if self._num % _TICKS_A_SESSION == 0:
            self._session = self._registry.open("rusher")
            self._recorder = Recorder(Path(tempfile.gettempdir()), self._session.codec)
        self._num += 1
        self._loop.run_until_complete(self._play(pb.Tick.FromString(data)))

    async def _play(self, tick: pb.Tick) -> None:
        sensors = self._session.codec.decode_sensors(tick.sensors, len(tick.bots))
        self._recorder.decode_played(tick)
        change(self._session, tick)
        await self._session.decide(list(tick.bots), sensors, list(tick.save))


def _dict(value: Any) -> dict[str, Any]:
    """Messages of a game are dicts: anything else is refused before it comes so far."""
    return value if isinstance(value, dict) else {}


def main() -> None:
    """Run until told to stop."""
    logging.disable(logging.CRITICAL)
    readers: list[Callable[[bytes], object]] = [
        lambda data: SavedBot.from_bytes(data, 8, 0),
        lambda data: parse_spec(data.decode(errors="ignore")),
        lambda data: parse_env_info(_dict(parse_json(data)), 64),
        lambda data: decode_pictures(data, (4, 4, 3), []),
        Ticks(Path(tempfile.mkdtemp())),
    ]

    def read(data: bytes) -> None:
        if data:
            with contextlib.suppress(UnderstudyError, DecodeError):
                readers[data[0] % len(readers)](data[1:])

    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
