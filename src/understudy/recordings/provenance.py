"""Where a recording comes from: written into each one, read by the split, the reports and the doctor."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from understudy.errors import RecordingError
from understudy.spec import Json

RECORDER_VERSION = "1"
KEY_FILE = "player.key"
_KEY_BYTES = 32


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
    return hmac.new(key, player.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:16]


def project_key(folder: Path) -> bytes:
    """Return the key that hashes the players of the recordings in `folder`, made on first use, readable by its owner.

    Whoever has the key can test whether a known name is in the recordings; delete it to make that impossible.
    """
    path = folder / KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    key = secrets.token_bytes(_KEY_BYTES)
    with os.fdopen(descriptor, "w") as file:
        file.write(key.hex())
    return key


def _read_key(path: Path) -> bytes:
    """Read a key, giving another process that has just made the file a moment to fill it."""
    for _ in range(20):
        text = path.read_text("ascii", "replace")
        if len(text) >= 2 * _KEY_BYTES:
            break
        time.sleep(0.02)
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise RecordingError(f"{path} should hold 64 hexadecimal digits; restore it, or delete it to begin a new key.")
    return key
