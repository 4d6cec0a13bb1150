"""Where a recording comes from: written into each one, read by the split, the reports and the doctor."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from understudy.errors import RecordingError
from understudy.spec import Json

RECORDER_VERSION = "1"
KEY_FILE = "player.key"


@dataclass(frozen=True)
class Provenance:
    """Where a recording comes from.

    Attributes:
        game: Of the game, such as `"doom"`.
        build: The game's build, such as `"freedoom 0.13"`.
        map: Of the level played.
        seed: That the game started from, if known.
        player: Who played. Stored as a keyed hash unless the writer is told otherwise.
        source: The log this was imported from, or what recorded it.
        notes: Anything else worth keeping, in JSON.
        started: Wall clock at the start, ISO 8601 in UTC; filled in by the writer if empty.
        recorder_version: Of the code that wrote the file.
    """

    game: str
    build: str = ""
    map: str = ""
    seed: int | None = None
    player: str = ""
    source: str = ""
    notes: Mapping[str, Json] = field(default_factory=dict)
    started: str = ""
    recorder_version: str = RECORDER_VERSION

    def stamped(self) -> Provenance:
        """Return the same with `started` filled in."""
        return self if self.started else replace(self, started=datetime.now(UTC).isoformat(timespec="seconds"))

    def to_json(self) -> str:
        """Return the JSON text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> Provenance:
        """Rebuild from the JSON form; fields of later versions are ignored."""
        known = {name: form[name] for name in cls.__dataclass_fields__ if name in form}
        return cls(**known)


def hash_player(player: str, key: bytes) -> str:
    """Return 16 hexadecimal digits that stand for `player`: HMAC-SHA256 under the project's `key`."""
    return hmac.new(key, player.encode(), hashlib.sha256).hexdigest()[:16]


def project_key(folder: Path) -> bytes:
    """Return the key that hashes the players of the recordings in `folder`, made on first use, readable by its owner.

    Whoever has the key can test whether a known name is in the recordings; delete it to make that impossible.
    """
    path = folder / KEY_FILE
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        pass
    else:
        path.write_text(secrets.token_hex(32))
    try:
        return bytes.fromhex(path.read_text())
    except ValueError as error:
        raise RecordingError(
            f"{path} should hold 64 hexadecimal digits; restore it, or delete it to begin a new key."
        ) from error
