"""Writes OWAMcap files as the recorder of open-world-agents does, of its versions, and the video beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
from mcap.writer import CompressionType, Writer

START = 1_751_017_792_000_000_000
MS = 1_000_000
TOPICS = {
    "KeyboardEvent": "keyboard", "KeyboardState": "keyboard/state", "MouseEvent": "mouse", "MouseState": "mouse/state",
    "RawMouseEvent": "mouse/raw", "ScreenCaptured": "screen", "WindowInfo": "window",
}  # fmt: skip

Message = tuple[int, str, dict[str, Any]]


def write_mcap(
    path: Path,
    messages: Iterable[Message],
    *,
    compression: CompressionType = CompressionType.ZSTD,
    prefix: str = "desktop/",
    profile: str = "owa",
    chunk_size: int = 4096,
    finish: bool = True,
) -> Path:
    """Write messages of (milliseconds after the start, name of the schema, content)."""
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=chunk_size, compression=compression)
        writer.start(profile=profile, library="mcap-owa-support 0.6.6; mcap 1.6.0")
        writer.add_metadata("pointer_ballistics_config", {"MouseSpeed": "1"})
        channels: dict[str, int] = {}
        for ms, name, content in messages:
            if name not in channels:
                schema = writer.register_schema(prefix + name, "jsonschema", b'{"type":"object"}')
                channels[name] = writer.register_channel(TOPICS.get(name, name), "json", schema)
            time = START + round(ms * MS)
            data = content if isinstance(content, bytes) else json.dumps(content, separators=(",", ":")).encode()
            writer.add_message(channels[name], time, data, time)
        if finish:
            writer.finish()
    return path


def key(ms: float, vk: int, *, down: bool = True) -> Message:
    """A key goes down or up."""
    return (
        ms,
        "KeyboardEvent",
        {"event_type": "press" if down else "release", "vk": vk, "timestamp": START + round(ms * MS)},
    )  # type: ignore[return-value]


def move(ms: float, x: int, y: int) -> Message:
    """The cursor is somewhere."""
    return ms, "MouseEvent", {"event_type": "move", "x": x, "y": y}  # type: ignore[return-value]


def click(ms: float, button: str, *, down: bool = True) -> Message:
    """A mouse button goes down or up."""
    return ms, "MouseEvent", {"event_type": "click", "x": 5, "y": 5, "button": button, "pressed": down}  # type: ignore[return-value]


def raw(ms: float, dx: int, dy: int, **flags: int) -> Message:
    """The device moved."""
    content = {"last_x": dx, "last_y": dy, "us_flags": 0, "button_flags": 0, "button_data": 0, **flags}
    return ms, "RawMouseEvent", content  # type: ignore[return-value]


def screen(ms: float, uri: str = "log.mkv", pts_ms: float | None = None) -> Message:
    """A picture was captured."""
    media = {"uri": uri, "pts_ns": round((ms if pts_ms is None else pts_ms) * MS)}
    return ms, "ScreenCaptured", {"utc_ns": START + round(ms * MS), "shape": [64, 48], "media_ref": media}  # type: ignore[return-value]


def session(seconds: float = 3.0, *, pictures: bool = False) -> list[Message]:
    """A bit of play: W held now and then, the mouse moving, a click each second, states each second."""
    messages: list[Message] = [(0, "WindowInfo", {"title": "Diary of Ann", "rect": [0, 0, 64, 48], "hWnd": 1})]
    held: set[int] = set()
    for ms in range(0, int(seconds * 1000), 10):
        if ms % 1000 == 0:
            messages.append((ms, "KeyboardState", {"buttons": sorted(held)}))
            messages.append((ms, "MouseState", {"x": ms // 10, "y": 7, "buttons": []}))
            messages += [click(ms + 1, "left"), click(ms + 3, "left", down=False)]
        messages.append(move(ms + 4, ms // 10, 7))
        messages.append(raw(ms + 4, 1, 0))
        if ms % 400 in (100, 300):
            messages.append(key(ms + 5, 0x57, down=ms % 400 == 100))
            held ^= {0x57}
        if pictures and ms % 50 == 0:
            messages.append(screen(ms + 6, pts_ms=ms))
    return messages


def write_video(path: Path, seconds: float = 3.0, rate: int = 20) -> Path:
    """Write a video whose frame k is grey of brightness 40 + k, 64 × 48."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.bit_rate = 4_000_000
        for index in range(int(seconds * rate)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 + index, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def sample_log(folder: Path, seed: int) -> Path:
    """Write a small session drawn from a seed, with a video at every other one."""
    compression = list(CompressionType)[seed % len(CompressionType)]
    if seed % 2:
        write_video(folder / "log.mkv", seconds=1)
    return write_mcap(
        folder / "log.mcap", session(0.8, pictures=bool(seed % 2)), compression=compression, chunk_size=1024
    )
