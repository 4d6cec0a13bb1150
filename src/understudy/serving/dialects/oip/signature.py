"""Which tensors a bundle takes and gives in this dialect."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.serving.codec import Field
from understudy.serving.dialects.oip.datatypes import name_of


class Tensor(NamedTuple):
    """An input or output.

    Attributes:
        field: Name, shape of one bot's row, dtype, and how it is read from bytes.
        datatype: The protocol's name of the dtype.
        optional: Whether a request may leave it out. Such tensors work, but are not listed in the metadata, since load
            generators fill whatever is listed with random numbers.
    """

    field: Field
    datatype: str
    optional: bool = False

    @property
    def name(self) -> str:
        """In requests and answers."""
        return self.field.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one bot's row."""
        return self.field.shape


class Signature:
    """The tensors of one version of a bundle.

    Beside the sensors, a request may give `seed` and `style` where a sequence starts, or `state` and `noise` where
    there is no sequence. A sensor or action part of the same name takes precedence.

    Args:
        bundle: That plays.

    Attributes:
        version: The first 32 bits of the graph's SHA-256, in decimal, since Triton's tools read versions as numbers.
        inputs: By name, the sensors first, in the spec's order.
        outputs: By name, in the spec's order; `next_state` is only given where there is no sequence.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.version = str(int(bundle.digest[:8], 16))
        behavior = bundle.behavior
        self.inputs = {
            each.name: _tensor("Input", each.name, each.space.shape, np.dtype(each.space.dtype))
            for each in behavior.sensors
        }
        extras = {"state": bundle.state_size, "noise": bundle.noise_size}
        extras |= {"style": bundle.style_size} if bundle.style_size else {}
        for name, size in extras.items():
            self.inputs.setdefault(name, _tensor("Input", name, (size,), np.dtype(np.float32), optional=True))
        self.inputs.setdefault("seed", _tensor("Input", "seed", (1,), np.dtype(np.int64), optional=True))
        self.outputs = {each.name: _tensor("Output", each.name, each.shape, each.dtype) for each in behavior.actions}
        next_state = _tensor("Output", "next_state", (bundle.state_size,), np.dtype(np.float32), optional=True)
        self.outputs.setdefault("next_state", next_state)


def _tensor(kind: str, name: str, shape: tuple[int, ...], dtype: np.dtype, *, optional: bool = False) -> Tensor:
    return Tensor(Field(f"{kind} '{name}'", name, shape, dtype), name_of(dtype), optional)
