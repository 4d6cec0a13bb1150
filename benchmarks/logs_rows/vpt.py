"""Import of VPT-format video against bare PyAV decoding and resizing of the same file, and its memory with length."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from _table import Row, interleaved

from understudy.recordings.formats import ImportOptions, import_logs
from understudy.recordings.formats.vpt import VptImporter
from understudy.recordings.formats.vpt.importer import VptSettings
from understudy.recordings.video import VideoWriter

FRAMES = 2400
LONGER = 4
REPEATS = 5
HEIGHT, WIDTH, SIDE = 360, 640, 128
STEM = "player-02e496ce4abb-20220421-092639"

_MEMORY = """
import resource, sys
from pathlib import Path
from understudy.recordings.formats import import_logs
import_logs([Path(sys.argv[1])], Path(sys.argv[2]), format_name="vpt")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def rows() -> list[Row]:
    """Measure both promises on a log like the contractors': 640 × 360 at 20 Hz, lines of 3 kB, a GUI now and then."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = write_log(folder / "short", FRAMES)
        bare_s, import_s = interleaved(lambda: decode_and_resize(log), lambda: import_all(log, folder / "out"), REPEATS)
        _, read_s = interleaved(lambda: decode_and_resize(log), lambda: read_all(log), REPEATS)
        share = cpu_s(lambda: decode_and_resize(log)) / cpu_s(lambda: import_all(log, folder / "out"))
        short, long = (peak_mb(each, folder) for each in (log, write_log(folder / "long", LONGER * FRAMES)))
    speeds = f"{FRAMES / bare_s:.0f} bare, {FRAMES / read_s:.0f} importer, {FRAMES / import_s:.0f} with the writer"
    note = f"{FRAMES} frames, {REPEATS} repeats in turn, threads AUTO on both sides; frames a second: {speeds}"
    note += f"; in processor time alone the ratio is {share:.2f}"
    memory = f"peak of the process: {short:.0f} MB for {FRAMES} frames, {long:.0f} MB for {LONGER * FRAMES}"
    return [
        Row("import of VPT video over bare PyAV decode and resize", bare_s / import_s, 0.8, note=note),
        Row("the same, without the recording's writer", bare_s / read_s, 0.8, note=note),
        Row("memory of an import, four times the length over once", long / short, 1.1, at_most=True, note=memory),
    ]


def decode_and_resize(log: Path) -> int:
    """What anyone would write: PyAV, RGB, bilinear."""
    count = 0
    with av.open(str(log.with_suffix(".mp4"))) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            cv2.resize(frame.to_ndarray(format="rgb24"), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
            count += 1
    return count


def cpu_s(work: Callable[[], object]) -> float:
    """The least processor time of all threads, in seconds: what a busy machine cannot stretch."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def import_all(log: Path, out: Path) -> None:
    """Import into an empty folder."""
    shutil.rmtree(out, ignore_errors=True)
    report = import_logs([log], out, format_name="vpt")
    if report.losses or report.steps != FRAMES:
        raise RuntimeError(f"The import lost something: {report.losses}")


def read_all(log: Path) -> int:
    """Read every row, and write none."""
    (episode,) = VptImporter().iter_episodes(log, ImportOptions(VptSettings()))
    return sum(len(each) for each in episode.rows)


def peak_mb(log: Path, folder: Path) -> float:
    """The peak memory of a process that imports a log, in MB."""
    command = [sys.executable, "-c", _MEMORY, str(log), str(folder / f"out-{log.parent.name}")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024


def write_log(folder: Path, num_frames: int) -> Path:
    """Write a log of a camera that wanders over a textured plain."""
    folder.mkdir()
    with VideoWriter(folder / f"{STEM}.mp4", HEIGHT, WIDTH, 20.0, crf=23) as writer:
        for picture in _pictures(num_frames):
            writer.write(picture)
    path = folder / f"{STEM}.jsonl"
    with path.open("w") as file:
        file.writelines(f"{json.dumps(_line(step))}\n" for step in range(num_frames))
    return path


def _pictures(num_frames: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    blocks = cv2.resize(rng.integers(0, 255, (90, 160, 3), dtype=np.uint8), (1600, 900), interpolation=cv2.INTER_CUBIC)
    world = cv2.add(blocks, rng.integers(0, 12, blocks.shape, dtype=np.uint8))
    for step in range(num_frames):
        x, y = int(400 + 300 * np.sin(step / 40)), int(250 + 200 * np.cos(step / 63))
        yield world[y : y + HEIGHT, x : x + WIDTH]


def _line(step: int) -> dict[str, object]:
    return {
        "mouse": {
            "x": 640.0,
            "y": 360.0,
            "dx": float(step % 7),
            "dy": 1.0,
            "scaledX": 0.0,
            "scaledY": 0.0,
            "dwheel": 0.0,
        }
        | {"buttons": [0] if step % 3 else [], "newButtons": []},
        "keyboard": {"keys": ["key.keyboard.w", "key.keyboard.left.control"], "newKeys": [], "chars": ""},
        "isGuiOpen": step % 100 > 90,
        "isGuiInventory": False,
        "hotbar": step // 50 % 9,
        **dict.fromkeys(("yaw", "pitch", "xpos", "ypos", "zpos"), 12.3456789 + step),
        "tick": step,
        "milli": 1650533199000 + 50 * step,
        "inventory": [{"type": f"item_{index}", "quantity": index} for index in range(36)],
        "serverTick": 6001 + step,
        "serverTickDurationMs": 36.3466,
        "stats": {f"minecraft.mined:minecraft.block_{index}": step * index for index in range(30)},
    }
