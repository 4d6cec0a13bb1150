"""The contract of every importer here, as a suite to run on your own: `check_importer(MyImporter(), [log, …])`.

Each broken promise is an `AssertionError` that says which one, so that a test of yours needs only that one line.
"""

from __future__ import annotations

from understudy.recordings.formats.testing.contract import check_importer, check_sniff
from understudy.recordings.formats.testing.reading import EpisodeRead, read_log

__all__ = ["EpisodeRead", "check_importer", "check_sniff", "read_log"]
