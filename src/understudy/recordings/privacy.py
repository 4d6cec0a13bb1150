"""Forgetting a player: recordings, what was edited from them, and caches are removed; what was trained is listed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from understudy.errors import RecordingError
from understudy.recordings.layout import SUFFIX
from understudy.recordings.provenance import KEY_FILE, hash_player, project_key
from understudy.recordings.reader import Episode
from understudy.recordings.traces import (
    Origin,
    derived_from,
    find_bundles,
    find_caches,
    find_runs,
    find_signatures,
    read_recordings,
)

_CACHE_NAME = re.compile(r"([0-9]+-)?[0-9a-f]{24}(\.part)?")
_SHOWN = 10


@dataclass(frozen=True)
class Traces:
    """What there is of a player; each list is sorted and without doubles.

    Attributes:
        players: The player's ids, as recordings have them.
        recordings: The player's, below the logs.
        derived: The player's below the other folders, and what was made of any by surgery, under whatever id.
        caches: Folders with decoded rows of them, whole: they hold other players' too, and training builds them again.
            And what the doctor has reduced them to.
        bundles: Trained on them. Not removed.
        perhaps_bundles: Trained on a recording of that name, but not of that content. Not removed.
        runs: Beside one of the caches, so perhaps trained from it. Not removed.
        unreadable: Recordings too damaged to say whose they are. Not removed.
    """

    players: tuple[str, ...] = ()
    recordings: tuple[Path, ...] = ()
    derived: tuple[Path, ...] = ()
    caches: tuple[Path, ...] = ()
    bundles: tuple[Path, ...] = ()
    perhaps_bundles: tuple[Path, ...] = ()
    runs: tuple[Path, ...] = ()
    unreadable: tuple[Path, ...] = ()

    @property
    def removable(self) -> tuple[Path, ...]:
        """What forgetting removes, in that order: the recordings last, for the rest is found through them."""
        return (*self.caches, *self.derived, *self.recordings)

    def united(self, other: Traces) -> Traces:
        """Return what either has."""
        pairs = {each.name: (getattr(self, each.name), getattr(other, each.name)) for each in fields(self)}
        return Traces(**{name: tuple(sorted({*one, *two})) for name, (one, two) in pairs.items()})


def find_player(player: str, logs: Path, also: Sequence[Path] = ()) -> Traces:
    """Find what there is of a player. Links that lead out of the folders are left alone.

    Args:
        player: The name in clear, found through the key that hashed it (`player.key` in, above or below the folders);
            or the hash, as `understudy logs inspect` prints it.
        logs: The folder of recordings.
        also: Other folders to look through, with all that is below them: runs, caches, bundles, edited recordings.

    Returns:
        What was found, and what an interrupted `forget_player` of the same player had found.

    Raises:
        RecordingError: If a folder is not there, the name is empty, or nothing is of that player.
    """
    folders = [folder.resolve() for folder in (logs, *also)]
    for folder in folders:
        if not folder.is_dir():
            raise RecordingError(f"{folder} is no folder.")
    if not player:
        raise RecordingError("Name the player to forget; recordings without a player are nobody's.")
    everything, unreadable = read_recordings(folders)
    ids = possible_ids(player, folders)
    own = {path: each for path, each in everything.items() if each.provenance.player in ids}
    begun = _read_journals(logs, ids, folders)
    if not own and begun is None:
        raise RecordingError(_not_found(player, logs, everything.values()))
    others = {path: each for path, each in everything.items() if path not in own}
    derived = derived_from(others, [each.digest for each in own.values()])
    found = _with_traces(folders, own, derived, unreadable)
    return found if begun is None else found.united(begun)


def forget_player(logs: Path, traces: Traces) -> tuple[Path, ...]:
    """Remove what `find_player` found, but for bundles, runs and what is unreadable.

    What is to be removed is written down beside the recordings first and crossed out last, so that an interrupted
    call is finished by calling both functions again.

    Args:
        logs: As for `find_player`.
        traces: What it returned.

    Returns:
        What was removed, in that order; what somebody else removed meanwhile is left out.

    Raises:
        RecordingError: If something cannot be removed; what comes after it is still there then.
    """
    journals = [_journal(logs, each) for each in traces.players]
    for journal in journals:
        _write_journal(journal, traces)
    removed = []
    for path in traces.removable:
        try:
            _remove(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise RecordingError(
                f"{path} cannot be removed ({error.strerror}), so the player is not forgotten yet. Mend that and "
                "say it again: it goes on from there."
            ) from error
        removed.append(path)
    for journal in journals:
        journal.unlink(missing_ok=True)
    return tuple(removed)


def possible_ids(player: str, folders: Sequence[Path]) -> set[str]:
    """Return how recordings may name a player: as given, hashed under each key at hand, and hashed again."""
    places = [folder / KEY_FILE for each in folders for folder in (each, each.parent)]
    files = {path for path in places if path.is_file()} | {path for each in folders for path in each.rglob(KEY_FILE)}
    keys = [project_key(path.parent) for path in sorted(files)]
    ids = {player}
    for _ in range(2):  # `Anonymise` hashes hashes
        ids |= {hash_player(each, key) for each in ids for key in keys}
    return ids


def _with_traces(
    folders: Sequence[Path], own: Mapping[Path, Episode], derived: Mapping[Path, Episode], unreadable: Sequence[Path]
) -> Traces:
    theirs = {**own, **derived}
    origins = [Origin.of(each) for each in theirs.values()]
    caches = find_caches(folders, origins)
    signatures = find_signatures(folders, [each.digest for each in theirs.values()])
    bundles, perhaps = find_bundles(folders, origins)
    return Traces(
        players=tuple(sorted({each.provenance.player for each in own.values()})),
        recordings=tuple(sorted(path for path in theirs if path.is_relative_to(folders[0]))),
        derived=tuple(sorted(path for path in theirs if not path.is_relative_to(folders[0]))),
        caches=tuple(sorted({*caches, *signatures})),
        bundles=tuple(bundles),
        perhaps_bundles=tuple(perhaps),
        runs=tuple(find_runs(folders, caches)),
        unreadable=tuple(unreadable),
    )


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink()
        return
    # Whoever opens the cache must find it whole or not at all.
    doomed = path if path.name.endswith(".part") else path.with_name(f"{path.name}.part")
    if doomed != path:
        shutil.rmtree(doomed, ignore_errors=True)
        path.rename(doomed)
    shutil.rmtree(doomed)


def _journal(logs: Path, player: str) -> Path:
    return logs.resolve() / f".forgetting-{hashlib.sha256(player.encode()).hexdigest()[:16]}.json"


def _write_journal(path: Path, traces: Traces) -> None:
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(asdict(traces), default=str))
    draft.rename(path)


def _read_journals(logs: Path, ids: Iterable[str], folders: Sequence[Path]) -> Traces | None:
    """What interrupted calls had found; of that, only what lies in the folders and may be what it says."""
    found = None
    for path in sorted(_journal(logs, each) for each in ids):
        if path.is_file():
            traces = _from_journal(json.loads(path.read_text()), folders)
            found = traces if found is None else found.united(traces)
    return found


def _from_journal(form: Mapping[str, Sequence[str]], folders: Sequence[Path]) -> Traces:
    def inside(name: str) -> tuple[Path, ...]:
        paths = [Path(each) for each in form[name]]
        return tuple(path for path in paths if any(path.resolve().is_relative_to(folder) for folder in folders))

    def recordings(name: str) -> tuple[Path, ...]:
        return tuple(path for path in inside(name) if path.name.endswith(SUFFIX))

    return Traces(
        players=tuple(form["players"]),
        recordings=recordings("recordings"),
        derived=recordings("derived"),
        # What was begun to be removed has another name since.
        caches=tuple(
            each
            for path in inside("caches")
            if _CACHE_NAME.fullmatch(path.name)
            for each in {path, path.with_name(f"{path.name.removesuffix('.part')}.part")}
        ),
        **{name: inside(name) for name in ("bundles", "perhaps_bundles", "runs", "unreadable")},
    )


def _not_found(player: str, logs: Path, episodes: Iterable[Episode]) -> str:
    players = sorted({each.provenance.player for each in episodes if each.provenance.player})
    shown = ", ".join(players[:_SHOWN]) + (f" and {len(players) - _SHOWN} more" if len(players) > _SHOWN else "")
    return (
        f"No recording in {logs} is by '{player}'; its players are {shown or 'not recorded'}. A name in clear is found "
        f"through the key that hashed it: put {KEY_FILE} back into {logs} if it was moved away, or give the hash that "
        "`understudy logs inspect` prints."
    )
