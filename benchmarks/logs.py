"""Every promise about gameplay logs, a row each (make bench-logs).

python benchmarks/logs.py [--only NAME ...]

Each part runs in a process of its own, and one that cannot run is a row that says so.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from _parts import any_broken, run_part, to_json
from _table import report

PARTS = ("windows", "vpt", "writer", "doctor", "segments", "scale")


def main() -> int:
    """Run the parts asked for; the exit status is 1 if one broke."""
    asked = _arguments()
    if asked.part:
        print(to_json(importlib.import_module(f"logs_rows.{asked.part}").rows()))
        return 0
    rows = [row for name in asked.only for row in run_part(__file__, name, sys.argv[1:])]
    whole = tuple(asked.only) == PARTS
    report("logs" if whole else f"logs_{'_'.join(asked.only)}", rows)
    return int(any_broken(rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run; all by default")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
