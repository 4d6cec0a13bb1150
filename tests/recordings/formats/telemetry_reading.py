"""Reads small tables by small mappings, for the tests of telemetry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from understudy.recordings.formats import ImportOptions
from understudy.recordings.formats.telemetry import TelemetryImporter

BASE: dict[str, Any] = {
    "name": "toy",
    "rate_hz": 10,
    "clock": {"column": "t", "unit": "s"},
    "sensors": [{"name": "x", "columns": ["x"]}],
    "actions": [{"name": "fire", "kind": "buttons", "columns": ["fire"]}],
}


def mapped(path: Path, **changes: Any) -> Path:
    """Write a mapping beside a table."""
    path.with_name(f"{path.name}.map.yaml").write_text(yaml.safe_dump({**BASE, **changes}), "utf-8")
    return path


def episodes(path: Path, **options: Any) -> list[tuple[Any, list[Any]]]:
    """Each episode with all its rows."""
    return [(each, list(each.rows)) for each in TelemetryImporter().iter_episodes(path, ImportOptions(**options))]


def column(rows: list[Any], kind: str, name: str) -> list[Any]:
    """A column over all rows, without the dimension of a single value."""
    return np.concatenate([getattr(each, kind)[name] for each in rows]).squeeze(-1).tolist()


def steady(count: int, step: float = 0.1) -> list[dict[str, Any]]:
    """Rows on the decisions' own times."""
    return [{"t": round(i * step, 4), "x": i, "fire": i % 3 == 0} for i in range(count)]
