"""A playtest's folder: what was asked, and for how long it has been played."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from understudy.errors import PlaytestError
from understudy.playtest.disk import keep_reserve, telling_of_a_failed_write
from understudy.playtest.journal import write_whole
from understudy.playtest.spec import PlaytestSpec
from understudy.playtest.spec_file import moved

FORMAT = 1
ASKED_FILE = "playtest.json"
_CLOCK_FILE = "clock.json"


class Store:
    """The folder of a playtest, from which it can be gone on with.

    Args:
        out: The folder.
        spec: What was asked.
        folder: Where the spec lies.
        seed: That replaces the first seed of every persona, if not None.
    """

    def __init__(self, out: Path, spec: PlaytestSpec, folder: Path, seed: int | None) -> None:
        self.out, self.spec, self.folder, self.seed = out, spec, folder, seed

    @classmethod
    def create(cls, out: Path, spec: PlaytestSpec, folder: Path, seed: int | None) -> Store:
        """Begin a playtest in a folder that is new or empty.

        Raises:
            PlaytestError: If it holds something, or cannot be written.
        """
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            going_on = f"; go on with what is there by --resume {out}" if (out / ASKED_FILE).exists() else ""
            raise PlaytestError(f"{out} already holds something; name a new folder with --out{going_on}.")
        asked = spec.model_dump(mode="json", by_alias=True)
        beside = os.path.relpath(folder, out.resolve())
        form = {"format": FORMAT, "folder": str(folder), "beside": beside, "seed": seed, "spec": asked}
        with telling_of_a_failed_write(out):
            out.mkdir(parents=True, exist_ok=True)
            keep_reserve(out)
            write_whole(out / ASKED_FILE, json.dumps(form, indent=1))
        return cls(out, spec, folder, seed)

    @classmethod
    def open(cls, out: Path) -> Store:
        """Open the folder of a playtest that was begun, which may have been moved together with the spec's.

        Raises:
            PlaytestError: If it is none or of another version, the spec's folder is gone, or the disk is still full.
        """
        try:
            form = _found(out, (out / ASKED_FILE).read_text(encoding="utf-8"))
            if form["format"] != FORMAT:
                raise ValueError(f"its format is {form['format']}, and this version reads {FORMAT}")
            spec, folder, seed = PlaytestSpec.model_validate(form["spec"]), Path(form["folder"]), form["seed"]
        except OSError as error:
            raise PlaytestError(
                f"{out} holds no playtest to go on with; name the folder that --out named, which has a {ASKED_FILE}."
            ) from error
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise PlaytestError(f"{out} is no playtest of this version ({error}); begin a new one.") from error
        with telling_of_a_failed_write(out):
            keep_reserve(out)
        return cls(out, spec, folder, seed)

    @property
    def seconds(self) -> float:
        """Wall-clock time of all the playing in this folder."""
        with suppress(OSError, ValueError):
            return float(json.loads((self.out / _CLOCK_FILE).read_text(encoding="utf-8")))
        return 0.0

    def keep_seconds(self, seconds: float) -> None:
        """Remember `seconds`."""
        write_whole(self.out / _CLOCK_FILE, json.dumps(round(seconds, 3)))


def _found(out: Path, text: str) -> dict[str, Any]:
    """What was asked, with its paths where the spec's folder is now: as far from the playtest's as it was."""
    form: dict[str, Any] = json.loads(text)
    folder, beside = Path(form["folder"]), (out / form["beside"]).resolve()
    if folder.is_dir():
        return form
    if not beside.is_dir():
        raise PlaytestError(
            f"The spec of {out} lay in {folder}, which is not there; put it back to go on, or begin a new playtest."
        )
    found: dict[str, Any] = json.loads(moved(text, folder, beside))
    return found
