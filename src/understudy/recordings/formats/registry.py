"""Which formats there are: ours and those of installed packages, all found through entry points."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from understudy.errors import RecordingError, suggest
from understudy.recordings.formats.protocol import Exporter, Importer, Settings

IMPORTERS = "understudy.importers"
EXPORTERS = "understudy.exporters"


@cache
def importers() -> Mapping[str, Importer]:
    """Every importer by name. A format's optional packages are only needed once it is used."""
    return _load(IMPORTERS)


@cache
def exporters() -> Mapping[str, Exporter]:
    """Every exporter by name."""
    return _load(EXPORTERS)


def _load(group: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    points: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda each: each.name):
        if point.name in found:
            packages = f"{_package(points[point.name])} and {_package(point)}"
            raise RecordingError(f"{packages} both bring a format called '{point.name}'; uninstall one of them.")
        try:
            found[point.name], points[point.name] = point.load()(), point
        except Exception as error:
            # Code of other people's, loaded here: whatever it raises, the user needs to know whose it is.
            raise RecordingError(
                f"The format '{point.name}' of {_package(point)} cannot be loaded ({error}); mend or uninstall it."
            ) from error
    return found


def _package(point: EntryPoint) -> str:
    return f"the package '{point.dist.name}'" if point.dist else f"'{point.value}'"


def importer(name: str) -> Importer:
    """Return the importer called `name`, or raise `RecordingError` with a suggestion."""
    if name not in importers():
        raise RecordingError(f"There is no importer '{name}'.{suggest(name, importers())}")
    return importers()[name]


def exporter(name: str) -> Exporter:
    """Return the exporter called `name`, or raise `RecordingError` with a suggestion."""
    if name not in exporters():
        raise RecordingError(f"There is no exporter '{name}'.{suggest(name, exporters())}")
    return exporters()[name]


def read_settings(format_: Importer | Exporter, given: Mapping[str, str]) -> Settings:
    """Turn `KEY=VALUE` texts into a format's settings; raises `RecordingError` naming the key that is wrong."""
    known = format_.Settings.model_fields
    for key in given:
        if key not in known:
            raise RecordingError(f"The format '{format_.name}' has no setting '{key}'.{suggest(key, known)}")
    try:
        return format_.Settings.model_validate_strings(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecordingError(f"Setting '{where}' of the format '{format_.name}': {first['msg']}.") from error
