"""Every error a user can meet, as one tree.

    UnderstudyError
    ├── MissingExtraError        a feature needs an optional package that is not installed
    ├── SpecError                a behaviour spec is wrong in itself
    │   └── SpecMismatchError    two specs that should agree do not
    ├── ObservationError         an observation has the wrong shape, dtype or values
    ├── RecordingError           a recording, or a log being imported, cannot be read or written
    ├── RecipeError              a training recipe is wrong
    ├── BundleError              a bundle is incomplete, damaged or does not keep its promise
    ├── GameError                a game cannot be started as asked, or is used out of turn
    ├── ServingError             the server refused a request, or cannot be reached
    └── PlaytestError            a playtest spec is wrong, or its game cannot be run

Each message says what was asked, what was found, and what to do. The command line prints the message alone and exits
with status 2; the server answers `INVALID_ARGUMENT` with it.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class UnderstudyError(Exception):
    """Base of every error that a user caused or can mend."""


class MissingExtraError(UnderstudyError, ImportError):
    """Raised when a feature needs an optional package that is not installed."""


class SpecError(UnderstudyError, ValueError):
    """Raised when a behaviour spec is wrong in itself."""


class SpecMismatchError(SpecError):
    """Raised when two specs that should agree do not."""


class ObservationError(UnderstudyError, ValueError):
    """Raised when an observation or action has the wrong name, shape, dtype or values."""


class RecordingError(UnderstudyError):
    """Raised when a recording, or a log being imported, cannot be read or written."""


class RecipeError(UnderstudyError, ValueError):
    """Raised when a training recipe is wrong or does not fit its recordings."""


class BundleError(UnderstudyError):
    """Raised when a bundle is incomplete, damaged or does not keep its promise."""


class GameError(UnderstudyError, ValueError):
    """Raised when a game cannot be started as asked, or is used out of turn."""


class ServingError(UnderstudyError):
    """Raised when the server refused a request or cannot be reached."""


class PlaytestError(UnderstudyError):
    """Raised when a playtest spec is wrong or its game cannot be run."""


def require(module: str, extra: str) -> ModuleType:
    """Import an optional `module`, or say which extra brings it.

    Args:
        module: The module's import name, such as `"torch"`.
        extra: The extra of this package that installs it, such as `"train"`.

    Raises:
        MissingExtraError: If it is not installed; the message holds the install command.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name and error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtraError(
            f"This needs the package '{module}', which is not installed. Run: pip install 'understudy[{extra}]'"
        ) from error


def suggest(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'? Known: 'a', 'b'."`, to end an error about an unknown `name`."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"{hint} Known: {', '.join(repr(each) for each in names) or 'none'}."
