"""`Relabel` and `Anonymise`: who played, and how."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from understudy.recordings.formats.protocol import Rows
from understudy.recordings.provenance import hash_player
from understudy.recordings.surgery.operations import Anonymise, Relabel
from understudy.recordings.surgery.take import HISTORY, Take

STYLE = "style"
# As in the names that the recorder gives, and some importers.
_TIME = re.compile(r"-?\d{8}[T-]\d{6}")
# Provenance must say some time; this one says that it is not known.
UNKNOWN_START = "1970-01-01T00:00:00+00:00"


def relabel(operation: Relabel, take: Take) -> list[Take]:
    """Say in which style it was played."""
    return [take.with_notes(**{STYLE: operation.style})]


def anonymise(operation: Anonymise, takes: Sequence[Take], key: Callable[[], bytes]) -> list[Take]:
    """Give players new ids and forget the rest; see `Anonymise`.

    Args:
        operation: What to do.
        takes: All that it is for, since pseudonyms count the players among them.
        key: Gives the new folder's key, made if it is not there.
    """
    players = [take.provenance.player for take in takes]
    known = [player for player in dict.fromkeys(players) if player]
    if operation.ids == "pseudonyms":
        ids = {player: f"player-{number:03d}" for number, player in enumerate(known, 1)}
    elif operation.ids == "rehash":
        ids = {player: hash_player(player, key()) for player in known}
    else:
        ids = {}
    return [_without_traces(operation, take, ids.get(take.provenance.player, "")) for take in takes]


def _without_traces(operation: Anonymise, take: Take, player: str) -> Take:
    allowed = {HISTORY, STYLE, *operation.keep_notes}
    notes = {name: value for name, value in take.provenance.notes.items() if name in allowed}
    provenance = replace(take.provenance, player=player, notes=notes)
    if operation.keep_clock:
        return take.with_provenance(provenance)
    return _from_nought(_timeless(take.with_provenance(replace(provenance, started=UNKNOWN_START))))


def _timeless(take: Take) -> Take:
    """Take the time out of the names, its own and those in its history; the digest keeps them apart."""
    tag = f"-{take.sources[0][1][:8]}"

    def scrub(form: Any) -> Any:
        if isinstance(form, dict):
            return {key: scrub(value) for key, value in form.items()}
        if isinstance(form, list | tuple):
            return type(form)(scrub(each) for each in form)
        return _TIME.sub(tag, form) if isinstance(form, str) else form

    notes = scrub(dict(take.provenance.notes))
    named = replace(take, name=scrub(take.name), sources=scrub(take.sources), piece=scrub(take.piece))
    return named.with_provenance(replace(take.provenance, notes=notes))


def _from_nought(take: Take) -> Take:
    """Count the wall clock from the first step."""

    def act(start: int, stop: int) -> Rows:
        rows = take.act(start, stop)
        return replace(rows, times_ns=np.asarray(rows.times_ns) - np.asarray(take.act(0, 1).times_ns))

    return replace(take, act=act)
