"""Episodes in Rerun: frames, rays, numbers, actions and events on one time line.

What lies where, in each file that is written (one for each episode):

    sees/<sensor>           pictures as they are; ray fans from above, the player looking up; up to 32 numbers as lines;
                            anything else as a tensor
    does/<part>             a choice as a lane of states; numbers as lines; buttons as a lane each
    reward, events, about   a line; a text log with how the episode ended; the provenance and the spec

The time lines are `step` (from nought), `tick` (the game's own), `game_time` and, where it is known, `wall_clock`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from understudy.errors import RecordingError, require
from understudy.recordings.formats.protocol import Ending, Progress, Rows
from understudy.recordings.layout import encode_png, sensor_column
from understudy.recordings.reader import Episode
from understudy.recordings.surgery.take import Take, rows_at_once, take_from
from understudy.spec import ActionSpec, SensorSpec

if TYPE_CHECKING:
    import rerun as rr

EXTRA = "view"
# `python -m rerun_cli` loses the exit status.
_START = "from rerun_cli.__main__ import main; raise SystemExit(main())"
MAX_LINES = 32
# Before that, a clock counts from the start of the episode and says nothing of the day.
_FIRST_DAY_NS = 946_684_800_000_000_000
# By what a ray hits.
_NOTHING_HIT = (90, 90, 90)
_HITS = ((150, 170, 200), (230, 90, 80), (240, 200, 80), (110, 200, 110), (190, 120, 220), (90, 200, 210))


def save_view(episode: Episode, path: Path, progress: Progress = lambda _what, _done, _total: None) -> None:
    """Write an episode for Rerun, a few hundred steps at a time.

    Args:
        episode: What to show.
        path: The file, by custom `NAME.rrd`.
        progress: Called with (what is written, steps done, steps in all).

    Raises:
        RecordingError: If the episode has no step, or is damaged inside.
        MissingExtraError: If Rerun is not installed.
    """
    rerun = require("rerun", EXTRA)
    if not episode.num_steps:
        raise RecordingError(f"'{episode.name}' holds no step, so there is nothing to look at.")
    take, chunk = take_from(episode), rows_at_once(episode.behavior)
    stream = rerun.RecordingStream("understudy", recording_id=f"{episode.name}-{episode.digest[:8]}")
    rerun.set_log_time_enabled(False, recording=stream)
    stream.save(path, default_blueprint=_blueprint(episode))
    stream.send_recording_name(episode.name)
    log = _Log(stream, take)
    log.write_about(episode)
    for start in range(0, take.num_steps, chunk):
        stop = min(start + chunk, take.num_steps)
        log.write_rows(start, take.rows(start, stop))
        progress(f"Writing {path.name}", stop, take.num_steps)
    log.write_ending(take.ending())
    stream.flush()
    stream.disconnect()


def open_viewer(files: Sequence[Path], options: Sequence[str] = ()) -> None:
    """Show files that `save_view` wrote in a window, and return when it is closed.

    Args:
        files: Each becomes a recording to choose in the viewer.
        options: Further ones of Rerun's own command line.

    Raises:
        RecordingError: If the viewer cannot start, such as without a display.
    """
    require("rerun", EXTRA)
    # Rerun's viewer also listens for data, by default on every network.
    command = [sys.executable, "-c", _START, *map(str, files), "--bind", "127.0.0.1", "--port", "auto", *options]
    found = subprocess.run(command, env={**os.environ, "RERUN_APP_ONLY": "true"}, check=False)
    if found.returncode:
        raise RecordingError(
            f"Rerun's viewer ended with status {found.returncode}; it needs a display. Without one, write files with "
            "--save and open them elsewhere: rerun FILE.rrd"
        )


class _Log:
    """Writes columns of steps to a stream."""

    def __init__(self, stream: rr.RecordingStream, take: Take) -> None:
        self._rr: Any = require("rerun", EXTRA)
        self._stream, self._take = stream, take
        self._states: dict[str, str] = {}
        first = take.act(0, 1).times_ns
        self._has_day = first is not None and int(first[0]) >= _FIRST_DAY_NS

    def write_about(self, episode: Episode) -> None:
        """Write what does not change: the provenance, the spec, and the names of lines."""
        text = self._rr.TextDocument(_about(episode), media_type="text/markdown")
        self._stream.log("about", text, static=True, strict=True)
        for sensor in episode.behavior.sensors:
            if _kind(sensor) == "lines":
                self._name_lines(f"sees/{sensor.name}", _numbered(sensor.name, sensor.space))
        for part in episode.behavior.actions:
            if isinstance(part.space, spaces.Box):
                self._name_lines(f"does/{part.name}", part.labels or _numbered(part.name, part.space))
        self._name_lines("reward", ["reward"])

    def write_rows(self, start: int, rows: Rows) -> None:
        """Write consecutive steps, the first of which is step `start`."""
        times = self._times(start, np.asarray(rows.ticks), np.asarray(rows.times_ns))
        for sensor in self._take.behavior.sensors:
            self._write_sensor(sensor, times, rows.observations[sensor.name])
        for part in self._take.behavior.actions:
            self._write_action(part, times, rows.actions[part.name])
        rewards = np.asarray(rows.rewards)
        known = np.flatnonzero(~np.isnan(rewards))
        self._send("reward", times, known, lambda: self._rr.Scalars.columns(scalars=rewards[known]))
        said = [(row, word) for row, words in enumerate(rows.events or ()) for word in words]
        self._write_texts(times, said)

    def write_ending(self, ending: Ending) -> None:
        """Write how it ended, and what was seen last, a step after the last one."""
        last = self._take.num_steps - 1
        rows = self._take.act(last, last + 1)
        how = [name for name in ("terminated", "truncated") if getattr(ending, name)] or ["ended"]
        step_ns = round(1e9 / self._take.behavior.decision_hz)
        times = self._times(last + 1, np.asarray(rows.ticks) + 1, np.asarray(rows.times_ns) + step_ns)
        self._write_texts(times, [(0, word) for word in how])
        for name, value in (ending.final_observation or {}).items():
            self._write_sensor(self._take.behavior.sensor(name), times, value[None])

    def _times(self, start: int, ticks: np.ndarray, times_ns: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        steps = np.arange(start, start + len(ticks))
        times = {
            "step": {"sequence": steps},
            "tick": {"sequence": ticks},
            "game_time": {"duration": steps / self._take.behavior.decision_hz},
        }
        return times | ({"wall_clock": {"timestamp": times_ns.astype("datetime64[ns]")}} if self._has_day else {})

    def _write_sensor(self, sensor: SensorSpec, times: Any, values: np.ndarray) -> None:
        rows, where, kind = np.arange(len(values)), f"sees/{sensor.name}", _kind(sensor)
        if kind == "picture":
            blobs = [encode_png(frame) for frame in values]
            media = ["image/png"] * len(blobs)
            self._send(where, times, rows, lambda: self._rr.EncodedImage.columns(blob=blobs, media_type=media))
        elif kind == "rays":
            self._write_rays(sensor, times, values)
        elif kind == "lines":
            self._write_lines(where, times, values)
        else:
            self._write_tensors(where, times, values)

    def _write_tensors(self, where: str, times: Any, values: np.ndarray) -> None:
        """One at a time, since Rerun takes no columns of tensors."""
        for row, value in enumerate(values):
            for name, time in times.items():
                self._stream.set_time(name, **{kind: each[row] for kind, each in time.items()})
            self._stream.log(where, self._rr.Tensor(value), strict=True)
        self._stream.reset_time()

    def _write_rays(self, sensor: SensorSpec, times: Any, values: np.ndarray) -> None:
        strips, colors = ray_strips(sensor, values)
        num, rays = colors.shape[:2]
        flat = strips.reshape(num * rays, 2, 2)
        self._send(
            f"sees/{sensor.name}",
            times,
            np.arange(num),
            lambda: self._rr.LineStrips2D.columns(strips=flat, colors=colors.reshape(-1, 3)).partition([rays] * num),
        )

    def _write_action(self, part: ActionSpec, times: Any, values: np.ndarray) -> None:
        if isinstance(part.space, spaces.Box):
            self._write_lines(f"does/{part.name}", times, values)
        elif isinstance(part.space, spaces.Discrete):
            labels = part.labels or [str(number) for number in range(part.num_labels)]
            self._write_states(f"does/{part.name}", times, [labels[choice] for choice in values])
        else:
            for index, label in enumerate(part.labels or map(str, range(part.num_labels))):
                words = ["down" if pressed else "up" for pressed in values[:, index]]
                self._write_states(f"does/{part.name}/{label}", times, words)

    def _write_states(self, where: str, times: Any, words: Sequence[str]) -> None:
        """Write only changes, which is what a lane of states shows."""
        before = [self._states.get(where), *words[:-1]]
        self._states[where] = words[-1]
        changed = [row for row, (word, old) in enumerate(zip(words, before, strict=True)) if word != old]
        states = [words[row] for row in changed]
        self._send(where, times, np.array(changed, np.int64), lambda: self._rr.StateChange.columns(state=states))

    def _write_lines(self, where: str, times: Any, values: np.ndarray) -> None:
        flat = values.reshape(len(values), -1).astype(np.float64)
        num, width = flat.shape
        columns = self._rr.Scalars.columns(scalars=flat.reshape(-1))
        self._send(where, times, np.arange(num), lambda: columns.partition([width] * num))

    def _write_texts(self, times: Any, said: Sequence[tuple[int, str]]) -> None:
        rows = np.array([row for row, _ in said], np.int64)
        self._send("events", times, rows, lambda: self._rr.TextLog.columns(text=[word for _, word in said]))

    def _name_lines(self, where: str, names: Sequence[str]) -> None:
        self._stream.log(where, self._rr.SeriesLines(names=list(names)), static=True, strict=True)

    def _send(self, where: str, times: Any, rows: np.ndarray, columns: Any) -> None:
        if not len(rows):
            return
        indexes = [
            self._rr.TimeColumn(name, **{kind: values[rows] for kind, values in time.items()})
            for name, time in times.items()
        ]
        self._stream.send_columns(where, indexes, columns(), strict=True)


def ray_strips(sensor: SensorSpec, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw readings of a ray fan from above: the player in the origin, looking up the page.

    Args:
        sensor: Whose `computed` has the directions in degrees, positive to the right.
        values: Readings, float32, shape (steps, rays, 1 + types).

    Returns:
        From and to of each ray in the sensor's units, x to the right and y down, float32, shape (steps, rays, 2, 2);
        and colours by what it hits, uint8, shape (steps, rays, 3).
    """
    computed: Any = sensor.computed
    angles = np.radians(np.asarray(computed["angles"], np.float64))
    distance, kinds = values[..., 0], values[..., 1:]
    ends = np.stack([distance * np.sin(angles), -distance * np.cos(angles)], -1)
    strips = np.stack([np.zeros_like(ends), ends], -2).astype(np.float32)
    hit = np.where(kinds.any(-1), 1 + kinds.argmax(-1) % len(_HITS), 0)
    return strips, np.asarray((_NOTHING_HIT, *_HITS), np.uint8)[hit]


def _kind(sensor: SensorSpec) -> str:
    if sensor_column(sensor).picture:
        return "picture"
    computed: Any = sensor.computed
    shape = sensor.space.shape
    if computed.get("kind") == "rays" and len(shape) == 2 and len(computed.get("angles", ())) == shape[0]:
        return "rays"
    return "lines" if int(np.prod(shape)) <= MAX_LINES else "tensor"


def _numbered(name: str, space: spaces.Box) -> list[str]:
    num = int(np.prod(space.shape))
    return [name] if num == 1 else [f"{name}[{index}]" for index in range(num)]


def _about(episode: Episode) -> str:
    of, behavior = episode.provenance, episode.behavior
    lines = [f"# {episode.name}", f"{episode.num_steps} steps of '{behavior.name}' at {behavior.decision_hz:g} Hz", ""]
    lines += [f"- {name}: {getattr(of, name)}" for name in ("game", "build", "map", "player", "source", "started")]
    lines += ["", "| sees | shape | units |", "|---|---|---|"]
    lines += [f"| {each.name} | {each.space.dtype} {each.space.shape} | {each.units} |" for each in behavior.sensors]
    lines += ["", "| does | space | units |", "|---|---|---|"]
    lines += [f"| {each.name} | {each.space} | {each.units} |" for each in behavior.actions]
    return "\n".join(lines)


def _blueprint(episode: Episode) -> Any:
    """Where things are at first: pictures and rays above, lines and lanes below, texts to the right."""
    import rerun.blueprint as rrb

    shown = list(_sensor_views(episode, rrb))
    numbers = [f"/does/{each.name}" for each in episode.behavior.actions if isinstance(each.space, spaces.Box)]
    lanes = [f"/does/{each.name}/**" for each in episode.behavior.actions if not isinstance(each.space, spaces.Box)]
    below: list[Any] = [rrb.TimeSeriesView(name="numbers", contents=[*numbers, "/reward"])]
    if lanes:
        below.append(rrb.StateTimelineView(name="actions", contents=lanes))
    texts = rrb.Vertical(rrb.TextLogView(name="events", origin="/events"), rrb.TextDocumentView(origin="/about"))
    left = rrb.Vertical(rrb.Grid(*shown), *below) if shown else rrb.Vertical(*below)
    return rrb.Blueprint(
        rrb.Horizontal(left, texts, column_shares=[3, 1]),
        rrb.SelectionPanel(state="collapsed"),
        rrb.TimePanel(timeline="game_time"),
    )


def _sensor_views(episode: Episode, rrb: Any) -> Iterator[Any]:
    views = {"picture": "Spatial2DView", "rays": "Spatial2DView", "lines": "TimeSeriesView", "tensor": "TensorView"}
    for sensor in episode.behavior.sensors:
        yield getattr(rrb, views[_kind(sensor)])(name=sensor.name, origin=f"/sees/{sensor.name}")
