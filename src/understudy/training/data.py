"""From a cache to the tensors of one update, gathered by a thread while the last update computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from understudy.agents.networks import ActionCodec
from understudy.recordings.cache import Cache, take_rows
from understudy.training.augment import Augment
from understudy.training.embed import Embedded
from understudy.training.stream import WindowBatch, WindowStream


@dataclass(frozen=True)
class Window:
    """What one update computes on.

    Attributes:
        sensors: By name, (batch, time, *sensor shape).
        targets: Class indices of the actions, int64, (batch, time, choices).
        past: One-hot of the action before each step, zeros where there was none, (batch, time, logits_size).
        valid: 1 where a step counts, float32, (batch, time).
        first: Whether the memory starts anew.
    """

    sensors: dict[str, Tensor]
    targets: Tensor
    past: Tensor
    valid: Tensor
    first: bool


def to_window(
    cache: Cache | Embedded, codec: ActionCodec, batch: WindowBatch, augment: Augment | None = None
) -> Window:
    """Gather the rows of a batch and turn actions into targets."""
    sensors, done = {}, {}
    for key, array in cache.arrays.items():
        kind, name = key.split(".", 1)
        if kind == "observation":
            sensors[name] = torch.from_numpy(take_rows(array, batch.rows))
        else:
            done[name] = torch.from_numpy(take_rows(array, np.stack([batch.rows, np.maximum(batch.past, 0)], 1)))
    flat = {name: value.flatten(1, 2) for name, value in done.items()}
    if augment is not None:
        sensors, flat = augment(sensors, flat, batch.group)
    time = batch.rows.shape[1]
    indices = codec.encode(flat)
    targets, before = indices[:, :time], indices[:, time:]
    known = torch.from_numpy(batch.past >= 0).unsqueeze(-1)
    valid = torch.from_numpy(batch.valid).float()
    return Window(sensors, targets, codec.one_hot(before) * known, valid, batch.first)


class Prefetch:
    """Makes windows ahead of their use, in order, in a thread of its own.

    Args:
        make: From an update's number to its window.
        start: First update.
        stop: One past the last.
        ahead: How many windows may wait.
    """

    def __init__(self, make: Callable[[int], Window], start: int, stop: int, ahead: int = 2) -> None:
        self._queue: queue.Queue[Window | BaseException | None] = queue.Queue(ahead)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(make, start, stop), daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Window]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Stop the thread, whatever it waits for."""
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue

    def _run(self, make: Callable[[int], Window], start: int, stop: int) -> None:
        try:
            for update in range(start, stop):
                if self._stopped.is_set():
                    return
                self._queue.put(make(update))
            self._queue.put(None)
        except BaseException as error:  # handed to the training thread, which raises it
            self._queue.put(error)


def window_maker(
    cache: Cache | Embedded, codec: ActionCodec, stream: WindowStream, augment: Augment | None
) -> Callable[[int], Window]:
    """Return the function from an update's number to its window."""
    return lambda update: to_window(cache, codec, stream.batch(update), augment)
