"""Build against build: what two playtests of one spec, on the same seeds, say of a change to the game.

    comparison = compare(Path("playtests/before"), Path("playtests/after"))
    write_comparison(comparison, Path("playtests/change"))

Both folders are read from `results.json` and `coverage.json` alone.
"""

from __future__ import annotations

from understudy.playtest.compare.comparing import Comparison, compare
from understudy.playtest.compare.page import COMPARISON_FILE, COMPARISON_PAGE, write_comparison

__all__ = ["COMPARISON_FILE", "COMPARISON_PAGE", "Comparison", "compare", "write_comparison"]
