"""Real logs of every format: from each generator module here, and from our own exporters.

A generator module has a function `sample_log(folder, seed) -> Path`, which writes one small real log. It may have
`REPLAYS = True` if a game must be started to read it, and `UNSETTLED`, how many rows before a cut may differ.
"""

from __future__ import annotations

import importlib
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matrix_toys

from understudy.errors import RecordingError
from understudy.recordings.formats import Exporter, ExportOptions, Importer, export_logs, exporters, importers
from understudy.recordings.formats.finding import recognise

HERE = Path(__file__).parent
NOT_INSTALLED = ("toy_format.py",)
SampleLog = Callable[[Path, int], Path]


@dataclass(frozen=True)
class Samples:
    """Where sample logs come from.

    Attributes:
        name: Of the generator module or of the exporter.
        write: Writes one into an empty folder.
        replays: Whether a game must be started to read it.
        unsettled: How many rows before a cut may differ.
    """

    name: str
    write: SampleLog
    replays: bool = False
    unsettled: int = 0


@cache
def all_samples() -> Mapping[str, Samples]:
    """Every source of sample logs by name: generator modules, and exports of a toy behaviour."""
    found = {
        each.name: each
        for each in (_of_module(path) for path in sorted([*HERE.glob("*.py"), *HERE.parents[1].glob("*.py")]))
        if each
    }
    for name, exporter in exporters().items():
        found[f"export-{name}"] = _of_exporter(exporter, found)
    return found


def importer_of(log: Path) -> Importer:
    """The importer that knows a log."""
    known = recognise(log, importers())
    assert known is not None, f"no importer knows {log.name}"
    return known


def accepted(exporter: Exporter) -> list[str]:
    """The names of the toy behaviours that an exporter can hold, with its default settings."""
    names = []
    for name, behavior in matrix_toys.behaviors().items():
        try:
            exporter.check(behavior, ExportOptions(exporter.Settings()))
        except RecordingError:
            continue
        names.append(name)
    return names


def _of_module(path: Path) -> Samples | None:
    is_test = path.name.startswith(("test_", "fuzz_", "conftest", "format_samples"))
    if is_test or path.name in NOT_INSTALLED or "\ndef sample_log(" not in path.read_text():
        return None
    module = importlib.import_module(path.stem)
    return Samples(path.stem, module.sample_log, getattr(module, "REPLAYS", False), getattr(module, "UNSETTLED", 0))


def _of_exporter(exporter: Exporter, others: Mapping[str, Samples]) -> Samples:
    unsettled = max((each.unsettled for each in others.values()), default=0)

    def write(folder: Path, seed: int) -> Path:
        behavior = matrix_toys.behaviors()[random.Random(seed).choice(accepted(exporter))]
        recordings = matrix_toys.record(folder / "recordings", behavior, lengths=(7, 12), seed=seed)
        out = folder / "log"
        export_logs(recordings, out, exporter.name)
        shutil.rmtree(folder / "recordings")
        return main_log(out)

    return Samples(f"export-{exporter.name}", write, unsettled=unsettled if exporter.name == "telemetry" else 0)


def main_log(out: Path) -> Path:
    """The first log that an importer knows, of an exported folder."""
    if recognise(out, importers()) is not None:
        return out
    logs = sorted(path for path in out.rglob("*") if recognise(path, importers()) is not None)
    assert logs, f"no importer knows anything of {sorted(path.name for path in out.rglob('*'))}"
    return logs[0]
