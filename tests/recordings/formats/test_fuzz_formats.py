"""A short run of the coverage-guided fuzzer; `make fuzz` runs it longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_short_fuzz_of_logs_finds_nothing(tmp_path: Path) -> None:
    """In twenty seconds no bytes in any file of any log get an answer other than episodes or a sentence."""
    pytest.importorskip("atheris", reason="needs atheris: make fuzz installs it")
    script = Path(__file__).with_name("fuzz_formats.py")
    command = (sys.executable, str(script), "-max_total_time=20", f"-artifact_prefix={tmp_path}/")
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, cwd=script.parent)
    assert done.returncode == 0, done.stderr[-3000:]
    assert list(tmp_path.iterdir()) == []
