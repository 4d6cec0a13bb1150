"""Several processes that train as one: each reads a part of every batch, and their gradients are averaged.

`torchrun` starts them and says by environment variables which is which; without it, a training is one process and
nothing here does anything.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType

import torch
import torch.distributed as dist
from torch import Tensor

from understudy.errors import RecipeError

# While the first process decodes recordings or learns to see, the others wait.
_PATIENCE = timedelta(hours=12)


@dataclass(frozen=True)
class Ranks:
    """Which of the processes this is.

    Attributes:
        rank: Its number, from 0.
        size: How many there are.
        local: Its number on this machine.
    """

    rank: int = 0
    size: int = 1
    local: int = 0

    @classmethod
    def from_environment(cls) -> Ranks:
        """Read what `torchrun` set."""
        names = ("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0")
        return cls(*(int(os.environ.get(name, default)) for name, default in names))

    @property
    def is_first(self) -> bool:
        """Whether this one writes checkpoints and speaks to the user."""
        return self.rank == 0

    def part(self, batch: int) -> slice:
        """Return which sequences of a batch this process reads; raises `RecipeError` if they cannot be shared out."""
        if batch % self.size:
            raise RecipeError(f"loop.batch ({batch}) must be a multiple of the number of processes ({self.size}).")
        share = batch // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def gather(self, part: Tensor) -> Tensor:
        """Return all processes' parts of a batch, in order, along the first dimension."""
        if self.size == 1:
            return part
        parts = [torch.empty_like(part) for _ in range(self.size)]
        # A policy without memory has nothing to send.
        if part.numel():
            dist.all_gather(parts, part.contiguous())
        return torch.cat(parts)

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of all processes' values."""
        if self.size == 1:
            return values
        total = values.clone()
        dist.all_reduce(total)
        return total / self.size

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether any process raises its flag; all of them get the same answer."""
        return flag if self.size == 1 else bool(self.mean(torch.tensor(float(flag), device=device)) > 0)

    def require_same(self, value: int, what: str, device: torch.device) -> None:
        """Raise `RecipeError` unless all processes have the same value."""
        if self.size > 1 and len(set(self.gather(torch.tensor([value], device=device)).tolist())) > 1:
            raise RecipeError(f"The processes find different {what}; give all of them one run folder that they share.")

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """Let the first process go ahead and write files, and the others find them."""
        if self.size > 1 and not self.is_first:
            dist.barrier()
        yield
        if self.size > 1 and self.is_first:
            dist.barrier()


@contextmanager
def join(device: torch.device, ranks: Ranks) -> Iterator[None]:
    """Connect the processes for as long as the block runs."""
    if ranks.size == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


class StopFlag:
    """Whether this process was asked to stop, by Ctrl-C or by `torchrun`, told only where all processes can stop.

    One process that raised in the middle of an update would leave the others waiting for it, and a checkpoint needs all
    of them. One process alone is interrupted as any program is.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.raised = False
        # Only the main thread may set handlers.
        self._catches = ranks.size > 1 and threading.current_thread() is threading.main_thread()
        self._before: dict[int, object] = {}

    def __enter__(self) -> StopFlag:
        if self._catches:
            self._before = {each: signal.signal(each, self._raise) for each in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _raise(self, _number: int, _frame: FrameType | None) -> None:
        self.raised = True
