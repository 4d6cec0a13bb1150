from __future__ import annotations

from pathlib import Path

import pytest
import synthetic_play as synthetic

from understudy.evaluation.telemetry import Telemetry, read_telemetry
from understudy.recordings import open_recordings


@pytest.fixture(scope="session")
def play_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings: six plain players, a bot that plays like them, and a hasty one."""
    folder = tmp_path_factory.mktemp("play")
    for index in range(6):
        synthetic.record(folder / "players", f"player-{index}", 6, persona=("calm", "bold")[index % 2])
    synthetic.record(folder / "same", "same", 12)
    synthetic.record(folder / "hasty", "hasty", 12, synthetic.HASTY)
    return folder


def _read(folder: Path) -> list[Telemetry]:
    return read_telemetry(open_recordings(folder), synthetic.ground_of)


@pytest.fixture(scope="session")
def players(play_folder: Path) -> list[Telemetry]:
    """Telemetry of six players."""
    return _read(play_folder / "players")


@pytest.fixture(scope="session")
def same(play_folder: Path) -> list[Telemetry]:
    """Telemetry of a bot that plays as the players do."""
    return _read(play_folder / "same")


@pytest.fixture(scope="session")
def hasty(play_folder: Path) -> list[Telemetry]:
    """Telemetry of a bot that plays otherwise."""
    return _read(play_folder / "hasty")
