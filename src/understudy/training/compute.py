"""What a training computes on: threads of the CPU, or a GPU in bfloat16 with compiled kernels."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from understudy.errors import RecipeError, suggest
from understudy.training.recipe import LoopRecipe

DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class Compute:
    """Where and how to compute; it changes the speed of a training and its rounding, not what is trained.

    Attributes:
        device: `"cpu"` or `"cuda"`; each process of several on a machine takes a GPU of its own.
        bf16: Whether to compute in bfloat16 where its rounding does no harm; None for the recipe's choice on a CPU and
            always on a GPU.
        compiled: Whether `torch.compile` fuses the policy's operators; None for never on a CPU and always on a GPU.

    Raises:
        RecipeError: If there is no such device here.
    """

    device: str = "cpu"
    bf16: bool | None = None
    compiled: bool | None = None

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise RecipeError(f"There is no device '{self.device}'.{suggest(self.device, DEVICES)}")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise RecipeError(
                "PyTorch finds no CUDA device here; train without --device cuda, or install a PyTorch with CUDA."
            )

    def on(self, local: int) -> torch.device:
        """Return the device of this machine's process number `local`."""
        if self.device == "cpu":
            return torch.device("cpu")
        if local >= torch.cuda.device_count():
            raise RecipeError(f"This machine has {torch.cuda.device_count()} GPUs; start no more processes than that.")
        return torch.device("cuda", local)

    def uses_bf16(self, loop: LoopRecipe) -> bool:
        """Whether to compute in bfloat16."""
        return (loop.bf16 or self.device == "cuda") if self.bf16 is None else self.bf16

    @property
    def compiles(self) -> bool:
        """Whether to compile the policy."""
        return self.device == "cuda" if self.compiled is None else self.compiled
