"""The Godot add-on: a headless scene with physics and RayCast nodes, played over the web port."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from client_builds import CLIENTS, require_packages
from served_bots import serve, trajectories
from steering_bundle import FAN

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

FIRST_BAFFLE = 8
WALLS = np.array(
    [[0, -4, 24, -4], [0, 4, 24, 4], [0, -4, 0, 4], [24, -4, 24, 4], [8, -4, 8, 1], [16, -1, 16, 4]], float
)
THICKNESS = 0.05
START = np.array([1, -2.5])


@pytest.fixture(scope="module")
def url(bundle_folder: Path) -> Iterator[str]:
    """A web port that serves the steering bundle."""
    with serve(bundle_folder, "--web-port", "0") as served:
        yield f"http://{served.web}"


def play(url: str, home: Path, *, blind: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the example for 100 decisions, unpaced."""
    require_packages("godot")
    environment = os.environ | {
        "HOME": str(home),
        "UNDERSTUDY_URL": url,
        "UNDERSTUDY_TICKS": "100",
        "UNDERSTUDY_PATIENCE_MS": "60000",
        "UNDERSTUDY_BLIND": str(int(blind)),
    }
    command = ["godot3-server", "--path", str(CLIENTS / "godot"), "--fixed-fps", "60"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def cast(origin: np.ndarray, direction: np.ndarray) -> float:
    """Return how far a ray goes to the nearest wall, by the slabs of the walls' boxes."""
    low, high = WALLS[:, :2] - THICKNESS, WALLS[:, 2:] + THICKNESS
    with np.errstate(divide="ignore"):
        crossings = np.sort([(low - origin) / direction, (high - origin) / direction], axis=0)
    entry, leave = crossings[0].max(axis=1), crossings[1].min(axis=1)
    hits = entry[(entry <= leave) & (entry >= 0)]
    return float(hits.min(initial=FAN.reach))


def test_a_bot_in_godot_acts_on_what_it_sees(url: str, tmp_path: Path) -> None:
    """Three seeing bodies pass both baffles; blinded, each stops at the first wall it meets. No decision is late."""
    runs = [play(url, tmp_path), play(url, tmp_path, blind=True)]
    assert [each.returncode for each in runs] == [0, 0], runs
    seeing, blind = (trajectories(each.stdout) for each in runs)

    assert list(seeing) == list(blind) == [0, 1, 2]
    assert all(path[:, 1].max() > 20 for path in seeing.values())
    assert all(path[:, 1].max() < FIRST_BAFFLE for path in blind.values())
    assert not any(path[:, 4].any() for path in (*seeing.values(), *blind.values()))


def test_the_ray_nodes_measure_the_geometry(url: str, tmp_path: Path) -> None:
    """The first look agrees with distances computed from the walls, ray by ray, and says what was met."""
    found = re.search(r"^reading (\[.*\])$", play(url, tmp_path).stdout, re.MULTILINE)
    assert found
    reading = np.array(json.loads(found[1])).reshape(FAN.shape)
    angles = -np.deg2rad(FAN.angles)
    expected = np.array([cast(START, np.array([np.cos(each), np.sin(each)])) for each in angles])

    assert np.allclose(reading[:, 0], expected, atol=1e-3)
    assert np.array_equal(reading[:, 1] == 1, expected < FAN.reach)


def test_without_a_server_there_is_one_sentence(tmp_path: Path) -> None:
    """The example ends with status 1 and says what to start."""
    done = play("http://127.0.0.1:9", tmp_path)
    assert done.returncode == 1
    assert "There is no web port at 127.0.0.1:9; start one with: understudy serve BUNDLE --web-port" in done.stderr
