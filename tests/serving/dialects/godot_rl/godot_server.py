"""The dialect on a free port, for the length of a `with` block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from understudy.agents.bundle import Bundle
from understudy.serving.dialects.godot_rl import GodotRl, GodotRlOptions
from understudy.serving.registry import Registry


@dataclass(frozen=True)
class Served:
    """A dialect that is being served."""

    port: int
    registry: Registry
    dialect: GodotRl


@asynccontextmanager
async def served(bundles: list[Bundle], options: GodotRlOptions | None = None) -> AsyncIterator[Served]:
    """Serve Godot games on a free port."""
    registry = Registry(bundles)
    dialect = GodotRl(options)
    try:
        yield Served(await dialect.start(registry, "127.0.0.1", 0), registry, dialect)
    finally:
        await dialect.stop(grace=0.2)
        await registry.close()
