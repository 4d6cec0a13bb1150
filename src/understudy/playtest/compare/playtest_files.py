"""A playtest read back from its folder, as far as a comparison needs it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from understudy.errors import PlaytestError
from understudy.playtest.coverage import Key
from understudy.playtest.report.results_file import COVERAGE_FILE, FORMAT, RESULTS_FILE

RunKey: TypeAlias = "tuple[str, int]"
"""Persona and seed."""
_PATH = re.compile(r"(?:[\w.~-]*/)+([\w.-]+)")


@dataclass(frozen=True)
class Bug:
    """A finding of a playtest.

    Attributes:
        id: Its name in that playtest.
        kind: Of the oracle.
        message: What is wrong.
        key: What tells bugs of this kind apart where the place does not; empty otherwise.
        position: Where; None if the game does not say.
        reach: How far off a sighting of the same bug may be, in the game's units.
        runs: That saw it.
        rate: How often it came again when it was replayed, in words.
        folder: That holds its replay.
    """

    id: str
    kind: str
    message: str
    key: str
    position: tuple[float, ...] | None
    reach: float
    runs: frozenset[RunKey]
    rate: str
    folder: Path

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"({', '.join(f'{each:.0f}' for each in self.position)})" if self.position else "–"


@dataclass(frozen=True)
class Played:
    """A playtest.

    Attributes:
        folder: Where it lies.
        name: Of the build, or of the folder.
        spec: As it was asked.
        passed: Whether it passed.
        totals: Of each run, by name.
        bugs: Its findings.
        kind: What its coverage counts.
        cell: Side of a cell.
        visited: The runs that met each key, all personas together; empty if that was not kept.
        lines: Of the level.
    """

    folder: Path
    name: str
    spec: Mapping[str, Any]
    passed: bool
    totals: Mapping[RunKey, Mapping[str, float]]
    bugs: tuple[Bug, ...]
    kind: str
    cell: float
    visited: Mapping[Key, int]
    lines: list[list[float]]

    @property
    def counts(self) -> str:
        """What its coverage counts and how, in words: the keys of two playtests can be compared if it is the same."""
        told = self.spec.get("coverage", {})
        how = [self.kind, self.cell, told.get("dimensions"), told.get("key")]
        return without_folders(json.dumps(how, sort_keys=True))


def read_playtest(folder: Path) -> Played:
    """Read a playtest's folder.

    Raises:
        PlaytestError: If it holds none, or one of another version.
    """
    path = folder / RESULTS_FILE
    form = _read(path)
    if form is None:
        raise PlaytestError(f"{path} is not there; name the folder that a playtest wrote with --out.")
    try:
        if form["format"] != FORMAT:
            raise ValueError(f"its format is {form['format']}, and this version reads {FORMAT}")
        return _played(folder, form, _read(folder / COVERAGE_FILE) or {})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PlaytestError(f"{path} is no playtest of this version ({error}); run the playtest again.") from error


def without_folders(text: str) -> str:
    """Return a text with every path in it cut to its last part."""
    return _PATH.sub(r"\1", text)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        form: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    except ValueError as error:
        raise PlaytestError(f"{path} is damaged ({error}); run the playtest again.") from error
    return form


def _played(folder: Path, form: Mapping[str, Any], coverage: Mapping[str, Any]) -> Played:
    runs = [each for each in form["runs"] if each["ended"] not in ("broken", "stopped")]
    visited: dict[Key, int] = {}
    for persona in coverage.get("personas", {}).values():
        for key, count in zip(persona["keys"], persona["runs"], strict=True):
            visited[tuple(key)] = visited.get(tuple(key), 0) + count
    return Played(
        folder,
        form["spec"]["game"].get("build") or folder.name,
        form["spec"],
        form["passed"],
        {(each["persona"], each["seed"]): {**each["totals"], "cells": float(each["cells"])} for each in runs},
        tuple(_bug(each, folder) for each in form["findings"]),
        form["coverage"].get("kind", "cells"),
        form["coverage"]["cell"],
        visited,
        coverage.get("lines", []),
    )


def _bug(form: Mapping[str, Any], folder: Path) -> Bug:
    replays, reproduced = form.get("replays", 0), form.get("reproduced", 0)
    return Bug(
        form["id"],
        form["kind"],
        form["message"],
        form.get("key", ""),
        tuple(form["position"]) if form["position"] else None,
        max(form["cell_size"], form.get("reach") or 0.0),
        frozenset((each["persona"], each["seed"]) for each in form["seen"]),
        f"{reproduced} of {replays}" if replays else "not replayed",
        folder / "findings" / form["id"],
    )
