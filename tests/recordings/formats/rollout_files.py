"""Rollouts as imitation keeps them: an npz of its older versions, and the folder that Hugging Face `datasets` saves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa


def trajectory(seed: int, steps: int, kind: str = "vector") -> dict[str, Any]:
    """One trajectory: `vector` (numbers), `choice`, `choices` or `pixels` (channels first)."""
    rng = np.random.default_rng((seed, steps))
    seen = rng.normal(size=(steps + 1, 5)).astype(np.float32)
    done: np.ndarray = rng.uniform(-1, 1, (steps, 2)).astype(np.float32)
    if kind == "pixels":
        seen = rng.integers(0, 256, (steps + 1, 3, 8, 10)).astype(np.uint8)
    if kind in ("choice", "pixels"):
        done = rng.integers(0, 4, steps)
        done[0] = 3
    if kind == "choices":
        done = rng.integers(0, [2, 3], (steps, 2))
        done[0] = [1, 2]
    return {"obs": seen, "acts": done, "rews": rng.normal(size=steps), "terminal": seed % 2 == 0}


def arrays(trajectories: list[dict[str, Any]], *, rewards: bool = True) -> dict[str, np.ndarray]:
    """The arrays of the npz, `infos` of Python objects among them."""
    found = {
        "obs": np.concatenate([each["obs"] for each in trajectories]),
        "acts": np.concatenate([each["acts"] for each in trajectories]),
        "infos": np.array([{"step": step} for each in trajectories for step in range(len(each["acts"]))]),
        "terminal": np.array([each["terminal"] for each in trajectories]),
        "indices": np.cumsum([len(each["acts"]) for each in trajectories[:-1]]).astype(np.int64),
    }
    return {**found, "rews": np.concatenate([each["rews"] for each in trajectories])} if rewards else found


def write_npz(path: Path, trajectories: list[dict[str, Any]], *, compressed: bool = True, rewards: bool = True) -> Path:
    """Write an npz as imitation did before its version 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save = np.savez_compressed if compressed else np.savez
    save(path, **arrays(trajectories, rewards=rewards))  # type: ignore[arg-type]
    return path


def write_folder(folder: Path, trajectories: list[dict[str, Any]], *, files: int = 1) -> Path:
    """Write what `datasets.Dataset.save_to_disk` writes: Arrow streams, and two JSON files about them."""
    folder.mkdir(parents=True)
    names = [f"data-{index:05d}-of-{files:05d}.arrow" for index in range(files)]
    schema = None
    for index, name in enumerate(names):
        batch = pa.RecordBatch.from_pydict(_columns(trajectories[index::files]), schema=schema)
        schema = batch.schema
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            writer.write_batch(batch)
    features = {each.name: {"_type": "Value" if each.name == "terminal" else "List"} for each in schema or ()}
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0", "_split": None}
    (folder / "dataset_info.json").write_text(json.dumps({"citation": "", "features": features}))
    (folder / "state.json").write_text(json.dumps(state))
    return folder


def _columns(trajectories: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "obs": _rows([each["obs"] for each in trajectories]),
        "acts": _rows([each["acts"] for each in trajectories]),
        "infos": [['{"step": 0}'] * len(each["acts"]) for each in trajectories],
        "terminal": [each["terminal"] for each in trajectories],
        "rews": [list(each["rews"]) for each in trajectories],
    }


def _rows(values: list[np.ndarray]) -> pa.Array:
    """A list for each trajectory, of lists of lists as deep as its arrays are."""
    found = pa.array(np.concatenate(values).reshape(-1))
    for size in reversed(values[0].shape[1:]):
        found = pa.ListArray.from_arrays(pa.array(np.arange(0, len(found) + 1, size), pa.int32()), found)
    ends = np.cumsum([0, *(len(each) for each in values)])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), found)


def sample_log(folder: Path, seed: int) -> Path:
    """Write small rollouts, for the tests of all formats."""
    made = [trajectory(seed, 6), trajectory(seed + 1, 9)]
    return write_folder(folder / f"folder-{seed}", made) if seed % 2 else write_npz(folder / f"sample-{seed}.npz", made)
