"""How often two runtimes of one policy decide alike on recorded observations. Numpy alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from gymnasium import spaces

from understudy.agents.bundle import Bundle
from understudy.agents.noise import uniform_noise
from understudy.spec import BehaviorSpec, Json

if TYPE_CHECKING:
    from understudy.agents.runtime import PolicyRuntime

Piece = Sequence[np.ndarray]
"""Consecutive observations of one bot: per sensor, in the spec's order, an array of shape (steps, *sensor shape)."""


@dataclass(frozen=True)
class Divergence:
    """How a policy in fewer bits differs from the one in float32.

    Both see the same recorded observations, get the same noise, and carry a state of their own. Where their actions
    differ they are in two different situations from then on, which says nothing more of either; so the other then goes
    on from float32's state, and every difference counts once.

    Attributes:
        decisions: How many were compared.
        equal_actions: Share of them in which every part of the action was equal.
        equal_parts: The same by part.
        likeliest: Share in which the likeliest class of every choice was the same; None if the logits' layout is not
            known.
        free_running: As `equal_actions`, of a bot that is never given float32's state.
        max_logit_difference: The largest, over all decisions.
    """

    decisions: int
    equal_actions: float
    equal_parts: dict[str, float]
    likeliest: float | None
    free_running: float
    max_logit_difference: float

    def to_dict(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {**vars(self), "equal_parts": dict(self.equal_parts)}


def compare_play(reference: PolicyRuntime, other: PolicyRuntime, pieces: Sequence[Piece]) -> Divergence:
    """Play pieces of recordings with both, one bot a piece, in batches as a server would.

    Args:
        reference: In float32.
        other: Of the same bundle.
        pieces: Of any lengths, at least one step in all.
    """
    card = reference.bundle.card
    classes = choice_classes(card.behavior, card.logits_size)
    rows = list(_play_both(reference, other, pieces, classes))
    parts, free, likeliest, differences = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Divergence(
        decisions=len(parts),
        equal_actions=float(parts.all(axis=1).mean()),
        equal_parts=dict(zip(card.behavior.action_names, parts.mean(axis=0).tolist(), strict=True)),
        likeliest=float(likeliest.mean()) if classes else None,
        free_running=float(free.mean()),
        max_logit_difference=float(differences.max()),
    )


def play_batches(bundle: Bundle, pieces: Sequence[Piece]) -> Iterator[tuple[list[np.ndarray], np.ndarray, np.ndarray]]:
    """Give the sensors, the noise and the styles of each step of many bots, each of which plays one piece.

    The longest pieces come first, so that the bots of a step are the first ones of the step before. Named styles are
    dealt out in turn.
    """
    ordered = sorted(pieces, key=lambda piece: -len(piece[0]))
    lengths = np.array([len(piece[0]) for piece in ordered])
    named = [bundle.style(name) for name in bundle.card.styles] or [bundle.style()]
    styles = np.stack([named[index % len(named)] for index in range(len(ordered))])
    for step in range(lengths[0]):
        num = int((lengths > step).sum())
        sensors = [np.stack([piece[at][step] for piece in ordered[:num]]) for at in range(len(ordered[0]))]
        noise = uniform_noise(np.arange(num, dtype=np.uint64), np.full(num, step, np.uint64), bundle.noise_size)
        yield sensors, noise, styles[:num]


def choice_classes(behavior: BehaviorSpec, logits_size: int) -> list[int]:
    """Return the number of classes of each choice the logits are laid out in; empty if the spec does not tell.

    A spec does not say how many bins a `Box` has; if there is one `Box`, they are what the other parts leave over.
    """
    classes: list[int] = []
    unknown: list[tuple[int, int]] = []
    for part in behavior.actions:
        if isinstance(part.space, spaces.Box):
            unknown.append((len(classes), math.prod(part.shape)))
        else:
            one = isinstance(part.space, spaces.Discrete)
            classes += [part.num_labels] if one else [2] * part.num_labels
    rest = logits_size - sum(classes)
    if unknown:
        at, choices = unknown[0]
        classes[at:at] = [rest // choices] * choices
    return classes if sum(classes) == logits_size and len(unknown) < 2 and min(classes) > 1 else []


def _play_both(
    reference: PolicyRuntime, other: PolicyRuntime, pieces: Sequence[Piece], classes: Sequence[int]
) -> Iterator[tuple[np.ndarray, ...]]:
    """Give by step: which parts are equal, also of the free-running bot; equal likeliest classes; logits' distance."""
    state = np.zeros((len(pieces), reference.bundle.state_size), np.float32)
    theirs = free = state
    for sensors, noise, styles in play_batches(reference.bundle, pieces):
        num = len(noise)
        expected, state, logits = reference.explain(sensors, state[:num], noise, styles)
        found, theirs, their_logits = other.explain(sensors, theirs[:num], noise, styles)
        alone, free, _ = other.explain(sensors, free[:num], noise, styles)
        parts = _equal(expected, found)
        theirs = np.where(parts.all(axis=1, keepdims=True), theirs, state)
        likeliest = _likeliest_equal(logits, their_logits, classes)
        yield parts, np.all(_equal(expected, alone), axis=1), likeliest, np.abs(logits - their_logits).max(axis=1)


def _equal(expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> np.ndarray:
    """Whether each part of each bot's action is equal, shape (bots, parts)."""
    alike = [np.isclose(one, other, rtol=1e-5, atol=1e-5) for one, other in zip(expected, found, strict=True)]
    return np.stack([each.reshape(len(each), -1).all(axis=1) for each in alike], axis=1)


def _likeliest_equal(logits: np.ndarray, others: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Whether the likeliest class of every choice is the same, shape (bots,)."""
    same = np.ones(len(logits), bool)
    cuts = np.cumsum(classes)[:-1].tolist()
    for one, other in zip(np.split(logits, cuts, axis=1), np.split(others, cuts, axis=1), strict=True):
        same &= one.argmax(axis=1) == other.argmax(axis=1)
    return same
