"""Which games are registered, looked up before anything is played.

It is asked of a process of its own, since the module that registers the game may do anything when it is imported. What
goes wrong with that is left for the runs to tell of.
"""

from __future__ import annotations

import difflib
import importlib
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.errors import PlaytestError

if TYPE_CHECKING:
    from understudy.playtest.spec import GameSpec

_PATIENCE_S = 60.0


def import_game(module: str | None, folder: Path) -> None:
    """Import what registers a game: a module, which may lie in `folder`, or the package's own games."""
    # At the end, so that a file beside the spec never shadows an installed package.
    sys.path += [str(folder), str(Path.cwd())]
    importlib.import_module(module or "understudy.envs")


def require_registered(game: GameSpec, folder: Path) -> None:
    """Refuse a game that nothing registers.

    Args:
        game: With its gymnasium id; one without a version, or with a module before a colon, is gymnasium's to read.
        folder: Where the spec lies; its modules can be imported.

    Raises:
        PlaytestError: If its id is unknown; it names the nearest that is known.
    """
    name, known = game.id.rpartition(":")[2], _registered(game, folder)
    if not known or any(name in (each, each.rpartition("-v")[0]) for each in known):
        return
    close = difflib.get_close_matches(name, known, n=1)
    own = (
        f"the module '{game.import_}' does not register it" if game.import_ else "name the module that does as 'import'"
    )
    hint = f". Did you mean '{close[0]}'?" if close else f"; {own}."
    raise PlaytestError(f"The spec's game has the id '{game.id}', which nothing registers{hint}")


def _registered(game: GameSpec, folder: Path) -> list[str]:
    """Every id; none if the module cannot be imported, or takes its time."""
    command = [sys.executable, "-P", "-m", __name__, game.id.rpartition(":")[0], game.import_ or "", str(folder)]
    with suppress(subprocess.TimeoutExpired, ValueError):
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=False,
        )
        ids: list[str] = json.loads(done.stdout)
        return ids
    return []


def main() -> None:
    """Import a game's modules, given as arguments with the spec's folder, and print every registered id in JSON."""
    before_colon, module, folder = sys.argv[1:]
    # What the module prints is no answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    import gymnasium

    import_game(module or None, Path(folder))
    if before_colon:
        importlib.import_module(before_colon)
    os.write(answer, json.dumps(list(gymnasium.registry)).encode())
    # It may have started threads that never end.
    os._exit(0)


if __name__ == "__main__":
    main()
