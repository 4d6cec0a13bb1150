"""A format of our own making, as a user would write one: lines of JSON, several episodes in a file.

{"toylog": 1, "behavior": "walk", "hz": 10, "choices": 3}
{"episode": "first", "player": "ann"}
{"obs": [0.5, 1.5], "act": 2, "reward": 1.0}
{"end": "terminated"}
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from pydantic import Field

from understudy.errors import RecordingError
from understudy.recordings import Provenance, Recordings
from understudy.recordings.formats import (
    Ending,
    ExportOptions,
    ImportOptions,
    LogDescription,
    LogEpisode,
    Loss,
    Progress,
    Rows,
    Settings,
)
from understudy.recordings.formats.guards import head
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

Line = dict[str, Any]
_ROWS_AT_ONCE = 4


class ToySettings(Settings):
    """What the user may say of a toy log."""

    scale: float = Field(1.0, description="what every observation is multiplied with")


class ToyImporter:
    """Reads `.toylog` files."""

    name: ClassVar[str] = "toylog"
    title: ClassVar[str] = "Toy logs (.toylog)"
    Settings: ClassVar[type[Settings]] = ToySettings

    def sniff(self, path: Path) -> bool:
        """Whether it begins like a toy log."""
        return head(path, 10) == b'{"toylog":'

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:  # noqa: ARG002
        """Count its episodes; the picture beside it is part of it."""
        lines = [line for line in path.read_text("utf-8", "replace").splitlines() if line.startswith('{"episode"')]
        beside = [each for each in [path.with_suffix(".png")] if each.exists()]
        return LogDescription((path, *beside), len(lines))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield its episodes."""
        with path.open("rb") as file:
            behavior = _behavior(_parse(file.readline(), f"{path}: line 1"))
            lines = ((number, line) for number, line in enumerate(file, 2))
            for number, line in lines:
                begun = _parse(line, f"{path}: line {number}")
                losses: list[Loss] = []
                rows = _rows(lines, path, behavior, options, losses)
                provenance = Provenance("toy", player=str(begun.get("player", "")), source="toylog 1")
                yield LogEpisode(str(begun.get("episode", "")), behavior, provenance, rows, losses=losses)
                for _ in rows:  # what was left unread
                    pass


def _parse(line: bytes, where: str) -> Line:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{where} is not JSON.") from error
    if not isinstance(found, dict):
        raise RecordingError(f"{where} is no object.")
    return found


def _behavior(header: Line) -> BehaviorSpec:
    name, hz, choices = (header.get(key) for key in ("behavior", "hz", "choices"))
    if not (isinstance(name, str) and isinstance(hz, int | float) and isinstance(choices, int)):
        raise RecordingError("The header of a toy log needs a behavior, a rate (hz) and a number of choices.")
    if not (0 < hz < 1e6 and 0 < choices < 1000):
        raise RecordingError(f"A toy log of {hz} Hz with {choices} choices cannot be.")
    sensor = SensorSpec("obs", spaces.Box(-np.inf, np.inf, (2,), np.float32))
    return BehaviorSpec(name, (sensor,), (ActionSpec("act", spaces.Discrete(choices)),), hz)


def _rows(
    lines: Iterator[tuple[int, bytes]], path: Path, behavior: BehaviorSpec, options: ImportOptions, losses: list[Loss]
) -> Iterator[Rows]:
    steps: list[tuple[np.ndarray, int, float]] = []
    ending = Ending(truncated=True)
    for number, line in lines:
        try:
            found = _parse(line, f"{path}: line {number}")
            if "end" in found:
                ending = Ending(terminated=found["end"] == "terminated", truncated=found["end"] != "terminated")
                break
            steps.append(_step(found, behavior, options, f"{path}: line {number}"))
        except RecordingError as error:
            if not options.salvage:
                raise
            losses.append(Loss(f"{path.name}: line {number}", str(error).rstrip("."), 1))
            break
        if len(steps) == _ROWS_AT_ONCE:
            yield _columns(steps, None)
            steps = []
    else:
        losses.append(Loss(path.name, "it stops before its last episode ends"))
        if not options.salvage:
            raise RecordingError(f"{path} stops before its last episode ends.")
    yield _columns(steps, ending)


def _step(line: Line, behavior: BehaviorSpec, options: ImportOptions, where: str) -> tuple[np.ndarray, int, float]:
    obs, act, reward = line.get("obs"), line.get("act"), line.get("reward", float("nan"))
    try:
        seen = np.asarray(obs, np.float32) * np.float32(getattr(options.settings, "scale", 1.0))
        fits = seen.shape == (2,) and bool(np.isfinite(seen).all()) and isinstance(act, int)
        if fits and act in range(int(behavior.actions[0].space.n)):  # type: ignore[union-attr]
            return seen, act, float(reward)
    except (TypeError, ValueError, OverflowError):
        pass
    raise RecordingError(f"{where} is no step.")


def _columns(steps: Sequence[tuple[np.ndarray, int, float]], ending: Ending | None) -> Rows:
    seen, acts, rewards = zip(*steps, strict=True) if steps else ((), (), ())
    return Rows(
        {"obs": np.array(seen, np.float32).reshape(-1, 2)},
        {"act": np.array(acts, np.int64)},
        np.array(rewards, np.float32),
        ending=ending,
    )


class ToyExporter:
    """Writes `.toylog` files."""

    name: ClassVar[str] = "toylog"
    title: ClassVar[str] = ToyImporter.title
    Settings: ClassVar[type[Settings]] = Settings
    keeps: ClassVar[Mapping[str, str]] = {"observations": "exact", "actions": "exact", "rewards": "exact", "spec": "no"}

    def check(self, behavior: BehaviorSpec, options: ExportOptions) -> None:  # noqa: ARG002
        """Refuse all but one choice and two numbers."""
        if behavior.sensors[0].space.shape != (2,) or behavior.action_names != ("act",):
            raise RecordingError(f"A toy log cannot hold the behaviour '{behavior.name}'; it has one sensor of two.")

    def write(
        self,
        recordings: Recordings,
        out: Path,
        options: ExportOptions,  # noqa: ARG002
        progress: Progress,
    ) -> Sequence[Path]:
        """Write one file."""
        behavior = recordings.behavior
        choices = int(behavior.actions[0].space.n)  # type: ignore[union-attr]
        lines: list[Line] = [{"toylog": 1, "behavior": behavior.name, "hz": behavior.decision_hz, "choices": choices}]
        for done, episode in enumerate(recordings, 1):
            lines.append({"episode": episode.name, "player": episode.provenance.player})
            for seen, act, reward in zip(
                episode.observation("obs"), episode.action("act"), episode.reward, strict=True
            ):
                lines.append({"obs": seen.tolist(), "act": int(act), "reward": float(reward)})
            lines.append({"end": "terminated" if episode.terminated else "truncated"})
            progress(episode.name, done, len(recordings))
        (out / "all.toylog").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return [out / "all.toylog"]


def write_toylog(
    path: Path, *episodes: tuple[str, str, int], behavior: str = "walk", choices: int = 3, seed: int = 0
) -> Path:
    """Write a toy log of episodes, each a (name, player, number of steps)."""
    rng = random.Random(seed)
    lines: list[Line] = [{"toylog": 1, "behavior": behavior, "hz": 10, "choices": choices}]
    for name, player, steps in episodes:
        lines.append({"episode": name, "player": player})
        lines += [
            {"obs": [rng.random(), -rng.random()], "act": rng.randrange(choices), "reward": rng.random()}
            for _ in range(steps)
        ]
        lines.append({"end": "terminated"})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def sample_log(folder: Path, seed: int) -> Path:
    """Write a real toy log, drawn from a seed."""
    rng = random.Random(seed)
    lengths = [rng.randrange(1, 15) for _ in range(rng.randrange(1, 4))]
    return write_toylog(
        folder / f"sample-{seed}.toylog", *((f"e{n}", "ann", length) for n, length in enumerate(lengths)), seed=seed
    )
