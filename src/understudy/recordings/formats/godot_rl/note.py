"""What our exporter writes behind a trajectory, where the loader of Godot RL does not look, and what of it is believed.

A text of JSON with the key `understudy`: the behaviour, the provenance, how the episode ended, and the words of its
events. Then a list for each step: whether the reward is known, the reward, the tick and the clock, each as the multiple
of 2**32 and the rest, and the numbers of its events' words. Anyone may write anything there, so it counts only where it
fits the data.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats.godot_rl.text import DamageError
from understudy.recordings.formats.godot_rl.vectors import widths
from understudy.recordings.formats.stored import provenance_text
from understudy.recordings.reader import Episode
from understudy.spec import BehaviorSpec

Note = dict[str, Any]

_WORD = 2**32
_MAX_HZ = 1000.0
_DTYPE = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)")
_FIXED = 6
_STRANGE = "what follows its actions is none of ours, though it says so"


def write_note(episode: Episode) -> str:
    """Return what is kept of an episode beside its vectors."""
    note = {
        "behavior": episode.behavior.to_dict(),
        "provenance": provenance_text(episode.provenance),
        "terminated": episode.terminated,
        "truncated": episode.truncated,
        "final_observation": episode.final_observation() is not None,
        "words": _words(episode),
    }
    return json.dumps({"understudy": note}, sort_keys=True, separators=(",", ":"))


def write_steps(episode: Episode) -> list[list[float]]:
    """Return the list for each step; raises `RecordingError` if a reward is infinite."""
    if np.isinf(episode.reward).any():
        raise RecordingError(f"{episode.name} holds a reward that is infinite, which JSON cannot hold.")
    numbers = {word: index for index, word in enumerate(_words(episode))}
    rewards, ticks, times = episode.reward.tolist(), episode.tick.tolist(), episode.time_ns.tolist()
    return [
        [*_known(reward), *divmod(tick, _WORD), *divmod(time, _WORD), *(numbers[word] for word in words)]
        for reward, tick, time, words in zip(rewards, ticks, times, episode.events, strict=True)
    ]


def read_steps(vectors: Sequence[np.ndarray], note: Note) -> dict[str, Any]:
    """Return the columns of `Rows` that the lists of some steps hold; raises `DamageError` if they are not ours."""
    words = note.get("words")
    if not isinstance(words, list) or any(len(each) < _FIXED for each in vectors):
        raise DamageError(_STRANGE)
    table, indices = np.array([each[:_FIXED] for each in vectors]), [each[_FIXED:] for each in vectors]
    far = (np.abs(table[:, 1]) > np.finfo(np.float32).max).any() or (np.abs(table[:, 2:]) > _WORD).any()
    if far or any(((each < 0) | (each >= len(words))).any() for each in indices):
        raise DamageError(_STRANGE)
    clocks = table[:, 2:].astype(np.int64)
    return {
        "rewards": np.where(table[:, 0] == 1, table[:, 1], np.nan).astype(np.float32),
        "ticks": clocks[:, 0] * _WORD + clocks[:, 1],
        "times_ns": clocks[:, 2] * _WORD + clocks[:, 3],
        "events": [[_text(words[int(each)]) for each in row] for row in indices],
    }


def read_note(text: str) -> Note:
    """Return what was kept of an episode; empty if the text is another's."""
    try:
        note = json.loads(text)["understudy"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def written_behavior(text: str, num_seen: int, num_done: int) -> BehaviorSpec | None:
    """Return the behaviour in a note, or None if there is none, or the data are not of it.

    Args:
        text: Of the note.
        num_seen: Numbers of an observation.
        num_done: Numbers of an action.
    """
    try:
        form = read_note(text).get("behavior")
        # Building a space allocates it, so it must not be larger than the data.
        if form is None or sum(math.prod(each["space"]["shape"]) for each in form["sensors"]) != num_seen:
            return None
        boxes = [each["space"]["shape"] for each in form["actions"] if each["space"]["type"] == "box"]
        if sum(math.prod(each) for each in boxes) > num_done:
            return None
        behavior = BehaviorSpec.from_dict(form)
        sound = widths(behavior) == (num_seen, num_done) and behavior.to_dict() == form
    except Exception:  # anyone may have written anything there, and the file reads without it
        return None
    named = re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", behavior.name) and behavior.name.strip("-.")
    held = all(_DTYPE.fullmatch(np.dtype(each.space.dtype).name) for each in behavior.sensors)
    worded = all(isinstance(word, str) for each in behavior.actions for word in (each.units, *each.labels))
    return behavior if sound and named and held and worded and behavior.decision_hz <= _MAX_HZ else None


def _known(reward: float) -> tuple[float, float]:
    return (0, 0) if math.isnan(reward) else (1, reward)


def _text(word: Any) -> str:
    """A word of an event; JSON may hold halves of characters, which no recording can."""
    return str(word).encode("utf-8", "replace").decode()


def _words(episode: Episode) -> list[str]:
    return sorted({word for words in episode.events for word in words})
