"""A bundle that is loaded, checked and ready to play, and the choice of one by name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import PolicyRuntime
from understudy.errors import ServingError, suggest
from understudy.serving import understudy_pb2 as pb
from understudy.serving.batcher import Batcher
from understudy.serving.codec import Codec
from understudy.serving.table import BotTable, SlotPool

MAX_NAME = 80
"""Characters of a bundle's name in a request; longer ones are cut before they are compared and printed."""


class ServedBundle:
    """Everything the streams of one bundle share.

    Args:
        bundle: To play; its parity sample is replayed first.
        threads: Of ONNX Runtime for one batch.

    Raises:
        BundleError: If the graph cannot be loaded or answers otherwise than it did where it was exported.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        runtime = PolicyRuntime(bundle, threads)
        runtime.verify()
        self.bundle = bundle
        self.codec = Codec(bundle.behavior)
        self.slots = SlotPool()
        self.batcher = Batcher(runtime, BotTable(bundle.state_size, bundle.noise_size), bundle.name)

    @property
    def name(self) -> str:
        """As clients ask for it."""
        return self.bundle.name

    def to_message(self) -> pb.Bundle:
        """Return what clients are told of it."""
        return pb.Bundle(
            name=self.name,
            digest=self.bundle.digest,
            spec_json=self.bundle.behavior.to_json(),
            provenance_json=json.dumps(self.bundle.card.provenance),
        )

    def close(self) -> None:
        """End its thread."""
        self.batcher.close()


def load_bundles(folders: Iterable[Path]) -> list[Bundle]:
    """Open the bundles to serve.

    Raises:
        BundleError: If one is missing or damaged.
        ServingError: If there is none, or two have one name.
    """
    bundles: dict[str, Bundle] = {}
    for folder in folders:
        bundle = Bundle.load(folder)
        if bundle.name in bundles:
            raise ServingError(
                f"Both {bundles[bundle.name].folder} and {folder} are named '{bundle.name}'; serve them on two ports, "
                "or export one under another name."
            )
        bundles[bundle.name] = bundle
    if not bundles:
        raise ServingError("There is no bundle to serve; name at least one bundle folder.")
    return list(bundles.values())


def choose(served: Mapping[str, ServedBundle], name: str) -> ServedBundle:
    """Return the bundle called `name`, or the only one if `name` is empty.

    Raises:
        ServingError: If there is no such bundle, or the choice is not clear.
    """
    if not name and len(served) == 1:
        return next(iter(served.values()))
    if not name:
        raise ServingError(f"This server plays {len(served)} bundles; name one.{suggest('', served)}")
    if name not in served:
        name = name[:MAX_NAME]
        raise ServingError(f"This server plays no bundle named '{name}'.{suggest(name, served)}")
    return served[name]
