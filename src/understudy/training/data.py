"""From a cache to the tensors of one update, gathered by a thread while the last update computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from understudy.agents.networks import ActionCodec
from understudy.recordings.cache import Cache, take_rows
from understudy.training.augment import Augment
from understudy.training.demonstrations import Conditions, Demonstrations
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
        places: Which sequences of the whole batch these are, int64, (batch,).
        whole: How many sequences the whole batch has.
        num_valid: Steps that count in the whole batch, float32, ().
        conditions: What styles the sequences, if anything.
    """

    sensors: dict[str, Tensor]
    targets: Tensor
    past: Tensor
    valid: Tensor
    first: bool
    places: Tensor
    whole: int
    num_valid: Tensor
    conditions: Conditions | None = None

    def to(self, device: torch.device) -> Window:
        """Return the same on a device."""
        return self if device.type == "cpu" else _moved(self, device)


_Tensors = TypeVar("_Tensors", Window, Conditions)


def _moved(tensors: _Tensors, device: torch.device) -> _Tensors:
    """Copy all tensors of a dataclass to a device, from pinned memory so that the copies need not be waited for."""

    def move(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.pin_memory().to(device, non_blocking=True)
        if isinstance(value, dict):
            return {name: move(each) for name, each in value.items()}
        return _moved(value, device) if isinstance(value, Conditions) else value

    return replace(tensors, **{each.name: move(getattr(tensors, each.name)) for each in fields(tensors)})


def to_window(
    cache: Cache | Embedded,
    codec: ActionCodec,
    batch: WindowBatch,
    augment: Augment | None = None,
    conditions: Callable[[WindowBatch], Conditions] | None = None,
) -> Window:
    """Gather the rows of a batch, turn actions into targets, and draw what styles them."""
    sensors, done = {}, {}
    for key, array in cache.arrays.items():
        kind, name = key.split(".", 1)
        if kind == "observation":
            sensors[name] = torch.from_numpy(take_rows(array, batch.rows))
        else:
            done[name] = torch.from_numpy(take_rows(array, np.stack([batch.rows, np.maximum(batch.past, 0)], 1)))
    flat = {name: value.flatten(1, 2) for name, value in done.items()}
    if augment is not None:
        sensors, flat = augment(sensors, flat, batch.group, batch.places, batch.whole)
    time = batch.rows.shape[1]
    indices = codec.encode(flat)
    targets, before = indices[:, :time], indices[:, time:]
    known = torch.from_numpy(batch.past >= 0).unsqueeze(-1)
    valid = torch.from_numpy(batch.valid).float()
    return Window(
        sensors=sensors,
        targets=targets,
        past=codec.one_hot(before) * known,
        valid=valid,
        first=batch.first,
        places=torch.from_numpy(batch.places),
        whole=batch.whole,
        num_valid=torch.tensor(float(batch.num_valid)),
        conditions=conditions(batch) if conditions else None,
    )


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
    cache: Cache | Embedded,
    codec: ActionCodec,
    stream: WindowStream,
    augment: Augment | None,
    demonstrations: Demonstrations | None = None,
    part: slice = slice(None),
) -> Callable[[int], Window]:
    """Return the function from an update's number to its window, or to the part of it that one process reads."""
    conditions = _once_a_group(demonstrations.conditions) if demonstrations else None
    return lambda update: to_window(cache, codec, stream.batch(update).part(part), augment, conditions)


def _once_a_group(draw: Callable[[WindowBatch], Conditions]) -> Callable[[WindowBatch], Conditions]:
    """Keep what was drawn for the other windows of its group: rows from all over the recordings are slow to read."""
    kept: dict[int, Conditions] = {}

    def drawn(batch: WindowBatch) -> Conditions:
        if batch.group not in kept:
            kept.clear()
            kept[batch.group] = draw(batch)
        return kept[batch.group]

    return drawn
