"""An installed plug-in: the toy format, found through its entry points like anyone's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from understudy.recordings.formats.registry import exporters, importers


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a package for one test: `install(importers={"name": "module:Class"}, exporters={...})`."""

    def do(name: str = "toyformat", **groups: dict[str, str]) -> None:
        site = tmp_path_factory.mktemp("site")
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        sections = [
            "\n".join([f"[understudy.{group}]", *(f"{key} = {value}" for key, value in points.items())])
            for group, points in groups.items()
        ]
        (info / "entry_points.txt").write_text("\n\n".join(sections) + "\n")
        monkeypatch.syspath_prepend(str(site))
        _forget()

    yield do
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    importers.cache_clear()
    exporters.cache_clear()


@pytest.fixture
def toy_format(install: Callable[..., None]) -> None:
    """The toy format is installed."""
    install(importers={"toylog": "toy_format:ToyImporter"}, exporters={"toylog": "toy_format:ToyExporter"})


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder for logs."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder
