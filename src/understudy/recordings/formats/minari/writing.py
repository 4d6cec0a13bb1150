"""How one episode goes into Minari's HDF5 file or Arrow folder, a slice at a time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from gymnasium import spaces

from understudy.errors import require
from understudy.recordings.formats import hdf5
from understudy.recordings.formats.stored import provenance_text
from understudy.recordings.reader import Episode
from understudy.spec import ActionSpec, SensorSpec

_ROWS = 256


def _slices(episode: Episode) -> Iterator[slice]:
    for start in range(0, episode.num_steps, _ROWS):
        yield slice(start, min(start + _ROWS, episode.num_steps))


def _final(episode: Episode, name: str) -> tuple[np.ndarray, bool]:
    """The last observation, which Minari needs, and whether it is one: if it is unknown, the one before stands in."""
    final = episode.final_observation()
    if final is not None:
        return final[name], True
    return episode.observation(name, slice(episode.num_steps - 1, None))[0], False


def _flags(episode: Episode) -> dict[str, np.ndarray]:
    last = np.arange(episode.num_steps) == episode.num_steps - 1
    return {"terminations": last & episode.terminated, "truncations": last & episode.truncated}


def _rewards(episode: Episode, unknown: float) -> np.ndarray:
    rewards = episode.reward
    return np.where(np.isnan(rewards), np.float32(unknown), rewards)


def _own(episode: Episode) -> dict[str, Any]:
    """Our own columns, as long as the observations; Minari leaves alone what it does not know."""
    ticks, times = episode.tick, episode.time_ns
    return {
        "tick": np.append(ticks, ticks[-1] + 1),
        "time_ns": np.append(times, times[-1]),
        "events": [json.dumps(words) for words in [*episode.events, []]],
        "final": np.append(np.zeros(len(ticks), bool), episode.final_observation() is not None),
    }


def _place(root: str, spec: SensorSpec | ActionSpec, count: int) -> str:
    return root if count == 1 else f"{root}/{spec.name}"


def write_hdf5(file: Any, number: int, episode: Episode, unknown_reward: float) -> None:
    """Write an episode as the group `episode_<number>`."""
    h5py = require("h5py", "logs")
    group = file.create_group(f"episode_{number}")
    group.attrs.update({"id": number, "total_steps": episode.num_steps})
    if episode.provenance.seed is not None and 0 <= episode.provenance.seed < 1 << 63:
        group.attrs["seed"] = episode.provenance.seed
    group.attrs["understudy"] = provenance_text(episode.provenance)
    _write_columns(group, episode)
    group.create_dataset("rewards", data=_rewards(episode, unknown_reward))
    for name, flags in _flags(episode).items():
        group.create_dataset(name, data=flags)
    for name, values in _own(episode).items():
        kind = h5py.string_dtype("utf-8") if name == "events" else None
        group.create_dataset(f"understudy/{name}", data=values, dtype=kind)


def _write_columns(group: Any, episode: Episode) -> None:
    behavior, steps = episode.behavior, episode.num_steps
    for sensor in behavior.sensors:
        place = _place("observations", sensor, len(behavior.sensors))
        data = hdf5.write_rows(group, place, tuple(sensor.space.shape), sensor.space.dtype, steps + 1)
        for rows in _slices(episode):
            data[rows] = episode.observation(sensor.name, rows)
        data[steps] = _final(episode, sensor.name)[0]
    for part in behavior.actions:
        place = _place("actions", part, len(behavior.actions))
        data = hdf5.write_rows(group, place, part.shape, part.dtype, steps)
        for rows in _slices(episode):
            data[rows] = episode.action(part.name, rows)


def write_arrow(folder: Path, number: int, episode: Episode, unknown_reward: float) -> None:
    """Write an episode as the folder `<number>`: one record batch, for Minari reads no more."""
    home = folder / str(number)
    home.mkdir()
    batch = pa.RecordBatch.from_pydict(_arrow_columns(episode, unknown_reward))
    with pa.OSFile(str(home / "part-0.arrow"), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    seed = episode.provenance.seed
    metadata = {"id": number, "total_steps": episode.num_steps, "understudy": provenance_text(episode.provenance)}
    (home / "metadata.json").write_text(json.dumps(metadata if seed is None else {**metadata, "seed": seed}))


def _arrow_columns(episode: Episode, unknown_reward: float) -> dict[str, pa.Array]:
    behavior = episode.behavior
    seen = [
        _arrow(each.space, np.append(episode.observation(each.name), _final(episode, each.name)[0][None], 0))
        for each in behavior.sensors
    ]
    done = [_arrow(each.space, _padded(episode.action(each.name))) for each in behavior.actions]
    own = _own(episode)
    return {
        "observations": _nested(seen, behavior.sensor_names),
        "actions": _nested(done, behavior.action_names),
        "rewards": pa.array(_padded(_rewards(episode, unknown_reward))),
        **{name: pa.array(_padded(flags)) for name, flags in _flags(episode).items()},
        "understudy": pa.StructArray.from_arrays([pa.array(each) for each in own.values()], names=list(own)),
    }


def _padded(values: np.ndarray) -> np.ndarray:
    """Minari's Arrow columns are all as long as the observations."""
    return np.append(values, np.zeros_like(values[:1]), 0)


def _nested(arrays: list[pa.Array], names: tuple[str, ...]) -> pa.Array:
    return arrays[0] if len(arrays) == 1 else pa.StructArray.from_arrays(arrays, names=list(names))


def _arrow(space: spaces.Space, values: np.ndarray) -> pa.Array:
    flat = pa.array(values.reshape(-1))
    if isinstance(space, spaces.Discrete):
        return flat
    return pa.FixedSizeListArray.from_arrays(flat, math.prod(space.shape or ()))
