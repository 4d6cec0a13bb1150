"""Every promise about serving, a row each (make bench-serving).

python benchmarks/serving.py [--only NAME ...] [--smoke] [--soak-minutes M]

Each part runs in a process of its own, and one that cannot run is a row that says so. `--smoke` goes through every part
in a few minutes; its numbers mean nothing and are not kept.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from dataclasses import replace

from _parts import any_broken, run_part, to_json
from _table import report
from serving_rows.settings import Settings, smoke_settings

from understudy.serving.tuning import poll_directly

PARTS = ("core", "quantised", "peers", "shooter", "pixels", "c_client", "swap", "soak")


def main() -> int:
    """Run the parts asked for; the exit status is 1 if one broke."""
    asked = _arguments()
    if asked.part:
        poll_directly()  # Before gRPC is imported, as parts do.
        found = importlib.import_module(f"serving_rows.{asked.part}").rows(_settings(asked))
        print(to_json(found))
        return 0
    rows = [row for name in asked.only for row in run_part(__file__, name, sys.argv[1:])]
    whole = tuple(asked.only) == PARTS
    report("serving" if whole else f"serving_{'_'.join(asked.only)}", rows, keep=not asked.smoke)
    return int(any_broken(rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run; all by default")
    parser.add_argument("--smoke", action="store_true", help="the smallest sizes")
    parser.add_argument("--soak-minutes", type=float, help="of the soak; 10 by default")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    return parser.parse_args()


def _settings(asked: argparse.Namespace) -> Settings:
    settings = smoke_settings() if asked.smoke else Settings()
    return replace(settings, soak_minutes=asked.soak_minutes) if asked.soak_minutes else settings


if __name__ == "__main__":
    sys.exit(main())
