"""Which checks there are: ours, and those of installed packages, found through entry points."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from understudy.errors import RecordingError, suggest
from understudy.recordings.doctor.checks import OURS
from understudy.recordings.doctor.protocol import Check

CHECKS = "understudy.checks"


def checks(only: Iterable[str] = ()) -> tuple[Check, ...]:
    """Return every check, ours first, or those named.

    Args:
        only: Names of checks; empty for all.

    Raises:
        RecordingError: If a name is unknown, or an installed package's check cannot be loaded.
    """
    known = {each.name: each for each in (*(kind() for kind in OURS), *_installed())}
    for name in only:
        if name not in known:
            raise RecordingError(f"There is no check '{name}'.{suggest(name, known)}")
    return tuple(known[name] for name in (tuple(only) or known))


def _installed() -> list[Check]:
    return [_load(point) for point in sorted(entry_points(group=CHECKS))]


def _load(point: EntryPoint) -> Check:
    try:
        return point.load()()
    except Exception as error:
        raise RecordingError(
            f"The check '{point.name}' ({point.value}) cannot be loaded: {error}. Mend or remove its package."
        ) from error
