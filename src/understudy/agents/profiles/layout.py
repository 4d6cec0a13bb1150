"""Which logits stand for which action: found by asking the policy, since a bundle's card does not say.

Raised far above the others, a logit settles what its action is, whatever the noise; lowered, it rules that action out.
The value that changes between the two tells which action it stands for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from understudy.agents.bundle import Bundle
from understudy.agents.profiles.nodes import BATCH, GraphBuilder
from understudy.agents.profiles.policy import PolicyGraph
from understudy.agents.profiles.sessions import open_model
from understudy.errors import BundleError
from understudy.spec import ActionSpec

_FAR = 60.0


@dataclass(frozen=True)
class Choice:
    """One choice of the policy: a `Discrete` part, or one button of a `MultiBinary`.

    Attributes:
        part: The action part.
        index: Of the button in it; 0 for a `Discrete`.
        columns: The logits of its classes, in order; a single one is the log-odds of a pressed button.
    """

    part: ActionSpec
    index: int
    columns: tuple[int, ...]

    @property
    def classes(self) -> int:
        """Between how many it chooses."""
        return max(2, len(self.columns)) if isinstance(self.part.space, spaces.MultiBinary) else self.part.num_labels

    @property
    def name(self) -> str:
        """As a game's key: the part's name, with the label or index of the button."""
        if isinstance(self.part.space, spaces.Discrete):
            return self.part.name
        return f"{self.part.name}_{self.part.labels[self.index] if self.part.labels else self.index}"


@dataclass(frozen=True)
class Layout:
    """What each logit is for.

    Attributes:
        choices: In the spec's order.
        numbers: The `Box` parts, in the spec's order.
        continuous: For each logit, 1 if no choice depends on it, else 0.
    """

    choices: tuple[Choice, ...]
    numbers: tuple[ActionSpec, ...]
    continuous: tuple[float, ...]

    @property
    def num_numbers(self) -> int:
        """How many numbers all `Box` parts have together."""
        return sum(each.num_labels for each in self.numbers)


def find_layout(bundle: Bundle, policy: PolicyGraph) -> Layout:
    """Ask a policy what its logits are for.

    Raises:
        BundleError: If a `Discrete` or `MultiBinary` part is not drawn class by class from logits of its own.
    """
    width = bundle.card.logits_size
    raised, lowered = (_answers(bundle, policy, np.eye(width, dtype=np.float32) * far) for far in (_FAR, -_FAR))
    choices = []
    used: set[int] = set()
    for part, high, low in zip(bundle.behavior.actions, raised, lowered, strict=True):
        if isinstance(part.space, spaces.Box):
            continue
        for index in range(high.shape[1]):
            driven = np.flatnonzero(high[:, index] != low[:, index])
            choices.append(_choice(part, index, driven, high[driven, index]))
            if used.intersection(choices[-1].columns):
                raise _unreadable(part)
            used.update(choices[-1].columns)
    numbers = tuple(part for part in bundle.behavior.actions if isinstance(part.space, spaces.Box))
    return Layout(tuple(choices), numbers, tuple(float(column not in used) for column in range(width)))


def _choice(part: ActionSpec, index: int, columns: np.ndarray, values: np.ndarray) -> Choice:
    order = columns[np.argsort(values, kind="stable")].tolist()
    expected = list(range(part.num_labels if isinstance(part.space, spaces.Discrete) else 2))
    single = isinstance(part.space, spaces.MultiBinary) and values.tolist() == [1]
    if sorted(values.tolist()) != expected and not single:
        raise _unreadable(part)
    return Choice(part, index, tuple(order))


def _unreadable(part: ActionSpec) -> BundleError:
    return BundleError(
        f"The action part '{part.name}' does not have a logit of its own for each of its choices, so an engine cannot "
        "mask them; this bundle can only be served."
    )


def _answers(bundle: Bundle, policy: PolicyGraph, logits: np.ndarray) -> Sequence[np.ndarray]:
    """Return what each row of logits leads to at noise of one half: by part, shape (rows, numbers)."""
    graph = GraphBuilder(17)
    sensors = {f"observation.{each.name}": each.space for each in bundle.behavior.sensors}
    inputs = {name: graph.input(name, (BATCH, *space.shape), space.dtype) for name, space in sensors.items()}
    sizes = {"state": bundle.state_size, "noise": bundle.noise_size, "style": bundle.style_size}
    inputs |= {name: graph.input(name, (BATCH, size)) for name, size in sizes.items()}
    policy.add_trunk(graph, inputs)
    asked = graph.input("asked", (BATCH, logits.shape[1]))
    drawn = policy.add_tail(graph, "tail", asked, inputs["noise"], inputs)
    wide = {}
    for part in bundle.behavior.actions:
        value = graph.reshape(drawn[f"action.{part.name}"], -1, math.prod(part.shape))
        wide[part.name] = graph.output(graph("Cast", value, to=1), (BATCH, math.prod(part.shape)))
    session = open_model(graph.finish({}))
    rows = len(logits)
    feed = {name: np.zeros((rows, *space.shape), space.dtype) for name, space in sensors.items()}
    feed |= {
        "state": np.zeros((rows, sizes["state"]), np.float32),
        "style": np.zeros((rows, sizes["style"]), np.float32),
    }
    feed |= {"noise": np.full((rows, sizes["noise"]), 0.5, np.float32), "asked": logits}
    known = {each.name for each in session.get_inputs()}
    return session.run(list(wide.values()), {name: value for name, value in feed.items() if name in known})
