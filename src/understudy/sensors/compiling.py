"""Numba, with a cache of compiled kernels that knows when one of them has changed.

Numba keeps what it compiled beside each module, and looks at that module's date alone: of a kernel that another module
calls it would go on running the old one, after an upgrade as after an edit. Here all kernels share a cache that is
named by the text of all of them. Setting `NUMBA_CACHE_DIR` puts it elsewhere.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from understudy.errors import require

numba = require("numba", "logs")


def _name_of_kernels(package: Path) -> str:
    """A name for the text of every module with kernels."""
    digest = hashlib.blake2b(digest_size=8)
    for source in sorted(package.rglob("*.py")):
        text = source.read_bytes()
        if b"numba.njit" in text:
            digest.update(text)
    return f"kernels-{digest.hexdigest()}"


if "NUMBA_CACHE_DIR" not in os.environ:
    _package = Path(__file__).parents[1]
    numba.config.CACHE_DIR = str(_package / "__pycache__" / _name_of_kernels(_package))
