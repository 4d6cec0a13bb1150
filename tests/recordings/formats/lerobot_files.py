"""LeRobot data sets as other programs write them: version 3 and 2, video and pictures, with their quirks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HEIGHT, WIDTH, FPS = 24, 32, 10
TASK = "put the cube in the box"
CAMERA = "observation.images.top"
_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@dataclass(frozen=True)
class Foreign:
    """A data set to be written.

    Attributes:
        version: `"v3.0"`, `"v2.1"` or `"v2.0"`.
        lengths: Steps of each episode.
        pictures: `"video"`, `"image"` or none of either.
        codec: Of videos.
        changes: Features to add or replace in `info.json`, by key; None takes one out.
        columns: Columns to add or replace, by key: a value for all steps of the data set.
        late_s: Added to the time stamp of every step but an episode's first.
        template: Changes to `info.json` itself.
    """

    version: str = "v3.0"
    lengths: tuple[int, ...] = (12, 17)
    pictures: str = "video"
    codec: str = "libx264"
    changes: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    late_s: float = 0.0
    template: dict[str, Any] = field(default_factory=dict)

    def but(self, **changes: Any) -> Foreign:
        """The same with some things otherwise."""
        return replace(self, **changes)

    @property
    def features(self) -> dict[str, Any]:
        """The `features` of `info.json`."""
        found = {
            "observation.state": _numbers("float32", 4, {"motors": ["waist", "shoulder", "elbow", "grip"]}),
            "action": _numbers("float32", 2, ["x", "y"]),
            "next.reward": _numbers("float32", 1),
            "next.done": _numbers("bool", 1),
            "timestamp": _numbers("float32", 1),
            **{key: _numbers("int64", 1) for key in ("frame_index", "episode_index", "index", "task_index")},
        }
        if self.pictures in ("video", "image"):
            found[CAMERA] = {
                "dtype": self.pictures,
                "shape": [3, HEIGHT, WIDTH],
                "names": ["channels", "height", "width"],
            }
        found |= self.changes
        return {key: form for key, form in found.items() if form is not None}

    @property
    def starts(self) -> list[int]:
        """The first step of each episode."""
        return [sum(self.lengths[:index]) for index in range(len(self.lengths))]


def _numbers(dtype: str, width: int, names: Any = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [width], "names": names}


def picture(step: int) -> np.ndarray:
    """The picture of a step of the data set: a bar that moves, uint8, shape (24, 32, 3)."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [np.sin(rows * 0.1 + columns * 0.1 + 0.4 * step + channel) for channel in range(3)]
    return (127.5 + 90 * np.stack(waves, -1)).astype(np.uint8)


def state(step: int) -> np.ndarray:
    """The state of a step."""
    return np.float32([step, step / 2, -step, 1.5])


def action(step: int) -> np.ndarray:
    """The action of a step."""
    return np.float32([np.sin(step), 3.0])


def write_dataset(root: Path, foreign: Foreign) -> Path:
    """Write a data set and return its folder."""
    (root / "meta").mkdir(parents=True)
    _write_info(root, foreign)
    (_write_v3 if foreign.version.startswith("v3") else _write_v2)(root, foreign)
    return root


def _write_info(root: Path, foreign: Foreign) -> None:
    three = foreign.version.startswith("v3")
    place = "chunk-{chunk_index:03d}/file-{file_index:03d}"
    old = "chunk-{episode_chunk:03d}"
    form = {
        "codebase_version": foreign.version,
        "robot_type": "arm",
        "total_episodes": len(foreign.lengths),
        "total_frames": sum(foreign.lengths),
        "total_tasks": 1,
        "chunks_size": 1000,
        "fps": FPS,
        "splits": {"train": f"0:{len(foreign.lengths)}"},
        "data_path": f"data/{place}.parquet" if three else f"data/{old}/episode_{{episode_index:06d}}.parquet",
        "video_path": f"videos/{{video_key}}/{place}.mp4"
        if three
        else f"videos/{old}/{{video_key}}/episode_{{episode_index:06d}}.mp4",
        "features": foreign.features,
    }
    (root / "meta/info.json").write_text(json.dumps({**form, **foreign.template}, indent=4))


def _write_v3(root: Path, foreign: Foreign) -> None:
    _write_table(root / "data/chunk-000/file-000.parquet", foreign, range(len(foreign.lengths)))
    rows = []
    for index, (start, length) in enumerate(zip(foreign.starts, foreign.lengths, strict=True)):
        row = {"episode_index": index, "tasks": [TASK], "length": length, "stats/action/min": [0.0, 0.0]}
        row |= {"data/chunk_index": 0, "data/file_index": 0}
        row |= {"dataset_from_index": start, "dataset_to_index": start + length}
        if foreign.pictures == "video":
            row |= {f"videos/{CAMERA}/chunk_index": 0, f"videos/{CAMERA}/file_index": 0}
            row |= {
                f"videos/{CAMERA}/{end}_timestamp": at / FPS for end, at in (("from", start), ("to", start + length))
            }
        rows.append(row)
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    pq.write_table(pa.table({"task_index": [0], "__index_level_0__": [TASK]}), root / "meta/tasks.parquet")
    if foreign.pictures == "video":
        write_video(root / f"videos/{CAMERA}/chunk-000/file-000.mp4", range(sum(foreign.lengths)), foreign.codec)


def _write_v2(root: Path, foreign: Foreign) -> None:
    lines = [
        {"episode_index": index, "tasks": [TASK], "length": length} for index, length in enumerate(foreign.lengths)
    ]
    (root / "meta/episodes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (root / "meta/tasks.jsonl").write_text(json.dumps({"task_index": 0, "task": TASK}) + "\n")
    for index, (start, length) in enumerate(zip(foreign.starts, foreign.lengths, strict=True)):
        _write_table(root / f"data/chunk-000/episode_{index:06d}.parquet", foreign, [index])
        if foreign.pictures == "video":
            path = root / f"videos/chunk-000/{CAMERA}/episode_{index:06d}.mp4"
            write_video(path, range(start, start + length), foreign.codec)


def _write_table(path: Path, foreign: Foreign, episodes: Sequence[int]) -> None:
    """One table of the steps of some episodes, in one row group, as pandas and LeRobot's converter write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    places = [(index, frame) for index in episodes for frame in range(foreign.lengths[index])]
    steps = [foreign.starts[index] + frame for index, frame in places]
    times = [frame / FPS + (foreign.late_s if frame else 0) for _, frame in places]
    columns = {
        # Older writers use lists of any length, not of a fixed one.
        "observation.state": pa.array([state(step).tolist() for step in steps], pa.list_(pa.float32())),
        "action": pa.array([action(step).tolist() for step in steps], pa.list_(pa.float32())),
        "next.reward": pa.array([float(step) for step in steps], pa.float32()),
        "next.done": pa.array([frame == foreign.lengths[index] - 1 for index, frame in places]),
        "timestamp": pa.array(times, pa.float32()),
        "frame_index": pa.array([frame for _, frame in places], pa.int64()),
        "episode_index": pa.array([index for index, _ in places], pa.int64()),
        "index": pa.array(steps, pa.int64()),
        "task_index": pa.array([0] * len(steps), pa.int64()),
    }
    if foreign.pictures == "image":
        columns[CAMERA] = pa.array([{"bytes": png(picture(step)), "path": None} for step in steps], _PICTURE)
    for key, value in foreign.columns.items():
        columns[key] = value if isinstance(value, (pa.Array, pa.ChunkedArray)) else pa.array([value] * len(steps))
    pq.write_table(pa.table({key: each for key, each in columns.items() if key in foreign.features}), path)


def png(frame: np.ndarray) -> bytes:
    """Encode a picture."""
    return cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1].tobytes()


def write_video(path: Path, steps: Sequence[int], codec: str) -> None:
    """Encode the pictures of steps, with a key frame at every second one, as LeRobot does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS, options={"crf": "18", "g": "2"})
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        for step in steps:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(step), format="rgb24")))
        container.mux(stream.encode(None))
