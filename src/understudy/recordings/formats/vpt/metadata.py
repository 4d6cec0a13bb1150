"""What an export by Understudy keeps in the options file, so that it comes back as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from understudy.errors import SpecError
from understudy.recordings.formats.vpt.behavior import MINECRAFT
from understudy.recordings.provenance import Provenance
from understudy.recordings.reader import Episode
from understudy.spec import BehaviorSpec

KEY = "understudy"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
_MAX_SIDE = 4096


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes:
        name: Of the episode.
        behavior: Of the recording.
        provenance: Of the recording.
        terminated: Whether the game ended the episode.
        truncated: Whether it was ended from outside.
        final_pose: x, y, z, pitch, yaw after the last action, whose frame is the video's last; None if there is none.
    """

    name: str
    behavior: BehaviorSpec
    provenance: Provenance
    terminated: bool
    truncated: bool
    final_pose: tuple[float, ...] | None

    @classmethod
    def of(cls, episode: Episode, final_pose: tuple[float, ...] | None) -> Export:
        """Describe an episode."""
        ended = (episode.terminated, episode.truncated)
        return cls(episode.name, episode.behavior, episode.provenance, *ended, final_pose)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "behavior": self.behavior.to_dict(), "provenance": asdict(self.provenance)}

    @classmethod
    def from_dict(cls, form: Any) -> Export:
        """Rebuild from the JSON form; raises `ValueError` if it is not of a log this importer reads."""
        try:
            json.dumps(form, ensure_ascii=False).encode()  # half characters cannot be stored
            require_known(form["behavior"])
            behavior = BehaviorSpec.from_dict(form["behavior"])
            provenance = _provenance(form["provenance"])
            name, ended = form["name"], (form["terminated"] is True, form["truncated"] is True)
            if not _NAME.fullmatch(name):
                raise ValueError("its name is none for a file")
            return cls(name, behavior, provenance, *ended, _pose(form["final_pose"]))
        except (KeyError, TypeError, SpecError) as error:
            raise ValueError(f"it lacks something: {error}") from error


def require_known(form: Mapping[str, Any]) -> None:
    """Raise `ValueError` unless a behaviour has only sensors and parts of `MINECRAFT`, but for the frame's size.

    It looks at the JSON form, before spaces of whatever size are made from it.
    """
    known = MINECRAFT.to_dict()
    sensors, parts = ({each["name"]: each for each in known[kind]} for kind in ("sensors", "actions"))
    for each in form["sensors"]:
        _require_same(each, sensors.get(each["name"]), ("shape", "dtype"))
    for each in form["actions"]:
        _require_same(each, parts.get(each["name"]), ("type", "n", "shape", "dtype"))
        if each["name"] == "buttons" and each["labels"] != parts["buttons"]["labels"]:
            raise ValueError("'buttons' has other labels than Minecraft's")
    if form["decision_hz"] != MINECRAFT.decision_hz:
        raise ValueError(f"it decides at {form['decision_hz']} Hz, and such logs are of {MINECRAFT.decision_hz:g} Hz")


def _require_same(found: Mapping[str, Any], known: Mapping[str, Any] | None, keys: tuple[str, ...]) -> None:
    if known is None:
        raise ValueError(f"there is no room for '{found['name']}'")
    space, expected = dict(found["space"]), known["space"]
    if found["name"] == "frame":
        height, width, channels = space["shape"]
        if not (0 < height <= _MAX_SIDE and 0 < width <= _MAX_SIDE and channels == 3):
            raise ValueError(f"'frame' has the shape {space['shape']}, which is no RGB picture")
        space["shape"] = expected["shape"]
    for key in keys:
        if space.get(key) != expected.get(key):
            raise ValueError(f"'{found['name']}' should have the {key} {expected.get(key)}, not {space.get(key)}")


def _provenance(form: Mapping[str, Any]) -> Provenance:
    found = Provenance.from_dict(form)
    texts = (found.game, found.build, found.map, found.player, found.source, found.started, found.recorder_version)
    if not all(isinstance(text, str) for text in texts) or not isinstance(found.notes, dict):
        raise ValueError("its provenance is damaged")
    if not isinstance(found.seed, int | None):
        raise ValueError("its seed is no number")
    return found


def _pose(form: Any) -> tuple[float, ...] | None:
    if form is None:
        return None
    values = np.asarray(form, np.float32)
    if values.shape != (5,) or not np.isfinite(values).all():
        raise ValueError("its last pose is none")
    return tuple(values.tolist())
