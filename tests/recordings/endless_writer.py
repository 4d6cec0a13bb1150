"""Writes the toy's steps for ever, to be killed: `python endless_writer.py FOLDER SEED`; prints its count of them."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from toys import EXTRAS, TOY, write_steps
from understudy.recordings import EpisodeWriter, Provenance


def main(folder: str, seed: str) -> None:
    """Append until killed; 400 steps a second, so that some batches are on disk, one is being written, others wait."""
    writer = EpisodeWriter(Path(folder), TOY, Provenance("toy"), name=f"killed-{seed}", extras=EXTRAS)
    for step in write_steps(writer, int(seed), sys.maxsize):
        sys.stdout.write(f"{step + 1}\n")
        sys.stdout.flush()
        time.sleep(0.0025)


if __name__ == "__main__":
    main(*sys.argv[1:])
