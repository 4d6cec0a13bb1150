"""Fixtures that more than one room's tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is slow at random; what is tested here are laws, not speed. The same examples each time, so that a
# green run stays green; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("explore"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# A shell without job control starts what it puts into the background deaf to Ctrl-C, and so would be every program that
# a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def toy_logs(tmp_path: Path) -> Path:
    """A folder with three whole recordings of the toy behaviour, of two players."""
    from toys import write_episode

    folder = tmp_path / "logs"
    for seed, player in enumerate(("ann", "ben", "ann")):
        write_episode(folder, f"episode-{seed}", steps=60 + 10 * seed, seed=seed, player=player)
    return folder
