"""The numbers of the whole line, in one table: rays, cached windows, the training step, serving."""

from __future__ import annotations

import rays
import serving_line
import training_step
import windows
from _table import report

if __name__ == "__main__":
    report("line", [row for part in (rays, windows, training_step, serving_line) for row in part.rows()])
