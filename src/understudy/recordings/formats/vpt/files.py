"""The files of one VPT log, and what their names and the options file say about it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from understudy.errors import RecordingError
from understudy.recordings.formats import guards

OPTIONS_SUFFIX = "-options.json"
_MAX_OPTIONS_BYTES = 4 << 20
_NAMED = re.compile(r"(?P<player>.+)-(?P<session>[0-9a-f]{12})-(?P<date>\d{8})-(?P<time>\d{6})")
_VERSION = re.compile(r"\d{1,2}\.\d{1,2}")
_DIGEST_DIGITS = 12


@dataclass(frozen=True)
class LogFiles:
    """One log: `<player>-<session>-<date>-<time>.jsonl` and, beside it, `.mp4`, `-options.json` and `.zip`.

    Attributes:
        lines: The `.jsonl` file.
    """

    lines: Path

    @classmethod
    def of(cls, path: Path) -> LogFiles:
        """The log that a file belongs to, named by its lines or its video."""
        return cls(path.with_suffix(".jsonl") if path.suffix.lower() == ".mp4" else path)

    @property
    def video(self) -> Path:
        """The video; raises `RecordingError` if it is a link out of the folder."""
        return guards.inside(self.lines.parent, f"{self.lines.stem}.mp4")

    @property
    def options(self) -> Path:
        """The options file."""
        return guards.inside(self.lines.parent, f"{self.lines.stem}{OPTIONS_SUFFIX}")

    @property
    def present(self) -> tuple[Path, ...]:
        """All files of the log that are there; the `.zip` is the world that was played, and not read."""
        each = (self.lines, self.video, self.options, self.lines.with_suffix(".zip"))
        return tuple(path for path in each if path.is_file())

    @cached_property
    def player(self) -> str:
        """The player's alias; empty where the name has another form."""
        match = _NAMED.fullmatch(self.lines.stem)
        # A name on the disk need not be UTF-8, but a player's must be.
        return match["player"].encode("utf-8", "replace").decode() if match else ""

    @cached_property
    def session(self) -> str:
        """The session's id, which the segments of one sitting share; empty where the name has another form."""
        match = _NAMED.fullmatch(self.lines.stem)
        return match["session"] if match else ""

    @cached_property
    def name(self) -> str:
        """A name without the player's: of the session and its time, else of the beginning of the lines."""
        match = _NAMED.fullmatch(self.lines.stem)
        if match:
            return f"vpt-{match['session']}-{match['date']}-{match['time']}"
        return f"vpt-{hashlib.sha256(guards.head(self.lines, 1 << 16)).hexdigest()[:_DIGEST_DIGITS]}"

    @property
    def recorder_version(self) -> str:
        """Of the program that recorded it, which the index has as the folder's name; empty if that is none."""
        folder = self.lines.absolute().parent.name
        return folder if _VERSION.fullmatch(folder) else ""

    def read_options(self) -> dict[str, Any]:
        """Return the options file, which only exports by Understudy need; empty if there is none.

        Raises:
            RecordingError: If it is too large, or not a JSON object.
        """
        if not self.options.is_file():
            return {}
        try:
            form = json.loads(guards.read_text(self.options, max_bytes=_MAX_OPTIONS_BYTES))
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"{self.options} is not JSON.") from error
        if not isinstance(form, dict):
            raise RecordingError(f"{self.options} is no JSON object.")
        return form
