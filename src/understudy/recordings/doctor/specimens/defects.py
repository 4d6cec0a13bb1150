"""Ten ways in which logs go wrong, put into a session on purpose: what a doctor should find, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from understudy.recordings.doctor.runs import Range
from understudy.recordings.doctor.specimens.play import Play
from understudy.spec import BehaviorSpec


@dataclass(frozen=True)
class Spoiled:
    """A session with a defect.

    Attributes:
        play: The session.
        check: The name of the check that should find it.
        steps: Where; empty if all of the session is affected.
    """

    play: Play
    check: str
    steps: tuple[Range, ...] = ()


def spoil(kind: str, play: Play, rng: np.random.Generator) -> Spoiled:
    """Put a defect into a session.

    Args:
        kind: One of `DEFECTS`.
        play: The session; it is not changed.
        rng: Draws how bad it is, and where.
    """
    return DEFECTS[kind](play, rng)


def _lag(play: Play, rng: np.random.Generator) -> Spoiled:
    """The recorder writes inputs some steps late or early."""
    steps = int(rng.choice([-6, -5, -4, -3, -2, 2, 3, 4, 5, 6]))
    inside = np.arange(max(0, steps), len(play) + min(0, steps))
    actions = {name: values[inside - steps] for name, values in play.actions.items()}
    return Spoiled(replace(play.take(inside), actions=actions), "lag")


def _stuck_key(play: Play, rng: np.random.Generator) -> Spoiled:
    """The recorder misses that a key was released, often before it began."""
    part, value = [("fire", 1), ("use", 1), ("move", 2), ("strafe", 0), ("strafe", 2)][rng.integers(5)]
    hz = play.behavior.decision_hz
    start = 0 if rng.random() < 0.5 else int(rng.uniform(0.1, 0.4) * len(play))
    stop = min(len(play), start + int(hz * rng.uniform(14, 40)))
    if part not in play.actions:
        part, value = play.behavior.actions[0].name, 1
    held = play.actions[part].copy()
    held[start:stop] = value
    return Spoiled(replace(play, actions={**play.actions, part: held}), "stuck-key", ((start, stop),))


def _duplicate_frames(play: Play, rng: np.random.Generator) -> Spoiled:
    """The frame grabber hangs now and then: pictures, or all sensors, repeat while inputs go on."""
    whole = rng.random() < 0.5 or "frame" not in play.observations
    source, ranges = np.arange(len(play)), []
    for start in _busy_starts(play, rng, int(rng.integers(3, 8))):
        stop = min(len(play), start + max(3, int(play.behavior.decision_hz * rng.uniform(0.35, 1.2))))
        source[start:stop] = source[start - 1]
        ranges.append((start, stop))
    names = play.observations if whole else ("frame",)
    frozen = {name: play.observations[name][source] for name in names}
    return Spoiled(replace(play, observations={**play.observations, **frozen}), "duplicate-frames", tuple(ranges))


def _dropped_frames(play: Play, rng: np.random.Generator) -> Spoiled:
    """The recorder cannot keep up and loses decisions."""
    kept = np.ones(len(play), bool)
    for start in rng.choice(np.arange(10, len(play) - 20), int(rng.integers(3, 11)), replace=False):
        kept[start : start + int(rng.integers(1, 7))] = False
    gaps = np.flatnonzero(np.diff(np.flatnonzero(kept)) > 1) + 1
    return Spoiled(play.take(np.flatnonzero(kept)), "dropped-frames", tuple((int(at), int(at) + 1) for at in gaps))


def _clock_jump(play: Play, rng: np.random.Generator) -> Spoiled:
    """The computer sets its clock, the game loads an old save, or the recorder pauses."""
    at = int(rng.uniform(0.2, 0.8) * len(play))
    ticks, times = play.ticks.copy(), play.times_ns.copy()
    seconds = float(rng.uniform(1.5, 90))
    kind = rng.integers(4)
    if kind < 2:
        times[at:] += int((seconds if kind == 0 else -seconds) * 1e9)
    elif kind == 2:
        ticks[at:] -= int(rng.integers(20, 400))
    else:
        ticks[at:] += int(2 * play.behavior.decision_hz * (8 + seconds))
    return Spoiled(replace(play, ticks=ticks, times_ns=times), "clock-jump", ((at, at + 1),))


def _menu(play: Play, rng: np.random.Generator) -> Spoiled:
    """The game is paused and a menu is shown; the cursor moves, keys are pressed."""
    hz = play.behavior.decision_hz
    at, length = int(rng.uniform(0.1, 0.8) * len(play)), int(hz * rng.uniform(2, 10))
    rows = np.concatenate([np.arange(at), np.full(length, at), np.arange(at, len(play))])
    longer = play.take(rows).clocked()
    actions = {name: values.copy() for name, values in longer.actions.items()}
    for name, neutral in neutral_action(play.behavior).items():
        actions[name][at : at + length] = neutral
    actions["use"][at : at + length] = rng.random(length) < 0.05
    actions["turn"][at : at + length, 0] = rng.normal(0, 4, length) * (rng.random(length) < 0.5)
    frame = longer.observations["frame"].copy()
    frame[at : at + length] = _menu_pictures(frame[at], length, rng)
    observations = {**longer.observations, "frame": frame}
    return Spoiled(replace(longer, observations=observations, actions=actions), "menu", ((at, at + length),))


def _menu_pictures(below: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """A panel with lines over the darkened game, and sometimes a cursor that wanders."""
    height, width = below.shape[:2]
    panel = (below * rng.uniform(0.0, 0.5)).astype(np.uint8)
    panel[height // 6 : -height // 6, width // 5 : -width // 5] = rng.integers(30, 220, 3)
    for line in range(height // 4, height - height // 4, max(3, height // 8)):
        panel[line : line + max(1, height // 20), width // 4 : int(width * rng.uniform(0.4, 0.75))] = rng.integers(
            0, 255, 3
        )
    pictures = np.repeat(panel[None], length, axis=0)
    if rng.random() < 0.5:
        walk = np.cumsum(rng.normal(0, 1, (length, 2)) * (rng.random((length, 1)) < 0.4), axis=0)
        for picture, (row, column) in zip(pictures, walk, strict=True):
            y, x = int(height / 2 + row) % (height - 2), int(width / 2 + column) % (width - 2)
            picture[y : y + 2, x : x + 1] = 255
    return pictures


def _dead_tail(play: Play, rng: np.random.Generator) -> Spoiled:
    """The player is dead and the recorder goes on: the view has dropped, and hardly an input comes."""
    hz = play.behavior.decision_hz
    start = len(play) - int(hz * rng.uniform(2, 15))
    source = np.minimum(np.arange(len(play)), start)
    observations = {name: values[source].copy() for name, values in play.observations.items()}
    if "frame" in observations:
        frame = observations["frame"]
        frame[start:] = np.roll(frame[start:], -frame.shape[1] // 4, axis=1)
        frame[start:, ..., 1:] //= 2
        noise = rng.integers(0, 3, (len(play) - start, 6, 6, 1)) * (rng.random() < 0.5)
        frame[start:, 10:16, 20:26] += noise.astype(np.uint8)
    pressed = (np.arange(len(play)) >= start) & (rng.random(len(play)) < (0.02 if rng.random() < 0.5 else 0.0))
    actions = {name: values.copy() for name, values in play.actions.items()}
    for part in play.behavior.actions:
        neutral = part.labels.index("none") if "none" in part.labels else 0
        actions[part.name][start:] = neutral
    actions["use"][pressed] = 1
    return Spoiled(replace(play, observations=observations, actions=actions), "dead-tail", ((start, len(play)),))


def _constant_sensor(play: Play, rng: np.random.Generator) -> Spoiled:
    """A sensor dies, or sticks to an end of its range, for the rest of the session or a good part of it."""
    name = "rays" if rng.random() < 0.6 else "body"
    values = play.observations[name].copy()
    start = 0 if rng.random() < 0.3 else int(rng.uniform(0, 0.4) * len(play))
    stop = (
        len(play)
        if rng.random() < 0.5
        else min(len(play), start + int(play.behavior.decision_hz * rng.uniform(20, 40)))
    )
    which: slice | int = slice(None) if rng.random() < 0.5 else int(rng.choice([2, 3, 4]))
    space = play.behavior.sensor(name).space
    kind = rng.integers(3)
    stuck = values[start] if kind == 0 else space.high if kind == 1 else space.low
    values[start:stop, which] = np.asarray(stuck)[which]
    return Spoiled(replace(play, observations={**play.observations, name: values}), "constant-sensor", ((start, stop),))


def _near_duplicate(play: Play, rng: np.random.Generator) -> Spoiled:
    """Another export of the same session: trimmed, some steps lost, numbers rounded otherwise, pictures brighter."""
    first, last = int(rng.uniform(0, 0.3) * len(play)), int(rng.uniform(0.7, 1) * len(play))
    rows = np.arange(first, last)
    copy = play.take(rows[rng.random(len(rows)) > 0.01]).clocked()
    turn = copy.actions["turn"]
    turn = turn + rng.normal(0, 0.01, turn.shape).astype(np.float32) * (turn != 0)
    observations = dict(copy.observations)
    if "frame" in observations:
        observations["frame"] = np.minimum(observations["frame"] * 1.1, 255).astype(np.uint8)
    return Spoiled(replace(copy, observations=observations, actions={**copy.actions, "turn": turn}), "near-duplicate")


def _idle(play: Play, rng: np.random.Generator) -> Spoiled:
    """The player is away; `generate` knows how to do that better, with a world that goes on."""
    hz = play.behavior.decision_hz
    at, length = int(rng.uniform(0.1, 0.7) * len(play)), int(hz * rng.uniform(6, 20))
    rows = np.concatenate([np.arange(at), np.full(length, at), np.arange(at, len(play))])
    longer = play.take(rows).clocked()
    actions = {name: values.copy() for name, values in longer.actions.items()}
    for name, neutral in neutral_action(play.behavior).items():
        actions[name][at : at + length] = neutral
    return Spoiled(replace(longer, actions=actions), "idle", ((at, at + length),))


def neutral_action(behavior: BehaviorSpec) -> dict[str, int]:
    """The value of each part that does nothing."""
    return {part.name: part.labels.index("none") if "none" in part.labels else 0 for part in behavior.actions}


def _busy_starts(play: Play, rng: np.random.Generator, num: int) -> list[int]:
    """Steps, apart from each other, after which there is much input."""
    busy = np.abs(play.actions["turn"][:, 0]) > 1
    gap = int(2.5 * play.behavior.decision_hz)
    ahead = np.convolve(busy, np.ones(6), mode="full")[5:][: len(play)]
    wanted = [int(step) for step in rng.permutation(len(play)) if ahead[step] >= 3 and gap < step < len(play) - gap]
    starts: list[int] = []
    for step in wanted:
        if len(starts) < num and all(abs(step - other) > gap for other in starts):
            starts.append(step)
    return sorted(starts)


DEFECTS: dict[str, Callable[[Play, np.random.Generator], Spoiled]] = {
    "lag": _lag,
    "stuck-key": _stuck_key,
    "duplicate-frames": _duplicate_frames,
    "dropped-frames": _dropped_frames,
    "clock-jump": _clock_jump,
    "idle": _idle,
    "menu": _menu,
    "near-duplicate": _near_duplicate,
    "dead-tail": _dead_tail,
    "constant-sensor": _constant_sensor,
}
