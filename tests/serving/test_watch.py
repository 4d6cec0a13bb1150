"""A server that watches its bundles' folders."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from arena import make_bundle

from understudy.serving.registry import Registry
from understudy.serving.watch import FolderWatch


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def test_an_export_over_a_served_bundle_takes_its_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A broken one is reported once and not played; the next whole one is."""
    first = make_bundle(tmp_path / "bundle")

    async def main() -> None:
        registry = Registry([first])
        watch = asyncio.create_task(FolderWatch(registry, 0.01).run())
        (deployment,) = registry.deployments
        try:
            make_bundle(tmp_path / "bundle", "stranger", seed=1)
            await _until(lambda: "is not played: This server plays no bundle named 'stranger'" in caplog.text)
            assert deployment.bundle.digest == first.digest
            second = make_bundle(tmp_path / "bundle", seed=2)
            await _until(lambda: deployment.bundle.digest == second.digest)
            assert "now plays version" in caplog.text
        finally:
            watch.cancel()
            await registry.close()

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    assert caplog.text.count("is not played") == 1
