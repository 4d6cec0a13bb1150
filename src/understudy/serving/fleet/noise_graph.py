"""The noise of `understudy.agents.noise` as ONNX nodes, so that a graph can draw it itself from a seed and a count.

Philox4x32-10 on the pairs E = (x0, x2) and O = (x1, x3). A round multiplies E by its two constants; the high words of
the products, mixed with the other pair and the key, are the next E, the low words the next O, both with their two words
in the other order. Ten rounds are an even number of swaps, so only the constants and keys of odd rounds are swapped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.agents.noise import ROUNDS
from understudy.errors import require

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
LOW = 0xFFFFFFFF


class Nodes:
    """Adds nodes and constants one at a time; each result has a name of its own under `prefix`."""

    def __init__(self, prefix: str) -> None:
        self._helper: Any = require("onnx.helper", "train")
        self._numpy_helper: Any = require("onnx.numpy_helper", "train")
        self._prefix = prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(self, op: str, *inputs: str, out: str = "", **attributes: object) -> str:
        """Add a node and return its output's name."""
        out = out or f"{self._prefix}/{op}_{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def constant(self, value: np.ndarray) -> str:
        """Add a constant and return its name."""
        name = f"{self._prefix}/constant_{len(self.constants)}"
        self.constants.append(self._numpy_helper.from_array(value, name))
        return name

    def cast(self, value: str, dtype: Any) -> str:
        """Add a cast and return its output's name."""
        return self("Cast", value, to=self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def split(self, value: str, axis: int, num: int) -> list[str]:
        """Cut a value into `num` equal parts and return their names."""
        names = [f"{self._prefix}/Split_{len(self.nodes)}_{index}" for index in range(num)]
        self.nodes.append(self._helper.make_node("Split", [value], names, axis=axis, num_outputs=num))
        return names


def add_noise(nodes: Nodes, seed: str, decision: str, size: int) -> str:
    """Add the noise of one decision of each bot.

    Args:
        nodes: To add to; of opset 18 at least.
        seed: Name of an int64 value of shape (batch, 1), whose bits are the seed.
        decision: Name of an int64 value of shape (batch, 1): how many decisions each bot made.
        size: Numbers a row.

    Returns:
        Name of a float32 value in [0, 1), of shape (batch, size).
    """
    blocks = max(-(-size // 4), 1)
    keys = _round_keys(nodes, seed)
    even, odd = _counters(nodes, decision, blocks)
    for index, key in enumerate(keys):
        even, odd = _round(nodes, index, even, odd, key)
    last = nodes.constant(np.array([3], np.int64))
    words = nodes("Concat", nodes("Unsqueeze", even, last), nodes("Unsqueeze", odd, last), axis=3)
    flat = nodes("Reshape", words, nodes.constant(np.array([-1, 4 * blocks], np.int64)))
    bounds = (nodes.constant(np.array([each], np.int64)) for each in (0, size, 1))
    row = nodes("Slice", flat, *bounds)
    top = nodes.cast(_shift(nodes, row, 8), np.float32)
    return nodes("Mul", top, nodes.constant(np.array(2.0**-24, np.float32)))


def _round_keys(nodes: Nodes, seed: str) -> list[str]:
    """Return the key of each round, uint64 (batch, 1, 2), in the order of that round's next E."""
    low, high = _halves(nodes, seed)
    swaps = np.array([[1, 0], [0, 1]] * (ROUNDS // 2), np.int64)
    both = nodes("Gather", nodes("Concat", low, high, axis=1), nodes.constant(swaps), axis=1)
    steps = np.array([[index * WEYL[word] for word in swaps[index]] for index in range(ROUNDS)], np.int64)
    moved = nodes("Add", nodes.cast(both, np.int64), nodes.constant(steps & LOW))
    return nodes.split(_low(nodes, nodes.cast(moved, np.uint64)), 1, ROUNDS)


def _counters(nodes: Nodes, decision: str, blocks: int) -> tuple[str, str]:
    """Return E = (decision's low word, block), (batch, blocks, 2), and O = (its high word, 0), (batch, 1, 2)."""
    axis = nodes.constant(np.array([2], np.int64))
    low, high = (nodes("Unsqueeze", each, axis) for each in _halves(nodes, decision))
    zero = nodes("BitwiseAnd", low, nodes.constant(np.zeros(1, np.uint64)))
    block = np.stack([np.zeros(blocks, np.uint64), np.arange(blocks, dtype=np.uint64)], axis=-1)[None]
    even = nodes("BitwiseOr", nodes("Concat", low, zero, axis=2), nodes.constant(block))
    return even, nodes("Concat", high, zero, axis=2)


def _round(nodes: Nodes, index: int, even: str, odd: str, key: str) -> tuple[str, str]:
    multipliers = np.array(MULTIPLIERS if index % 2 == 0 else MULTIPLIERS[::-1], np.int64)
    # As int64, since not every runtime multiplies uint64: the low 64 bits of the product are the same.
    product = nodes("Mul", nodes.cast(even, np.int64), nodes.constant(multipliers))
    words = nodes.cast(product, np.uint64)
    other = nodes("Gather", odd, nodes.constant(np.array([1, 0], np.int64)), axis=2)
    mixed = nodes("BitwiseXor", nodes("BitwiseXor", _shift(nodes, words, 32), other), key)
    return mixed, _low(nodes, words)


def _halves(nodes: Nodes, value: str) -> tuple[str, str]:
    words = nodes.cast(value, np.uint64)
    return _low(nodes, words), _shift(nodes, words, 32)


def _low(nodes: Nodes, value: str) -> str:
    return nodes("BitwiseAnd", value, nodes.constant(np.array([LOW], np.uint64)))


def _shift(nodes: Nodes, value: str, bits: int) -> str:
    return nodes("BitShift", value, nodes.constant(np.array([bits], np.uint64)), direction="RIGHT")
