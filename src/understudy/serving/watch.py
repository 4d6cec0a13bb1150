"""Watching the folders of the served bundles: an export over one of them is loaded beside it and takes its place."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from understudy.agents.bundle import CARD_FILE
from understudy.errors import UnderstudyError
from understudy.serving.registry import Registry

_LOG = logging.getLogger(__name__)


class FolderWatch:
    """Looks at the cards of bundles now and then, from `run` until cancelled.

    Args:
        registry: Whose bundles.
        every_s: Seconds between two looks.
        share: Of the bots that a new version plays first; 1 puts it in the other's place at once.
    """

    def __init__(self, registry: Registry, every_s: float, share: float = 1.0) -> None:
        self._registry = registry
        self._every_s = every_s
        self._share = share
        self._seen = {folder: _stamp(folder) for folder in self._folders()}

    async def run(self) -> None:
        """Look until cancelled. A folder that cannot be loaded is logged once, and looked at again when it changes."""
        while True:
            await asyncio.sleep(self._every_s)
            for folder in self._folders():
                stamp = _stamp(folder)
                # A folder that is new here was loaded by somebody else.
                if stamp is not None and stamp != self._seen.setdefault(folder, stamp):
                    self._seen[folder] = stamp
                    await self._load(folder)

    def _folders(self) -> list[Path]:
        return [each.versions.stable.bundle.folder for each in self._registry.deployments]

    async def _load(self, folder: Path) -> None:
        try:
            deployment, bundle, loaded = await self._registry.load(folder, self._share)
        except UnderstudyError as error:
            _LOG.error("The new version in %s is not played: %s", folder, error)
            return
        except Exception:  # such as a file that vanished while it was read: the watch must not end with it
            _LOG.exception("The new version in %s is not played", folder)
            return
        _LOG.warning(
            "'%s' now plays version %s; %d bots went over, %d started afresh",
            *(deployment.name, bundle.digest[:12], loaded.carried, loaded.reset),
        )


def _stamp(folder: Path) -> tuple[int, int] | None:
    """Return what changes when the card is written anew; None while it is not there, in the middle of an export."""
    try:
        status = (folder / CARD_FILE).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
