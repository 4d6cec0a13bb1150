"""What was done to a recording, written into its provenance: enough to do it again, and to find what it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import understudy
from understudy.recordings.surgery.operations import Operation
from understudy.recordings.surgery.take import HISTORY, Take


def remember(take: Take, operation: Operation) -> Take:
    """Return the take with a line more in its history.

    A line holds the operation with its parameters, but not which recordings it was for: those names are other
    recordings' affair. `piece` says what was cut out of what, `joined` that a cut was undone without a seam, `sources`
    what lay on disk when the plan was applied.
    """
    form = {key: value for key, value in operation.to_dict().items() if key not in ("recordings", "players")}
    line: dict[str, Any] = {
        "operation": form,
        "sources": [{"name": name, "digest": digest} for name, digest in take.sources],
        "understudy": understudy.__version__,
    }
    if take.seamless or (take.piece is not None and _is_whole(take.piece)):
        line["joined"] = True
    elif take.piece is not None:
        line["piece"] = dict(take.piece)
    return replace(take.with_notes(**{HISTORY: [*take.history, line]}), piece=None, seamless=False)


def _is_whole(piece: Mapping[str, Any]) -> bool:
    return bool(piece["start"] == 0 and piece["stop"] == piece["steps"])


def lineage(take: Take) -> str:
    """Return what tells this take from any other: a hash of its sources and all that was done to them."""
    form = [take.sources, [line["operation"] for line in take.history], take.name]
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:32]


def last_cut(take: Take) -> int | None:
    """Return the index of the line that cut this take out of a whole; None if its steps have changed since."""
    for index, line in reversed(list(enumerate(take.history))):
        if "piece" in line:
            return index
        if not (_keeps_steps(line["operation"]) or line.get("joined")):
            return None
    return None


def _keeps_steps(operation: Mapping[str, Any]) -> bool:
    """Whether pieces that went through it still meet: their steps and clocks are what they were."""
    if operation["op"] == "anonymise":
        return bool(operation.get("keep_clock"))
    return operation["op"] in ("mask", "relabel")


def piece_of(take: Take) -> dict[str, Any] | None:
    """Return which piece of which whole the take is, and what was done to it alone since, as one comparable form."""
    index = last_cut(take)
    if index is None:
        return None
    since = [line["operation"] for line in take.history[index + 1 :] if not line.get("joined")]
    return {**take.history[index]["piece"], "since": since}


def joined(take: Take, piece: dict[str, Any]) -> Take:
    """Return the take with its last cut widened to `piece`, or undone where that is the whole."""
    lines, index = take.history, last_cut(take)
    assert index is not None  # the caller joins pieces
    line = {key: value for key, value in lines[index].items() if key != "piece"}
    lines[index] = {**line, "joined": True} if _is_whole(piece) else {**line, "piece": piece}
    return take.with_notes(**{HISTORY: lines})
