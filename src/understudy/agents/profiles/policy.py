"""A bundle's graph taken apart where its logits are: what computes them, and what samples actions from them.

    observations, state ──► trunk ──► logits ──► tail ──► actions, next state
                                                  ▲
                                                noise

A profile puts something between the two: masks, other noise, the likeliest choice instead of a drawn one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.agents.profiles.folding import fold_constants
from understudy.agents.profiles.nodes import GraphBuilder, Node
from understudy.agents.profiles.opsets import to_opset
from understudy.errors import BundleError, require

_PREFIX = "policy/"


class PolicyGraph:
    """A bundle's graph in another opset, in two pieces.

    Args:
        bundle: To take apart.
        opset: Of the pieces.
        wide_integers: Whether to make every integer an int64, for engines that know no smaller ones.

    Raises:
        BundleError: If its actions are not drawn from its `logits` output, or the opset cannot say it.
    """

    def __init__(self, bundle: Bundle, opset: int, *, wide_integers: bool = False) -> None:
        onnx = require("onnx", "train")
        model = to_opset(fold_constants(onnx.load(str(bundle.policy_path))), opset)
        model = onnx.compose.add_prefix(model, _PREFIX)
        self.bundle = bundle
        self._onnx = onnx
        self._constants = {each.name: each for each in model.graph.initializer}
        self._nodes = [self._widen(node) if wide_integers else node for node in model.graph.node]
        self._makers = {name: node for node in self._nodes for name in node.output}
        self._logits = self._without_identities(f"{_PREFIX}logits")
        after = self._after({self._logits, f"{_PREFIX}noise"})
        before = self._before(self._logits)
        in_tail = [node.output[0] in after and node.output[0] not in before for node in self._nodes]
        self._tail = [node for node, inside in zip(self._nodes, in_tail, strict=True) if inside]
        self._trunk = [node for node, inside in zip(self._nodes, in_tail, strict=True) if not inside]
        self._drawn = {name for node in self._tail for name in node.output}
        self._check_drawn()

    def add_trunk(self, graph: GraphBuilder, inputs: Mapping[str, str]) -> str:
        """Add what computes the logits.

        Args:
            graph: To add to.
            inputs: The name in `graph` of each of the bundle's inputs.

        Returns:
            The name of the logits.
        """
        names = {f"{_PREFIX}{name}": value for name, value in inputs.items()}
        graph.constants |= self._constants
        graph.nodes += [self._renamed(node, names, "") for node in self._trunk]
        return self._logits

    def add_tail(
        self, graph: GraphBuilder, which: str, logits: str, noise: str, inputs: Mapping[str, str]
    ) -> dict[str, str]:
        """Add a copy of what draws actions.

        Args:
            graph: To add to, with the trunk in it.
            which: A name for this copy.
            logits: The name of those to draw from.
            noise: The name of the noise.
            inputs: As for `add_trunk`.

        Returns:
            The name in `graph` of each of the bundle's outputs but the logits.
        """
        names = {f"{_PREFIX}{name}": value for name, value in inputs.items()}
        names |= {self._logits: logits, f"{_PREFIX}noise": noise}
        graph.nodes += [self._renamed(node, names, f"{which}/") for node in self._tail]
        behavior = self.bundle.behavior
        outputs = [*(f"action.{name}" for name in behavior.action_names), "next_state"]
        return {each: self._name(f"{_PREFIX}{each}", f"{which}/") for each in outputs}

    def _renamed(self, node: Node, names: Mapping[str, str], prefix: str) -> Node:
        copy = self._onnx.NodeProto()
        copy.CopyFrom(node)
        copy.ClearField("name")  # a copy must not have the name of its original
        for field in (copy.input, copy.output):
            field[:] = [names.get(name) or self._name(name, prefix) for name in field]
        return copy

    def _name(self, name: str, prefix: str) -> str:
        return f"{prefix}{name}" if name in self._drawn else name

    def _without_identities(self, name: str) -> str:
        while name in self._makers and self._makers[name].op_type == "Identity":
            name = self._makers[name].input[0]
        return name

    def _after(self, sources: Iterable[str]) -> set[str]:
        reached = set(sources)
        for node in self._nodes:
            if reached.intersection(node.input):
                reached.update(node.output)
        return reached

    def _before(self, name: str) -> set[str]:
        reached = {name}
        for node in reversed(self._nodes):
            if reached.intersection(node.output):
                reached.update(node.input, node.output)
        return reached

    def _check_drawn(self) -> None:
        drawn = self._after({self._logits})
        missing = [each for each in self.bundle.behavior.action_names if f"{_PREFIX}action.{each}" not in drawn]
        if not missing:
            return
        if f"{_PREFIX}noise" in self._before(self._logits):
            raise BundleError(
                f"The bundle '{self.bundle.name}' chooses the parts of an action in the light of each other (its head "
                "is autoregressive or diffusion), where an engine draws each alone; serve the bundle, or train with "
                "'head: factored'."
            )
        raise BundleError(
            f"The bundle '{self.bundle.name}' does not draw its action part '{missing[0]}' from its logits, so no "
            "profile can be made of it."
        )

    def _widen(self, node: Node) -> Node:
        kinds = self._onnx.TensorProto
        small = (kinds.INT8, kinds.UINT8, kinds.INT16, kinds.UINT16, kinds.INT32)
        if node.op_type != "Cast" or node.attribute[0].i not in small:
            return node
        wide = self._onnx.NodeProto()
        wide.CopyFrom(node)
        wide.attribute[0].i = kinds.INT64
        return wide


def random_observations(bundle: Bundle, rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw observations within each sensor's range, or from a normal distribution where it has none.

    Returns:
        By sensor name, each of shape (rows, *sensor shape).
    """
    rng = np.random.default_rng(seed)
    drawn = {}
    for each in bundle.behavior.sensors:
        low, high = each.space.low.astype(np.float64), each.space.high.astype(np.float64)
        bounded = np.isfinite(low) & np.isfinite(high)
        uniform = rng.random((rows, *each.space.shape))
        ranged = np.where(bounded, low, 0) + uniform * (np.where(bounded, high, 1) - np.where(bounded, low, 0))
        values = np.where(bounded, ranged, np.clip(rng.normal(size=uniform.shape), low, high))
        whole = np.issubdtype(each.space.dtype, np.integer)
        drawn[each.name] = (np.round(values) if whole else values).astype(each.space.dtype)
    return drawn
