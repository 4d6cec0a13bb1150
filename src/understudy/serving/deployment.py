"""A bundle as it is played under one name: its versions, its bots' memory, and the turns they take."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving.batcher import Batcher
from understudy.serving.codec import Codec
from understudy.serving.fallback import LastActions
from understudy.serving.table import BotTable, SlotPool
from understudy.serving.versions import Version, Versions
from understudy.spec import BehaviorSpec


class Loaded(NamedTuple):
    """What became of the bots when another version was loaded.

    Attributes:
        carried: Bots whose state went over.
        reset: Bots that started afresh.
    """

    carried: int
    reset: int


class Deployment:
    """Everything the sessions of one bundle share.

    Args:
        version: That plays first.
    """

    def __init__(self, version: Version) -> None:
        bundle = version.bundle
        self.name = bundle.name
        self.behavior: BehaviorSpec = bundle.behavior
        self.codec = Codec(bundle.behavior)
        self.versions = Versions(version)
        self.slots = SlotPool()
        self.last_actions = LastActions(bundle.behavior)
        table = BotTable(bundle.state_size, bundle.noise_size, bundle.style())
        self.batcher = Batcher(self.versions, table, bundle.name)
        self._loading = asyncio.Lock()

    @property
    def bundle(self) -> Bundle:
        """Of the version that plays for all bots."""
        return self.versions.newest.bundle

    async def step(
        self, sensors: Sequence[np.ndarray], state: np.ndarray, noise: np.ndarray
    ) -> tuple[Sequence[np.ndarray], np.ndarray]:
        """Decide once for bots whose memory the client keeps; see `PolicyRuntime.step`."""
        return await asyncio.to_thread(self.versions.newest.runtime.step, sensors, state, noise)

    async def load(self, version: Version, share: float) -> Loaded:
        """Let another version play for a share of the bots, from between two turns on.

        Args:
            version: Of the same name and behaviour.
            share: Of the bots, above 0; at 1 it plays for all, and the version before stays ready for a while.

        Raises:
            SpecMismatchError: If it senses or acts otherwise.
            ServingError: If a share of the bots cannot change over, since their memory would not fit.
        """
        async with self._loading:
            return await self._load(version, share)

    async def _load(self, version: Version, share: float) -> Loaded:
        new, old = version.bundle, self.versions.stable.bundle
        old.behavior.require_equal(new.behavior, expected=f"the bundle '{self.name}'", where=str(new.folder))
        fits = _sizes(new) == _sizes(old)
        if share < 1 and not fits:
            raise ServingError(
                f"The version in {new.folder} remembers other numbers than the one that plays, so bots cannot go from "
                "one to the other and back; load it with a share of 1, which starts them afresh, or under another name."
            )
        kept = await asyncio.to_thread(self._install, version, share, fits)
        bots = self.slots.num_taken
        return Loaded(bots, 0) if kept else Loaded(0, bots)

    def settle(self, *, promote: bool) -> Version:
        """Trust the version on trial, or take it back; return the one that plays now."""
        if self.versions.trial is None:
            raise ServingError(f"The bundle '{self.name}' has no version on trial; load one first.")
        if promote:
            self.versions.promote()
        else:
            self.versions.take_back()
        return self.versions.stable

    def to_message(self) -> pb.Bundle:
        """Return what clients are told of it."""
        bundle = self.bundle
        return pb.Bundle(
            name=self.name,
            digest=bundle.digest,
            spec_json=self.behavior.to_json(),
            provenance_json=json.dumps(bundle.card.provenance),
            style_size=bundle.style_size,
            styles=list(bundle.card.styles),
        )

    def close(self) -> None:
        """End its thread."""
        self.batcher.close()

    def _install(self, version: Version, share: float, fits: bool) -> bool:
        new, kept = version.bundle, True

        def change(table: BotTable) -> None:
            nonlocal kept
            if fits:
                self.versions.try_out(version, share)
                return
            kept = table.refit(new.state_size, new.noise_size, new.style())
            self.versions.take_back()
            self.versions.stable = version  # There is no way back to a version of another memory.

        self.batcher.between_turns(change)
        return kept


def _sizes(bundle: Bundle) -> tuple[int, int, int]:
    return bundle.state_size, bundle.noise_size, bundle.style_size
