"""What the surgery tests share: applying operations, and comparing what two recordings hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from understudy.recordings import Episode, open_recordings
from understudy.recordings.surgery import Operation, Plan, apply_plan


def operate(logs: Path, out: Path, *operations: Operation) -> dict[str, Episode]:
    """Apply operations and return what came of it by name, in order."""
    paths = apply_plan(Plan(operations=operations), open_recordings(logs), out)
    return {episode.name: episode for episode in map(Episode, paths)}


def content(episode: Episode) -> dict[str, Any]:
    """Everything a recording holds but its provenance, as plain arrays and lists."""
    behavior = episode.behavior
    columns: dict[str, Any] = {f"observation.{name}": episode.observation(name) for name in behavior.sensor_names}
    columns |= {f"action.{name}": episode.action(name) for name in behavior.action_names}
    columns |= {f"extra.{name}": episode.extra(name) for name in episode.layout.extras}
    columns |= {"reward": episode.reward, "tick": episode.tick, "time_ns": episode.time_ns}
    columns |= {f"final.{name}": value for name, value in (episode.final_observation() or {}).items()}
    return columns | {"events": episode.events, "ended": (episode.terminated, episode.truncated, episode.complete)}


def assert_equal(found: Episode, expected: Episode) -> None:
    """Assert that two recordings are of one behaviour and hold the same, to the bit."""
    assert found.behavior == expected.behavior
    left, right = content(found), content(expected)
    assert left.keys() == right.keys()
    for key, value in right.items():
        np.testing.assert_array_equal(left[key], value, err_msg=key) if isinstance(value, np.ndarray) else _assert_same(
            key, left[key], value
        )


def _assert_same(key: str, found: object, expected: object) -> None:
    assert found == expected, key


def operations_in(episode: Episode) -> list[str]:
    """The names of what was done, from a recording's history."""
    history: Any = episode.provenance.notes.get("history", [])
    return [line["operation"]["op"] for line in history]
