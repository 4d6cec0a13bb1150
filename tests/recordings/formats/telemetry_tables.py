"""Writes tables as studios' own telemetry has them: five shapes, each with the quirks of its kind."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from understudy.recordings.formats.telemetry.draft import draft_text
from understudy.recordings.formats.telemetry.guess import guess_mapping

Row = dict[str, Any]
START_MS = 1_717_236_000_000


def write_csv(path: Path, rows: Sequence[Row], delimiter: str = ",") -> Path:
    """Write rows with a header, quoting what needs it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: Sequence[Row]) -> Path:
    """Write an object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def unreal(folder: Path) -> Path:
    """A shooter in Unreal, 20 rows a second, two matches of two players, one after the other."""
    rows = []
    rng = np.random.default_rng(1)
    for match in ("3fa4", "9c01"):
        for player in ("Ann Lee", "bob"):
            for i in range(120):
                t = i * 0.05 + rng.normal(0, 0.001)
                rows.append(
                    {
                        "Timestamp": f"{t:.4f}",
                        "MatchId": match,
                        "PlayerName": player,
                        "MapName": "Dust",
                        "PosX": f"{100 + 3 * i:.2f}",
                        "PosY": f"{-20 + i:.2f}",
                        "PosZ": "88.15" if i % 2 else "88.20",
                        "Yaw": f"{(i * 7) % 360 - 180:.1f}",
                        "Pitch": f"{i % 40 - 20:.1f}",
                        "Health": 100 - i // 10,
                        "Ammo": 30 - i % 30,
                        "bIsFiring": i % 9 == 0,
                        "bIsJumping": i % 50 == 3,
                        "bIsAlive": i % 97 != 0,
                        "MouseDX": int(rng.integers(-40, 40)),
                        "MouseDY": int(rng.integers(-25, 25)),
                        "Weapon": ("Rifle", "Knife", "Rifle")[i % 3],
                        "EnemyDistance": f"{500 - i:.1f}",
                        "ServerVersion": "1.4.2",
                        "ChatMessage": "gg, well played" if i == 60 else ("" if i % 41 else f"rush b now {i} please"),
                    }
                )
    return write_csv(folder / "shooter.csv", rows)


def unity(folder: Path) -> Path:
    """A platformer in Unity as nested JSON lines, 50 rows a second, one session after the other."""
    rows = [
        {
            "t": round(i * 0.02, 3),
            "session": f"s-{session}",
            "player": {"id": 100 + session},
            "pos": {"x": i * 0.1, "y": float(np.sin(i / 9)), "z": 0.5 + 0.01 * i},
            "vel": {"x": 5.0 - i % 2, "y": 0.1 * i},
            "input": {"horizontal": float(np.sin(i / 5)), "vertical": 0.0 if i % 4 else 1.0, "jump": i % 20 < 3},
            "grounded": i % 20 >= 5,
            "hp": 3 - i // 50,
            "coins": i // 10,
            "events": ["coin"] if i % 10 == 9 else [],
        }
        for session in range(3)
        for i in range(100)
    ]
    return write_jsonl(folder / "platformer.jsonl", rows)


def browser(folder: Path) -> Path:
    """A game in the browser: milliseconds since 1970, as rows happened to come, no column for episodes."""
    rng = np.random.default_rng(3)
    rows, clock = [], START_MS
    for i in range(600):
        clock += int(rng.choice([7, 16, 17, 33, 51, 120], p=[0.1, 0.3, 0.3, 0.1, 0.1, 0.1]))
        rows.append(
            {
                "timestamp_ms": clock,
                "pos_x": round(i * 0.3, 3),
                "pos_y": round(100 - i * 0.1, 3),
                "hp": 100 - i // 20,
                "key_w": int(i % 7 < 4),
                "key_a": int(i % 11 == 0),
                "key_s": 0 if i % 13 else 1,
                "key_d": int(i % 5 == 1),
                "mouse_dx": int(rng.normal(0, 12)),
                "mouse_dy": int(rng.normal(0, 7)),
                "lmb": int(i % 30 == 0),
                "event": "kill" if i % 100 == 50 else "",
            }
        )
    return write_csv(folder / "browser.tsv", rows, "\t")


def racing(folder: Path) -> Path:
    """A racing game as Parquet with real types: 60 rows a second, a lap list beside."""
    n = 600
    i = np.arange(n)
    start = datetime(2024, 6, 1, 10, tzinfo=UTC)
    table = {
        "wallclock": pa.array(
            [start + timedelta(microseconds=round(k * 1e6 / 60)) for k in i], pa.timestamp("us", "UTC")
        ),
        "session_id": pa.array(["a1"] * 300 + ["b2"] * 300),
        "driver": pa.array(["x"] * n),
        "lap": pa.array(1 + i // 200),
        "speed": pa.array(50 + 10 * np.sin(i / 50), pa.float32()),
        "rpm": pa.array(3000 + 5 * i, pa.float32()),
        "gear": pa.array(1 + i // 100 % 6, pa.int8()),
        "throttle": pa.array((i % 100) / 100, pa.float32()),
        "brake": pa.array(np.where(i % 100 > 80, 0.6, 0.0), pa.float32()),
        "steer": pa.array(np.sin(i / 30), pa.float32()),
        "handbrake": pa.array(i % 250 == 0),
        "track": pa.array(["ring"] * n).dictionary_encode(),
        "ray_0": pa.array(5.0 + i % 3),
        "ray_1": pa.array(6.0 + i % 4),
        "ray_2": pa.array(7.0 + i % 5),
    }
    path = folder / "racing.parquet"
    pq.write_table(pa.table(table), path, row_group_size=128)
    return path


def gridworld(folder: Path) -> Path:
    """A researcher's table with semicolons: dates as the clock, words as actions, reward and done."""
    rows = []
    start = datetime(2024, 6, 1, 10, tzinfo=UTC)
    for i in range(400):
        step = i % 40
        moment = start + timedelta(seconds=i * 0.2)
        rows.append(
            {
                "": i,
                "date": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "episode": i // 40,
                "step": step,
                "x": step % 8,
                "y": step // 8,
                "action": ("up", "down", "left", "right")[(i * 7) % 4],
                "reward": 1.0 if step == 39 else -0.01,
                "done": step == 39,
                "comment": "",
            }
        )
    return write_csv(folder / "grid.csv", rows, ";")


SHAPES: dict[str, Callable[[Path], Path]] = {
    each.__name__: each for each in (unreal, unity, browser, racing, gridworld)
}

# A decision by the clock is whole only once a row after it is there.
UNSETTLED = 1


def sample_log(folder: Path, seed: int) -> Path:
    """Write one of the shapes, drawn from a seed, with its mapping beside it."""
    path = list(SHAPES.values())[seed % len(SHAPES)](folder)
    path.with_name(f"{path.name}.map.yaml").write_text(draft_text(guess_mapping(path)), "utf-8")
    return path
