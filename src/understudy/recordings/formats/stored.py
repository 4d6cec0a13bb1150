"""What an export says of a recording beside the format's own data, for our importer to take back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from understudy.recordings.provenance import Provenance

# HDF5 keeps an attribute of up to 64 KiB with its object.
_MAX_BYTES = 60_000


def provenance_text(provenance: Provenance) -> str:
    """Return a provenance as JSON of bounded size: the notes go where there is too much of them."""
    text = provenance.to_json()
    return text if len(text) <= _MAX_BYTES else replace(provenance, notes={"dropped": "too long"}).to_json()


def stored_provenance(text: Any) -> Provenance | None:
    """Read `provenance_text` back, or return None where it is not that: the file may be anyone's."""
    try:
        form = json.loads(text)
        found = Provenance.from_dict(form)
    except (TypeError, ValueError, KeyError, RecursionError):
        return None
    texts = (found.game, found.build, found.map, found.player, found.source, found.started, found.recorder_version)
    seed_fits = found.seed is None or type(found.seed) is int
    return (
        found if all(isinstance(each, str) for each in texts) and seed_fits and isinstance(found.notes, dict) else None
    )
